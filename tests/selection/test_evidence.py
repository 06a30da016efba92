"""From the tables of a strategy to the rows of the search: a random market of three years with one true factor."""

from dataclasses import replace
from datetime import date, timedelta

import numpy as np
import polars as pl
import pytest

import optimizer
from optimizer.errors import TooFewReturns
from optimizer.mandate import Mandate
from wg_dagster.calendars import end_of_day, month_end, month_sessions, month_shift, months_between
from wg_dagster.errors import OutsideData
from wg_dagster.schemas.columns import FACTORS
from wg_dagster.schemas.tables import TABLES
from wg_dagster.selection.construction import construction_rows
from wg_dagster.selection.evidence import assembled, evidence_table
from wg_dagster.selection.evidence_panel import LITERATURE_SIGNS, SearchPanel
from wg_dagster.selection.factor_weights import factor_weights, weighed
from wg_dagster.selection.search_months import masks_of, month_tables
from wg_dagster.selection.search_regimes import regime_cells, regime_splits
from wg_dagster.selection.search_rules import RULES, rule_weights, searched_window, weight_rows
from wg_dagster.strategies import MAJOR_100

STRATEGY = replace(MAJOR_100, mandate=Mandate(names=(8, 10), weight=(0.01, 0.2)), factors={"value": 1, "surprise": 1})
MONTHS = months_between("2015-01", "2017-09")
KNOWN = ("value", "size", "momentum", "volatility")
IDS = [f"s{i:02d}" for i in range(40)]


def full(table, rows):
    schema = TABLES[table].schema
    return rows.select(
        pl.col(name).cast(dtype) if name in rows.columns else pl.lit(None, dtype).alias(name) for name, dtype in schema.items()
    )


@pytest.fixture(scope="module")
def market():
    """Value earns 2 % a month; the first session of each month gives the opposite, which nobody who buys at its close can have."""
    rng = np.random.default_rng(1)
    members, scores, prices, levels = [], [], [], []
    value = rng.standard_normal(40)
    for month in MONTHS:
        days = month_sessions("XNYS", month)
        daily = 0.02 / len(days) * value + 0.02 * rng.standard_normal((len(days), 40))
        daily[0] = -0.05 * value
        prices += [
            {"month": month, "session_date": day, "security_id": name, "return_1e9": round(1e9 * daily[d, i])}
            for d, day in enumerate(days)
            for i, name in enumerate(IDS)
        ]
        levels += [{"session_date": day, "month": month, "return_1e9": round(1e9 * daily[d].mean())} for d, day in enumerate(days)]
        value = 0.9 * value + 0.4 * rng.standard_normal(40)
        key = {"strategy": STRATEGY.strategy_id, "month": month, "as_of_date": month_end("XNYS", month)}
        members += [
            key | {"security_id": name, "sector": "ABCD"[i % 4], "market_cap": 1e9 + i, "benchmark_weight": 1 / 40}
            for i, name in enumerate(IDS)
        ]
        known = {"value": value, **{factor: rng.standard_normal(40) for factor in KNOWN[1:]}}
        scores += [key | {"security_id": name, **{factor: known[factor][i] for factor in KNOWN}} for i, name in enumerate(IDS)]
    nav = pl.DataFrame(levels).with_columns(
        pl.lit("sp500").alias("benchmark_id"),
        (1.0 + pl.col("return_1e9") * 1e-9).cum_prod().alias("level"),
        pl.Series("known_at", [end_of_day("XNYS", row["session_date"]) for row in levels]),
    )
    dates = [month_end("XNYS", month) for month in months_between("2014-01", MONTHS[-1])]
    rates = pl.DataFrame(
        [
            {"rate_id": rate, "date": day, "value": 0.01 + 0.001 * (t % 7), "known_at": end_of_day("XNYS", day)}
            for rate in ("us_bill", "usdjpy")
            for t, day in enumerate(dates)
        ]
    )
    return {
        "universe": full("universe_members", pl.DataFrame(members)),
        "scores": full("factor_scores", pl.DataFrame(scores)),
        "prices": full("prices_clean", pl.DataFrame(prices)),
        "benchmark_nav": full("benchmark_nav", nav),
        "rates_clean": full("rates_clean", rates),
    }


EARNED = MONTHS[1:]
BIT = {factor: 1 << FACTORS.index(factor) for factor in KNOWN}


def panel_of(market):
    return {name: rows for name, rows in market.items() if name != "rates_clean"}


@pytest.fixture(scope="module")
def tables(market):
    return month_tables(STRATEGY, EARNED, **panel_of(market))


def securities(count, *, gone):
    """A list of names of which some were delisted."""
    rows = [{"market": "US", "security_id": f"s{i:03d}", "listed_to": date(2016, 1, 4) if i < gone else None} for i in range(count)]
    return full("securities_clean", pl.DataFrame(rows, schema_overrides={"listed_to": pl.Date}))


def judged(market, tables, trial_nav=None):
    nav = TABLES["trial_nav"].empty() if trial_nav is None else trial_nav
    grid = {"results": tables["search_results"], "premia": tables["search_premia"], "trial_nav": nav}
    return evidence_table(STRATEGY, EARNED[-1], **market, **grid, securities=securities(120, gone=0))


@pytest.fixture(scope="module")
def evidence(market, tables):
    return {row["statistic"]: row for row in judged(market, tables).iter_rows(named=True)}


def test_scores_meet_the_returns_after_the_fill(market):
    """Decided in January, bought at the close of February's first session: 18 of its 19 sessions are earned."""
    month = SearchPanel(STRATEGY, ["2015-02"], **panel_of(market)).read("2015-02", (4, 9))
    days = month_sessions("XNYS", "2015-02")
    assert month.growth.shape == (40, len(days) - 1)
    row = market["prices"].filter((pl.col("session_date") == days[1]) & (pl.col("security_id") == "s07"))
    assert month.growth[7, 0] == pytest.approx(1.0 + row["return_1e9"][0] * 1e-9)


def test_only_factors_that_rank_the_members_are_searched(market):
    assert SearchPanel(STRATEGY, EARNED, **panel_of(market)).factors("2016-05") == tuple(FACTORS.index(factor) for factor in KNOWN)


def test_every_factor_has_a_sign_before_any_return_is_seen():
    assert set(LITERATURE_SIGNS) == set(FACTORS)


def test_a_member_with_too_few_factors_is_not_bought(market):
    """Two of four factors are half, 60 % are needed; three of four are enough."""
    few, enough = pl.col("security_id") == "s03", pl.col("security_id") == "s04"
    scores = market["scores"].with_columns(
        pl.when(few | enough).then(None).otherwise(pl.col("momentum")).alias("momentum"),
        pl.when(few).then(None).otherwise(pl.col("volatility")).alias("volatility"),
    )
    panel = SearchPanel(STRATEGY, ["2016-05"], **{**panel_of(market), "scores": scores})
    columns = panel.read("2016-05", panel.factors("2016-05")).columns.tolist()
    assert 3 not in columns
    assert 4 in columns


def test_sector_limits_are_the_market_s_weight_and_the_band(market):
    """A quarter and five points of ten names: three."""
    panel = SearchPanel(STRATEGY, ["2016-05"], **panel_of(market))
    assert (panel.read("2016-05", (4,)).sector_limit == 3).all()


def test_the_rows_of_a_search_are_one_a_month_and_subset(tables):
    results = tables["search_results"]
    assert dict(results.schema) == dict(TABLES["search_results"].schema)
    assert results.height == len(EARNED) * 15
    assert results.select("month", "subset").equals(results.select("month", "subset").sort("month", "subset"))
    assert set(results["subset"]) >= {BIT["value"], BIT["value"] | BIT["size"], sum(BIT.values())}
    assert tables["checks"].is_empty()


def test_a_month_alone_is_the_month_of_the_whole_history(market, tables):
    month = "2016-09"
    span = months_between(month_shift(month, -2), month)
    few = {name: rows.filter(pl.col("month").is_in(span)) for name, rows in panel_of(market).items()}
    alone = month_tables(STRATEGY, [month], **few)
    for table in ("search_results", "search_premia"):
        assert alone[table].equals(tables[table].filter(pl.col("month") == month))


def test_the_stored_months_put_together_are_the_search_itself(market, tables):
    """The same panel through `optimizer.search` gives the same sums and the same names."""
    window = searched_window(tables["search_results"])
    panel = SearchPanel(STRATEGY, window.months, **panel_of(market))
    grid = {"results": tables["search_results"], "premia": tables["search_premia"]}
    found = assembled(STRATEGY, window, panel, **grid)
    months = [panel.read(month, window.factors) for month in window.months]
    scores = np.zeros((len(months), 40, 4))
    for t, month in enumerate(months):
        scores[t, month.columns] = month.ranks
    whole = optimizer.search(
        scores,
        [np.vstack([month.growth[:, :1].T - 1.0, (month.growth[:, 1:] / month.growth[:, :-1] - 1.0).T]) for month in months],
        factors=window.names,
        decided_in=[month_shift(month, -1) for month in window.months],
        earned_in=window.months,
        benchmark=[month.benchmark for month in months],
        sectors=np.array([month.sector for month in months]),
        sector_limit=3,
        holdings=10,
        cost=found.cost,
    )
    assert whole.names(0) == found.names(0)
    np.testing.assert_allclose(whole.own.growth, found.own.growth, atol=1e-8)  # returns were divided and multiplied again
    np.testing.assert_array_equal(whole.last_chosen, found.last_chosen)


def test_a_month_that_cannot_be_searched_has_no_rows_and_says_why(market):
    few = market["universe"].filter(pl.col("security_id") < "s09")
    rows = month_tables(STRATEGY, ["2016-05"], **{**panel_of(market), "universe": few})
    assert rows["search_results"].is_empty()
    assert "9 members, but 10 names are to be chosen" in rows["checks"]["details"][0]


def known_from(starts, last="2020-12"):
    """Rows of search_results: factor -> first month, over a run that ends in `last`."""
    rows = [(month, BIT[factor]) for factor, first in starts.items() for month in months_between(first, last)]
    return pl.DataFrame(rows, schema={"month": pl.String, "subset": pl.Int32}, orient="row")


def test_a_factor_that_came_late_does_not_cost_the_others_their_history():
    """Of 96 months 72 are needed (a walk forward of 60 and a year): 80 are enough, 60 are not."""
    window = searched_window(known_from({"value": "2013-01", "size": "2014-05", "momentum": "2016-01"}))
    assert window.names == ("value", "size")
    assert (len(window.months), window.months[0]) == (80, "2014-05")
    assert window.left_out["momentum"] == "known for 60 months in a row, 72 are needed"


def test_a_short_history_keeps_what_is_known_for_three_quarters_of_it():
    window = searched_window(known_from({"value": "2017-09", "size": "2018-06"}))  # 40 and 31 months
    assert (window.names, len(window.months)) == (("value", "size"), 31)


def test_a_hole_ends_the_history():
    window = searched_window(known_from({"value": "2013-01"}).filter(pl.col("month") != "2016-06"))
    assert window.months[0] == "2016-07"


def test_too_short_a_history_is_refused_with_what_is_missing():
    with pytest.raises(TooFewReturns, match="12 months in a row have been searched, 24 are needed"):
        searched_window(known_from({"value": "2020-01"}))


def test_the_true_factor_is_the_one_that_is_found(evidence):
    assert evidence["is_found_value"]["value"] == 1.0
    assert evidence["is_found_momentum"]["value"] == 0.0
    assert "value" in evidence["best_subset"]["note"].split("+")
    assert evidence["incumbent"]["note"] == "value, without the factors that are left out"
    assert len(evidence["matrix_sha256"]["note"]) == 64
    assert "48 months are needed" in evidence["missing_walk_forward"]["note"]
    assert evidence["walk_forward_first"]["value"] == 36.0
    note = evidence["recommend_premia"]["note"]
    assert "the grid has fewer than 72 months" in note
    assert "nobody ever leaves this market" in note
    assert evidence["may_replace_premia"]["value"] == evidence["recommend_premia"]["value"] == 0.0
    assert evidence["regime_months | trend up"]["value"] + evidence["regime_months | trend down"]["value"] == 23


def test_the_rows_of_the_evidence_are_one_a_statistic_of_the_last_month(market, tables):
    rows = judged(market, tables)
    assert dict(rows.schema) == dict(TABLES["search_evidence"].schema)
    assert rows["month"].unique().to_list() == [EARNED[-1]]
    assert not rows["statistic"].is_duplicated().any()


def test_a_factor_that_copies_next_month_s_return_is_caught(market):
    earned = market["prices"].group_by("month", "security_id").agg(pl.col("return_1e9").sum().alias("leak"))
    later = {month_shift(month, 1): month for month in MONTHS}
    earned = earned.with_columns(pl.col("month").replace_strict(later, default=None).alias("month")).drop_nulls("month")
    leaking = (
        market["scores"]
        .join(earned, on=["month", "security_id"], how="left")
        .with_columns(pl.col("leak").cast(pl.Float64).alias("momentum"))
    )
    leaking = leaking.with_columns((pl.col("momentum") / 1e8).fill_null(0.0)).drop("leak").select(market["scores"].columns)
    inputs = {**market, "scores": leaking}
    with pytest.raises(OutsideData, match="momentum"):
        judged(inputs, month_tables(STRATEGY, EARNED, **panel_of(inputs)))


def test_regimes_know_nothing_that_was_published_later(market):
    decided = MONTHS[:-1]
    splits = regime_splits(STRATEGY, decided, benchmark_nav=market["benchmark_nav"], rates_clean=market["rates_clean"])
    late = market["rates_clean"].with_columns(pl.col("known_at") + timedelta(days=40))
    later = regime_splits(STRATEGY, decided, benchmark_nav=market["benchmark_nav"], rates_clean=late)
    assert (later[2].labels[2:] == splits[2].labels[1:-1]).sum() > 20  # values arrive a month later, and so do the labels
    cut = regime_splits(STRATEGY, decided[:20], benchmark_nav=market["benchmark_nav"], rates_clean=market["rates_clean"])
    for whole, part in zip(splits, cut, strict=True):
        assert (whole.labels[:20] == part.labels).all()
    assert month_shift(decided[0], -12) == "2014-01"
    assert set(regime_cells(splits)) == {
        *("trend up", "trend down", "volatility high", "volatility low"),
        *("rates rising", "rates falling", "yen weaker", "yen stronger"),
    }


def test_the_rules_weigh_what_paid(tables):
    window = searched_window(tables["search_results"])
    chosen = rule_weights(STRATEGY, window, results=tables["search_results"], premia=tables["search_premia"], cells={})
    assert set(chosen) == set(RULES)
    assert all(sum(weights.values()) == pytest.approx(1.0) for weights in chosen.values())
    assert chosen["all"] == dict.fromkeys(KNOWN, 0.25)
    assert chosen["incumbent"] == {"value": 0.5, "surprise": 0.5}
    assert max(chosen["premia"], key=chosen["premia"].get) == "value"
    assert "value" in chosen["top_1_percent"]


def test_masks_are_the_bits_of_the_factors():
    assert masks_of((0, 4)).tolist() == [1, 16, 17]


def trial_nav(growth, status="solved"):
    """Month-end values of one unit in each rule, growing by a rate of its own and some common noise."""
    noise = np.random.default_rng(3).normal(0.0, 0.03, len(MONTHS))
    rows = [
        {"strategy": STRATEGY.strategy_id, "month": month, "factor_rule": rule, "nav": float(nav), "status": status, "turnover": 0.2}
        for rule in RULES
        for month, nav in zip(MONTHS, np.cumprod(1.0 + growth.get(rule, 0.0) + noise), strict=True)
    ]
    return full("trial_nav", pl.DataFrame(rows))


def test_a_challenger_is_recommended_only_where_grid_and_real_construction_agree():
    better = trial_nav({"premia": 0.02})
    for objected, wanted in (({"premia": False, "top_1_percent": False}, 1.0), ({"premia": True, "top_1_percent": False}, 0.0)):
        rows = construction_rows(better, objected)
        assert rows["recommend_premia"][0] == wanted
        assert rows["recommend_top_1_percent"][0] == 0.0  # it earned what the incumbent earned
    assert rows["construction_months"][0] == len(MONTHS) - 1
    assert rows["construction_turnover_all"][0] == pytest.approx(0.2)


def test_a_doubt_about_the_data_ends_every_recommendation():
    rows = construction_rows(trial_nav({"premia": 0.02}), {"premia": False}, doubts=["survivors"])
    assert rows["recommend_premia"] == (0.0, "survivors")


def test_without_a_year_of_real_portfolios_nothing_is_recommended():
    rows = construction_rows(trial_nav({"premia": 0.05}).filter(pl.col("month") <= "2015-12"), {"premia": False})
    assert rows["recommend_premia"] == (0.0, "the real construction has run 11 months, 12 are needed")


def said(**recommended):
    rows = [("2017-05", f"recommend_{rule}", value, "not ahead") for rule, value in recommended.items()]
    rows += [("2017-05", "matrix_sha256", None, "ab12"), ("2016-12", "recommend_premia", 1.0, "")]
    return full("search_evidence", pl.DataFrame(rows, schema=["month", "statistic", "value", "note"], orient="row"))


def chosen_weights():
    return weight_rows(STRATEGY, "2017-05", {"premia": {"value": 0.75, "size": 0.25}})


def used(strategy, evidence):
    return factor_weights(strategy, "2017-06", evidence=evidence, trial_weights=chosen_weights())


def test_the_incumbent_stays_unless_the_manager_chooses_and_the_evidence_recommends():
    """Neither is enough: evidence alone, or the manager alone; both together change the weights."""
    keen = replace(STRATEGY, factor_rule="premia")
    for strategy, recommended, rule in ((STRATEGY, 1.0, "incumbent"), (keen, 0.0, "incumbent"), (keen, 1.0, "premia")):
        rows = used(strategy, said(premia=recommended))
        assert rows["factor_rule"].unique().to_list() == [rule]
        assert rows["evidence_month"].unique().to_list() == ["2017-05"]
        assert rows["matrix_sha256"].unique().to_list() == ["ab12"]
    assert dict(rows.select("factor", "weight").iter_rows()) == {"size": 0.25, "value": 0.75}
    assert dict(rows.select("factor", "sign").iter_rows()) == {"size": -1, "value": 1}
    strategy, weights = weighed(keen, rows)
    assert (strategy.factors, weights) == ({"value": 1, "size": -1}, {"value": 0.75, "size": 0.25})


def test_the_row_says_why():
    assert "premia, which the manager has not chosen" in used(STRATEGY, said(premia=1.0))["reason"][0]
    assert "the evidence does not allow it: not ahead" in used(replace(STRATEGY, factor_rule="premia"), said(premia=0.0))["reason"][0]
    assert "no search had been judged by then" in used(STRATEGY, TABLES["search_evidence"].empty())["reason"][0]
    assert weighed(STRATEGY, used(STRATEGY, said(premia=1.0))) == (STRATEGY, None)
