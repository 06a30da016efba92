"""The runner: unchanged months are skipped, a station that reads its own past sees what it has just built, bad rows are held back."""

from datetime import date
from pathlib import Path

import polars as pl
import pytest

from wg_dagster.errors import OutsideData
from wg_dagster.runner import run_station
from wg_dagster.schemas.tables import TABLES
from wg_dagster.stations import Reads, Station
from wg_dagster.strategies import MAJOR_100
from wg_dagster.warehouse import Warehouse

MONTHS = ["2025-11", "2025-12", "2026-01"]
CODE = (Path(__file__),)


def nav_row(month, nav, cash=0.0):
    day = date(int(month[:4]), int(month[5:]), 15)
    return pl.DataFrame([("major_100", month, day, "USD", nav, cash)], schema=TABLES["nav"].schema, orient="row")


class Doubling:
    """A station whose nav is twice that of the month before; counts its calls."""

    def __init__(self, *, spoil=None):
        self.calls = []
        self.spoil = spoil

    def __call__(self, reader, months, strategy):
        (month,) = months
        self.calls.append(month)
        before = reader.read("nav").sort("month")
        assert all(known < month for known in before["month"])
        value = 2 * before["nav"][-1] if before.height else 1.0
        return {"nav": nav_row(month, -value if month == self.spoil else value)}

    def station(self, batch=1):
        reads = (Reads("nav", back=1, own=False),)
        return Station("trading", "doubles", "test", reads, ("nav",), self, CODE, by_strategy=True, batch=batch)


def rate_row(month):
    """One bill rate."""
    row = dict.fromkeys(TABLES["rates"].columns) | {
        "month": month,
        "rate_id": "us_bill",
        "source": "vendor",
        "source_line": 1,
        "quality": "",
    }
    return pl.DataFrame([row], schema=TABLES["rates"].schema)


def values(lake):
    return dict(lake.read("nav").sort("month").select("month", "nav").iter_rows())


def test_a_station_sees_its_own_month_before_although_it_is_not_written_yet(tmp_path):
    lake = Warehouse(tmp_path)
    run_station(lake, Doubling().station(), MONTHS, strategy=MAJOR_100)
    assert values(lake) == {"2025-11": 1.0, "2025-12": 2.0, "2026-01": 4.0}


def test_a_year_of_months_is_one_commit(tmp_path):
    lake = Warehouse(tmp_path)
    run_station(lake, Doubling().station(), ["2026-01", "2026-02", "2026-03"], strategy=MAJOR_100)
    assert lake.version("nav") == 1  # 0 made the table


def test_unchanged_months_are_not_built_again(tmp_path):
    lake, doubling = Warehouse(tmp_path), Doubling()
    run_station(lake, doubling.station(), MONTHS, strategy=MAJOR_100)
    outcome = run_station(lake, doubling.station(), MONTHS, strategy=MAJOR_100)
    assert doubling.calls == MONTHS
    assert outcome.unchanged == MONTHS
    assert outcome.built == []


def test_a_month_at_a_time_gives_the_table_of_the_whole_range(tmp_path):
    whole, single = Warehouse(tmp_path / "whole"), Warehouse(tmp_path / "single")
    run_station(whole, Doubling().station(), MONTHS, strategy=MAJOR_100)
    for month in MONTHS:
        run_station(single, Doubling().station(), [month], strategy=MAJOR_100)
    assert values(whole) == values(single)


def test_blocked_months_stay_as_they_are(tmp_path):
    lake, doubling = Warehouse(tmp_path), Doubling()
    outcome = run_station(lake, doubling.station(), MONTHS, strategy=MAJOR_100, failed=["2025-12", "2026-01"])
    assert outcome.blocked == ["2025-12", "2026-01"]
    assert values(lake) == {"2025-11": 1.0}


def test_a_row_that_the_gate_holds_back_is_not_seen_by_the_next_month(tmp_path):
    lake = Warehouse(tmp_path)
    outcome = run_station(lake, Doubling(spoil="2025-12").station(), MONTHS, strategy=MAJOR_100)
    assert values(lake) == {"2025-11": 1.0, "2026-01": 1.0}  # December's nav of -2 is in quarantine: January starts anew
    assert outcome.quarantined == 1
    assert "2025-12" in outcome.failed_months


def test_a_station_reads_only_what_it_declares(tmp_path):
    def build(reader, months, strategy):
        return {"nav": reader.read("holdings")}

    station = Station("trading", "peeks", "test", (), ("nav",), build, CODE, by_strategy=True)
    with pytest.raises(OutsideData, match="holdings without declaring it"):
        run_station(Warehouse(tmp_path), station, MONTHS, strategy=MAJOR_100)


def test_a_station_never_sees_a_later_month(tmp_path):
    lake = Warehouse(tmp_path)
    lake.write_months("nav", pl.concat([nav_row(month, 1.0) for month in MONTHS]), MONTHS, scope="major_100")
    seen = []

    def build(reader, months, strategy):
        seen.extend(reader.read("nav")["month"])
        return {}

    station = Station("exposures", "looks", "test", (Reads("nav", back=12),), ("exposures",), build, CODE, by_strategy=True)
    run_station(lake, station, ["2025-12"], strategy=MAJOR_100)
    assert sorted(seen) == ["2025-11", "2025-12"]


def test_a_station_may_read_its_months_one_by_one(tmp_path):
    lake = Warehouse(tmp_path)
    lake.write_months("rates", pl.concat([rate_row(month) for month in MONTHS]), MONTHS)
    seen = []

    def build(reader, months):
        seen.extend(rows["month"].to_list() for rows in reader.monthly("rates"))
        return {}

    run_station(lake, Station("rates", "looks", "test", (Reads("rates", back=1),), ("rates_clean",), build, CODE), ["2025-12"])
    assert seen == [["2025-11"], ["2025-12"]]
