"""Sums over months, and the Sortino ratio of any window of months that follows from them with no portfolio work."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

PRIOR_MONTHS = 24  # a regime of n months counts n / (n + 24) of its own figure
_QUIET = 0.01  # a downside deviation below this share of the typical one is taken as this share


@dataclass(frozen=True, eq=False)
class Sums:
    """Sums over the days of each month (rows) and subset (columns), multiples of 2^-40, so that they add up exactly in any order.

    Attributes
    ----------
    periods : (T,)
        Days a month.
    growth : (T, S)
        Log of the month's growth: own, or over the benchmark's.
    total, squares, downside : (T, S)
        Sums of r, r^2 and min(r, 0)^2, r being the daily return, own or less the benchmark's.
    periods_per_year
        252 for days, 12 where the panel has one return a month.
    """

    periods: np.ndarray
    growth: np.ndarray
    total: np.ndarray
    squares: np.ndarray
    downside: np.ndarray
    periods_per_year: int

    def sortino(self, months: np.ndarray | slice) -> np.ndarray:
        """(S,) geometric annualised return over annualised downside deviation in a window; NaN where nothing was lost."""
        reward, risk = self.reward_and_risk(months)
        return np.divide(reward, risk, out=np.full_like(reward, np.nan), where=risk > 0)

    def reward_and_risk(self, months: np.ndarray | slice) -> tuple[np.ndarray, np.ndarray]:
        """Annualised return and downside deviation, (S,) each."""
        return annualised(
            self.growth[months].sum(axis=0), self.downside[months].sum(axis=0), self.periods[months].sum(), self.periods_per_year
        )


def annualised(growth: np.ndarray, downside: np.ndarray, periods: float, periods_per_year: int) -> tuple[np.ndarray, np.ndarray]:
    """Return and downside deviation per year from the sums of a window."""
    return np.expm1(growth * (periods_per_year / periods)), np.sqrt(downside * (periods_per_year / periods))


def preference(reward: np.ndarray, risk: np.ndarray) -> np.ndarray:
    """What subsets are ranked by: the Sortino ratio where the return is positive, else return less downside deviation.

    A negative ratio would prefer the riskier of two equal losses. Positive ratios stay above all losses. Where (almost) nothing
    was lost, the deviation counts as 1 % of the typical one: a ratio over zero is no merit.
    """
    typical = np.median(risk)
    return np.where(reward > 0.0, reward / np.maximum(risk, max(_QUIET * typical, 1e-12)), reward - risk)


def worst_regime(pooled: np.ndarray, by_cell: np.ndarray, months: np.ndarray) -> np.ndarray:
    """(S,) the lowest preference over regimes, each shrunk to the subset's own over all months.

    Parameters
    ----------
    pooled : (S,)
        Preference over all months.
    by_cell : (C, S)
        Preference in each regime.
    months : (C,)
        Months of each regime: its own figure weighs months / (months + 24).
    """
    share = (months / (months + PRIOR_MONTHS))[:, None]
    return (share * by_cell + (1.0 - share) * pooled).min(axis=0)


def preferences(
    sums: Sums, *, first: int, every: int = 1, rolling: int | None = None, cells: np.ndarray | None = None, fewest: int = PRIOR_MONTHS
) -> Iterator[tuple[int, np.ndarray]]:
    """Preference for each subset as it stood before month t = first, first + every, ...: only months before t are used.

    Parameters
    ----------
    rolling
        Length of the window in months; all months so far without it.
    cells : (C, T), optional
        Months of each regime. The preference is then that of the worst regime with at least `fewest` months in the window.
    """
    totals = [_Total(sums, np.ones(len(sums.periods), dtype=bool))] + [_Total(sums, cell) for cell in (() if cells is None else cells)]
    for t in range(len(sums.periods) + 1):
        if t >= first and (t - first) % every == 0:
            pooled = totals[0].preference()
            scored = [total for total in totals[1:] if total.months >= fewest]
            if scored:
                by_cell = np.array([total.preference() for total in scored])
                pooled = worst_regime(pooled, by_cell, np.array([total.months for total in scored]))
            yield t, pooled
        for total in totals:
            total.move(t, rolling)


class _Total:
    """Running sums of the months of one regime."""

    def __init__(self, sums: Sums, is_in: np.ndarray) -> None:
        self.sums, self.is_in = sums, is_in
        self.months, self.periods = 0, 0
        self.growth, self.downside = np.zeros(sums.growth.shape[1]), np.zeros(sums.growth.shape[1])
        self._latest: np.ndarray | None = None

    def move(self, t: int, rolling: int | None) -> None:
        """Take month t in, and the month that leaves the window out."""
        self._add(t, 1)
        if rolling is not None:
            self._add(t - rolling, -1)

    def preference(self) -> np.ndarray:
        if self._latest is None:
            self._latest = preference(*annualised(self.growth, self.downside, self.periods, self.sums.periods_per_year))
        return self._latest

    def _add(self, t: int, sign: int) -> None:
        if not 0 <= t < len(self.is_in) or not self.is_in[t]:
            return
        self.months += sign
        self.periods += sign * int(self.sums.periods[t])
        self.growth += sign * self.sums.growth[t]
        self.downside += sign * self.sums.downside[t]
        self._latest = None
