"""What the chosen names earned in a month, net of the cost of getting there, as sums that add up over months.

Names are bought with equal weight on the first day and drift to the end of the month. Trading is what separates the drifted
weights of last month's names from equal weights in this month's.
"""

from dataclasses import dataclass

import numpy as np
from scipy.sparse import csr_array

from optimizer.errors import BadPanel
from optimizer.search_panel import Month

_EXACT = 2.0**-40
_ROWS = 256  # subsets whose old weights are laid out at a time


@dataclass(frozen=True, eq=False)
class Booked:
    """One month of every subset: own and active sums over its days, (subsets,) each.

    `growth` is the log of the month's growth, own, or over the benchmark's; `total`, `squares` and `downside` are sums over days
    of r, r^2 and min(r, 0)^2 of the own return r, or of the return less the benchmark's. All are multiples of 2^-40.
    """

    growth: np.ndarray
    total: np.ndarray
    squares: np.ndarray
    downside: np.ndarray
    active_growth: np.ndarray
    active_total: np.ndarray
    active_squares: np.ndarray
    active_downside: np.ndarray
    traded: np.ndarray


def book(month: Month, chosen: np.ndarray, before: tuple[Month, np.ndarray] | None, cost: float) -> Booked:
    """Sums of one month.

    Parameters
    ----------
    chosen : (subsets, k)
        Positions among the month's members.
    before
        Last month and what was chosen in it; without it all is bought from cash.
    cost
        Per unit of weight bought or sold; paid on the first day.
    """
    traded = np.ones(len(chosen)) if before is None else _traded(month, chosen, *before)
    value = _values(month, chosen) * (1.0 - cost * traded)
    check_values(month, value.min())
    returns = np.concatenate([value[:1] - 1.0, value[1:] / value[:-1] - 1.0])
    active = returns - month.benchmark[:, None]
    return booked(month, value[-1], (*_sums(returns), *_sums(active)), traded)


def check_values(month: Month, lowest: float) -> None:
    """BadPanel where a portfolio lost everything."""
    if lowest <= 0.0:
        raise BadPanel(f"month {month.earned_in}: a portfolio lost everything, returns below it have no meaning; check returns and cost")


def booked(month: Month, end_value: np.ndarray, sums: tuple[np.ndarray, ...], traded: np.ndarray) -> Booked:
    """A month from the last day's values and the six sums over days, own and active, in the order of `Booked`."""
    growth = np.log(end_value)
    market = np.prod(1.0 + month.benchmark)
    parts = (growth, *sums[:3], growth - np.log(market), *sums[3:])
    return Booked(*(exact(part) for part in parts), traded.astype(np.float32))


def exact(values: np.ndarray) -> np.ndarray:
    """Values as multiples of 2^-40: any sum of them below 8,192 is exact, so it does not hang on order, threads or grouping."""
    return np.rint(values / _EXACT) * _EXACT


def _values(month: Month, chosen: np.ndarray) -> np.ndarray:
    """(days, subsets) value of one unit in equal weights; names are added up in the order of their columns."""
    subsets, k = chosen.shape
    picked = csr_array((np.ones(subsets * k), chosen.ravel(), np.arange(0, subsets * k + 1, k)), shape=(subsets, len(month.growth)))
    return np.ascontiguousarray((picked @ month.growth).T) / k


def _sums(returns: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    losses = np.minimum(returns, 0.0)
    return _in_order(returns), _in_order(returns * returns), _in_order(losses * losses)


def _in_order(rows: np.ndarray) -> np.ndarray:
    """Sum of the rows from the first to the last: numpy may add in another order, and a compiled loop could not follow it."""
    total = rows[0].copy()
    for row in rows[1:]:
        total += row
    return total


def _traded(month: Month, chosen: np.ndarray, last: Month, held: np.ndarray) -> np.ndarray:
    """(subsets,) sum of absolute changes of weight: 0 = nothing to do, 2 = all sold and all bought."""
    end = last.growth[:, -1]
    names = int(max(month.columns[-1], last.columns[-1])) + 1
    table = np.zeros((_ROWS, names))
    traded = np.empty(len(chosen))
    for start in range(0, len(chosen), _ROWS):
        old, new = held[start : start + _ROWS], chosen[start : start + _ROWS]
        row = np.arange(len(old))[:, None]
        weight = end[old]
        total = _in_order(weight.T)[:, None]
        weight = np.divide(weight, total, out=np.zeros_like(weight), where=total > 0)  # all lost: bought from nothing
        table[row, last.columns[old]] = weight
        kept = table[row, month.columns[new]]
        table[row, last.columns[old]] = 0.0
        traded[start : start + _ROWS] = _in_order(np.abs(1.0 / new.shape[1] - kept).T) + (_in_order(weight.T) - _in_order(kept.T))
    return traded
