"""Why no portfolio obeys a mandate: the rules in conflict, and by how much each is short."""

import numpy as np

from optimizer.counting import FEW, relief
from optimizer.limits import limits
from optimizer.mandate import Mandate
from optimizer.support import likely_names
from optimizer.terms import terms
from optimizer.universe import Universe


def explain(universe: Universe, mandate: Mandate, current: np.ndarray | None = None) -> list[tuple[str, float]]:
    """Name the rules that conflict, with the least amounts by which they must give way; empty if none must.

    First without counts (any small weights), then with whole positions (where there are very many names, in the likeliest). A rule of weights is short by a fraction of
    the portfolio, beta and volatility by a fraction of the index's, a count by names, turnover by half of the weight traded
    beyond it. A volatility floor is looked at through beta, which implies it.
    """
    from optimizer.problem import least_relief  # cvxpy takes a second to import and only failures need it here

    fewest = mandate.names[0]
    if len(universe) < fewest:
        return [("names, at least", float(fewest - len(universe)))]
    rules = limits(universe, mandate, floor=None if mandate.risk_floor == "none" else universe.beta)
    rows = least_relief(universe, rules, current)
    if rows:
        return sorted(rows, key=lambda row: (-row[1], row[0]))
    data = terms(universe, mandate, current, "min_downside")
    few = likely_names(universe, data, rules, few=FEW)
    return relief(universe.take(few), rules.take(few), data.take(few))
