"""The sessions table against an independent calendar, and the rules of months and cut-offs."""

from datetime import UTC, date, datetime

import exchange_calendars
import polars as pl
import pytest

from wg_dagster import calendars
from wg_dagster.errors import OutsideData, UnknownValue


@pytest.mark.filterwarnings("ignore::pandas.errors.PandasChangeWarning")  # inside the oracle
@pytest.mark.parametrize("calendar", ["XNYS", "XTKS"])
def test_sessions_agree_with_an_independent_calendar(calendar):
    oracle = exchange_calendars.get_calendar(calendar, start="2004-01-01", end="2027-10-31").sessions
    assert list(calendars.session_dates(calendar)) == [stamp.date() for stamp in oracle if stamp.date() <= calendars.LAST_DAY]


def test_tokyo_and_new_york_end_the_year_on_different_days():
    assert calendars.month_end("XTKS", "2026-12") == date(2026, 12, 30)
    assert calendars.month_end("XNYS", "2026-12") == date(2026, 12, 31)


def test_the_cutoff_is_the_end_of_the_day_where_the_exchange_stands():
    # Midnight after 30 October 2026 in New York (UTC-4) and in Tokyo (UTC+9).
    assert calendars.cutoff("XNYS", "2026-10") == datetime(2026, 10, 31, 3, 59, 59, 999999, tzinfo=UTC)
    assert calendars.cutoff("XTKS", "2026-10") == datetime(2026, 10, 30, 14, 59, 59, 999999, tzinfo=UTC)


@pytest.mark.parametrize("calendar", ["XNYS", "XTKS"])
def test_all_that_is_visible_at_a_cutoff_lies_in_partitions_up_to_its_month(calendar):
    ends = calendars.sessions().filter((pl.col("exchange") == calendar) & pl.col("is_month_end"))
    labels = ends.select("month", partition=calendars.month_of_instant(pl.col("cutoff_at")))
    assert labels.filter(pl.col("month") != pl.col("partition")).is_empty()


def test_tokyo_closes_half_an_hour_later_since_november_2024():
    tokyo = calendars.sessions().filter(pl.col("exchange") == "XTKS")
    closes = dict(tokyo.select("session_date", pl.col("close_at").dt.time()).iter_rows())
    assert closes[date(2024, 11, 1)].hour == 6  # 15:00 in Tokyo
    assert closes[date(2024, 11, 1)].minute == 0
    assert closes[date(2024, 11, 5)].minute == 30


def test_the_session_index_runs_without_holes():
    for calendar in ("XNYS", "XTKS"):
        index = calendars.sessions().filter(pl.col("exchange") == calendar)["session_index"]
        assert index.to_list() == list(range(len(index)))


def test_months_shift_over_the_turn_of_the_year():
    assert calendars.month_shift("2026-01", -1) == "2025-12"
    assert calendars.month_shift("2025-11", 14) == "2027-01"
    assert calendars.months_between("2025-11", "2026-02") == ["2025-11", "2025-12", "2026-01", "2026-02"]


def test_unknown_exchanges_and_months_are_named():
    with pytest.raises(UnknownValue, match="XLON"):
        calendars.calendar_of("XLON")
    with pytest.raises(OutsideData, match="2031-01"):
        calendars.month_end("XNYS", "2031-01")
