"""How much of a search's best result is luck: probability of overfitting, number of independent trials, deflated Sharpe ratio."""

from dataclasses import dataclass
from itertools import combinations

import numpy as np
from scipy.special import ndtr, ndtri

from optimizer.errors import TooFewReturns

MONTHS_PER_YEAR = 12
MOST_BLOCKS = 16
FEWEST_MONTHS_A_BLOCK = 3
RANK_CLASSES = 20
_AT_A_TIME = 64
_QUIET = 0.01  # as in search_windows: a ratio over (almost) no loss is no merit


@dataclass(frozen=True)
class Overfitting:
    """Probability of backtest overfitting (PBO) and what the in-sample winner made of it.

    Attributes
    ----------
    probability
        Share of the splits in which the subset that is best in one half of the months falls below the median in the other.
    in_sample, out_of_sample
        Mean preference (Sortino ratio where positive) of the winners in their own and in the other half.
    ranks : (20,)
        Share of the splits in which the winner's rank in the other half lies in each twentieth, worst first.
    """

    probability: float
    splits: int
    blocks: int
    in_sample: float
    out_of_sample: float
    ranks: tuple[float, ...] = ()


def overfitting(returns: np.ndarray, *, blocks: int = MOST_BLOCKS) -> Overfitting:
    """Combinatorially symmetric cross-validation (CSCV) of (T, S) monthly returns: Bailey, Borwein, Lopez de Prado, Zhu (2017).

    The months are cut into an even number of blocks (fewer than `blocks` where a block would have under three months); each half of
    the blocks in turn chooses the best subset, the other half judges it. The measure is the arithmetic Sortino ratio a year.
    """
    months, subsets = returns.shape
    blocks = min(blocks, months // FEWEST_MONTHS_A_BLOCK) // 2 * 2
    if blocks < 4 or subsets < 2:
        raise TooFewReturns(f"symmetric cross-validation needs 12 months and 2 subsets, got {months} and {subsets}")
    edges = np.arange(blocks) * months // blocks
    losses = np.minimum(returns, 0.0) ** 2
    total, loss = np.add.reduceat(returns, edges, axis=0), np.add.reduceat(losses, edges, axis=0)
    count = np.diff(np.r_[edges, months]).astype(float)
    quiet = _QUIET * max(float(np.median(np.sqrt(losses.mean(axis=0) * MONTHS_PER_YEAR))), 1e-12)
    halves = _halves(blocks)
    ranks, inside, outside = [], [], []
    for start in range(0, len(halves), _AT_A_TIME):
        one = halves[start : start + _AT_A_TIME]
        figures = [_preference(half @ total, half @ loss, half @ count, quiet) for half in (one, 1.0 - one)]
        for chosen_by, judged_by in (figures, figures[::-1]):
            winner = np.argmax(chosen_by, axis=1)
            won = np.take_along_axis(judged_by, winner[:, None], axis=1)
            below, same = (judged_by < won).sum(axis=1), (judged_by == won).sum(axis=1)
            ranks.append((below + (same + 1) / 2) / (subsets + 1))
            inside.append(chosen_by[np.arange(len(one)), winner])
            outside.append(won[:, 0])
    rank = np.concatenate(ranks)
    probability = float((rank < 0.5).mean() + 0.5 * (rank == 0.5).mean())
    twentieths = np.bincount(np.minimum((rank * RANK_CLASSES).astype(int), RANK_CLASSES - 1), minlength=RANK_CLASSES) / len(rank)
    means = float(np.concatenate(inside).mean()), float(np.concatenate(outside).mean())
    return Overfitting(probability, len(rank), blocks, *means, ranks=tuple(twentieths.tolist()))


def effective_trials(returns: np.ndarray) -> float:
    """Number of independent trials among (T, S) active returns: participation ratio of the eigenvalues of their correlations."""
    centred = returns - returns.mean(axis=0)
    spread = np.sqrt((centred**2).sum(axis=0))
    moving = spread > 1e-12
    if not moving.any():
        return 1.0
    unit = centred[:, moving] / spread[moving]
    return float(moving.sum() ** 2 / ((unit @ unit.T) ** 2).sum())


def sharpe_of(returns: np.ndarray) -> np.ndarray:
    """Mean over standard deviation (n - 1) per period, along the first axis; 0 where nothing moves."""
    spread = returns.std(axis=0, ddof=1)
    return np.divide(returns.mean(axis=0), spread, out=np.zeros_like(spread), where=spread > 1e-12)


def expected_best_sharpe(variance: float, trials: float) -> float:
    """Sharpe ratio per period that the best of independent trials without merit is expected to show."""
    if trials <= 1.0:
        return 0.0
    first, second = ndtri(1.0 - 1.0 / trials), ndtri(1.0 - 1.0 / (trials * np.e))
    return float(np.sqrt(variance) * ((1.0 - np.euler_gamma) * first + np.euler_gamma * second))


def deflated_sharpe(returns: np.ndarray, *, variance: float, trials: float) -> float:
    """Probability that the Sharpe ratio of (T,) returns is above what the best of that many trials shows by luck.

    Bailey and Lopez de Prado (2014), per period, with skewness and kurtosis of the returns. `variance` is that of the Sharpe ratios
    of all trials.
    """
    if np.ptp(returns) == 0.0:
        return float("nan")
    standard = (returns - returns.mean()) / returns.std()
    shape = float((standard**3).mean()), float((standard**4).mean())
    return probabilistic_sharpe(float(sharpe_of(returns)), expected_best_sharpe(variance, trials), len(returns), *shape)


def probabilistic_sharpe(ratio: float, threshold: float, periods: int, skewness: float, kurtosis_: float) -> float:
    """Probability that the true Sharpe ratio per period is above a threshold, the sample's being `ratio`; normal returns have kurtosis 3."""
    spread = 1.0 - skewness * ratio + (kurtosis_ - 1.0) / 4.0 * ratio**2
    return float(ndtr((ratio - threshold) * np.sqrt(periods - 1) / np.sqrt(max(spread, 1e-12))))


def _halves(blocks: int) -> np.ndarray:
    """(splits / 2, blocks) halves that hold the first block; the others are their complements."""
    rows = [(0, *rest) for rest in combinations(range(1, blocks), blocks // 2 - 1)]
    halves = np.zeros((len(rows), blocks))
    halves[np.arange(len(rows))[:, None], np.array(rows)] = 1.0
    return halves


def _preference(total: np.ndarray, loss: np.ndarray, count: np.ndarray, quiet: float) -> np.ndarray:
    reward, risk = total * (MONTHS_PER_YEAR / count)[:, None], np.sqrt(loss * (MONTHS_PER_YEAR / count)[:, None])
    return np.where(reward > 0.0, reward / np.maximum(risk, quiet), reward - risk)
