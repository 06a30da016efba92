"""What the honesty page says of one month's portfolio: its value by two definitions, its twin, its dependence on mu, its rivals."""

import warnings
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
import polars as pl
from skfolio import RiskMeasure
from skfolio.optimization import MeanRisk, ObjectiveFunction

from optimizer import Mandate, Universe, solve
from optimizer.errors import OptimizerError
from wg_dagster.calendars import CALENDAR_OF_MARKET, month_sessions, month_shift
from wg_dagster.selection.inputs import Inputs, Question, asked
from wg_dagster.selection.portfolio import costed, members_of, solver_universe, weights_of
from wg_dagster.selection.risk import return_matrix
from wg_dagster.selection.stations import STATIONS
from wg_dagster.stations import Reader
from wg_dagster.strategies import Strategy
from wg_dagster.trading.costs import cost_rate
from wg_dagster.warehouse import Warehouse

EQUAL_NAMES = 25
PORTFOLIO = next(station for station in STATIONS if station.name == "portfolio")
RULES = ("ours", "equal_25", "skfolio", "benchmark")
Weights = dict[str, float]


@dataclass(frozen=True, eq=False)
class Month:
    """A portfolio that was solved, with the problem put again; `scenarios` of each name are in the universe."""

    question: Question
    universe: Universe
    mandate: Mandate
    current: np.ndarray | None
    weights: np.ndarray

    @property
    def held(self) -> set[str]:
        """Names held."""
        return {name for name, weight in zip(self.universe.ids, self.weights, strict=True) if weight > 0}


def month_of(warehouse: Warehouse, strategy: Strategy, month: str) -> Month | None:
    """The month's portfolio and problem; None where none was solved."""
    row = warehouse.read("portfolio_solutions", months=[month], scope=strategy.strategy_id)
    if row.is_empty() or row["status"][0] not in {"solved", "widened"}:
        return None
    reader = Reader(warehouse, PORTFOLIO, [month], strategy)
    question = asked(reader, month, strategy)
    if question.risk is None:
        return None
    universe = solver_universe(question.scored, members_of(row["status"][0], question.scored, question.candidates), question.risk)
    inputs = Inputs.read(reader, strategy)
    returns = return_matrix(question.risk.lines, strategy.market, inputs.prices, inputs.older_returns)
    own = returns[question.risk.places(pl.Series(universe.ids))].T
    centred = own - np.nanmean(own, axis=0)
    universe = replace(universe, scenarios=np.where(np.isnan(centred), 0.0, centred) + universe.mu / universe.periods_per_year)
    held = dict(warehouse.read("model_portfolios", months=[month], scope=strategy.strategy_id).select("security_id", "weight").iter_rows())
    weights = np.array([held.get(name, 0.0) for name in universe.ids])
    return Month(question, universe, costed(strategy), weights_of(universe, question.current), weights)


def two_values(month: Month) -> dict[str, float]:
    """Ratio before costs by factor scenarios (F) and by the names' own scenarios (S), of the pick made by each."""
    universe, found = month.universe, {}
    picks = {"F": month.weights, "S": _solved(month, replace(month.mandate, downside="scenario"), month.universe)}
    for pick, weights in picks.items():
        if weights is not None:
            found[f"{pick}_by_F"] = universe.ratio(weights)
            found[f"{pick}_by_S"] = universe.expected_return(weights) / universe.scenario_downside_deviation(weights)
    return found


def sharpe_twin(month: Month) -> float | None:
    """Share of weight in common with the portfolio of the greatest Sharpe ratio under the same mandate.

    Factor scenarios and their mirror image fall below zero alike, so that the squared downside deviation over both is half of the variance.
    """
    factors = month.universe.factor_returns
    mirrored = replace(month.universe, factor_returns=np.concatenate([factors, -factors]), scenarios=np.empty((0, len(month.universe))))
    return _common(month.weights, _solved(month, month.mandate, mirrored))


def resampled(month: Month, *, draws: int, seed: int) -> dict[str, float]:
    """Share of names and of weight that stay when each expected return is drawn anew within its standard error.

    A composite is an average of ranks; its own standard error is taken as half of its standard deviation, so that the error of an
    expected return is half of what one unit of score is worth: 12 x IC x monthly volatility / 2.
    """
    rng, strategy, universe = np.random.default_rng(seed), month.question.strategy, month.universe
    volatility = np.sqrt(
        np.einsum("tk,ik->it", universe.factor_returns, universe.exposures).var(axis=1) * universe.periods_per_year + universe.idio_var
    )
    error = 0.5 * 12 * strategy.information_coefficient * volatility / np.sqrt(12)
    names, weight = [], []
    for _ in range(draws):
        other = _solved(month, month.mandate, replace(universe, mu=universe.mu + error * rng.standard_normal(len(universe))))
        if other is not None:
            names.append(float(((month.weights > 0) & (other > 0)).sum() / (month.weights > 0).sum()))
            weight.append(_common(month.weights, other))
    return {"names": float(np.mean(names)), "weight": float(np.mean(weight))} if names else {}


def rivals(month: Month) -> dict[str, Weights]:
    """Target weights by rule: ours, the best 25 by score alike, skfolio's answer to the same question, the benchmark."""
    universe = month.universe
    ranked = month.question.candidates.sort("rank")["security_id"].head(EQUAL_NAMES).to_list()
    members = month.question.scored.filter(pl.col("benchmark_weight") > 0)
    return {
        "ours": dict(zip(universe.ids, month.weights.tolist(), strict=True)),
        "equal_25": dict.fromkeys(ranked, 1.0 / len(ranked)),
        "skfolio": skfolio_answer(universe, month.mandate),
        "benchmark": dict(members.select("security_id", "benchmark_weight").iter_rows()),
    }


def skfolio_answer(universe: Universe, mandate: Mandate) -> Weights:
    """The greatest ratio of mean to semi-deviation over the same scenarios, largest weight and sector bands; empty where it has none.

    It has no fewest names and no smallest weight together with a ratio unless it is given a mixed-integer solver, so it gets neither.
    """
    groups = [[f"g{code}" for code in universe.sector]]
    present = np.unique(universe.sector)
    bands = [f"g{code} <= {universe.sector_weights[code] + mandate.sector_band:.12f}" for code in present]
    bands += [f"g{code} >= {least:.12f}" for code in present if (least := universe.sector_weights[code] - mandate.sector_band) > 0]
    model = MeanRisk(
        objective_function=ObjectiveFunction.MAXIMIZE_RATIO,
        risk_measure=RiskMeasure.SEMI_DEVIATION,
        max_weights=mandate.weight[1],
        groups=groups,
        linear_constraints=bands,
        raise_on_failure=False,
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model.fit(pd.DataFrame(universe.scenarios, columns=list(universe.ids)))
    if model.weights_ is None:
        return {}
    return {name: float(weight) for name, weight in zip(universe.ids, model.weights_, strict=True) if weight > 1e-6}


def monthly_returns(strategy: Strategy, decided: dict[str, Weights], prices: pl.DataFrame, *, cost: bool = True) -> dict[str, float]:
    """Month -> return net of trading costs of the targets decided the month before.

    Bought at the close of the first session and held to the first session of the month after, or to the last one that there is; a name
    without a return keeps its value. The first purchase is charged too.
    """
    calendar, rate = CALENDAR_OF_MARKET[strategy.market], cost_rate(strategy.costs) if cost else 0.0
    held, found = {}, {}
    for month in sorted(decided):
        first, *_ = month_sessions(calendar, month_shift(month, 1))
        until = month_sessions(calendar, month_shift(month, 2))[0]
        wanted = [name for name, weight in decided[month].items() if weight > 0]
        rows = prices.filter((pl.col("session_date") > first) & (pl.col("session_date") <= until) & pl.col("security_id").is_in(wanted))
        if rows.is_empty() or not wanted:
            continue
        growth = dict(
            rows.group_by("security_id", maintain_order=True).agg((1.0 + pl.col("return_1e9").fill_null(0) / 1e9).product()).iter_rows()
        )
        targets = {name: decided[month][name] for name in wanted}
        traded = sum(abs(targets.get(name, 0.0) - held.get(name, 0.0)) for name in sorted({*targets, *held}))
        values = {name: weight * growth.get(name, 1.0) for name, weight in sorted(targets.items())}
        total = sum(values.values()) + 1.0 - sum(targets.values())
        found[month_shift(month, 1)] = total * (1.0 - rate * traded) - 1.0
        held = {name: value / total for name, value in values.items()}
    return found


def _solved(month: Month, mandate: Mandate, universe: Universe) -> np.ndarray | None:
    try:
        return solve(universe, mandate, month.current, nodes=0).weights
    except OptimizerError:
        return None


def _common(weights: np.ndarray, other: np.ndarray | None) -> float | None:
    return None if other is None else float(np.minimum(weights, other).sum())
