"""The damages by name, whom they may hit, and the random numbers that draw the place."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from zlib import crc32

import numpy as np
from delivery import Files

Draw = np.random.Generator
DAILY = ("prices.csv", "index_levels.csv", "rates.csv")
FILES = ("prices.csv", "statements.csv", "announcements.csv", "index_levels.csv", "rates.csv")


@dataclass(frozen=True)
class Target:
    """Whom to hit: symbols with prices, those in portfolios first."""

    symbols: Sequence[str]
    held: Sequence[str]

    def name(self, draw: Draw) -> str:
        """A symbol; every other time one that is held."""
        return str(draw.choice(self.held if draw.random() < 0.5 else self.symbols))


Damage = Callable[[Files, Draw, Target], Files]
DAMAGES: dict[str, Damage] = {}


def damage(function: Damage) -> Damage:
    """Register a way to damage files."""
    DAMAGES[function.__name__] = function
    return function


def drawn(name: str, seed: int) -> Draw:
    """The random numbers of a damage and a seed."""
    return np.random.default_rng([seed, crc32(name.encode())])


def damaged(name: str, seed: int, files: Files, target: Target) -> Files:
    """The delivery with one damage, drawn by the seed."""
    return DAMAGES[name](files, drawn(name, seed), target)
