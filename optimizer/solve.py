"""From a universe and a mandate to a portfolio: relax, round, polish, exchange, check."""

import hashlib
from dataclasses import dataclass, replace

import numpy as np

from optimizer.cone import USUAL_SOLVER
from optimizer.counting import whole_positions
from optimizer.errors import BadUniverse, Infeasible, SolverFailed
from optimizer.explain import explain
from optimizer.limits import Limits, limits
from optimizer.mandate import Mandate, check
from optimizer.polish import Position, polish
from optimizer.relaxation import Relaxed, relax
from optimizer.rounding import exact_weights
from optimizer.support import calm_down, first_supports, improve
from optimizer.terms import Terms, terms
from optimizer.universe import Universe

TARGET_GAP = 0.001
MARGIN = 1e-7  # weights are found this far inside of the limits, so that rounding to billionths cannot break one
LINEARISATIONS = 3  # of a volatility floor: the next ones move the ratio by less than 0.02 %
METHOD = "factor downside, relaxation, exchange 1"  # part of the fingerprint: change it when results change


@dataclass(frozen=True, eq=False)
class Solution:
    """A portfolio, and how far from the best it can be.

    Attributes
    ----------
    weights : (n,)
        In the order of the universe; zero where not held; whole billionths.
    status
        'certified' (gap within the target) or 'feasible'.
    objective
        'ratio': expected return net of trading cost over downside deviation. 'min_downside' where no portfolio has a
        positive expected return: a negative ratio is not worth maximising, it would reward risk.
    ratio
        Of these weights, net of cost, by the definition (not by the solver).
    bound, gap, bound_kind
        No portfolio of the mandate has a larger ratio than `bound`; gap = bound / ratio - 1. For 'min_downside' the
        bound is a downside deviation that none goes below, and the gap is relative to it.
    risk_ratio, beta
        Forecast volatility over the index's; forecast beta.
    fingerprint
        Of universe, mandate, current weights and method: same fingerprint, same weights.
    """

    weights: np.ndarray
    status: str
    objective: str
    ratio: float
    bound: float
    gap: float
    bound_kind: str
    risk_ratio: float
    beta: float
    names: int
    message: str
    fingerprint: str


@dataclass(frozen=True, eq=False)
class _Case:
    """What is asked, with the names in the order of their ids."""

    universe: Universe
    mandate: Mandate
    current: np.ndarray | None


def solve(universe: Universe, mandate: Mandate, current: np.ndarray | None = None, *, target_gap: float = TARGET_GAP) -> Solution:
    """Find the portfolio with the greatest forecast Sortino ratio that the mandate allows.

    Parameters
    ----------
    current : (n,), optional
        Weights held before trading. With a trading cost in the mandate they are expensive to leave; without one they
        are only a second place to start from.
    target_gap
        Gap up to which the status is 'certified'.

    Raises
    ------
    Infeasible
        With the rules that conflict and by how much.
    SolverFailed
        If all solvers stop without an answer.
    """
    before = None if current is None else _checked(current, universe)
    order = np.argsort(np.asarray(universe.ids), kind="stable")  # names meet the solver in one order, however they came
    case = _Case(universe.take(order), mandate, None if before is None else before[order])
    data, rules, relaxed = _relaxed(case)
    best = _best(case, data, rules, relaxed)
    weights = np.zeros(len(order))
    weights[best.support] = exact_weights(best.weights, budget=rules.budget, smallest=mandate.weight[0], largest=mandate.weight[1])
    broken = check(weights, case.universe, mandate)
    if broken:
        listed = "; ".join(f"{rule.rule}: {rule.value:.9g} against {rule.limit:.9g}" for rule in broken)
        raise SolverFailed(f"the weights found break the mandate ({listed}) in case {_fingerprint(case)}; loosen these limits a little")
    found = _solution(case, data, relaxed, weights, target_gap)
    given = np.zeros(len(order))
    given[order] = weights
    return replace(found, weights=given)


def _relaxed(case: _Case) -> tuple[Terms, Limits, Relaxed]:
    """The relaxation that bounds every portfolio; by the least downside where none has a positive expected return."""
    universe, mandate = case.universe, case.mandate
    if len(universe) < mandate.names[0]:
        raise _infeasible(case)
    rules = limits(universe, mandate, floor=universe.beta if mandate.risk_floor == "beta" else None)
    relaxed = None
    for goal in ("ratio", "min_downside"):
        if goal == "ratio" and universe.mu.max() <= 0:
            continue
        data = terms(universe, mandate, case.current, goal)
        relaxed = relax(data, rules)
        if relaxed.status == "solved":
            return data, rules, relaxed
    if relaxed is None or relaxed.status == "infeasible":
        raise _infeasible(case)
    raise SolverFailed(
        f"no solver answered for {len(universe)} names ({relaxed.solver} was the last); check the scale of mu, exposures, idio_var"
    )


def _best(case: _Case, data: Terms, rules: Limits, relaxed: Relaxed) -> Position:
    if case.mandate.risk_floor != "vol":
        return _rounded(case, data, rules, relaxed)
    # Convex-concave procedure: volatility is never less than its tangent g'w, so a floor on the tangent is sufficient;
    # the first tangent is the one at the index (beta), the next ones are at the portfolio found.
    best: Position | None = None
    tangent = case.universe.beta
    for _ in range(LINEARISATIONS):
        inner = limits(case.universe, case.mandate, floor=tangent)
        inner_relaxed = relax(data, inner)
        if inner_relaxed.status != "solved":
            break
        found = _rounded(case, data, inner, inner_relaxed)
        if best is not None and found.goodness <= best.goodness:
            break
        best = found
        tangent = _volatility_tangent(case.universe, found)
    if best is None:
        raise _infeasible(case)
    return best


def _rounded(case: _Case, data: Terms, rules: Limits, relaxed: Relaxed) -> Position:
    """Best of the relaxation's names and last month's, improved by exchanges."""
    inside = rules.tightened(MARGIN)
    supports = first_supports(relaxed.weights, case.universe, rules)
    if case.current is not None:
        supports.append(np.flatnonzero(case.current > 0))
    counted = [support for support in supports if rules.fewest <= len(support) <= rules.most]
    starts = [start for support in counted if (start := polish(data, inside, support)) is not None]
    if not starts:
        starts = [calm_down(data, inside, counted) or _counted(case, data, rules, relaxed)]
    starts.sort(key=lambda start: -start.goodness)
    best = improve(data, inside, starts[0])
    for start in starts[1:]:
        if _gap(data, relaxed, best.goodness) > TARGET_GAP:  # otherwise another start has little to find
            best = max(best, improve(data, inside, start), key=lambda position: position.goodness)
    return best


def _counted(case: _Case, data: Terms, rules: Limits, relaxed: Relaxed) -> Position:
    """A start from whole positions counted out, where no rounding of the relaxation obeys."""
    support = whole_positions(case.universe, rules, data, relaxed.weights)
    if support is None:
        raise _infeasible(case)
    start = polish(data, rules.tightened(MARGIN), support) or polish(data, rules, support)
    if start is None:
        raise SolverFailed(f"{len(support)} names can just keep the mandate, but no weights were found on them; loosen its limits a little")
    return start


def _volatility_tangent(universe: Universe, position: Position) -> np.ndarray:
    """Gradient (n,) of the volatility at a portfolio, in units of the index's."""
    weights = np.zeros(len(universe))
    weights[position.support] = position.weights
    factors = universe.factor_returns
    per_period = universe.periods_per_year / len(factors)
    slope = per_period * universe.exposures @ (factors.T @ (factors @ (universe.exposures.T @ weights))) + universe.idio_var * weights
    return slope / universe.volatility(weights) / universe.benchmark_vol


def _solution(case: _Case, data: Terms, relaxed: Relaxed, weights: np.ndarray, target_gap: float) -> Solution:
    universe, is_ratio = case.universe, data.goal == "ratio"
    downside = universe.downside_deviation(weights)
    ratio = data.net_return(weights) / downside
    gap = max(_gap(data, relaxed, ratio if is_ratio else -downside), 0.0)
    held = int((weights > 0).sum())
    what = f"ratio {ratio:.4f}" if is_ratio else f"no positive expected return: least downside deviation {downside:.4f}"
    solver = "" if relaxed.solver == USUAL_SOLVER else f"; relaxation by {relaxed.solver}"
    return Solution(
        weights=weights,
        status="certified" if gap <= target_gap else "feasible",
        objective=data.goal,
        ratio=float(ratio),
        bound=relaxed.bound,
        gap=float(gap),
        bound_kind="relaxation" + (" without volatility floor" if case.mandate.risk_floor == "vol" else ""),
        risk_ratio=universe.volatility(weights) / universe.benchmark_vol,
        beta=float(universe.beta @ weights),
        names=held,
        message=f"{held} of {len(weights)} names, {what}, at most {gap:.3%} from the best{solver}",
        fingerprint=_fingerprint(case),
    )


def _gap(data: Terms, relaxed: Relaxed, goodness: float) -> float:
    return relaxed.bound / goodness - 1 if data.goal == "ratio" else -goodness / relaxed.bound - 1


def _infeasible(case: _Case) -> Infeasible:
    shortfalls = explain(case.universe, case.mandate)
    listed = "; ".join(f"{rule} short by {amount:.4g}" for rule, amount in shortfalls) or "rules conflict once positions are whole"
    message = f"no portfolio of {len(case.universe)} names obeys the mandate: {listed}; widen these limits or admit more names"
    return Infeasible(message, shortfalls)


def _checked(current: np.ndarray, universe: Universe) -> np.ndarray:
    current = np.asarray(current, dtype=float)
    if current.shape != (len(universe),) or not np.isfinite(current).all() or (current < 0).any():
        raise BadUniverse(
            f"current weights: one finite, not negative number for each of {len(universe)} names is needed, got shape {current.shape}"
        )
    return current


def _fingerprint(case: _Case) -> str:
    universe = case.universe
    digest = hashlib.sha256(METHOD.encode())
    digest.update(repr((universe.ids, universe.issuers, universe.benchmark_vol, universe.periods_per_year, case.mandate)).encode())
    for name in ("mu", "exposures", "factor_returns", "idio_var", "sector", "benchmark", "beta", "sector_weights"):
        digest.update(np.ascontiguousarray(getattr(universe, name)).tobytes())
    digest.update(b"" if case.current is None else case.current.tobytes())
    return digest.hexdigest()[:16]
