"""From candidates to a portfolio that obeys its mandate, and what happens where there is none."""

from dataclasses import replace
from datetime import date

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from optimizer.errors import Infeasible
from optimizer.mandate import Mandate, check
from wg_dagster.calendars import month_sessions
from wg_dagster.schemas.columns import FACTORS
from wg_dagster.schemas.gates import failures
from wg_dagster.selection import portfolio
from wg_dagster.selection.candidates import composites, shortlist, with_expected_return
from wg_dagster.selection.portfolio import (
    Decision,
    costed,
    decide,
    drifted,
    keep_previous,
    not_runnable,
    portfolio_rows,
    solution_row,
    solver_universe,
    turnover,
)
from wg_dagster.selection.risk import market_risk
from wg_dagster.selection.scores import factor_scores
from wg_dagster.selection.universe import universe_members
from wg_dagster.strategies import MAJOR_100, UniverseRule

EVERYONE = replace(MAJOR_100, universe=UniverseRule("US", 1, 1000))
NO_PORTFOLIO = Decision("no_portfolio", {}, "100 names: sector Energy short by 0.02")


@pytest.fixture(scope="module")
def decided(random_market):
    """Everything that a decision needs, for all names of the random market."""
    tables = {"securities": random_market.securities, "prices": random_market.prices, "benchmark_members": random_market.members}
    universe = universe_members(EVERYONE, "2020-01", **tables)
    defined = {"factors": random_market.factors, "components": random_market.components}
    scores = factor_scores(EVERYONE, "2020-01", universe=universe, **defined)
    risk = market_risk(EVERYONE, "2020-01", universe=universe, older_returns=random_market.older, **tables, **defined)
    scored = with_expected_return(EVERYONE, composites(EVERYONE, universe=universe, scores=scores), risk, risk_free=0.02)
    return scored, shortlist(EVERYONE, scored), risk


def scores_of(coverage, **factors):
    given = {factor: factors.get(factor, [None] * len(coverage)) for factor in FACTORS}
    return pl.DataFrame({"coverage": coverage, **given}, schema_overrides=dict.fromkeys(["coverage", *FACTORS], pl.Float64))


# -- runnable or not --------------------------------------------------------------------------------------------------------------


def test_sixty_scored_names_that_are_forty_percent_of_the_members_can_run():
    assert not_runnable(MAJOR_100, scores_of([0.6] * 60 + [0.4] * 90)) == ""


def test_a_recipe_with_too_few_names_says_which_factors_are_missing():
    reason = not_runnable(MAJOR_100, scores_of([0.6] * 59 + [0.4], safety=[1.0] * 30 + [None] * 30, surprise=[1.0] * 60))
    assert reason.startswith("59 of 60 members have 60% of the factors")
    assert "eps_stability 0%, profitability 0%, shareholder_return 0%, safety 50%, surprise 100%" in reason


def test_a_recipe_with_too_small_a_share_of_the_members_cannot_run():
    assert not_runnable(MAJOR_100, scores_of([0.6] * 79 + [0.4] * 121)).startswith("79 of 200 members")


def test_no_members_cannot_run():
    assert not_runnable(MAJOR_100, scores_of([])).startswith("0 of 0 members")


# -- solving ----------------------------------------------------------------------------------------------------------------------


def test_a_portfolio_of_the_candidates_obeys_the_mandate(decided):
    scored, listed, risk = decided
    decision = decide(EVERYONE, scored=scored, candidates=listed, risk=risk, current={})
    assert decision.status == "solved"
    assert set(decision.weights) <= set(listed["security_id"])
    assert sum(decision.weights.values()) == pytest.approx(1.0, abs=1e-12)
    universe = solver_universe(scored, scored, risk)
    weights = np.array([decision.weights.get(name, 0.0) for name in universe.ids])
    assert check(weights, universe, EVERYONE.mandate) == []


def test_the_risk_in_the_row_is_that_of_the_weights(decided):
    scored, listed, risk = decided
    decision = decide(EVERYONE, scored=scored, candidates=listed, risk=risk, current={})
    row = solution_row(EVERYONE, "2020-01", date(2020, 1, 31), decision, risk=risk, current={}).to_dicts()[0]
    assert row["risk_ratio"] == pytest.approx(decision.solution.risk_ratio, rel=1e-9)
    assert row["beta"] == pytest.approx(decision.solution.beta, rel=1e-9)
    assert row["risk_ratio_sp500"] == row["risk_ratio"]  # the own benchmark is the S&P 500
    assert (row["names"], row["status"], row["turnover"]) == (len(decision.weights), "solved", pytest.approx(0.5))
    assert row["bound"] >= row["ratio"] > 0.0
    assert failures("portfolio_solutions", solution_row(EVERYONE, "2020-01", date(2020, 1, 31), decision, risk=risk, current={})).is_empty()
    assert failures("model_portfolios", portfolio_rows(EVERYONE, "2020-01", date(2020, 1, 31), decision)).is_empty()


def test_the_order_of_the_rows_changes_no_weight(decided):
    scored, listed, risk = decided
    straight, shuffled = (
        decide(EVERYONE, scored=names, candidates=best, risk=risk, current={})
        for names, best in ((scored, listed), (scored.sample(fraction=1.0, shuffle=True, seed=4), listed.reverse()))
    )
    assert shuffled.weights == straight.weights


def test_scaling_all_prices_leaves_the_weights_alone(decided, random_market):
    """In another unit of money sizes, scores and risk are the same."""
    scored, listed, risk = decided
    fourfold = random_market.prices.with_columns(pl.col("close", "traded_value", "market_cap") * 4)
    tables = {"securities": random_market.securities, "prices": fourfold, "benchmark_members": random_market.members}
    universe = universe_members(EVERYONE, "2020-01", **tables)
    defined = {"factors": random_market.factors, "components": random_market.components}
    scores = factor_scores(EVERYONE, "2020-01", universe=universe, **defined)
    scaled_risk = market_risk(EVERYONE, "2020-01", universe=universe, older_returns=random_market.older, **tables, **defined)
    again = with_expected_return(EVERYONE, composites(EVERYONE, universe=universe, scores=scores), scaled_risk, risk_free=0.02)
    straight = decide(EVERYONE, scored=scored, candidates=listed, risk=risk, current={})
    scaled = decide(EVERYONE, scored=again, candidates=shortlist(EVERYONE, again), risk=scaled_risk, current={})
    assert scaled.weights == pytest.approx(straight.weights, abs=1e-6)


def test_holdings_are_left_only_where_it_pays(decided):
    """With costs of 10 % of each trade nothing is traded that obeys the mandate already."""
    scored, listed, risk = decided
    dear = replace(EVERYONE, mandate=Mandate(trading_cost=1.2))
    first = decide(dear, scored=scored, candidates=listed, risk=risk, current={})
    second = decide(dear, scored=scored.with_columns(pl.col("expected_return") * 0.99), candidates=listed, risk=risk, current=first.weights)
    assert turnover(second.weights, first.weights) < 0.01


def test_a_cost_is_weighed_against_a_months_return():
    """A score is a view of one month, so 2.5 basis points a trade are 12 x 0.00025 a year."""
    assert costed(MAJOR_100).trading_cost == pytest.approx(12 * 0.00025)
    assert costed(replace(MAJOR_100, mandate=Mandate(trading_cost=0.5))).trading_cost == 0.5


def test_candidates_of_one_sector_are_widened_to_all_members(decided):
    scored, listed, risk = decided
    one_sector = listed.filter(pl.col("sector") == "S0")
    decision = decide(EVERYONE, scored=scored, candidates=one_sector, risk=risk, current={})
    assert decision.status == "widened"
    assert decision.message.startswith(f"{one_sector.height} names: ")
    assert len({scored.row(by_predicate=pl.col("security_id") == name, named=True)["sector"] for name in decision.weights}) == 6


def test_a_mandate_that_cannot_be_met_is_explained_by_rule(decided):
    scored, listed, risk = decided
    strict = replace(EVERYONE, mandate=Mandate(risk_band=(0.9, 0.91)))
    decision = decide(strict, scored=scored, candidates=listed, risk=risk, current={})
    assert decision.status == "no_portfolio"
    assert decision.weights == {}
    assert "volatility" in decision.message or "beta" in decision.message
    assert "120 names" in decision.message


def test_sectors_are_named_in_the_reasons(decided, monkeypatch):
    scored, listed, risk = decided

    def impossible(*_):
        raise Infeasible("sector 2, at least short by 0.05")

    monkeypatch.setattr(portfolio, "solve", impossible)
    decision = decide(EVERYONE, scored=scored, candidates=listed, risk=risk, current={})
    assert decision.message == "100 names: sector S2, at least short by 0.05 | 120 names: sector S2, at least short by 0.05"


def test_an_answer_that_breaks_the_mandate_is_not_returned(decided, monkeypatch):
    """A solver's word is not enough: one name of 100 % is refused although the solver calls it solved."""
    scored, listed, risk = decided
    honest = portfolio.solve

    def wrong(universe, mandate, current):
        return replace(honest(universe, mandate, current), weights=np.eye(len(universe))[0])

    monkeypatch.setattr(portfolio, "solve", wrong)
    decision = decide(EVERYONE, scored=scored, candidates=listed, risk=risk, current={})
    assert (decision.status, decision.weights) == ("no_portfolio", {})
    assert "the answer breaks names, at least 20, has 1" in decision.message


# -- last month's portfolio -------------------------------------------------------------------------------------------------------


def test_last_months_targets_are_kept_over_the_names_still_listed():
    """20 names of 5 %, of which one is gone: 19 names of 1/19."""
    previous = {f"n{k:02d}": 0.05 for k in range(20)}
    decision = keep_previous(MAJOR_100, NO_PORTFOLIO, previous, set(list(previous)[1:]))
    assert decision.status == "kept_previous"
    assert decision.weights == pytest.approx(dict.fromkeys(list(previous)[1:], 1 / 19))
    assert decision.message == "kept last month's 19 names; 1 names are no longer listed. Reason: 100 names: sector Energy short by 0.02"


def test_a_kept_name_does_not_grow_over_the_largest_weight():
    """9.9 % of 80 % would be 12.4 %: it stays at 9.99 %, the others take the rest."""
    previous = {"a": 0.099, "gone": 0.2, **{f"n{k:02d}": 0.701 / 14 for k in range(14)}}
    weights = keep_previous(MAJOR_100, NO_PORTFOLIO, previous, set(previous) - {"gone"}).weights
    assert weights["a"] == MAJOR_100.mandate.weight[1]
    assert weights["n03"] == pytest.approx((1 - 0.0999) / 14)


@given(st.lists(st.floats(0.01, 0.0999), min_size=20, max_size=25), st.integers(11, 20))
def test_kept_weights_sum_to_one_and_none_is_too_large(sizes, kept):
    previous = {f"n{k:02d}": size / sum(sizes) for k, size in enumerate(sizes)}
    weights = np.array(list(keep_previous(MAJOR_100, NO_PORTFOLIO, previous, set(list(previous)[:kept])).weights.values()))
    assert weights.sum() == pytest.approx(1.0, abs=1e-12)
    assert weights.max() <= MAJOR_100.mandate.weight[1]


def test_too_few_names_left_are_no_portfolio():
    """Ten names of at most 9.99 % cannot hold everything."""
    previous = {f"n{k:02d}": 0.05 for k in range(20)}
    assert keep_previous(MAJOR_100, NO_PORTFOLIO, previous, set(list(previous)[:10])) is NO_PORTFOLIO


def test_with_nothing_to_keep_there_is_no_portfolio():
    assert keep_previous(MAJOR_100, NO_PORTFOLIO, {}, set()) is NO_PORTFOLIO


# -- what is held at the month's end ----------------------------------------------------------------------------------------------


def prices_of(**paths):
    sessions = month_sessions("XNYS", "2020-01")
    rows = [
        {"security_id": name, "session_date": day, "return_1e9": value}
        for name, path in paths.items()
        for day, value in zip(sessions, path, strict=False)
    ]
    return pl.DataFrame(rows)


def test_weights_drift_from_the_close_of_the_trade():
    """a gains half on the first session, which the portfolio did not hold, then a tenth twice: 0.5 x 1.21 against 0.5."""
    sessions = month_sessions("XNYS", "2020-01")
    prices = prices_of(a=[500_000_000, 100_000_000, 100_000_000], b=[0, None, 0])
    held = drifted({"a": 0.5, "b": 0.5}, prices, sessions[0], sessions[-1], {"a", "b"})
    assert held == pytest.approx({"a": 0.605 / 1.105, "b": 0.5 / 1.105})


def test_sessions_after_the_cut_off_do_not_drift():
    sessions = month_sessions("XNYS", "2020-01")
    prices = prices_of(a=[0, 100_000_000, 900_000_000], b=[0, 0, 0])
    held = drifted({"a": 0.5, "b": 0.5}, prices, sessions[0], sessions[1], {"a", "b"})
    assert held["a"] == pytest.approx(0.55 / 1.05)


def test_a_delisted_name_is_cash_by_the_months_end():
    sessions = month_sessions("XNYS", "2020-01")
    held = drifted({"a": 0.5, "b": 0.5}, prices_of(a=[0, 0]), sessions[0], sessions[-1], {"a"})
    assert held == {"a": 0.5}


def test_turnover_is_half_of_what_changes():
    """a -10, b +5, c +5 points."""
    assert turnover({"a": 0.4, "b": 0.55, "c": 0.05}, {"a": 0.5, "b": 0.5}) == pytest.approx(0.1)


def test_a_month_without_a_portfolio_still_has_its_row():
    row = solution_row(MAJOR_100, "2020-01", date(2020, 1, 31), Decision("not_runnable", {}, "why"), risk=None, current={})
    assert row.select("status", "message", "names", "ratio", "turnover", "max_weight").rows() == [
        ("not_runnable", "why", 0, None, None, None)
    ]
    assert failures("portfolio_solutions", row).is_empty()
