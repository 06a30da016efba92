"""Tests and intervals that keep months in blocks: superior predictive ability, Sortino intervals, paired comparison."""

from dataclasses import dataclass

import numpy as np

MONTHS_PER_YEAR = 12
MEAN_BLOCK = 6.0  # months
DRAWS = 1000
_COLUMNS = 2048


@dataclass(frozen=True)
class SuperiorAbility:
    """Hansen's (2005) test that no subset beats the benchmark; `lower` and `upper` bound the p-value, `upper` is White's reality check."""

    statistic: float
    p_lower: float
    p_consistent: float
    p_upper: float


def stationary_positions(periods: int, draws: int, *, seed: int, mean_block: float = MEAN_BLOCK) -> np.ndarray:
    """(draws, periods) positions in blocks of geometric length that wrap round the end: Politis and Romano (1994)."""
    rng = np.random.default_rng(seed)
    fresh = rng.integers(0, periods, (draws, periods))
    starts = rng.random((draws, periods)) < 1.0 / mean_block
    positions = np.empty((draws, periods), dtype=np.int64)
    positions[:, 0] = fresh[:, 0]
    for t in range(1, periods):
        positions[:, t] = np.where(starts[:, t], fresh[:, t], (positions[:, t - 1] + 1) % periods)
    return positions


def superior_ability(active: np.ndarray, *, seed: int, draws: int = DRAWS, mean_block: float = MEAN_BLOCK) -> SuperiorAbility:
    """Test of (T, S) active returns: the largest studentised mean against what it would be if no mean were above zero.

    The sample and every draw are each divided by their own standard error, and the draws are widened by what blocks of that length
    lose of the variance, 1 - (2 L - 1) / T. Without both, a hundred months in blocks of six reject a true hypothesis about twice as
    often as they should. p-values count the sample itself as one draw, so they are never 0. With trading costs the means lie
    below zero under the hypothesis, and the test rejects less often than its level says.
    """
    months, subsets = active.shape
    positions = stationary_positions(months, draws, seed=seed, mean_block=mean_block)
    times = np.zeros((draws, months))
    np.add.at(times, (np.arange(draws)[:, None], positions), 1.0)
    widened = _widening(months, mean_block)
    best = 0.0
    largest = np.zeros((3, draws))  # lower, consistent, upper
    for start in range(0, subsets, _COLUMNS):
        part = active[:, start : start + _COLUMNS]
        error = part.std(axis=0) / np.sqrt(months - 1)
        part, error = part[:, error > 1e-12], error[error > 1e-12]
        if not part.shape[1]:
            continue
        mean, drawn = part.mean(axis=0), times @ part / months
        drawn_error = np.sqrt(np.maximum(times @ (part * part) / months - drawn**2, 1e-24) / (months - 1))
        ratio = mean / error
        best = max(best, float(ratio.max()))
        hopeless = ratio < -np.sqrt(2.0 * np.log(np.log(months)))
        for row, centre in enumerate((np.maximum(mean, 0.0), np.where(hopeless, 0.0, mean), mean)):
            largest[row] = np.maximum(largest[row], ((drawn - centre) * widened / drawn_error).max(axis=1))
    p = [(1 + np.count_nonzero(row >= best)) / (draws + 1) for row in largest]
    return SuperiorAbility(best, *(float(value) for value in p))


def monthly_sortino(returns: np.ndarray) -> np.ndarray:
    """Sortino ratio a year of (..., T) monthly returns, target 0, geometric; NaN where nothing was lost."""
    growth = np.log1p(returns).mean(axis=-1)
    risk = np.sqrt((np.minimum(returns, 0.0) ** 2).mean(axis=-1) * MONTHS_PER_YEAR)
    return np.divide(np.expm1(MONTHS_PER_YEAR * growth), risk, out=np.full_like(risk, np.nan), where=risk > 0)


def sortino_interval(
    returns: np.ndarray, *, seed: int, level: float = 0.90, draws: int = DRAWS, mean_block: float = MEAN_BLOCK
) -> tuple[float, float]:
    """Percentile interval of the Sortino ratio of (T,) monthly returns; draws without a loss are left out."""
    ratios = monthly_sortino(returns[stationary_positions(len(returns), draws, seed=seed, mean_block=mean_block)])
    ratios = ratios[np.isfinite(ratios)]
    if not len(ratios):
        return float("nan"), float("nan")
    low, high = np.quantile(ratios, [(1.0 - level) / 2.0, (1.0 + level) / 2.0])
    return float(low), float(high)


def paired_p_value(
    challenger: np.ndarray, incumbent: np.ndarray, *, seed: int, draws: int = DRAWS, mean_block: float = MEAN_BLOCK
) -> float:
    """One-sided p-value that the challenger's Sortino ratio is above the incumbent's over the same (T,) months.

    Both are drawn in the same blocks; the share of draws in which the challenger is not ahead, the draws being widened as in
    `superior_ability`. At a level of 5 % a true hypothesis is rejected in 4 to 6 % of samples of 120 or 180 months and in 8 % of those
    of 60 (measured, 500 samples each). NaN where one of them lost nothing.
    """
    seen = float(monthly_sortino(challenger) - monthly_sortino(incumbent))
    positions = stationary_positions(len(challenger), draws, seed=seed, mean_block=mean_block)
    drawn = monthly_sortino(challenger[positions]) - monthly_sortino(incumbent[positions])
    drawn = drawn[np.isfinite(drawn)]
    if not np.isfinite(seen) or not len(drawn):
        return float("nan")
    return float((1 + np.count_nonzero(seen + (drawn - seen) * _widening(len(challenger), mean_block) <= 0.0)) / (len(drawn) + 1))


def _widening(months: int, mean_block: float) -> float:
    """What makes up for the variance that blocks of this mean length lose."""
    return float(1.0 / np.sqrt(1.0 - (2.0 * mean_block - 1.0) / months))
