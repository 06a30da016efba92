"""What a synthetic market is made from: its scale, its seed and its streams of random numbers."""

import hashlib
import json
from dataclasses import asdict, dataclass
from functools import cached_property
from zlib import crc32

import numpy as np

from wg_dagster.calendars import months_between
from wg_dagster.errors import UnknownValue

WORLDS = ("base", "event_off", "event_flipped")
EVENT_MONTH = "2026-01"


@dataclass(frozen=True)
class Parameters:
    """Size, span, seed and world; equal parameters give equal bytes."""

    seed: int
    n_us: int
    n_jp: int
    first: str
    last: str
    world: str = "base"

    def __post_init__(self) -> None:
        if self.world not in WORLDS:
            raise UnknownValue(f"world {self.world!r} is not known; known: {', '.join(WORLDS)}")
        if self.n_us < 30 or self.n_jp < 12:
            raise UnknownValue(f"{self.n_us} US and {self.n_jp} JP names are too few to fill 11 sectors; give at least 30 and 12")
        if len(self.months) < 6:
            raise UnknownValue(f"{self.first} to {self.last} is too short a span; give at least 6 months")

    @cached_property
    def months(self) -> list[str]:
        """All months, oldest first."""
        return months_between(self.first, self.last)

    def names(self, market: str) -> int:
        """Number of lines listed at a time."""
        return self.n_us if market == "US" else self.n_jp

    def digest(self) -> str:
        """Hash of all parameters."""
        return hashlib.sha256(json.dumps(asdict(self), sort_keys=True).encode()).hexdigest()

    def stream(self, *path: object) -> np.random.Generator:
        """Random numbers of one component; no component can disturb another one's, and the world is not part of the seed."""
        return np.random.default_rng([self.seed, crc32("/".join(map(str, path)).encode())])


SCALES = {
    # enough names for the three strategies, enough years for the longest factor plus a few years of results
    "embedded": {"n_us": 400, "n_jp": 150, "first": "2018-11", "last": "2026-10"},
    # the size of the real markets
    "full": {"n_us": 5000, "n_jp": 2000, "first": "2006-11", "last": "2026-10"},
    # a market for tests
    "tiny": {"n_us": 30, "n_jp": 14, "first": "2024-01", "last": "2026-06"},
    # the smallest market in which a strategy (next_major_100) has portfolios; the two others say why they have none
    "small": {"n_us": 160, "n_jp": 30, "first": "2024-11", "last": "2026-06"},
}


def parameters(seed: int, scale: str, world: str, **changes: object) -> Parameters:
    """Parameters of a named scale, with some of them changed."""
    if scale not in SCALES:
        raise UnknownValue(f"scale {scale!r} is not known; known: {', '.join(SCALES)}")
    wanted = {name: value for name, value in changes.items() if value is not None}
    return Parameters(seed=seed, world=world, **{**SCALES[scale], **wanted})  # ty: ignore[invalid-argument-type]
