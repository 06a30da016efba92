"""The stations on a lake: what they read is declared, what they write passes the gates, what comes later changes nothing."""

from dataclasses import replace
from datetime import UTC, date, datetime

import polars as pl
import pytest

from wg_dagster.factor_components import components
from wg_dagster.schemas.columns import FACTORS
from wg_dagster.schemas.gates import failures
from wg_dagster.schemas.tables import TABLES
from wg_dagster.selection.inputs import bill_rate
from wg_dagster.selection.stations import STATIONS
from wg_dagster.stations import Reader
from wg_dagster.strategies import MAJOR_100, SAMURAI_25, UniverseRule
from wg_dagster.warehouse import Warehouse

EVERYONE = replace(MAJOR_100, universe=UniverseRule("US", 1, 1000))
MONTHS = ("2020-01", "2020-02")
WRITTEN = [table for station in STATIONS for table in station.writes]


@pytest.fixture
def lake(tmp_path, random_market, hand):
    """A home with the random market: its prices up to January, and February as January again."""
    warehouse = Warehouse(tmp_path)
    february = month_of(random_market.prices, hand, "2020-02")
    prices = pl.concat([random_market.prices, february])
    warehouse.write_months("prices_clean", prices, prices["month"].unique().to_list())
    again = {"month": pl.lit("2020-02"), "as_of_date": pl.lit(date(2020, 2, 28))}
    securities = random_market.securities
    warehouse.write_months("securities_clean", pl.concat([securities, securities.with_columns(**again)]), list(MONTHS))
    members = random_market.members
    warehouse.write_months("benchmark_members", pl.concat([members, members.with_columns(**again)]), list(MONTHS))
    for factor in FACTORS:
        rows = random_market.factors[factor]
        warehouse.write_months(f"factor_{factor}", pl.concat([rows, rows.with_columns(**again)]), list(MONTHS))
    return warehouse


def month_of(prices, hand, month):
    """January's prices on February's sessions."""
    from wg_dagster.calendars import month_sessions

    days = month_sessions("XNYS", month)
    old = month_sessions("XNYS", hand.month)[: len(days)]
    moved = pl.DataFrame({"session_date": old, "new": days[: len(old)]})
    rows = prices.join(moved, on="session_date", how="inner").with_columns(
        pl.col("new").alias("session_date"), pl.lit(month).alias("month")
    )
    return rows.select(prices.columns)


def run(warehouse, months, strategy=EVERYONE):
    """All stations month by month; every table is gated and written."""
    for station in STATIONS:
        for month in months:
            built = station.build(Reader(warehouse, station, [month], strategy), [month], strategy)
            for table, rows in built.items():
                assert failures(table, TABLES[table].empty().vstack(rows.select(TABLES[table].columns))).is_empty(), table
                warehouse.write_months(table, rows, [month], scope=strategy.strategy_id)


def stored(warehouse, month):
    return {table: warehouse.read(table, months=[month]) for table in WRITTEN}


def test_two_months_become_two_portfolios(lake):
    run(lake, MONTHS)
    solutions = lake.read("portfolio_solutions")
    assert solutions.select("month", "status").rows() == [("2020-01", "solved"), ("2020-02", "solved")]
    assert solutions["as_of_date"].to_list() == [date(2020, 1, 31), date(2020, 2, 28)]
    totals = lake.read("model_portfolios").group_by("month").agg(pl.col("weight").sum())
    assert totals["weight"].to_list() == pytest.approx([1.0, 1.0], abs=1e-12)
    first, second = solutions["turnover"]
    assert first == pytest.approx(0.5)
    assert second < 0.5
    assert lake.read("candidates").group_by("month").len()["len"].to_list() == [100, 100]


def test_a_month_does_not_change_when_later_months_arrive(lake, tmp_path):
    run(lake, MONTHS[:1])
    alone = stored(lake, MONTHS[0])
    run(lake, MONTHS)
    for table, rows in stored(lake, MONTHS[0]).items():
        assert rows.equals(alone[table]), table


def test_many_months_in_one_call_are_the_months_one_by_one(lake):
    run(lake, MONTHS)
    for station in STATIONS[:3]:
        assert station.batch > 1
        built = station.build(Reader(lake, station, list(MONTHS), EVERYONE), list(MONTHS), EVERYONE)
        (table,) = station.writes
        assert built[table].sort(TABLES[table].key).equals(lake.read(table).sort(TABLES[table].key)), table


DECIDED_ANYWAY = {"factor_weights", "portfolio_solutions"}  # say what would be used, and what became of it


def test_a_month_of_another_market_has_no_members_and_says_so(lake):
    run(lake, MONTHS[:1], SAMURAI_25)
    assert all(rows.is_empty() for table, rows in stored(lake, MONTHS[0]).items() if table not in DECIDED_ANYWAY)
    row = lake.read("portfolio_solutions").to_dicts()[0]
    assert (row["status"], row["names"]) == ("not_runnable", 0)
    assert row["message"].startswith("0 of 0 members")


def test_without_fundamentals_a_strategy_is_not_runnable(lake):
    """The scores have no profits, so three of Major's five factors are missing; a portfolio of the rest would not be the strategy."""
    for factor in ("profitability", "eps_stability", "safety"):
        lake.write_months(f"factor_{factor}", TABLES[f"factor_{factor}"].empty(), list(MONTHS))
    run(lake, MONTHS[:1])
    row = lake.read("portfolio_solutions").to_dicts()[0]
    assert row["status"] == "not_runnable"
    assert "eps_stability 0%, profitability 0%, safety 0%, shareholder_return 100%" in row["message"]
    assert lake.read("model_portfolios").is_empty()


def test_without_a_history_of_returns_a_strategy_is_not_runnable(lake):
    months = [month for month in lake.months("prices_clean") if month < "2019-12"]
    lake.write_months("prices_clean", TABLES["prices_clean"].empty(), months)
    run(lake, MONTHS[:1])
    row = lake.read("portfolio_solutions").to_dicts()[0]
    assert (row["status"], row["message"][:14]) == ("not_runnable", "no risk model:")
    assert lake.read("candidates")["expected_return"].null_count() == 100


def test_last_months_portfolio_is_kept_where_the_mandate_cannot_be_met(lake):
    run(lake, MONTHS[:1])
    before = lake.read("model_portfolios")
    strict = replace(EVERYONE, mandate=replace(EVERYONE.mandate, risk_band=(0.9, 0.91)))
    run(lake, MONTHS[1:], strict)
    after = lake.read("model_portfolios", months=MONTHS[1:])
    assert after["security_id"].equals(before["security_id"])
    assert after["weight"].to_list() == pytest.approx(before["weight"].to_list(), abs=1e-12)
    row = lake.read("portfolio_solutions", months=MONTHS[1:]).to_dicts()[0]
    assert row["status"] == "kept_previous"
    assert "Reason: 100 names: no portfolio of 100 names obeys the mandate" in row["message"]


def test_every_component_of_the_factor_tables_has_a_definition():
    defined = components()
    for factor in FACTORS:
        columns = set(TABLES[f"factor_{factor}"].columns)
        assert set(defined.filter(pl.col("factor") == factor)["component"]) <= columns


def test_the_bill_rate_is_the_newest_that_was_known():
    schema = {"rate_id": pl.String, "date": pl.Date, "value": pl.Float64, "known_at": pl.Datetime("us", "UTC")}
    rows = [
        ("us_bill", date(2020, 1, 30), 0.015, datetime(2020, 1, 31, 12, tzinfo=UTC)),
        ("us_bill", date(2020, 1, 31), 0.016, datetime(2020, 2, 3, 12, tzinfo=UTC)),
        ("jp_bill", date(2020, 1, 31), -0.001, datetime(2020, 1, 31, 12, tzinfo=UTC)),
    ]
    rates = pl.DataFrame(rows, schema=schema, orient="row")
    night = datetime(2020, 2, 1, 4, 59, tzinfo=UTC)
    assert bill_rate(rates, "us_bill", night) == 0.015
    assert bill_rate(rates, "jp_bill", night) == -0.001
    assert bill_rate(rates.clear(), "us_bill", night) == 0.0
