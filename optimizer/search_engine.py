"""The k best names of every subset of the factors in one month, exactly.

A subset's score is the sum of its factors' ranks, a whole number below 65,536: no rounding, so every way to compute it gives
the same names. Ties go to the lowest column. The factors are split into two halves, whose 2 x 128 partial sums (of 14) make
every score with one addition. The k-th largest of the maxima of groups of names cannot exceed the k-th largest score: what
lies below it is dropped, and the few names that remain are sorted.

With sector limits the names are taken from the best down, passing over full sectors (greedy, the usual fast rule; it is the
best portfolio under the limits by sum of scores, since swapping within a sector or out of a full one never adds score).
"""

import numpy as np

from optimizer.errors import BadPanel
from optimizer.search_panel import Month

_GROUPS_PER_NAME = 5  # groups of names for each name that is wanted: about 1.1 candidates a place remain
_COLUMN_BITS, _SCORE_BITS = 24, 16  # a candidate in one integer: row, missing score, column


def top_names(month: Month, holdings: int) -> np.ndarray:
    """(subsets, holdings) positions among the month's members, ascending in each row."""
    low, high = half_sums(month.ranks)
    block = _Block(month, holdings, low.shape[1])
    chosen = np.concatenate([block.choose(low + part) for part in high])[1:]  # the first row is the empty subset
    return chosen.astype(np.uint16) if len(month.ranks) <= 1 << 16 else chosen


def top_weighted(month: Month, weights: np.ndarray, holdings: int) -> np.ndarray:
    """(1, holdings) positions of the best names by a sum of ranks with whole non-negative weights."""
    score = month.ranks.astype(np.int64) @ np.asarray(weights, dtype=np.int64)
    order = np.lexsort((np.arange(len(score)), -score))[None, :]
    taken = order if month.sector is None else _within_limits(order, month, holdings)
    return np.sort(taken[:, :holdings], axis=1)


class _Block:
    """Chooses names for one block of subsets after the other."""

    def __init__(self, month: Month, holdings: int, width: int) -> None:
        self.month, self.holdings, self.width = month, holdings, width
        self.names = len(month.ranks)
        self.first_pool = pool_size(month, holdings)

    def choose(self, scores: np.ndarray) -> np.ndarray:
        """(rows, holdings) positions for (rows, names) scores."""
        pool = self.first_pool
        order = _best_first(scores, pool)
        if self.month.sector is None:
            return np.sort(order, axis=1)
        chosen = _within_limits(order, self.month, self.holdings)
        while (short := chosen[:, -1] < 0).any():
            if pool == self.names:
                raise BadPanel(
                    f"month {self.month.earned_in}: the sector limits admit {np.count_nonzero(chosen[short][0] >= 0)} names, "
                    f"{self.holdings} are wanted; raise sector_limit"
                )
            pool = min(self.names, 4 * pool)
            chosen[short] = _within_limits(_best_first(scores[short], pool), self.month, self.holdings)
        return np.sort(chosen, axis=1)


def pool_size(month: Month, holdings: int) -> int:
    """Names to sort at first: under sector limits more than are wanted."""
    return min(len(month.ranks), holdings if month.sector is None else 2 * holdings + 10)


def half_sums(ranks: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Sums of ranks for all subsets of the first half of the factors, and of the second: (2^f, names) each, empty set first."""
    factors = ranks.shape[1]
    return _subset_sums(ranks.T[: (factors + 1) // 2]), _subset_sums(ranks.T[(factors + 1) // 2 :])


def _subset_sums(ranks: np.ndarray) -> np.ndarray:
    sums = np.zeros((1 << len(ranks), ranks.shape[1]), dtype=np.uint16)
    for i, rank in enumerate(ranks):
        sums[1 << i : 2 << i] = sums[: 1 << i] + rank
    return sums


def _best_first(scores: np.ndarray, pool: int) -> np.ndarray:
    """(rows, pool) positions of the largest scores, best first, ties by lowest position."""
    rows, names = scores.shape
    threshold = _reachable(scores, pool)
    hits = np.flatnonzero(scores >= threshold[:, None])
    row, column = np.divmod(hits, names)
    missing = 65535 - scores.ravel()[hits].astype(np.int64)
    keys = (row << _SCORE_BITS | missing) << _COLUMN_BITS | column
    keys.sort()
    first = np.searchsorted(keys, np.arange(rows) << _SCORE_BITS + _COLUMN_BITS)
    return keys[first[:, None] + np.arange(pool)] & (1 << _COLUMN_BITS) - 1


def _reachable(scores: np.ndarray, pool: int) -> np.ndarray:
    """(rows,) scores that at least `pool` names of the row reach: the pool-th largest maximum of groups of names."""
    names = scores.shape[1]
    groups = min(names, _GROUPS_PER_NAME * pool)
    deep = names // groups  # names left over belong to no group: a maximum over fewer names bounds as well
    maxima = scores[:, : deep * groups].reshape(len(scores), deep, groups).max(axis=1)
    return np.partition(maxima, groups - pool, axis=1)[:, groups - pool]


def _within_limits(order: np.ndarray, month: Month, holdings: int) -> np.ndarray:
    """The first `holdings` names of each row that find room in their sector; -1 where the row holds too few."""
    assert month.sector is not None
    assert month.sector_limit is not None
    rows, pool = order.shape
    sector = month.sector[order]
    group = np.arange(rows)[:, None] * len(month.sector_limit) + sector
    sequence = np.argsort((group * pool + np.arange(pool)).ravel())  # by row and sector, best first
    sorted_group = group.ravel()[sequence]
    starts = np.flatnonzero(np.r_[True, sorted_group[1:] != sorted_group[:-1]])
    place = np.empty(rows * pool, dtype=np.int64)
    place[sequence] = np.arange(rows * pool) - np.repeat(starts, np.diff(np.r_[starts, rows * pool]))
    fits = place.reshape(rows, pool) < month.sector_limit[sector]
    taken = fits & (np.cumsum(fits, axis=1) <= holdings)
    chosen = np.full((rows, holdings), -1, dtype=np.int64)
    row, position = np.nonzero(taken)
    chosen[row, (np.cumsum(taken, axis=1) - 1)[row, position]] = order[row, position]
    return chosen
