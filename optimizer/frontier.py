"""Portfolios from the least downside to the greatest expected return, each with its own certificate."""

from dataclasses import replace

import numpy as np

from optimizer.errors import Infeasible
from optimizer.mandate import Mandate
from optimizer.solve import TARGET_GAP, Solution, solve
from optimizer.universe import Universe

LOWEST = 1e-3  # of the mean slope: downside is all but free
REACHABLE = 0.99  # of the way to the greatest return of the relaxation, which whole positions may just miss


def frontier(
    universe: Universe, mandate: Mandate, current: np.ndarray | None = None, *, points: int = 9, target_gap: float = TARGET_GAP
) -> tuple[Solution, ...]:
    """Least downside deviation for evenly spaced expected returns, lowest first; the portfolio with the greatest ratio lies among them.

    The first point is the least downside of all. Expected returns are before costs; points that whole positions cannot
    reach are left out. Each bound says that no portfolio with that return has a smaller downside deviation.
    """
    calmest = replace(mandate, objective="min_downside", return_floor=None)
    first = solve(universe, calmest, current, target_gap=target_gap)
    lowest, highest = universe.expected_return(first.weights), _greatest_return(universe, mandate, current)
    floors = np.linspace(lowest, lowest + REACHABLE * max(highest - lowest, 0.0), points)[1:]
    found = [first]
    for floor in floors:
        try:
            point = solve(universe, replace(calmest, return_floor=float(floor)), current, target_gap=target_gap)
            found.append(replace(point, return_floor=float(floor)))
        except Infeasible:
            break
    return tuple(found)


def _greatest_return(universe: Universe, mandate: Mandate, current: np.ndarray | None) -> float:
    """Expected return that no portfolio exceeds, nearly: the line at which downside has almost no price."""
    from optimizer.certificate import mandate_rules
    from optimizer.tangents import Columns, tangent
    from optimizer.terms import terms

    data, rules = (
        replace(terms(universe, mandate, current, "ratio"), cost=0.0, impact=np.zeros(len(universe))),
        mandate_rules(universe, mandate),
    )
    order = np.argsort(-universe.mu, kind="stable")
    columns = Columns(np.sort(order[: 8 * rules.most]))
    slope = LOWEST * float(np.abs(universe.mu).max()) / universe.benchmark_vol**2
    found = tangent(data, rules, np.zeros(len(universe), dtype=np.int8), columns, gain=1.0, slope=slope)
    return float(universe.mu @ found.weights) if found is not None else float(universe.mu.max())
