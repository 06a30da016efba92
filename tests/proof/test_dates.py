"""Dates of publication against each other: arithmetic by hand, planted wrong dates, and the public files of 2013 to 2015."""

import os
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import polars as pl
import pytest

from wg_dagster.calendars import end_of_day, months_between
from wg_dagster.ingest.drop import Drop
from wg_dagster.proof.dates import compare_dates, table_of
from wg_dagster.warehouse import Warehouse

PERIOD = date(2025, 3, 31)
EXAMPLE = Path(__file__).parents[2] / "examples" / "us_2015.toml"


def filing(symbol, known, *, source="v", rule="reported", period=PERIOD, label="Q1", **more):
    known_at = end_of_day("XTKS" if symbol[0].isdigit() else "XNYS", known)
    return {
        "source": source,
        "vendor_symbol": symbol,
        "known_at": known_at,
        "known_at_rule": rule,
        "period_end_date": period,
        "fiscal_period": label,
        "month": f"{known:%Y-%m}",
        **more,
    }


def announcement(symbol, known, *, period=PERIOD):
    told = filing(symbol, known, source="news", period=period)
    return told | {"announcement_date": known}


def land(lake, rows, filings=(), announcements=(), prices=()):
    for table, told in (("fundamentals", filings), ("earnings_announcements", announcements), ("prices", prices)):
        lake.append_new(table, rows(table, *told))
    return lake


def one(lake, what):
    (found,) = [comparison for comparison in compare_dates(lake) if comparison.what == what]
    return found


def test_errors_of_an_assumed_lag_are_its_days_after_the_dated_filing(lake, rows):
    """Assumed 31 July; filed 1 May, 30 July and 5 August: 91 and 1 days late, 5 days early."""
    filed = {"A": date(2025, 5, 1), "B": date(2025, 7, 30), "C": date(2025, 8, 5)}
    assumed = [filing(symbol, date(2025, 7, 31), source="lagged", rule="assumed_lag") for symbol in filed]
    land(lake, rows, [*assumed, *(filing(symbol, day) for symbol, day in filed.items())])
    found = one(lake, "assumed lag")
    assert dict(found.rows.select("vendor_symbol", "error").iter_rows()) == {"A": 91, "B": 1, "C": -5}
    assert found.too_early["vendor_symbol"].to_list() == ["C"]
    assert found.share == pytest.approx(1 / 3)
    assert found.quantiles()["50%"] == 1
    assert found.fails


def test_periods_a_week_apart_are_the_same_statement_and_a_quarter_apart_are_not(lake, rows):
    lagged = [
        filing("A", date(2025, 7, 31), source="lagged", rule="assumed_lag"),
        filing("B", date(2025, 7, 31), source="lagged", rule="assumed_lag"),
    ]
    dated = [filing("A", date(2025, 5, 1), period=date(2025, 3, 29)), filing("B", date(2025, 2, 1), period=date(2024, 12, 31))]
    assert one(land(lake, rows, [*lagged, *dated]), "assumed lag").rows["vendor_symbol"].to_list() == ["A"]


def test_a_statement_before_its_announcement_is_too_early_beyond_a_day(lake, rows):
    filings = [filing("A", date(2025, 5, 1)), filing("B", date(2025, 5, 1)), filing("C", date(2025, 5, 1))]
    news = [announcement("A", date(2025, 4, 28)), announcement("B", date(2025, 5, 2)), announcement("C", date(2025, 5, 3))]
    found = one(land(lake, rows, filings, news), "statement, after the announcement")
    assert dict(found.rows.select("vendor_symbol", "error").iter_rows()) == {"A": 3, "B": -1, "C": -2}
    assert found.too_early["vendor_symbol"].to_list() == ["C"]


def test_only_the_first_original_filing_is_judged(lake, rows):
    filings = [
        filing("A", date(2025, 5, 9), filing_type="original"),
        filing("A", date(2025, 5, 1), filing_type="original"),
        filing("A", date(2025, 4, 2), filing_type="amendment"),
        filing("B", date(2025, 4, 1), quality="carried_in"),
    ]
    assert one(land(lake, rows, filings), "statement, after its period").rows["error"].to_list() == [31]


def test_nobody_in_new_york_files_within_ten_days_and_in_tokyo_within_one(lake, rows):
    days = {"A": 9, "B": 10, "7203": 1, "6758": 0}
    land(lake, rows, [filing(symbol, PERIOD + timedelta(days=n)) for symbol, n in days.items()])
    early = {c.judged: c.too_early["vendor_symbol"].to_list() for c in compare_dates(lake) if c.what == "statement, after its period"}
    assert early == {"v JP": ["6758"], "v US": ["A"]}


def test_an_evening_in_new_york_is_still_that_day(lake, rows):
    """23:59 of 10 April in New York is 11 April in UTC."""
    found = one(land(lake, rows, [filing("A", date(2025, 4, 10))]), "statement, after its period")
    assert found.rows["known_at"].to_list()[0] > datetime(2025, 4, 11, tzinfo=UTC)
    assert found.rows["error"].to_list() == [10]


def test_what_one_would_have_assumed_is_held_against_recorded_dates(lake, rows):
    """After 31 March: 45 days = 15 May, three months = 30 June (end of month kept to its last day), four = 31 July; filed on 20 May."""
    land(lake, rows, [filing("A", date(2025, 5, 20))])
    errors = {c.judged: c.rows["error"].to_list() for c in compare_dates(lake) if c.what == "if one assumed"}
    assert errors == {"45 days, 90 after a year": [-5], "3 months": [41], "4 months": [72]}
    assert not any(c.fails for c in compare_dates(lake) if c.what == "if one assumed")


def test_a_price_captured_a_day_later_was_not_known_on_its_day(lake, rows):
    def price(symbol, session, known):
        return {
            "source": "v",
            "vendor_symbol": symbol,
            "session_date": session,
            "known_at": end_of_day("XNYS", known),
            "month": f"{known:%Y-%m}",
            "close": 1.0,
            "currency": "USD",
        }

    monday, tuesday, wednesday = (date(2025, 6, d) for d in (2, 3, 4))
    told = [price("A", monday, monday), price("A", monday, tuesday), price("B", monday, tuesday), price("C", wednesday, tuesday)]
    land(lake, rows, prices=told)
    found = {c.what: dict(c.rows.select("vendor_symbol", "error").iter_rows()) for c in compare_dates(lake)}
    assert found == {"if one assumed": {"A": 0, "B": -1, "C": 1}, "price, after its session": {"A": 0, "B": 1, "C": -1}}
    assert one(lake, "price, after its session").too_early["vendor_symbol"].to_list() == ["C"]


def test_rows_that_a_rule_has_set_aside_are_not_judged(lake, rows):
    land(lake, rows, [filing("A", date(2025, 4, 1)), filing("B", date(2025, 5, 1))])
    held = rows(
        "quarantine",
        {
            "station": "clean.fundamentals",
            "month": "2025-04",
            "table": "fundamentals",
            "rule": "r",
            "source_file": "file",
            "source_line": 1,
        },
    )
    lake.write_months("quarantine", held, ["2025-04"], scope="clean.fundamentals")
    assert one(lake, "statement, after its period").rows["vendor_symbol"].to_list() == ["B"]


def test_a_home_without_dates_to_compare_has_no_comparison(lake):
    assert compare_dates(lake) == []


def test_the_dates_of_the_market_contradict_nothing(main, small_home):
    code, out, _ = main("verify", "dates", "--home", small_home)
    assert code == 0
    assert out.strip().endswith(": 0 too early")


@pytest.mark.parametrize("days", [40, 15])
def test_one_planted_wrong_date_is_found_and_named(main, own_home, days, tmp_path):
    """A filing backdated by so many days, once among thousands: it is then known before its earnings were announced."""
    lake = Warehouse(own_home)
    news = lake.read("earnings_announcements").select("vendor_symbol", "period_end_date", pl.col("known_at").alias("told"))
    filings = lake.read("fundamentals").filter(pl.col("filing_type") == "original").join(news, on=["vendor_symbol", "period_end_date"])
    same_day = filings.filter((pl.col("known_at") - pl.col("told")).dt.total_days() == 0)
    row = same_day.sort("known_at", "vendor_symbol")[-20].drop("told")
    before = lake.read("fundamentals", months=row["month"].to_list())
    known = pl.col("known_at").dt.offset_by(f"-{days}d")
    wrong = row.with_columns(known, known.dt.offset_by("-5h").dt.strftime("%Y-%m").alias("month"))
    months = sorted({*row["month"], *wrong["month"]})
    others = lake.read("fundamentals", months=months).join(row, on=before.columns, how="anti", nulls_equal=True)
    lake.write_months("fundamentals", pl.concat([others, wrong]), months)
    lake.settle()
    lake.publish()
    code, out, _ = main("verify", "dates", "--home", own_home, "--out", tmp_path / "dates.csv")
    assert code == 1
    assert f"{row['vendor_symbol'][0]} of {row['period_end_date'][0]}" in out
    assert pl.read_csv(tmp_path / "dates.csv").filter(pl.col("is_fault"))["too_early"].sum() >= 1
    assert main("verify", "dates", "--home", own_home, "--allow", "0.5")[0] == 0


@pytest.mark.real
def test_dates_of_the_public_files(lake, rows):
    """Four months after the period no statement of stockpup was known too early; of pystock's, four of 6,500 precede their announcement."""
    if "WG_REAL_DATA" not in os.environ:
        pytest.skip("WG_REAL_DATA is not set")
    folder = Path(os.environ["WG_REAL_DATA"])
    adapter = Drop.open(EXAMPLE, folder)
    for file_map in adapter.map.files:
        for path in folder.glob(file_map.path) if file_map.table in {"fundamentals", "earnings_announcements"} else ():
            for table, part in adapter.load_file(file_map, path, months_between("2013-05", "2015-12")):
                if table != "quarantine":
                    lake.append_new(table, part)
    compared = compare_dates(lake)
    told = {(c.what, c.judged): c for c in compared}
    with pl.Config(tbl_rows=30, tbl_cols=20, tbl_width_chars=200):
        print(table_of(compared))
    lag = told["assumed lag", "stockpup"]
    assert lag.rows.height > 800
    assert lag.share == 0
    assert 80 < lag.quantiles()["50%"] < 95
    filed = told["statement, after the announcement", "pystock"]
    assert filed.rows.height > 6000
    assert filed.too_early.height <= 5
    assert told["if one assumed", "45 days, 90 after a year"].share > 0.02
    assert told["if one assumed", "4 months"].share < 0.005
    assert told["statement, after its period", "pystock US"].rows["error"].min() >= 14
