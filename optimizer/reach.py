"""How far the portfolios that could still beat the best one reach in the factors, with the multipliers that prove it.

A portfolio with a ratio over r has an expected return of r sqrt(s) at least, for the least squared downside s at which
lines admit it. For multipliers y of the rules and m of that return, which are not negative,

    value'w  <=  y'bounds - m return + max over sizes of (value - matrix'y + m mu)'w,

and the last part is a sum of the largest numbers. The best multipliers are those of a linear program (HiGHS).
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy.optimize import linprog

from optimizer.limits import Limits
from optimizer.terms import Terms
from optimizer.volatility_floor import Reach, most_gained

if TYPE_CHECKING:
    from optimizer.certificate import Line

SAME = 1e-9


@dataclass(frozen=True, eq=False)
class ReachProof:
    """Of how far portfolios with a ratio over `over` reach.

    Attributes
    ----------
    lines
        That say how small its squared downside can be.
    axes : (r, K)
    multipliers : (T + 2 r, R + 1)
        For each scenario, each axis and each axis downwards: of the rules and of the expected return.
    """

    over: float
    lines: "tuple[Line, ...]"
    axes: np.ndarray
    multipliers: np.ndarray


def tightened_reach(proof: ReachProof, terms: Terms, limits: Limits, least_return: float) -> Reach | None:
    """What the multipliers prove of portfolios with this return; None where the axes are not axes of the scenarios."""
    factors, first = terms.factors[:, :-1], limits.reach
    if first is None or proof.axes.shape[1:] != factors.shape[1:]:
        return None
    squares = factors.T @ factors
    if np.abs(proof.axes.T @ proof.axes - squares).max() > SAME * np.abs(squares).max():
        return None
    m = np.maximum(proof.multipliers, 0.0)
    rules, wish = m[:, :-1], m[:, -1]
    values = _directions(terms, proof.axes)
    reached = rules @ limits.bounds - wish * least_return
    reached += most_gained(values - rules @ limits.matrix + wish[:, None] * terms.mu, limits)
    periods, r = len(factors), len(proof.axes)
    days = np.minimum(reached[:periods], first.days)  # known before, and still true
    return Reach(days, proof.axes, -reached[periods + r :], reached[periods : periods + r]).seen_by(factors)


def reach_multipliers(
    terms: Terms, limits: Limits, *, least_return: float, axes: np.ndarray, losing: np.ndarray, few: np.ndarray
) -> np.ndarray:
    """The best multipliers for the scenarios `losing` (T,) and all axes; programs over the names `few` find them."""
    values = _directions(terms, axes)
    wanted = np.r_[np.flatnonzero(losing), np.arange(len(losing), len(values))]
    rows = np.vstack([limits.matrix[:, few], -terms.mu[few]])
    sides = np.r_[limits.bounds, -least_return]
    if limits.cash_room > 0:
        rows, sides = np.vstack([rows, -np.ones(len(few))]), np.r_[sides, limits.cash_room - limits.budget]
    budget = {"A_eq": np.ones((1, len(few))), "b_eq": [limits.budget]} if limits.cash_room == 0 else {}
    multipliers = np.zeros((len(values), len(limits.bounds) + 1))
    for k in wanted:
        bounds = np.column_stack([np.zeros(len(few)), limits.caps[few]])
        found = linprog(-values[k, few], A_ub=rows, b_ub=sides, bounds=bounds, method="highs", **budget)
        if found.status == 0:
            multipliers[k] = -found.ineqlin.marginals[: multipliers.shape[1]]
    return np.maximum(multipliers, 0.0)


def _directions(terms: Terms, axes: np.ndarray) -> np.ndarray:
    """(T + 2 r, n) what is measured: gains of the scenarios, places along the axes, the same downwards."""
    along = axes @ terms.loadings[:, :-1].T
    return np.vstack([terms.factors @ terms.loadings.T, along, -along])
