"""From the tables of a strategy to the rows of the search: a random market of three years with one true factor."""

from dataclasses import replace
from datetime import timedelta

import numpy as np
import polars as pl
import pytest

from optimizer.mandate import Mandate
from wg_dagster.calendars import cutoff, end_of_day, month_end, month_sessions, month_shift, months_between
from wg_dagster.errors import OutsideData
from wg_dagster.schemas.columns import FACTORS
from wg_dagster.schemas.tables import TABLES
from wg_dagster.selection.evidence import EVIDENCE_SCHEMA, RESULT_SCHEMA, search_tables
from wg_dagster.selection.evidence_panel import LITERATURE_SIGNS, regime_cells, regime_splits, search_panel
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


@pytest.fixture(scope="module")
def tables(market):
    return search_tables(STRATEGY, **market)


def without_rates(market):
    return {name: rows for name, rows in market.items() if name != "rates_clean"}


def test_scores_meet_the_returns_after_the_fill(market):
    """Decided in January, bought at the close of February's first session: 18 of its 19 sessions are earned."""
    panel = search_panel(STRATEGY, **without_rates(market))
    assert (panel.decided_in[0], panel.earned_in[0]) == ("2015-01", "2015-02")
    assert len(panel.returns[0]) == len(month_sessions("XNYS", "2015-02")) - 1
    second = month_sessions("XNYS", "2015-02")[1]
    row = market["prices"].filter((pl.col("session_date") == second) & (pl.col("security_id") == "s07"))
    assert panel.returns[0][0, 7] == pytest.approx(row["return_1e9"][0] * 1e-9)
    assert len(panel.earned_in) == len(MONTHS) - 1


def test_factors_that_nobody_has_are_left_out_and_said_so(market):
    panel = search_panel(STRATEGY, **without_rates(market))
    assert panel.factors == ("value", "size", "momentum", "volatility")
    assert panel.signs == (1, -1, 1, -1)
    assert panel.left_out["surprise"] == "known for 0 months in a row, 24 are needed"


def test_every_factor_has_a_sign_before_any_return_is_seen():
    assert set(LITERATURE_SIGNS) == set(FACTORS)


def test_a_member_with_too_few_factors_is_not_bought(market):
    """Two of four factors are half, 60 % are needed; three of four are enough."""
    few, enough = pl.col("security_id") == "s03", pl.col("security_id") == "s04"
    scores = market["scores"].with_columns(
        pl.when(few | enough).then(None).otherwise(pl.col("momentum")).alias("momentum"),
        pl.when(few).then(None).otherwise(pl.col("volatility")).alias("volatility"),
    )
    panel = search_panel(STRATEGY, **{**without_rates(market), "scores": scores})
    assert not panel.members[:, 3].any()
    assert panel.members[:, 4].all()


def test_sector_limits_are_the_market_s_weight_and_the_band(market):
    """A quarter and five points of ten names: three."""
    assert (search_panel(STRATEGY, **without_rates(market)).sector_limit == 3).all()


def test_too_short_a_history_is_refused_with_what_is_missing(market):
    early = {name: rows.filter(pl.col("month") <= "2016-12") for name, rows in without_rates(market).items()}
    with pytest.raises(OutsideData, match="major_100: 0 months have scores and later returns, a search needs 24"):
        search_panel(STRATEGY, **early)


def test_the_rows_of_a_search_are_one_a_month_and_subset(tables):
    results = tables["search_results"]
    assert dict(results.schema) == RESULT_SCHEMA
    assert results.height == (len(MONTHS) - 1) * 15
    assert not results.select("month", "subset").is_duplicated().any()
    assert results.select("month", "subset").equals(results.select("month", "subset").sort("month", "subset"))
    bit = {factor: 1 << FACTORS.index(factor) for factor in KNOWN}
    assert set(results["subset"]) >= {bit["value"], bit["value"] | bit["size"], sum(bit.values())}


def test_the_true_factor_is_the_one_that_is_found(tables):
    evidence = {row["statistic"]: row for row in tables["search_evidence"].iter_rows(named=True)}
    assert evidence["is_found_value"]["value"] == 1.0
    assert evidence["is_found_momentum"]["value"] == 0.0
    assert "value" in evidence["best_subset"]["note"].split("+")
    assert evidence["incumbent"]["note"] == "value, without the factors that are left out"
    assert len(evidence["matrix_sha256"]["note"]) == 64
    assert "72 months are needed" in evidence["missing_walk_forward"]["note"]
    assert evidence["may_replace_premia"]["value"] == 0.0
    assert evidence["regime_months | trend up"]["value"] + evidence["regime_months | trend down"]["value"] == 23


def test_the_rows_of_the_evidence_are_one_a_statistic_of_the_last_month(tables):
    evidence = tables["search_evidence"]
    assert dict(evidence.schema) == EVIDENCE_SCHEMA
    assert evidence["month"].unique().to_list() == [MONTHS[-1]]
    assert not evidence["statistic"].is_duplicated().any()


def test_no_row_changes_when_the_last_months_are_removed(market, tables):
    last = "2017-06"
    earlier = {name: rows.filter(pl.col("month") <= last) for name, rows in market.items() if name != "rates_clean"}
    rates = market["rates_clean"].filter(pl.col("known_at") <= cutoff("XNYS", last))
    shorter = search_tables(STRATEGY, **earlier, rates_clean=rates)["search_results"]
    assert shorter.equals(tables["search_results"].filter(pl.col("month") <= last))


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
