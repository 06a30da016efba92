"""Few tests instead of many: each factor by its regression premium and its main effect in the grid, false discoveries controlled."""

from dataclasses import dataclass

import numpy as np
from scipy.special import stdtr

from optimizer.search import Search
from optimizer.search_subsets import membership, with_and_without

LAGS = 6
FALSE_DISCOVERY_RATE = 0.10


@dataclass(frozen=True)
class FactorTest:
    """One-sided tests of one factor: regression premium, and mean of subsets with it less the same subsets without it.

    Attributes
    ----------
    premium, effect
        Means a month.
    premium_q, effect_q
        p-values adjusted for the number of factors (Benjamini-Hochberg).
    is_found
        Both are below the false discovery rate.
    """

    factor: str
    months: int
    premium: float
    premium_t: float
    premium_q: float
    effect: float
    effect_t: float
    effect_q: float
    is_found: bool


def factor_tests(search: Search, months: np.ndarray | None = None) -> tuple[FactorTest, ...]:
    """Tests of all factors over all months, or those of a regime (T,) (neighbours in the regime then count as neighbours in time)."""
    inside = np.ones(len(search.months), dtype=bool) if months is None else months
    premia, effects = search.premia[inside], main_effects(search.monthly[inside], len(search.factors))
    premium_t, effect_t = newey_west_t(premia), newey_west_t(effects)
    premium_q, effect_q = (benjamini_hochberg(stdtr(len(premia) - 1, -value)) for value in (premium_t, effect_t))
    return tuple(
        FactorTest(
            factor,
            len(premia),
            *(float(part[i]) for part in (premia.mean(axis=0), premium_t, premium_q, effects.mean(axis=0), effect_t, effect_q)),
            is_found=bool(max(premium_q[i], effect_q[i]) < FALSE_DISCOVERY_RATE),
        )
        for i, factor in enumerate(search.factors)
    )


def main_effects(monthly: np.ndarray, factors: int) -> np.ndarray:
    """(T, F) mean return of the subsets that hold a factor beside others, less that of the same subsets without it; 0 for one factor."""
    side = np.zeros((monthly.shape[1], factors))
    for factor in range(factors):
        held, missing = with_and_without(factor, factors)
        side[held, factor], side[missing, factor] = 1.0, -1.0
    pairs = max((1 << (factors - 1)) - 1, 1)
    return monthly @ side / pairs


def newey_west_t(series: np.ndarray, *, lags: int = LAGS) -> np.ndarray:
    """(K,) means of (T, K) series over their standard errors with Bartlett weights (Newey and West, 1987)."""
    periods = len(series)
    moves = series - series.mean(axis=0)
    variance = (moves**2).sum(axis=0)
    for lag in range(1, min(lags, periods - 1) + 1):
        variance = variance + 2.0 * (1.0 - lag / (lags + 1.0)) * (moves[lag:] * moves[:-lag]).sum(axis=0)
    error = np.sqrt(np.maximum(variance, 0.0)) / periods
    return np.divide(series.mean(axis=0), error, out=np.zeros(series.shape[1]), where=error > 1e-15)


def benjamini_hochberg(p: np.ndarray) -> np.ndarray:
    """Adjusted p-values: rejecting those below q keeps the expected share of false discoveries at q (1995).

    >>> benjamini_hochberg(np.array([0.01, 0.04, 0.03, 0.80])).round(4).tolist()
    [0.04, 0.0533, 0.0533, 0.8]
    """
    order = np.argsort(-p, kind="stable")
    scaled = p[order] * len(p) / np.arange(len(p), 0, -1)
    adjusted = np.empty(len(p))
    adjusted[order] = np.minimum(np.minimum.accumulate(scaled), 1.0)
    return adjusted


def inclusion(subsets: np.ndarray, factors: int) -> np.ndarray:
    """(F,) share of the given subsets that hold each factor; by chance it is a little over one half."""
    return membership(factors)[subsets].mean(axis=0)
