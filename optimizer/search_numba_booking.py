"""What the chosen names earned in a month, compiled: the same sums as `search_booking`, bit by bit, for whom numba is installed.

Every sum is added in the order in which `search_booking` adds it, and nothing may be rearranged (no fast arithmetic).
"""

import numpy as np
from numba import njit

from optimizer.search_booking import Booked, booked, check_values
from optimizer.search_panel import Month


def book(month: Month, chosen: np.ndarray, before: tuple[Month, np.ndarray] | None, cost: float) -> Booked:
    """Sums of one month: as `search_booking.book`."""
    traded = np.ones(len(chosen))
    if before is not None:
        last, held = before
        names = int(max(month.columns[-1], last.columns[-1])) + 1
        end = np.ascontiguousarray(last.growth[:, -1])
        _trade(traded, chosen, month.columns, held, last.columns, end, np.zeros(names))
    growth = np.ascontiguousarray(month.growth)
    sums, end_value = np.empty((6, len(chosen))), np.empty(len(chosen))
    lowest = _earn(chosen, growth, month.benchmark, 1.0 - cost * traded, sums, end_value)
    check_values(month, lowest)
    return booked(month, end_value, tuple(sums), traded)


@njit(cache=True, nogil=True, error_model="numpy")
def _trade(traded, chosen, columns, held, last_columns, end, table):  # noqa: ANN001, ANN202, PLR0917 - numba infers the types; compiled functions take places
    """Sum of absolute changes of weight from last month's drifted names to equal weights; `table` holds zeros before and after."""
    old, new = held.shape[1], chosen.shape[1]
    equal = 1.0 / new
    for row in range(chosen.shape[0]):
        total = 0.0
        for i in range(old):
            total += end[held[row, i]]
        left = 0.0
        for i in range(old):
            weight = end[held[row, i]] / total if total > 0.0 else 0.0
            table[last_columns[held[row, i]]] = weight
            left += weight
        kept = changed = 0.0
        for i in range(new):
            weight = table[columns[chosen[row, i]]]
            kept += weight
            changed += abs(equal - weight)
        for i in range(old):
            table[last_columns[held[row, i]]] = 0.0
        traded[row] = changed + (left - kept)


@njit(cache=True, nogil=True, error_model="numpy")
def _earn(chosen, growth, benchmark, share, sums, end_value):  # noqa: ANN001, ANN202, PLR0917
    """Fill the six sums over days (own, then active: r, r^2, min(r, 0)^2) and the last day's value; the lowest value of any day."""
    days, k = growth.shape[1], chosen.shape[1]
    value = np.empty(days)
    lowest = np.inf
    for row in range(chosen.shape[0]):
        value[:] = 0.0
        for i in range(k):
            name = growth[chosen[row, i]]
            for day in range(days):
                value[day] += name[day]
        for day in range(days):
            value[day] = value[day] / k * share[row]
            lowest = min(lowest, value[day])
        before = 1.0
        total = squares = downside = 0.0
        active_total = active_squares = active_downside = 0.0
        for day in range(days):
            own = value[day] / before - 1.0
            before = value[day]
            active = own - benchmark[day]
            loss, active_loss = min(own, 0.0), min(active, 0.0)
            total += own
            squares += own * own
            downside += loss * loss
            active_total += active
            active_squares += active * active
            active_downside += active_loss * active_loss
        sums[0, row], sums[1, row], sums[2, row] = total, squares, downside
        sums[3, row], sums[4, row], sums[5, row] = active_total, active_squares, active_downside
        end_value[row] = before
    return lowest
