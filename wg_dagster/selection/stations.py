"""The stations of selection: universe, scores, candidates, portfolio. Each strategy and month is decided at the month's cut-off."""

from collections.abc import Sequence
from pathlib import Path

import polars as pl

import optimizer
from optimizer.bias import WINDOW
from wg_dagster import calendars, factor_components, strategies
from wg_dagster.calendars import month_shift
from wg_dagster.factor_components import components
from wg_dagster.factor_run import PROJECT
from wg_dagster.schemas.columns import FACTORS
from wg_dagster.schemas.tables import TABLES
from wg_dagster.selection import candidates, decisions, evidence_panel, inputs, portfolio, risk, risk_bias, scores, search_rules, universe
from wg_dagster.selection import factor_weights as weights_of_factors
from wg_dagster.selection.candidates import candidate_rows, composites, shortlist, with_expected_return
from wg_dagster.selection.decisions import decision_rows
from wg_dagster.selection.factor_weights import factor_weights, weighed
from wg_dagster.selection.inputs import SECURITIES, Inputs, answer, asked, of_month, read_factors
from wg_dagster.selection.portfolio import portfolio_rows, solution_row
from wg_dagster.selection.risk_bias import bias_rows, forecast_rows
from wg_dagster.selection.scores import factor_scores
from wg_dagster.selection.universe import universe_members
from wg_dagster.stations import HISTORY, Reader, Reads, Station
from wg_dagster.strategies import Strategy

RISK_MONTHS = 26  # hold 500 sessions
RATE_MONTHS = 3  # a bill rate older than this is not today's
_BATCH = 12


def _build_universe(reader: Reader, months: Sequence[str], strategy: Strategy) -> dict[str, pl.DataFrame]:
    securities = reader.read("securities_clean", columns=SECURITIES)
    prices = reader.read("prices_clean", columns=["session_date", "market", "security_id", "close", "traded_value", "market_cap"])
    members = reader.read("benchmark_members")
    rows = [universe_members(strategy, month, securities=securities, prices=prices, benchmark_members=members) for month in months]
    return {"universe_members": pl.concat(rows)}


def _build_scores(reader: Reader, months: Sequence[str], strategy: Strategy) -> dict[str, pl.DataFrame]:
    members, factors, defined = reader.read("universe_members"), read_factors(reader), components()
    rows = [factor_scores(strategy, month, universe=members, factors=of_month(factors, month), components=defined) for month in months]
    return {"factor_scores": pl.concat(rows).select(TABLES["factor_scores"].columns)}


def _build_weights(reader: Reader, months: Sequence[str], strategy: Strategy) -> dict[str, pl.DataFrame]:
    evidence, chosen = reader.read("search_evidence"), reader.read("trial_weights")
    before = {month: pl.col("month") < month for month in months}
    rows = [
        factor_weights(strategy, month, evidence=evidence.filter(known), trial_weights=chosen.filter(known))
        for month, known in before.items()
    ]
    return {"factor_weights": pl.concat(rows)}


def _build_candidates(reader: Reader, months: Sequence[str], strategy: Strategy) -> dict[str, pl.DataFrame]:
    inputs, members, scored = Inputs.read(reader, strategy), reader.read("universe_members"), reader.read("factor_scores")
    chosen = reader.read("factor_weights")
    rows = [TABLES["candidates"].empty()]
    for month in months:
        own = members.filter(pl.col("month") == month)
        if own.is_empty():
            continue
        used, weights = weighed(strategy, chosen.filter(pl.col("month") == month))
        ranked = composites(used, universe=own, scores=scored.filter(pl.col("month") == month), weights=weights)
        fitted, _ = inputs.risk(month, own)
        listed = shortlist(strategy, with_expected_return(strategy, ranked, fitted, risk_free=inputs.risk_free(month)))
        rows.append(candidate_rows(strategy, month, own, listed))
    return {"candidates": pl.concat(rows)}


def _build_portfolio(reader: Reader, months: Sequence[str], strategy: Strategy) -> dict[str, pl.DataFrame]:
    (month,) = months
    question = asked(reader, month, strategy)
    decision = answer(question)
    solved = solution_row(strategy, month, question.as_of, decision, risk=question.risk, current=question.current)
    return {
        "model_portfolios": portfolio_rows(strategy, month, question.as_of, decision),
        "portfolio_solutions": solved,
        "decisions": decision_rows(question, decision),
        "risk_forecasts": forecast_rows(question, decision.weights),
    }


def _build_risk_bias(reader: Reader, months: Sequence[str], strategy: Strategy) -> dict[str, pl.DataFrame]:
    (month,) = months
    last = pl.col("month") == month_shift(month, -1)
    prices = reader.read("prices_clean", columns=["month", "market", "security_id", "session_date", "return_1e9"])
    targets = reader.read("model_portfolios").filter(last)
    rows = bias_rows(
        strategy,
        month,
        forecasts=reader.read("risk_forecasts").filter(last),
        members=reader.read("universe_members").filter(last),
        targets=dict(targets.select("security_id", "weight").iter_rows()),
        prices=prices.filter((pl.col("month") == month) & (pl.col("market") == strategy.market)),
        before=reader.read("risk_bias"),
    )
    return {"risk_bias": rows}


_FACTOR_READS = tuple(Reads(f"factor_{factor}") for factor in FACTORS)
_RISK_READS = (
    Reads("securities_clean"),
    Reads("prices_clean", back=RISK_MONTHS),
    Reads("risk_returns", back=RISK_MONTHS),
    *_FACTOR_READS,
    Reads("benchmark_members"),
    Reads("rates_clean", back=RATE_MONTHS),
)
_CODE = (
    Path(optimizer.__file__).parent,
    Path(factor_components.__file__),
    PROJECT / "seeds" / "factor_components.csv",
    Path(__file__),
    *(Path(module.__file__) for module in (calendars, candidates, decisions, inputs, portfolio, risk, scores, strategies, universe)),
    *(Path(module.__file__) for module in (evidence_panel, risk_bias, search_rules, weights_of_factors)),
)

STATIONS = (
    Station(
        name="universe",
        description="Who may be bought: the strategy's ranks by market cap, one line a company, above the floor on traded value",
        group="selection",
        reads=(Reads("securities_clean"), Reads("prices_clean", back=1), Reads("benchmark_members")),
        writes=("universe_members",),
        build=_build_universe,
        code=(calendars, strategies, universe, Path(__file__)),
        by_strategy=True,
        batch=_BATCH,
    ),
    Station(
        name="scores",
        description="Fourteen scores a member, standardised over the strategy's members alone",
        group="selection",
        reads=(Reads("universe_members"), *_FACTOR_READS),
        writes=("factor_scores",),
        build=_build_scores,
        code=_CODE,
        by_strategy=True,
        batch=_BATCH,
    ),
    Station(
        name="weights",
        description="The factor weights of the month's portfolio: the manager's rule, and what the search's evidence known by then says",
        group="selection",
        reads=(Reads("search_evidence", back=HISTORY, own=False), Reads("trial_weights", back=HISTORY, own=False)),
        writes=("factor_weights",),
        build=_build_weights,
        code=_CODE,
        by_strategy=True,
        batch=_BATCH,
    ),
    Station(
        name="candidates",
        description="The ranked 100 with expected returns",
        group="selection",
        reads=(Reads("universe_members"), Reads("factor_scores"), Reads("factor_weights"), *_RISK_READS),
        writes=("candidates",),
        build=_build_candidates,
        code=_CODE,
        by_strategy=True,
        batch=_BATCH,
    ),
    Station(
        name="portfolio",
        description="Twenty to twenty-five names with the best forecast Sortino ratio that the mandate admits, its proof, and why each name",
        group="selection",
        reads=(
            Reads("universe_members"),
            Reads("factor_scores"),
            Reads("factor_weights"),
            Reads("candidates"),
            Reads("model_portfolios", back=1, own=False),
            *_RISK_READS,
        ),
        writes=(
            "portfolio_solutions",
            "model_portfolios",
            "decisions",
            "risk_forecasts",
        ),  # how it was found first: the checks of a portfolio look it up
        build=_build_portfolio,
        code=_CODE,
        by_strategy=True,
    ),
    Station(
        name="risk_bias",
        description="Whether last month's risk forecasts came true, for the portfolio and for portfolios that nobody chose",
        group="selection",
        reads=(
            Reads("risk_forecasts", back=1, own=False),
            Reads("universe_members", back=1, own=False),
            Reads("model_portfolios", back=1, own=False),
            Reads("prices_clean"),
            Reads("risk_bias", back=WINDOW - 1, own=False),
        ),
        writes=("risk_bias",),
        build=_build_risk_bias,
        code=_CODE,
        by_strategy=True,
    ),
)
