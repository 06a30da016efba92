"""From a universe and a mandate to a portfolio and its proof: relax, draw lines, round, polish, exchange, part, check."""

from dataclasses import dataclass, replace

import numpy as np

from optimizer.branching import Search
from optimizer.certificate import mandate_rules
from optimizer.cone import USUAL_SOLVER
from optimizer.counting import FEW, whole_positions
from optimizer.errors import BadUniverse, Infeasible, SolverFailed
from optimizer.explain import explain
from optimizer.limits import Limits, limits
from optimizer.mandate import Mandate, check
from optimizer.polish import Position, above_floor, polish
from optimizer.relaxation import Relaxed, relax
from optimizer.rounding import exact_weights
from optimizer.solution import Solution, fingerprint
from optimizer.support import calm_down, first_supports, likely_names
from optimizer.tangents import Columns
from optimizer.terms import Terms, terms
from optimizer.universe import Universe

TARGET_GAP = 0.001
NODES = 40
RESTLESS = 8  # steps towards a volatility floor
ROUNDING = 1e-6  # a relaxed weight under this is zero
MARGIN = 1e-7  # weights are found this far inside of the limits, so that rounding to billionths cannot break one


@dataclass(frozen=True)
class _Effort:
    """How near, and how many branchings at most."""

    target: float
    nodes: int


@dataclass(frozen=True, eq=False)
class _Case:
    """What is asked, with the names in the order of their ids."""

    universe: Universe
    mandate: Mandate
    current: np.ndarray | None


def solve(
    universe: Universe, mandate: Mandate, current: np.ndarray | None = None, *, target_gap: float = TARGET_GAP, nodes: int = NODES
) -> Solution:
    """Find the portfolio with the greatest forecast Sortino ratio that the mandate allows.

    Parameters
    ----------
    current : (n,), optional
        Weights held before trading. With a trading cost in the mandate they are expensive to leave; without one they
        are only a second place to start from.
    target_gap
        The search stops once no portfolio can be better by more than this; the status is then 'certified'.
    nodes
        Branchings at most, where whole positions leave a gap.

    Raises
    ------
    Infeasible
        With the rules that conflict and by how much.
    SolverFailed
        If all solvers stop without an answer.
    """
    before = None if current is None else _checked(current, universe)
    effort = _Effort(target_gap, nodes)
    order = np.argsort(np.asarray(universe.ids), kind="stable")  # names meet the solver in one order, however they came
    case = _Case(universe.take(order), mandate, None if before is None else before[order])
    data, rules, relaxed = _relaxed(case)
    search = _searched(case, data, rules, relaxed, effort)
    best = _found(search)
    weights = np.zeros(len(order))
    weights[best.support] = exact_weights(
        best.weights,
        budget=float(np.clip(best.weights.sum(), rules.budget - rules.cash_room, rules.budget)),
        smallest=mandate.weight[0],
        largest=rules.caps[best.support],
    )
    broken = check(weights, case.universe, mandate, case.current)
    if broken:
        listed = "; ".join(f"{rule.rule}: {rule.value:.9g} against {rule.limit:.9g}" for rule in broken)
        raise SolverFailed(
            f"the weights found break the mandate ({listed}) in case {fingerprint(case.universe, case.mandate, case.current)}; loosen these limits a little"
        )
    found = _solution(case, data, relaxed, search, weights)
    given = np.zeros(len(order))
    given[order] = weights
    return replace(found, weights=given)


def _relaxed(case: _Case) -> tuple[Terms, Limits, Relaxed]:
    """A first portfolio without whole positions; of the least downside where none has a positive expected return."""
    universe, mandate = case.universe, case.mandate
    if len(universe) < mandate.names[0]:
        raise _infeasible(case)
    rules = mandate_rules(universe, mandate)
    relaxed = None
    for goal in ("ratio", "min_downside"):
        if goal == "ratio" and (universe.mu.max() <= 0 or mandate.objective == "min_downside"):
            continue
        data = terms(universe, mandate, case.current, goal)
        relaxed = _relaxed_onlikely_names(universe, data, rules) or relax(data, rules)
        if relaxed.status == "solved":
            return data, rules, relaxed
    if relaxed is None or relaxed.status == "infeasible":
        raise _infeasible(case)
    shortfalls = explain(universe, mandate, case.current)  # a mandate that just cannot be kept is hard to refuse for solvers
    if shortfalls:
        raise _refused(case, shortfalls)
    raise SolverFailed(
        f"no solver answered for {len(universe)} names ({relaxed.solver} was the last); check the scale of mu, exposures, idio_var"
    )


def _relaxed_onlikely_names(universe: Universe, data: Terms, rules: Limits) -> Relaxed | None:
    """The relaxation over the names most likely to be held, where there are many: the lines find the others."""
    chosen = likely_names(universe, data, rules)
    if len(chosen) == len(universe):
        return None
    found = relax(data.take(chosen), rules.take(chosen))
    if found.status != "solved":
        return None
    weights = np.zeros(len(universe))
    weights[chosen] = found.weights
    return replace(found, weights=weights, bound=np.nan)


def _searched(case: _Case, data: Terms, rules: Limits, relaxed: Relaxed, effort: _Effort) -> Search:
    """The best portfolio under these rules with its certificate."""
    weights = np.maximum(relaxed.weights, 0.0)
    columns = Columns(np.union1d(np.flatnonzero(weights > ROUNDING), np.argsort(-data.mu, kind="stable")[: rules.most]))
    columns.reserve = likely_names(case.universe, data, rules)
    search = Search(case.universe, data, rules, inside=rules.tightened(MARGIN), columns=columns, target=effort.target)
    search.start(max(data.net_return(weights), ROUNDING) / (2 * data.squared_downside(weights)))
    if not search.is_close(search.bound):
        for support in (
            *first_supports(weights, case.universe, rules),
            *([] if case.current is None else [np.flatnonzero(case.current > 0)]),
        ):
            search.offer(support)
        if search.best is None:
            search.dive()
        if search.best is None and rules.volatility_floor > 0:
            for support in _restless_supports(case, data, rules, weights):
                search.offer(support)
        if search.best is None:
            counted = [names for names in first_supports(weights, case.universe, rules) if rules.fewest <= len(names) <= rules.most]
            search.accept(calm_down(data, rules.tightened(MARGIN), counted) or _counted(case, data, rules, weights))
        search.exchange()
        if not search.is_close(search.bound):
            search.look_nearer()
        if not search.is_close(search.bound):
            search.dive()
            search.exchange()
        search.branch(effort.nodes)
    return search


def _restless_supports(case: _Case, data: Terms, rules: Limits, weights: np.ndarray) -> list[np.ndarray]:
    """Roundings of relaxed portfolios that climb towards the volatility floor as far as its tangents allow."""
    everyone, supports, aim = np.arange(len(weights)), [], rules.volatility_floor
    for _ in range(RESTLESS):
        step = above_floor(data, replace(rules, volatility_floor=aim), everyone, weights)
        higher = relax(data, step)
        if higher.status == "solved":
            weights, aim = np.maximum(higher.weights, 0.0), rules.volatility_floor
            supports += first_supports(weights, case.universe, rules)
        else:
            aim = (data.volatility(everyone, weights) + aim) / 2
    return supports


def _found(search: Search) -> Position:
    if search.best is None:
        raise SolverFailed("the search ended without a portfolio; loosen the limits a little")
    return search.best


def _counted(case: _Case, data: Terms, rules: Limits, relaxed: np.ndarray) -> Position:
    """A start from whole positions counted out among the likely names, where no rounding of the relaxation obeys."""
    few, asked = likely_names(case.universe, data, rules, few=FEW), rules
    if rules.volatility_floor > 0:  # beta implies it, and is linear
        rules = limits(case.universe, case.mandate, floor=case.universe.beta)
    found, shortfalls = whole_positions(case.universe.take(few), rules.take(few), data.take(few), relaxed[few])
    if found is None:
        raise _refused(case, shortfalls)
    support = few[found]
    start = polish(data, rules.tightened(MARGIN), support) or polish(data, rules, support)
    floor = asked.volatility_floor
    if start is not None and data.volatility(support, start.weights) < floor:  # betas that are not those of the risk model
        short = (floor - data.volatility(support, start.weights)) / case.universe.benchmark_vol
        raise _refused(case, [("vol, at least", float(short))])
    if start is None:
        raise SolverFailed(f"{len(support)} names can just keep the mandate, but no weights were found on them; loosen its limits a little")
    return start


def _solution(case: _Case, data: Terms, relaxed: Relaxed, search: Search, weights: np.ndarray) -> Solution:
    universe, is_ratio = case.universe, data.goal == "ratio"
    downside = float(np.sqrt(data.squared_downside(weights)))
    ratio = data.net_return(weights) / downside
    certificate, bound, parts = search.certificate, search.bound, len(search.leaves)
    kind = f"tangents, {parts} parts" if parts > 1 else "tangents"
    if not np.isfinite(bound) or bound <= 0:  # the lines failed, so the solver's word is what there is
        full = relax(data, search.limits)
        certificate, bound, kind = None, full.bound, f"relaxation by {full.solver}"
    gap = max(bound / ratio - 1 if is_ratio else downside / bound - 1, 0.0)
    held = int((weights > 0).sum())
    what = f"ratio {ratio:.4f}" if is_ratio else _why_downside(case.mandate, downside)
    solver = "" if relaxed.solver == USUAL_SOLVER else f"; relaxation by {relaxed.solver}"
    return Solution(
        weights=weights,
        status="certified" if gap <= search.target else "feasible",
        objective=data.goal,
        ratio=float(ratio),
        bound=float(bound),
        gap=float(gap),
        bound_kind=kind + (" without volatility floor" if search.limits.volatility_floor > 0 and not data.is_factor_downside else ""),
        risk_ratio=universe.volatility(weights) / universe.benchmark_vol,
        beta=float(universe.beta @ weights),
        names=held,
        message=f"{held} of {len(weights)} names, {what}, at most {gap:.3%} from the best{solver}",
        fingerprint=fingerprint(case.universe, case.mandate, case.current),
        turnover=0.0 if case.current is None else float(np.abs(weights - case.current).sum() / 2),
        scenario_ratio=_scenario_ratio(data, universe, weights),
        certificate=certificate,
    )


def _why_downside(mandate: Mandate, downside: float) -> str:
    why = "" if mandate.objective == "min_downside" else "no positive expected return: "
    return f"{why}least downside deviation {downside:.4f}"


def _scenario_ratio(data: Terms, universe: Universe, weights: np.ndarray) -> float:
    if not len(universe.scenarios):
        return float("nan")
    return data.net_return(weights) / universe.scenario_downside_deviation(weights)


def _infeasible(case: _Case) -> Infeasible:
    return _refused(case, explain(case.universe, case.mandate, case.current))


def _refused(case: _Case, shortfalls: list[tuple[str, float]]) -> Infeasible:
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
