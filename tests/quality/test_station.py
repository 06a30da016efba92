"""Verdicts join the gate's in the partition of their station, and an ERROR fails the month."""

import polars as pl
import pytest

from wg_dagster.runner import run_station
from wg_dagster.schemas.tables import TABLES
from wg_dagster.stations import Station
from wg_dagster.warehouse import Warehouse

MONTHS = ["2026-01", "2026-02", "2026-03"]


@pytest.fixture
def station(priced, contract):
    """A station of prices that loses 30 of 40 names in the last month."""
    rows = contract("prices_clean", [row for row in priced(MONTHS) if row["month"] < "2026-03" or row["security_id"] < "s010"])
    rows = rows.with_columns(known_at=pl.col("session_date").cast(pl.Datetime("us", "UTC")))

    def build(_, months):
        return {"prices_clean": rows.filter(pl.col("month").is_in(months))}

    return Station("clean/prices", "prices", "clean", (), ("prices_clean",), build, ())


def test_verdicts_stand_beside_the_gate_s(tmp_path, station):
    warehouse = Warehouse(tmp_path)
    outcome = run_station(warehouse, station, MONTHS)
    stored = warehouse.read("checks", scope="clean.prices")
    assert stored.equals(outcome.checks)
    assert set(stored.filter(pl.col("month") == "2026-02")["check_name"]) >= {"gate", "priced_names", "stale_names"}
    assert stored.schema == TABLES["checks"].schema


def test_a_month_with_a_quarter_of_its_names_fails(tmp_path, station):
    outcome = run_station(Warehouse(tmp_path), station, MONTHS)
    assert outcome.failed_months == ["2026-03"]


def test_months_built_one_after_the_other_have_the_same_verdicts(tmp_path, station):
    whole, steps = Warehouse(tmp_path / "whole"), Warehouse(tmp_path / "steps")
    run_station(whole, station, MONTHS)
    for month in MONTHS:
        run_station(steps, station, [month])
    assert steps.read("checks").equals(whole.read("checks"))
    assert run_station(steps, station, MONTHS).built == []
