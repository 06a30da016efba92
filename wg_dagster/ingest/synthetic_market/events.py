"""The event process: now and then low-quality volatility is bought, software sold, hardware bought, and good news and growth are sold.

Draws come a few times a decade at random months with random size, through all history. One of them falls in January 2026. The worlds
`event_off` and `event_flipped` take that one draw away or turn its sign; every other draw, and every other random number, is the same.
"""

from dataclasses import dataclass

import numpy as np

from wg_dagster.ingest.synthetic_market.parameters import EVENT_MONTH, Parameters
from wg_dagster.ingest.synthetic_market.sectors import HARDWARE, SOFTWARE
from wg_dagster.ingest.synthetic_market.weather import STYLES

MONTHLY_CHANCE = 0.02  # about 2.4 draws in ten years
MEDIAN_SIZE, SIZE_SPREAD = 1.0, 0.25  # sizes are lognormal
IN_JAPAN = 0.5  # Tokyo follows at half the size
SIGN_OF_WORLD = {"base": 1.0, "event_off": 0.0, "event_flipped": -1.0}


@dataclass(frozen=True)
class Shock:
    """Log return over the month at size 1: per unit of a trait, or of an industry.

    `junk` acts on the trait from `junk_floor` up: what is shunned is bought, what is sound is not sold for it. `news` and `growth` are
    large because a real portfolio holds little of them: noisy accounts let 25 names be 0.2 to 0.5 units ahead of their index.
    """

    junk: float = 0.060
    software: float = -0.100
    hardware: float = 0.080
    news: float = -0.080
    growth: float = -0.080
    junk_floor: float = -0.3


SHOCK = Shock()


def event_sizes(p: Parameters) -> np.ndarray:
    """Size of each month's draw (0 = none), (months,)."""
    return np.array([_size(p, month) for month in p.months])


def _size(p: Parameters, month: str) -> float:
    rng = p.stream("event", month)
    arrives, size = rng.random() < MONTHLY_CHANCE, MEDIAN_SIZE * float(np.exp(SIZE_SPREAD * rng.standard_normal()))
    if month == EVENT_MONTH:
        return SIGN_OF_WORLD[p.world] * size
    return size if arrives else 0.0


def effects(styles: np.ndarray, industry: np.ndarray) -> np.ndarray:
    """Log return of a draw of size 1 by slot, from the month's loadings (STYLES, slots) and the industries."""
    style = dict(zip(STYLES, styles, strict=True))
    traits = SHOCK.junk * np.maximum(style["junk"], SHOCK.junk_floor) + SHOCK.news * style["news"] + SHOCK.growth * style["growth"]
    return traits + SHOCK.software * np.equal(industry, SOFTWARE) + SHOCK.hardware * np.equal(industry, HARDWARE)
