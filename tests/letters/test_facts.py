import json
from datetime import date, timedelta

import polars as pl
import pytest

from wg_dagster.letters.facts import LONGEST_SERIES, letter_facts
from wg_dagster.schemas.tables import TABLES
from wg_dagster.strategies import NEXT_MAJOR_100

MONTH = "2026-01"


def changed(make_sources, **tables):
    return letter_facts(make_sources(**tables), NEXT_MAJOR_100, MONTH)


def test_rows_follow_the_contract(facts):
    assert facts.schema == TABLES["report_facts"].schema
    assert facts["fact_id"].is_unique().all()
    assert facts["fact_id"].is_sorted()
    assert facts["letter_id"].n_unique() == 1


def test_each_fact_names_the_row_that_it_came_from(facts, make_sources):
    """The names in source_key that are columns of the source table find rows there, and a single row has the fact's value."""
    tables = vars(make_sources())
    checked = 0
    for row in facts.filter(pl.col("source_table").is_in(list(tables))).iter_rows(named=True):
        key = json.loads(row["source_key"])
        table = tables[row["source_table"]]
        filters = [pl.col(name).cast(pl.String) == str(value) for name, value in key.items() if name in table.columns and value is not None]
        found = table.filter(filters) if filters else table
        assert found.height, row["fact_id"]
        if row["metric"] in found.columns and row["value"] is not None and found.height == 1 and "statistic" not in key:
            stored = found[row["metric"]][0]
            if isinstance(stored, float):
                assert stored == row["value"], row["fact_id"]
                checked += 1
    assert checked > 30


def test_the_golden_month(book):
    """G1: -4.33 - (+5.83) = -10.16 points."""
    assert [book.show(f"own.{metric}.1m", "ja") for metric in ("return", "benchmark_return", "excess_return")] == [
        "△4.33%",
        "+5.83%",
        "△10.16ポイント",
    ]


def test_bars_of_the_waterfall_add_up_to_the_excess(book):
    """Five factors, the others as one, and every other effect once: the sum is the excess return."""
    steps = book.numbered("step")
    assert sum(book.value(f"{step}.value") for step in steps) == pytest.approx(book.value("effect.total"), abs=1e-12)
    names = [book.show(f"{step}.name", "en") for step in steps]
    assert names[0] == "Market"
    assert names[6] == "Other factors"
    assert names[-1] == "Unexplained"


def test_an_effect_without_a_listed_word_still_has_its_bar(make_sources, rows_of):
    lines = pl.concat(
        [make_sources().attribution, rows_of("attribution", [{"scheme": "factor", "effect": "weather", "item": "weather", "value": 0.01}])]
    )
    book = changed(make_sources, attribution=lines)
    assert "weather" in [book.show(f"{step}.name", "ja") for step in book.numbered("step")]


def test_names_are_listed_by_their_specific_effect(book):
    gains = [book.value(f"{row}.value") for row in book.numbered("gain")]
    losses = [book.value(f"{row}.value") for row in book.numbered("loss")]
    assert len(gains) == len(losses) == 5
    assert gains == sorted(gains, reverse=True)
    assert losses == sorted(losses)
    assert min(gains) > 0 > max(losses)


def test_a_security_without_a_name_is_shown_by_its_id(book):
    assert "s0003" in [book.show(f"{row}.name", "ja") for row in book.numbered("name")]


def test_the_coming_change_tells_new_kept_and_sold_names_apart(book):
    """Held: s0000 to s0021; decided: s0003 to s0024. So three in, three out, nineteen kept."""
    assert [book.value(f"coming.{kind}") for kind in ("in", "kept", "out")] == [3, 19, 3]
    assert sum(f"{row}.now" not in book for row in book.numbered("name")) == 3
    assert sum(f"{row}.target" not in book for row in book.numbered("name")) == 3


def test_last_months_trades_are_counted_with_their_turnover_and_cost(book):
    """Two bought at 4.1 %, two sold at 4.32 %, twenty moved by 0.15 points: (0.082 + 0.0864 + 0.03) / 2 = 9.92 %."""
    assert (book.value("done.bought"), book.value("done.sold")) == (2, 2)
    assert book.value("done.turnover") == pytest.approx(0.0992)
    assert book.show("done.turnover", "ja") == "9.92%"


def test_a_name_that_was_delisted_later_is_not_part_of_the_rebalance(make_sources):
    trades = make_sources().trades.with_columns(
        trade_date=pl.when(pl.col("security_id") == "s0022").then(date(2026, 1, 14)).otherwise(pl.col("trade_date"))
    )
    book = changed(make_sources, trades=trades)
    assert (book.value("done.sold"), book.value("done.delisted")) == (1, 1)


@pytest.mark.parametrize(
    ("column", "value", "rule", "passed"),
    [
        ("max_weight", 0.1, "max_weight", 0.0),
        ("max_weight", 0.0999, "max_weight", 1.0),
        ("names", 26, "names", 0.0),
        ("names", 25, "names", 1.0),
        ("risk_ratio", 1.11, "risk_ceiling", 0.0),
        ("beta", 0.89, "risk_floor", 0.0),
        ("risk_ratio", 0.85, "risk_floor", 1.0),  # the floor is on beta, not on volatility
        ("risk_ratio_sp500", 1.0, "risk_ratio_sp500", 1.0),
        ("risk_ratio_sp500", 1.2, "risk_ratio_sp500", 0.0),
    ],
)
def test_each_rule_of_the_mandate_passes_or_fails(make_sources, column, value, rule, passed):
    solutions = make_sources().portfolio_solutions
    book = changed(make_sources, portfolio_solutions=solutions.with_columns(pl.lit(value).cast(solutions.schema[column]).alias(column)))
    assert book.value(f"verdict.{rule}") == passed


def test_the_index_promise_is_told_apart_from_the_mandate(book):
    """Risk of 1.41 x the S&P 500 fails the promise; the mandate itself is met."""
    assert book.value("verdict.failed") == 0
    assert book.value("verdict.risk_ratio_sp500") == 0


def test_a_sector_outside_its_band_fails(make_sources):
    wide = make_sources().exposures.with_columns(
        active=pl.when(pl.col("factor") == "sector:Energy").then(-0.0601).otherwise(pl.col("active"))
    )
    book = changed(make_sources, exposures=wide)
    assert book.value("verdict.sector_gap") == 0
    assert book.value("verdict.failed") == 1


def test_a_weight_that_drifted_over_the_limit_at_month_end_fails(make_sources):
    drifted = make_sources().holdings.with_columns(weight=pl.when(pl.col("security_id") == "s0004").then(0.1).otherwise(pl.col("weight")))
    assert changed(make_sources, holdings=drifted).value("verdict.held_max_weight") == 0


def test_a_month_without_a_decision_says_why(make_sources):
    none = make_sources().portfolio_solutions.with_columns(
        pl.lit("not_runnable").alias("status"),
        pl.lit(0, pl.Int32).alias("names"),
        *(pl.lit(None, pl.Float64).alias(c) for c in ("max_weight", "beta")),
    )
    book = changed(make_sources, portfolio_solutions=none, model_portfolios=make_sources().model_portfolios.clear())
    assert "model.exception" in book
    assert book.numbered("verdict") == ["verdict.held_max_weight"]


def test_no_month_is_extreme_without_two_years_of_history(make_sources):
    short = make_sources().factor_returns.filter(pl.col("month") >= "2024-06")
    assert not changed(make_sources, factor_returns=short).numbered("market")


def test_where_a_figure_has_two_bases_the_monthly_one_is_printed(make_sources):
    own = make_sources().performance
    daily = own.filter(pl.col("metric") == "volatility").with_columns(
        basis=pl.col("basis").str.replace("monthly", "daily"), value=pl.lit(0.4)
    )
    book = changed(make_sources, performance=pl.concat([daily, own]))
    assert book.value("own.volatility.1y") == 0.2612


def test_a_long_series_keeps_month_ends_and_lows(make_sources, rows_of):
    days = [date(2026, 1, 30) - timedelta(days=k) for k in reversed(range(LONGEST_SERIES * 5))]
    low = 777
    rows = [
        {"month": f"{day:%Y-%m}", "session_date": day, "currency": "USD", "nav": 0.5 if k == low else 1 + k / 1e4, "cash_weight": 0.0}
        for k, day in enumerate(days)
    ]
    book = changed(make_sources, nav=rows_of("nav", rows))
    points = dict(book.points("series.drawdown"))
    assert len(points) < LONGEST_SERIES
    assert points[days[low]] == pytest.approx(0.5 / (1 + (low - 1) / 1e4) - 1)
    assert {days[0], days[-1]} <= set(points)


def test_both_lines_of_the_chart_start_together_and_end_where_the_figures_say(book):
    for name, fact_id in (("portfolio", "own.return.since_inception"), ("benchmark", "own.benchmark_return.since_inception")):
        points = book.points(f"series.{name}")
        assert points[0][1] == 0
        assert points[-1][1] == pytest.approx(book.value(fact_id), abs=1e-8)
    assert book.points("series.portfolio")[0][0] == book.points("series.benchmark")[0][0]
