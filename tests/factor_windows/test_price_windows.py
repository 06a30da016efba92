"""The windows of prices equal plain loops over rows, in any range of months, and bad rows are named."""

import duckdb
import polars as pl
import price_rows
import pytest

from wg_dagster.calendars import months_between
from wg_dagster.errors import OutsideData
from wg_dagster.factor_windows.price_windows import price_windows

BUILT = months_between("2022-02", price_rows.LAST)


def windows(rows, us, calendar=None):
    """Month and name -> the row of the table as the database reads it."""
    securities = pl.DataFrame({"security_id": price_rows.NAMES, "market": ["US"] * 3})

    def read(month, columns):
        return rows.filter(pl.col("month") == month).select(columns)

    table = price_windows(read, price_rows.sessions() if calendar is None else calendar, securities, us)
    with duckdb.connect() as connection:
        connection.execute("set timezone = 'UTC'")
        cursor = connection.register("windows", table).execute("select * from windows")
        names = [column[0] for column in cursor.description]
        found = [dict(zip(names, values, strict=True)) for values in cursor.fetchall()]
    return {(row["month"], row["security_id"]): row for row in found}


@pytest.mark.parametrize("seed", range(12))
def test_windows_equal_plain_loops(seed):
    rows, us = price_rows.prices(seed), price_rows.looks(seed, BUILT)
    found = windows(rows, us)
    for month in BUILT:
        expected = price_rows.expected(rows, us, month)
        assert {name for built, name in found if built == month} == set(expected)
        for name, wanted in expected.items():
            assert {column: found[month, name][column] for column in wanted} == wanted


def test_a_month_alone_equals_the_range():
    rows = price_rows.prices(3)
    us = price_rows.looks(3, BUILT)
    whole = windows(rows, us)
    for month in BUILT:
        alone = windows(rows, us.filter(pl.col("month") == month))
        assert alone == {key: row for key, row in whole.items() if key[0] == month}


def test_the_first_months_of_the_calendar_look_back_as_far_as_it_goes():
    """The calendar begins in January 2022 here: February ends with 39 sessions."""
    rows, us = price_rows.prices(2), price_rows.looks(2, BUILT)
    known = pl.col("month") >= "2022-01"
    calendar = price_rows.sessions().filter(known)
    us = us.join(calendar.select("session_date", "market"), on=["session_date", "market"], how="semi")
    found = windows(rows, us, calendar)
    for month in BUILT:
        expected = price_rows.expected(rows.filter(known), us, month)
        assert {name for built, name in found if built == month} == set(expected)
        for name, wanted in expected.items():
            assert {column: found[month, name][column] for column in wanted} == wanted


def test_a_return_beyond_all_reason_is_named():
    rows = price_rows.prices(1).with_columns(log_return_1e9=pl.lit(2**38))
    with pytest.raises(OutsideData, match=r"prices_clean: US1 on 2021-\d\d-\d\d: a logarithmic return of 274\.878 and a .*quarantine"):
        windows(rows, price_rows.looks(1, BUILT))


def test_names_that_are_no_securities_and_days_that_are_no_sessions_are_left_out():
    rows = price_rows.prices(5)
    us = price_rows.looks(5, BUILT)
    strange = rows.filter(pl.col("security_id") == "US1").with_columns(security_id=pl.lit("XX9"))
    saturday = rows.filter(pl.col("session_date").dt.weekday() == 5).with_columns(session_date=pl.col("session_date").dt.offset_by("1d"))
    mixed = pl.concat([rows, strange, saturday]).sort("month", "security_id", "session_date")
    without_ex_days = {"month_count", "unseen_sessions"}
    for found, wanted in zip(windows(mixed, us).values(), windows(rows, us).values(), strict=True):
        assert {k: v for k, v in found.items() if k not in without_ex_days} == {k: v for k, v in wanted.items() if k not in without_ex_days}
