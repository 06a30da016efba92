"""The k best names of every subset, compiled: the same names as `search_engine`, for whom numba is installed.

Names lie in groups of neighbours. The k-th largest of the groups' maxima bounds the k-th best score from below, so only groups that
reach it are looked through. Scores are whole numbers and ties go to the lowest column, so there is one answer, whoever computes it.
"""

import numpy as np
from numba import njit

from optimizer import search_engine
from optimizer.errors import BadPanel
from optimizer.search_engine import half_sums, pool_size
from optimizer.search_panel import Month

_GROUPS_PER_NAME = 10
_LARGEST = 65535


def top_names(month: Month, holdings: int) -> np.ndarray:
    """(subsets, holdings) positions among the month's members, ascending in each row: as `search_engine.top_names`."""
    if len(month.ranks) > _LARGEST:  # counts of names are kept in sixteen bits
        return search_engine.top_names(month, holdings)
    low, high = half_sums(month.ranks)
    if month.sector is None or month.sector_limit is None:
        chosen = _choose(low, high, holdings)
    else:
        chosen = _choose_within(low, high, holdings, pool_size(month, holdings), month.sector, month.sector_limit)
        short = (chosen < 0).any(axis=1)
        if short.any():
            admitted = int((chosen[short][0] >= 0).sum())
            raise BadPanel(f"month {month.earned_in}: the sector limits admit {admitted} names, {holdings} are wanted; raise sector_limit")
    return chosen[1:].astype(np.uint16)  # the first row is the empty subset


@njit(cache=True, nogil=True)
def _reaching(values, level):  # noqa: ANN001, ANN202 - numba infers the types
    """How many of the values reach a level. Sixteen bits throughout, so that the compiler uses whole vectors."""
    count = np.uint16(0)
    for j in range(values.shape[0]):
        count = np.uint16(count + (np.uint16(1) if values[j] >= level else np.uint16(0)))
    return count


@njit(cache=True, nogil=True)
def _level_of(values, k):  # noqa: ANN001, ANN202
    """A level that tells the k largest values from the others, bit by bit from the highest; the k-th largest itself where it is shared."""
    level = np.uint16(0)
    for bit in range(15, -1, -1):
        trial = np.uint16(level | np.uint16(1 << bit))
        reaching = _reaching(values, trial)
        if reaching >= k:
            level = trial
            if reaching == k:
                break
    return level


@njit(cache=True, nogil=True)
def _raise_to(maxima, values):  # noqa: ANN001, ANN202
    for g in range(maxima.shape[0]):
        maxima[g] = max(maxima[g], values[g])


@njit(cache=True, nogil=True)
def _candidates(low, high, scores, maxima, hits, pool, places, keys):  # noqa: ANN001, ANN202, PLR0917 - compiled functions take places
    """Places (ascending) and scores of all names that reach a score which at least `pool` names reach; their number.

    Group g of G holds the names g, g + G, g + 2 G, ...; what is left over belongs to none.
    """
    names, groups = low.shape[0], maxima.shape[0]
    deep = names // groups
    for j in range(names):
        scores[j] = np.uint16(low[j] + high[j])
    maxima[:] = scores[:groups]
    for layer in range(1, deep):
        _raise_to(maxima, scores[layer * groups : (layer + 1) * groups])
    threshold = _level_of(maxima, pool)
    reached = 0
    for g in range(groups):
        hits[reached] = g  # written anyway, kept where the number goes up: no branch
        reached += maxima[g] >= threshold
    found = 0
    for layer in range(deep):
        for hit in range(reached):
            place = layer * groups + hits[hit]
            places[found] = place
            keys[found] = scores[place]
            found += scores[place] >= threshold
    for place in range(deep * groups, names):
        places[found] = place
        keys[found] = scores[place]
        found += scores[place] >= threshold
    return found


@njit(cache=True, nogil=True)
def _choose(low, high, holdings):  # noqa: ANN001, ANN202
    names = low.shape[1]
    groups = min(names, _GROUPS_PER_NAME * holdings)
    scores, places, keys = np.empty(names, np.uint16), np.empty(names + 1, np.int32), np.empty(names + 1, np.uint16)
    maxima, hits = np.empty(groups, np.uint16), np.empty(groups + 1, np.int32)
    chosen = np.empty((high.shape[0] * low.shape[0], holdings), np.int32)
    row = 0
    for part in range(high.shape[0]):
        for rest in range(low.shape[0]):
            found = _candidates(low[rest], high[part], scores, maxima, hits, holdings, places, keys)
            if found == holdings:
                chosen[row, :] = places[:holdings]
            else:
                last = _level_of(keys[:found], holdings)
                ties, taken = holdings, 0
                for c in range(found):
                    ties -= keys[c] > last
                for c in range(found):
                    if keys[c] > last or (keys[c] == last and ties > 0):
                        ties -= keys[c] == last
                        chosen[row, taken] = places[c]
                        taken += 1
            row += 1
    return chosen


@njit(cache=True, nogil=True)
def _choose_within(low, high, holdings, pool, sector, limit):  # noqa: ANN001, ANN202, PLR0917
    """Names from the best down, passing over full sectors; -1 where the limits admit too few."""
    names = low.shape[1]
    scores, places, keys = np.empty(names, np.uint16), np.empty(names + 1, np.int32), np.empty(names + 1, np.uint16)
    maxima, hits = np.empty(names, np.uint16), np.empty(names + 1, np.int32)
    order, held = np.empty(names, np.int64), np.empty(limit.shape[0], np.int32)
    chosen = np.full((high.shape[0] * low.shape[0], holdings), -1, np.int32)
    row = 0
    for part in range(high.shape[0]):
        for rest in range(low.shape[0]):
            wide = pool
            while True:
                groups = min(names, _GROUPS_PER_NAME * wide)
                found = _candidates(low[rest], high[part], scores, maxima[:groups], hits, wide, places, keys)
                for c in range(found):
                    order[c] = (np.int64(_LARGEST - keys[c]) << 32) | places[c]
                best_first = np.sort(order[:found])
                held[:] = 0
                taken = 0
                for c in range(found):
                    name = best_first[c] & 0xFFFFFFFF
                    if held[sector[name]] < limit[sector[name]]:
                        held[sector[name]] += 1
                        chosen[row, taken] = name
                        taken += 1
                        if taken == holdings:
                            break
                if taken == holdings or wide == names:
                    break
                wide = min(names, 4 * wide)
            if taken == holdings:
                chosen[row, :] = np.sort(chosen[row, :])
            row += 1
    return chosen
