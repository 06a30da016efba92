"""The model portfolio of a month: solve among the candidates, widen if need be, else keep last month's; always say how.

| status | meaning |
|---|---|
| solved | optimal among the candidates |
| widened | the candidates admit no portfolio: optimal among all scored members |
| kept_previous | neither does: last month's targets over the names that are still listed |
| no_portfolio | neither does, and there is nothing to keep |
| not_runnable | too few members have the strategy's factors, or no risk model: no portfolio, and nothing after it |
"""

import re
from dataclasses import dataclass, replace
from datetime import date

import numpy as np
import polars as pl

from optimizer.errors import BadUniverse, Infeasible, SolverFailed
from optimizer.mandate import Mandate, check
from optimizer.proof_text import as_text
from optimizer.solve import Solution, solve
from optimizer.universe import Universe
from wg_dagster.schemas.tables import TABLES
from wg_dagster.selection.risk import MarketRisk
from wg_dagster.selection.scores import uncovered
from wg_dagster.strategies import Strategy

FEWEST_SCORED = 60  # three times the fewest names a portfolio may hold
LEAST_SHARE_SCORED = 0.40  # of the members
MONTHS_PER_YEAR = 12  # a score is worth a month's return, so a trade must pay within a month: cost x 12 a year


@dataclass(frozen=True)
class Decision:
    """Target weights by security (empty = none) and how they came about."""

    status: str
    weights: dict[str, float]
    message: str = ""
    solution: Solution | None = None
    universe: Universe | None = None  # among which the solution was found


def not_runnable(strategy: Strategy, scores: pl.DataFrame) -> str:
    """Why the recipe cannot run on these scores, naming each factor's coverage; '' where it can."""
    scored = int((scores["coverage"] >= strategy.minimum_factor_share - 1e-9).sum())
    if scored >= FEWEST_SCORED and scored >= LEAST_SHARE_SCORED * scores.height:
        return ""
    factors = ", ".join(f"{factor} {share:.0%}" for factor, share in uncovered(strategy, scores).items())
    return (
        f"{scored} of {scores.height} members have {strategy.minimum_factor_share:.0%} of the factors; needed are {FEWEST_SCORED} and "
        f"{LEAST_SHARE_SCORED:.0%} of the members. Coverage of the factors: {factors}. Load the missing data, or start later"
    )


def decide(strategy: Strategy, *, scored: pl.DataFrame, candidates: pl.DataFrame, risk: MarketRisk, current: dict[str, float]) -> Decision:
    """Solve among the candidates, then among all scored members; status no_portfolio with the reasons where neither has a portfolio.

    Parameters
    ----------
    scored
        | security_id | expected_return |: all members, null = without a score.
    candidates
        | security_id |: the ranked 100.
    current
        Weights held at the month's end; empty = not yet invested.
    """
    mandate = costed(strategy)
    reasons = []
    for status in ("solved", "widened"):
        members = members_of(status, scored, candidates)
        if status == "widened" and members.height == members_of("solved", scored, candidates).height:
            continue
        try:
            universe = solver_universe(scored, members, risk)
            solution = solve(universe, mandate, weights_of(universe, current))
        except (BadUniverse, Infeasible, SolverFailed) as error:
            reasons.append(f"{members.height} names: {with_sector_names(str(error), risk)}")
            continue
        broken = check(solution.weights, universe, mandate)
        if broken:
            rules = "; ".join(f"{rule.rule} {rule.limit:.6g}, has {rule.value:.6g}" for rule in broken)
            reasons.append(f"{members.height} names: the answer breaks {with_sector_names(rules, risk)}")
            continue
        weights = {name: float(weight) for name, weight in zip(universe.ids, solution.weights, strict=True) if weight > 0.0}
        return Decision(status, weights, " | ".join([*reasons, solution.message]).strip(" |"), solution, universe)
    return Decision("no_portfolio", {}, " | ".join(reasons))


def members_of(status: str, scored: pl.DataFrame, candidates: pl.DataFrame) -> pl.DataFrame:
    """The names among which a portfolio of this status is found, by security_id: the ranked 100, or all that have a score."""
    eligible = scored.drop_nulls("expected_return").sort("security_id")
    return eligible if status == "widened" else eligible.join(candidates, on="security_id", how="semi", maintain_order="left")


def costed(strategy: Strategy) -> Mandate:
    """The strategy's mandate with its trading costs, where the mandate states none of its own."""
    rate = strategy.costs.commission + strategy.costs.half_spread
    return strategy.mandate if strategy.mandate.trading_cost else replace(strategy.mandate, trading_cost=MONTHS_PER_YEAR * rate)


def solver_universe(scored: pl.DataFrame, members: pl.DataFrame, risk: MarketRisk) -> Universe:
    """The members as the optimizer sees them, in the risk model of the whole market."""
    expected = np.full(risk.lines.height, np.nan)
    expected[risk.places(scored["security_id"])] = scored["expected_return"].fill_null(np.nan).to_numpy()
    return Universe.from_model(
        risk.model,
        ids=risk.lines["security_id"].to_list(),
        issuers=risk.lines["issuer_id"].to_list(),
        mu=expected,
        sector=risk.sector,
        benchmark=risk.benchmark,
        members=risk.places(members["security_id"]),
    )


def weights_of(universe: Universe, current: dict[str, float]) -> np.ndarray | None:
    """Weights held before in the order of the universe; None = not yet invested, so that buying has no cost to weigh."""
    return np.array([current.get(name, 0.0) for name in universe.ids]) if current else None


def keep_previous(strategy: Strategy, failed: Decision, previous: dict[str, float], listed: set[str]) -> Decision:
    """Last month's targets over the names still listed, scaled to one with no name above the mandate's largest weight."""
    kept = {name: weight for name, weight in sorted(previous.items()) if name in listed}
    largest = strategy.mandate.weight[1]
    if len(kept) * largest < 1.0 - strategy.mandate.cash:
        return failed
    weights = _scaled_to_one(np.array(list(kept.values())), 1.0 - strategy.mandate.cash, largest)
    gone = f"; {len(previous) - len(kept)} names are no longer listed" if len(kept) < len(previous) else ""
    message = f"kept last month's {len(kept)} names{gone}. Reason: {failed.message}"
    return Decision("kept_previous", dict(zip(kept, weights.tolist(), strict=True)), message)


def drifted(weights: dict[str, float], prices: pl.DataFrame, first_session: date, as_of: date, listed: set[str]) -> dict[str, float]:
    """Weights traded at the close of `first_session` as they stand at the close of `as_of`; names that were delisted are cash by then."""
    after = prices.filter(
        (pl.col("session_date") > first_session) & (pl.col("session_date") <= as_of) & pl.col("security_id").is_in(sorted(weights))
    )
    growth = after.sort("security_id", "session_date").group_by("security_id", maintain_order=True)
    factors = dict(growth.agg((1.0 + pl.col("return_1e9").fill_null(0) / 1e9).product()).iter_rows())
    values = {name: weight * factors.get(name, 1.0) for name, weight in sorted(weights.items())}
    total = sum(values.values())
    return {name: value / total for name, value in values.items() if name in listed}


def turnover(weights: dict[str, float], current: dict[str, float]) -> float:
    """Half the sum of absolute weight changes."""
    return 0.5 * sum(abs(weights.get(name, 0.0) - current.get(name, 0.0)) for name in sorted({*weights, *current}))


def portfolio_rows(strategy: Strategy, month: str, as_of: date, decision: Decision) -> pl.DataFrame:
    """Rows of `model_portfolios`."""
    rows = [
        {"strategy": strategy.strategy_id, "month": month, "as_of_date": as_of, "security_id": name, "weight": weight}
        for name, weight in sorted(decision.weights.items())
    ]
    return pl.DataFrame(rows, schema=TABLES["model_portfolios"].schema)


def solution_row(
    strategy: Strategy, month: str, as_of: date, decision: Decision, *, risk: MarketRisk | None, current: dict[str, float]
) -> pl.DataFrame:
    """The row of `portfolio_solutions`: figures of the solver, and risk measured again on the weights themselves."""
    solution, weights = decision.solution, decision.weights
    row = dict.fromkeys(TABLES["portfolio_solutions"].columns) | {
        "strategy": strategy.strategy_id,
        "month": month,
        "as_of_date": as_of,
        "status": decision.status,
        "message": decision.message,
        "names": len(weights),
        "max_weight": max(weights.values(), default=None),
        "turnover": turnover(weights, current) if weights else None,
        **(_measured(weights, risk) if risk is not None and weights else {}),
    }
    if solution is not None:
        row |= {name: getattr(solution, name) for name in ("objective", "ratio", "bound", "gap", "bound_kind", "fingerprint")}
        row["certificate"] = None if solution.certificate is None else as_text(solution.certificate)
    return pl.DataFrame([row], schema=TABLES["portfolio_solutions"].schema)


def _measured(weights: dict[str, float], risk: MarketRisk) -> dict[str, float | None]:
    """Risk against the benchmarks; nothing where the risk model does not cover a holding."""
    known = set(risk.lines["security_id"])
    if not known.issuperset(weights):
        return {}
    held = np.zeros(risk.lines.height)
    held[risk.places(pl.Series(list(weights)))] = list(weights.values())
    volatility = risk.model.volatility(held)
    return {
        "risk_ratio": volatility / risk.model.volatility(risk.benchmark),
        "risk_ratio_sp500": None if risk.sp500 is None else volatility / risk.model.volatility(risk.sp500),
        "beta": risk.model.beta(held, risk.benchmark),
    }


def _scaled_to_one(weights: np.ndarray, total: float, largest: float) -> np.ndarray:
    """Scale up in proportion; names that reach the largest weight stay there, the others take the rest."""
    capped = np.zeros(len(weights), dtype=bool)
    scaled = weights
    for _ in weights:
        room = total - largest * capped.sum()
        scaled = np.where(capped, largest, weights * room / weights[~capped].sum()) if (~capped).any() else np.full(len(weights), largest)
        if not (over := (scaled > largest) & ~capped).any():
            break
        capped |= over
    return scaled


def with_sector_names(message: str, risk: MarketRisk) -> str:
    """The optimizer knows sectors by number."""
    names = risk.lines["sector"].unique().sort().to_list()
    return re.sub(r"\bsector (\d+)", lambda found: f"sector {names[int(found[1])]}" if int(found[1]) < len(names) else found[0], message)
