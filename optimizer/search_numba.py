"""The k best names of every subset, compiled: the same names as `search_engine`, for whom numba is installed.

Names lie in groups: group g of G holds the names g, g + G, g + 2 G, ... The k-th largest of the groups' maxima bounds the k-th best
score from below, so only the few names that reach it are looked at. Scores are whole numbers and ties go to the lowest column, so there
is one answer, whoever computes it.
"""

import numpy as np
from numba import njit

from optimizer import search_engine
from optimizer.errors import BadPanel
from optimizer.search_engine import half_sums, pool_size
from optimizer.search_numba_bits import LANES, add_lanes, count_bits, lowest_bit, raise_lanes, reaching
from optimizer.search_panel import Month

_GROUPS_PER_NAME = 10
_LARGEST = 65535
_TILE = 32  # rows of partial sums that stay in the processor's cache while they meet all others
_ONE = np.uint64(1)
_FEW = 200


def top_names(month: Month, holdings: int) -> np.ndarray:
    """(subsets, holdings) positions among the month's members, ascending in each row: as `search_engine.top_names`."""
    names = len(month.ranks)
    if names > _LARGEST:  # positions are kept in sixteen bits
        return search_engine.top_names(month, holdings)
    # Names that do not exist score 0; all others score at least 1, in every subset that is not empty.
    low, high = half_sums(np.pad(month.ranks, ((0, -names % LANES), (0, 0))))
    if month.sector is None or month.sector_limit is None:
        chosen = _choose(low, high, holdings)
    else:
        chosen = _choose_within(low, high, holdings, pool_size(month, holdings), names, month.sector, month.sector_limit)
        short = (chosen < 0).any(axis=1)
        short[0] = False
        if short.any():
            admitted = int((chosen[short][0] >= 0).sum())
            raise BadPanel(f"month {month.earned_in}: the sector limits admit {admitted} names, {holdings} are wanted; raise sector_limit")
    return chosen[1:].astype(np.uint16)  # the first row is the empty subset


@njit(cache=True, nogil=True)
def _level_of(values, width, k):  # noqa: ANN001, ANN202 - numba infers the types
    """A level that tells the k largest of `width` values (whole lanes) from the others, bit by bit from the highest.

    The k-th largest itself where it is shared.
    """
    level = np.uint16(0)
    for bit in range(15, -1, -1):
        trial = np.uint16(level | np.uint16(1 << bit))
        count = 0
        for start in range(0, width, LANES):
            count += count_bits(reaching(values, start, trial))
        if count >= k:
            level = trial
            if count == k:
                break
    return level


@njit(cache=True, nogil=True)
def _candidates(low, high, scores, maxima, pool, words, starts, places, keys):  # noqa: ANN001, ANN202, PLR0917 - compiled functions take places
    """Places (ascending) and scores of all names that reach a score which at least `pool` names reach; their number."""
    names, groups = low.shape[0], maxima.shape[0]
    for start in range(0, groups, LANES):
        add_lanes(low, high, scores, start)
        for j in range(start, start + LANES):
            maxima[j] = scores[j]
    for start in range(groups, names, LANES):
        add_lanes(low, high, scores, start)
        raise_lanes(maxima, start % groups, scores, start)
    threshold = _level_of(maxima, groups, pool)
    filled = 0
    for start in range(0, names, LANES):
        bits = reaching(scores, start, threshold)
        words[filled] = bits  # written anyway, kept where the number goes up: a branch here would be a guess
        starts[filled] = start
        filled += bits != 0
    found = 0
    for word in range(filled):
        bits, start = words[word], starts[word]
        while True:
            place = start + lowest_bit(bits)
            places[found] = place
            keys[found] = scores[place]
            found += 1
            bits &= bits - _ONE
            if bits == 0:
                break
    return found


@njit(cache=True, nogil=True)
def _choose(low, high, holdings):  # noqa: ANN001, ANN202
    names = low.shape[1]
    groups = _groups(names, holdings)
    scores, places, keys = np.empty(names, np.uint16), np.empty(names, np.int32), np.empty(names + LANES, np.uint16)
    words, starts, maxima = np.empty(names // LANES, np.uint64), np.empty(names // LANES, np.int32), np.empty(groups, np.uint16)
    chosen = np.zeros((high.shape[0] * low.shape[0], holdings), np.uint16)
    for tile in range(0, low.shape[0], _TILE):
        for part in range(high.shape[0]):
            for rest in range(tile, min(tile + _TILE, low.shape[0])):
                row = part * low.shape[0] + rest
                if row == 0:
                    continue
                found = _candidates(low[rest], high[part], scores, maxima, holdings, words, starts, places, keys)
                _keep_best(places, keys, found, holdings, chosen[row])
    return chosen


@njit(cache=True, nogil=True)
def _groups(names, pool):  # noqa: ANN001, ANN202
    """A whole number of lanes."""
    return min(names, (_GROUPS_PER_NAME * pool + LANES - 1) // LANES * LANES)


@njit(cache=True, nogil=True)
def _keep_best(places, keys, found, holdings, row):  # noqa: ANN001, ANN202
    """The places of the best of the names that were found, ties to the first."""
    if found == holdings:
        for c in range(found):
            row[c] = places[c]
        return
    for c in range(found, found + LANES):
        keys[c] = 0
    last = _level_of(keys, (found + LANES - 1) // LANES * LANES, holdings)
    ties, taken = holdings, 0
    for c in range(found):
        ties -= keys[c] > last
    for c in range(found):
        if keys[c] > last or (keys[c] == last and ties > 0):
            ties -= keys[c] == last
            row[taken] = places[c]
            taken += 1


@njit(cache=True, nogil=True)
def _choose_within(low, high, holdings, pool, members, sector, limit):  # noqa: ANN001, ANN202, PLR0917
    """Names from the best down, passing over full sectors; -1 where the limits admit too few."""
    names = low.shape[1]
    scores, places, keys = np.empty(names, np.uint16), np.empty(names, np.int32), np.empty(names, np.uint16)
    words, starts = np.empty(names // LANES, np.uint64), np.empty(names // LANES, np.int32)
    maxima, order, held = np.empty(names, np.uint16), np.empty(names, np.int64), np.empty(limit.shape[0], np.int32)
    chosen = np.full((high.shape[0] * low.shape[0], holdings), -1, np.int32)
    for tile in range(0, low.shape[0], _TILE):
        for part in range(high.shape[0]):
            for rest in range(tile, min(tile + _TILE, low.shape[0])):
                row = part * low.shape[0] + rest
                if row == 0:
                    continue
                wide = pool
                while True:
                    found = _candidates(low[rest], high[part], scores, maxima[: _groups(names, wide)], wide, words, starts, places, keys)
                    for c in range(found):
                        order[c] = (np.int64(_LARGEST - keys[c]) << 32) | places[c]
                    _sort(order[:found])
                    taken = _fill(order[:found], holdings, sector, limit, held, chosen[row])
                    if taken == holdings or wide == members:
                        break
                    wide = min(members, 4 * wide)
                if taken == holdings:
                    _sort(chosen[row])
    return chosen


@njit(cache=True, nogil=True)
def _sort(values):  # noqa: ANN001, ANN202
    """In place; the few that are usual are put in one by one."""
    if values.shape[0] > _FEW:
        values[:] = np.sort(values)
        return
    for c in range(1, values.shape[0]):
        value, place = values[c], c
        while place > 0 and values[place - 1] > value:
            values[place] = values[place - 1]
            place -= 1
        values[place] = value


@njit(cache=True, nogil=True)
def _fill(best_first, holdings, sector, limit, held, row):  # noqa: ANN001, ANN202, PLR0917
    """Take names while their sectors have room; how many were taken."""
    held[:] = 0
    taken = 0
    for entry in best_first:
        name = entry & 0xFFFFFFFF
        if held[sector[name]] < limit[sector[name]]:
            held[sector[name]] += 1
            row[taken] = name
            taken += 1
            if taken == holdings:
                break
    return taken
