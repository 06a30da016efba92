"""What to hold, given what was known: the rules that are compared, from the naive maximum to shrunken premia."""

from dataclasses import dataclass

import numpy as np

from optimizer.search import Search
from optimizer.search_booking import book
from optimizer.search_engine import top_weighted
from optimizer.search_subsets import subset_of

TOP_SHARE = 0.01
LARGEST_WEIGHT = 1000  # factor weights are whole numbers: sums of ranks stay exact
BASELINES = ("all", "incumbent")
CANDIDATES = ("top_1_percent", "premia")
NAIVE = "best"


@dataclass(frozen=True, eq=False)
class Choice:
    """Either subsets, held side by side in equal parts, or whole weights (F,) of the factors in one portfolio."""

    subsets: tuple[int, ...] = ()
    weights: np.ndarray | None = None


def choices(
    search: Search, preference: np.ndarray, known: np.ndarray | slice, incumbent: tuple[str, ...] | None = None
) -> dict[str, Choice]:
    """What each rule holds.

    Parameters
    ----------
    preference : (S,)
        As it stood at the decision.
    known
        Months whose premia were known.

    Returns
    -------
    `best` (the naive maximum), `top_1_percent` (mean of the best subsets), `premia` (shrunken regression premia as weights of the
    factors), `all` (every factor alike) and, where there is one, `incumbent`.
    """
    ranked = best_first(preference)
    chosen = {
        NAIVE: Choice(tuple(ranked[:1].tolist())),
        "top_1_percent": Choice(tuple(ranked[: top_count(len(preference))].tolist())),
        "premia": Choice(weights=shrunken_weights(search.premia[known])),
        "all": Choice((len(preference) - 1,)),
    }
    if incumbent is not None:
        chosen["incumbent"] = Choice((subset_of(incumbent, search.factors),))
    return chosen


def best_first(preference: np.ndarray) -> np.ndarray:
    """Subsets by falling preference, ties by lowest position."""
    return np.argsort(-preference, kind="stable")


def top_count(subsets: int) -> int:
    """Subsets in the top 1 %, at least one."""
    return max(1, round(TOP_SHARE * subsets))


def shrunken_premia(premia: np.ndarray) -> np.ndarray:
    """(F,) mean premia, each drawn to their common mean by how uncertain it is (empirical Bayes).

    m_j' = m + s^2 / (s^2 + e_j^2) (m_j - m), e_j the standard error of m_j over months, s^2 the variance of the true premia: that of
    the means less the mean e_j^2, at least 0.
    """
    means, errors = premia.mean(axis=0), premia.var(axis=0, ddof=1) / len(premia)
    true_variance = max(float(means.var(ddof=1) - errors.mean()), 0.0) if len(means) > 1 else 0.0
    common = means.mean()
    return common + true_variance / np.maximum(true_variance + errors, 1e-300) * (means - common)


def shrunken_weights(premia: np.ndarray) -> np.ndarray:
    """(F,) shrunken premia, those below zero left out, as whole numbers up to 1,000; all alike where none is positive."""
    positive = np.maximum(shrunken_premia(premia), 0.0)
    if positive.max() <= 0.0:
        return np.full(premia.shape[1], LARGEST_WEIGHT)
    return np.rint(LARGEST_WEIGHT * positive / positive.max()).astype(np.int64)


def earned(search: Search, choice: Choice, months: np.ndarray) -> np.ndarray:
    """Net returns of a choice in months (positions, ascending); no portfolio work unless the factors have weights.

    A subset's returns carry its own trading costs; going from one set of subsets to another at a refit is not charged.
    """
    if choice.weights is None:
        return np.expm1(search.own.growth[months[:, None], choice.subsets]).mean(axis=1)
    weights, returns, before = choice.weights, np.empty(len(months)), None
    for position, t in enumerate(months):
        month = search.months[t]
        if (before is None or before[0] is not search.months[t - 1]) and t > 0:
            before = (search.months[t - 1], top_weighted(search.months[t - 1], weights, search.holdings))
        chosen = top_weighted(month, weights, search.holdings)
        returns[position] = np.expm1(book(month, chosen, before, search.cost).growth[0])
        before = (month, chosen)
    return returns
