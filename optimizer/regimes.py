"""States of the market, each known when a month is decided: trend, volatility, rates, currency.

A split gives each month 1, 0 or -1 (not known yet). What is passed must be known at the decision: `at` holds the position of
the last value that was known then, and nothing after it is looked at.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from optimizer.errors import BadPanel
from optimizer.search_windows import PRIOR_MONTHS, Sums

FEWEST_MONTHS = PRIOR_MONTHS  # a thinner regime is shown, not scored
TREND_DAYS, VOLATILITY_DAYS = 200, 60
FEWEST_FOR_MEDIAN = 24  # months of volatility before one is called high or low
UNKNOWN = -1
MONTHS_PER_YEAR = 12


@dataclass(frozen=True, eq=False)
class Split:
    """A division of the months in two: `labels` (T,) hold 1 for `names[0]`, 0 for `names[1]`, -1 where it is not known yet."""

    name: str
    names: tuple[str, str]
    labels: np.ndarray

    def cells(self) -> dict[str, np.ndarray]:
        """Name of each state -> (T,) whether a month is in it."""
        return {f"{self.name} {name}": self.labels == value for name, value in zip(self.names, (1, 0), strict=True)}


def trend(levels: np.ndarray, at: np.ndarray, *, days: int = TREND_DAYS) -> Split:
    """Index above or below its mean over 200 sessions.

    Parameters
    ----------
    levels : (D,)
        Daily levels, oldest first.
    at : (T,)
        Position of the last session before each decision; -1 if there was none.
    """
    levels, at = _series(levels, at, "index levels")
    labels = np.full(len(at), UNKNOWN)
    for month, end in enumerate(at):
        if end + 1 >= days:
            labels[month] = levels[end] > levels[end + 1 - days : end + 1].mean()
    return Split("trend", ("up", "down"), labels)


def volatility(levels: np.ndarray, at: np.ndarray, *, days: int = VOLATILITY_DAYS) -> Split:
    """Volatility of 60 sessions above or below the median of all month ends so far."""
    levels, at = _series(levels, at, "index levels")
    log_returns = np.diff(np.log(levels))
    seen: list[float] = []
    labels = np.full(len(at), UNKNOWN)
    for month, end in enumerate(at):
        if end < days:
            continue
        seen.append(float(np.std(log_returns[end - days : end], ddof=1)))
        if len(seen) >= FEWEST_FOR_MEDIAN:
            labels[month] = seen[-1] > np.median(seen)
    return Split("volatility", ("high", "low"), labels)


def change(name: str, names: tuple[str, str], values: np.ndarray, at: np.ndarray, *, back: int) -> Split:
    """Whether a series stands above its value `back` places earlier: yields (rates up or down), dollars in yen (yen weaker or stronger)."""
    values, at = _series(values, at, name)
    known = at >= back
    moved = values[np.maximum(at, 0)] > values[np.maximum(at - back, 0)]
    return Split(name, names, np.where(known, moved.astype(int), UNKNOWN))


def rates(yields: np.ndarray, at: np.ndarray, *, back: int) -> Split:
    """Ten-year yield (or another rate) above or below its value of twelve months before; `back` is 12 for monthly values, 252 for daily."""
    return change("rates", ("rising", "falling"), yields, at, back=back)


def yen(usdjpy: np.ndarray, at: np.ndarray, *, back: int) -> Split:
    """Yen per dollar above (yen weaker) or below (yen stronger) its value of twelve months before."""
    return change("yen", ("weaker", "stronger"), usdjpy, at, back=back)


def marginal(splits: Sequence[Split]) -> dict[str, np.ndarray]:
    """Cells of each split by itself: for short histories."""
    return {name: cell for split in splits for name, cell in split.cells().items()}


def crossed(splits: Sequence[Split]) -> dict[str, np.ndarray]:
    """All combinations of states, e.g. eight cells of three splits; the months in which one is unknown are in none."""
    cells = {"": np.ones(len(splits[0].labels), dtype=bool)}
    for split in splits:
        cells = {
            f"{before}, {name}".lstrip(", "): inside & here for before, inside in cells.items() for name, here in split.cells().items()
        }
    return cells


@dataclass(frozen=True, eq=False)
class RegimeRow:
    """One regime: its months, whether they are enough to be scored, Sortino ratios (S,) of the own and the active return."""

    name: str
    months: int
    is_scored: bool
    own: np.ndarray
    active: np.ndarray


def regime_table(own: Sums, active: Sums, cells: dict[str, np.ndarray]) -> tuple[RegimeRow, ...]:
    """Sortino ratios of every subset in every regime; thin ones are shown too, NaN in those of under a year or without losses."""
    rows = []
    for name, cell in cells.items():
        count = int(cell.sum())
        nothing = np.full(own.growth.shape[1], np.nan)
        ratios = (own.sortino(cell), active.sortino(cell)) if count >= MONTHS_PER_YEAR else (nothing, nothing)
        rows.append(RegimeRow(name, count, count >= FEWEST_MONTHS, *ratios))
    return tuple(rows)


def _series(values: np.ndarray, at: np.ndarray, what: str) -> tuple[np.ndarray, np.ndarray]:
    values, at = np.asarray(values, dtype=float), np.asarray(at)
    if values.ndim != 1 or not np.isfinite(values).all():
        raise BadPanel(f"{what} must be one series without gaps; carry the last known value forward")
    if len(at) and (at.min() < -1 or at.max() >= len(values) or (np.diff(at) < 0).any()):
        raise BadPanel(f"{what}: positions must ascend from -1 to {len(values) - 1}; got {at.min()} to {at.max()}")
    return values, at
