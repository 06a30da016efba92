"""A failed month stops what rests on it: its own month, or the month after where last month's table is read."""

import polars as pl
import pytest

from wg_dagster.chain import clean_stations, factor_station, strategy_stations
from wg_dagster.quality.gate import verdict
from wg_dagster.schemas.tables import TABLES
from wg_dagster.strategies import MAJOR_100, NEXT_MAJOR_100
from wg_dagster.verdicts import blocked_months
from wg_dagster.warehouse import Warehouse

MONTHS = ["2026-01", "2026-02", "2026-03"]
SHARED = {station.name: station for station in (*clean_stations(), factor_station())}
OWN = {station.name: station for station in strategy_stations()}


@pytest.fixture
def failing(tmp_path):
    def fail(station, *months, severity="ERROR"):
        lake = Warehouse(tmp_path)
        rows = [verdict(station, month, "some_table", "gate", passed=False, severity=severity) for month in months]
        lake.write_months("checks", pl.DataFrame(rows, schema=TABLES["checks"].schema), list(months), scope=station)
        return lake

    return fail


def test_nothing_is_blocked_where_nothing_failed(tmp_path):
    assert blocked_months(Warehouse(tmp_path), OWN["letter"], MONTHS, MAJOR_100) == []


def test_a_warning_blocks_nothing(failing):
    assert blocked_months(failing("clean.prices", "2026-02", severity="WARN"), OWN["universe"], MONTHS, MAJOR_100) == []


def test_a_failed_month_of_prices_blocks_that_month_of_what_reads_them(failing):
    lake = failing("clean.prices", "2026-02")
    assert blocked_months(lake, SHARED["factors"], MONTHS) == ["2026-02"]
    assert blocked_months(lake, OWN["universe"], MONTHS, MAJOR_100) == ["2026-02"]
    assert blocked_months(lake, SHARED["clean/prices"], MONTHS) == []  # it may be built again


def test_a_failed_portfolio_blocks_the_trades_of_the_month_after_and_all_that_follow(failing):
    lake = failing("major_100.portfolio", "2026-01")
    assert blocked_months(lake, OWN["trading"], MONTHS, MAJOR_100) == ["2026-02", "2026-03"]
    assert blocked_months(lake, OWN["exposures"], MONTHS, MAJOR_100)[0] == "2026-01"


def test_the_failure_of_one_strategy_does_not_touch_another(failing):
    assert blocked_months(failing("major_100.portfolio", "2026-01"), OWN["trading"], MONTHS, NEXT_MAJOR_100) == []
