"""The incumbent, its challengers and all factors alike, each run through the real portfolio construction, net of costs.

A trial differs from the strategy in the weights of its factors and in nothing else: same members, risk model, mandate, trading and
costs. Only what it earned may speak for replacing the incumbent.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import polars as pl

from wg_dagster.calendars import CALENDAR_OF_MARKET, month_end, month_sessions
from wg_dagster.schemas.tables import TABLES
from wg_dagster.selection.candidates import composites, shortlist, with_expected_return
from wg_dagster.selection.factor_weights import covered
from wg_dagster.selection.inputs import Question, answer
from wg_dagster.selection.portfolio import Decision, drifted, not_runnable, portfolio_rows, turnover
from wg_dagster.selection.risk import MarketRisk
from wg_dagster.selection.search_rules import tilted
from wg_dagster.strategies import Strategy
from wg_dagster.trading.holdings import Month
from wg_dagster.trading.nav import holding_rows, last_account, nav_rows
from wg_dagster.trading.stations import trade_month


@dataclass(frozen=True, eq=False)
class TrialMonth:
    """What all trials of a month share. The frames are of the month alone, `before` holds last month's rows of the trial tables."""

    strategy: Strategy
    month: str
    universe: pl.DataFrame
    scores: pl.DataFrame
    prices: pl.DataFrame
    securities: pl.DataFrame
    risk: MarketRisk | None
    no_risk: str
    risk_free: float
    before: Mapping[str, pl.DataFrame]


def trial_tables(shared: TrialMonth, chosen: Mapping[str, Mapping[str, float]]) -> dict[str, pl.DataFrame]:
    """Rows of `trial_portfolios`, `trial_holdings` and `trial_nav` of a month, for the weights of each rule."""
    tables = ("trial_portfolios", "trial_holdings", "trial_nav")
    parts = {table: [TABLES[table].empty()] for table in tables}
    for rule in sorted(chosen):
        before = {table: rows.filter(pl.col("factor_rule") == rule) for table, rows in shared.before.items()}
        traded = _trade(shared, before)
        decision, current = _decide(shared, chosen[rule], before)
        rows = _rows(shared, rule, decision, traded, current)
        for table in tables:
            parts[table].append(rows[table])
    return {table: pl.concat(frames) for table, frames in parts.items()}


def _trade(shared: TrialMonth, before: Mapping[str, pl.DataFrame]) -> Month | None:
    return trade_month(
        shared.strategy,
        shared.month,
        portfolio=before["trial_portfolios"],
        held=last_account(before["trial_holdings"], before["trial_nav"].drop_nulls("nav")),
        prices=shared.prices,
        securities=shared.securities,
    )


def _decide(shared: TrialMonth, weights: Mapping[str, float], before: Mapping[str, pl.DataFrame]) -> tuple[Decision, dict[str, float]]:
    """The month's decision, as the station `portfolio` takes it, and the weights held before it."""
    trial = tilted(shared.strategy, weights)
    scored = covered(trial, shared.scores)
    if reason := not_runnable(trial, scored) or shared.no_risk:
        return Decision("not_runnable", {}, reason), {}
    assert shared.risk is not None
    calendar = CALENDAR_OF_MARKET[trial.market]
    first, as_of = month_sessions(calendar, shared.month)[0], month_end(calendar, shared.month)
    listed = set(shared.securities.filter(pl.col("listed_to").is_null() | (pl.col("listed_to") > as_of))["security_id"])
    previous = dict(before["trial_portfolios"].select("security_id", "weight").iter_rows())
    current = drifted(previous, shared.prices, first, as_of, listed) if previous else {}
    ranked = composites(trial, universe=shared.universe, scores=scored, weights=weights)
    expected = with_expected_return(trial, ranked, shared.risk, risk_free=shared.risk_free)
    question = Question(trial, shared.month, as_of, "", expected, shortlist(trial, expected), shared.risk, previous, listed, current)
    return answer(question), current


def _rows(shared: TrialMonth, rule: str, decision: Decision, traded: Month | None, current: dict[str, float]) -> dict[str, pl.DataFrame]:
    strategy, month = shared.strategy, shared.month
    as_of = month_end(CALENDAR_OF_MARKET[strategy.market], month)
    account: dict[str, object] = {"strategy": strategy.strategy_id, "month": month, "session_date": as_of, "currency": strategy.currency}
    holdings = TABLES["holdings"].empty()
    if traded is not None:
        account |= nav_rows(strategy, month, traded).tail(1).to_dicts()[0]
        holdings = holding_rows(strategy, month, traded).filter(pl.col("session_date") == account["session_date"])
        account["cost"] = float(np.sum([trade.costs.sum() for trade in traded.trades]))
    account |= {
        "factor_rule": rule,
        "status": decision.status,
        "turnover": turnover(decision.weights, current) if decision.weights else None,
        "message": decision.message,
    }
    return {
        "trial_portfolios": _of_rule("trial_portfolios", rule, portfolio_rows(strategy, month, as_of, decision)),
        "trial_holdings": _of_rule("trial_holdings", rule, holdings),
        "trial_nav": pl.DataFrame([dict.fromkeys(TABLES["trial_nav"].columns) | account], schema=TABLES["trial_nav"].schema),
    }


def _of_rule(table: str, rule: str, rows: pl.DataFrame) -> pl.DataFrame:
    return rows.with_columns(pl.lit(rule).alias("factor_rule")).select(TABLES[table].columns)
