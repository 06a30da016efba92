import numpy as np
import polars as pl
import pytest

from wg_dagster.calendars import months_between
from wg_dagster.performance.stations import STATIONS
from wg_dagster.runner import run_station
from wg_dagster.schemas.columns import FACTORS
from wg_dagster.schemas.tables import TABLES
from wg_dagster.stations import Reader
from wg_dagster.strategies import MAJOR_100
from wg_dagster.warehouse import Warehouse

STATION = {station.name: station for station in STATIONS}


@pytest.fixture
def lake(a_month, tmp_path):
    """A lake that holds one month of a market of thirty names, with what was known of them the month before."""
    random = np.random.default_rng(0)
    month = a_month(
        sectors=[f"sector{k % 3}" for k in range(30)],
        returns=random.normal(0.0, 0.02, (30, 5)),
        held=[1 / 30] * 30,
        targets=[0.25, 0.25, 0.25, 0.25] + [0.0] * 26,
        cost_rate=0.001,
        index=list(random.normal(0.0, 0.01, 5)),
        benchmark=[1 / 30] * 30,
        scores=random.normal(size=(30, len(FACTORS))),
    )
    warehouse = Warehouse(tmp_path)
    frames = month.frames()
    portfolio = pl.DataFrame({"security_id": month.names[:4], "weight": 0.09})
    targets = portfolio.join(frames["universe_members"], on="security_id").select(TABLES["model_portfolios"].columns)
    for table, rows in {**frames, "model_portfolios": targets}.items():
        scope = "major_100" if "strategy" in rows.columns else None
        warehouse.write_months(table, rows, sorted(rows["month"].unique()), scope=scope)
    return warehouse


def test_the_stations_run_and_their_rows_pass_the_gate(lake):
    for station in STATIONS:
        outcome = run_station(lake, station, ["2024-01", "2024-02"], strategy=MAJOR_100)
        assert outcome.failed_months == []
        assert outcome.quarantined == 0
    read = {table: lake.read(table, scope="major_100") for table in ("performance", "attribution", "factor_returns", "exposures")}
    assert read["attribution"]["month"].unique().to_list() == ["2024-02"]
    assert set(read["exposures"]["month"]) == {"2024-01"}
    assert set(FACTORS) < set(read["factor_returns"]["factor"])
    booked = read["performance"].filter(
        (pl.col("metric") == "excess_return") & (pl.col("window") == "1m") & (pl.col("month") == "2024-02")
    )["value"]
    for scheme in ("factor", "brinson", "brinson_industry"):
        lines = read["attribution"].filter((pl.col("scheme") == scheme) & (pl.col("effect") != "total"))
        assert lines["value"].sum() == pytest.approx(booked.item(), abs=1e-12)


def test_the_check_says_how_well_the_lines_add_up(lake):
    outcome = run_station(lake, STATION["attribution"], ["2024-02"], strategy=MAJOR_100)
    verdict = outcome.checks.filter(pl.col("check_name") == "attribution_adds_up").row(0, named=True)
    assert verdict["passed"]
    assert verdict["total_rows"] == 5


def test_a_second_run_has_nothing_to_do(lake):
    months = ["2024-01", "2024-02"]
    for station in STATIONS:
        run_station(lake, station, months, strategy=MAJOR_100)
        assert run_station(lake, station, months, strategy=MAJOR_100).built == []


@pytest.mark.parametrize("name", STATION)
def test_an_empty_lake_gives_no_rows(tmp_path, name):
    months = months_between("2024-01", "2024-03")
    reader = Reader(Warehouse(tmp_path), STATION[name], months, MAJOR_100)
    built = STATION[name].build(reader, months, MAJOR_100)
    assert all(rows.is_empty() for rows in built.values())
