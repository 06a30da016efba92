"""The public files of 2009 to 2015, as they are: what becomes of their known defects."""

import os
import time
from datetime import UTC, date, datetime
from pathlib import Path

import polars as pl
import pytest
from polars.testing import assert_frame_equal

from wg_dagster.calendars import months_between
from wg_dagster.ingest.drop import Drop
from wg_dagster.ingest.pystock import open_pystock
from wg_dagster.ingest.registry import open_adapter
from wg_dagster.schemas.gates import failures

pytestmark = pytest.mark.real
EXAMPLE = Path(__file__).parents[2] / "examples" / "us_2015.toml"
MONTHS = months_between("2013-05", "2015-12")
SAMPLED = [date(2015, month, day) for month, day in ((3, 23), (4, 6), (4, 7), (4, 9), (5, 8), (5, 26), (11, 27), (12, 10), (12, 31))]


@pytest.fixture(scope="module")
def folder() -> Path:
    if "WG_REAL_DATA" not in os.environ:
        pytest.skip("WG_REAL_DATA is not set")
    return Path(os.environ["WG_REAL_DATA"])


@pytest.fixture(scope="module")
def loaded(folder) -> tuple[dict[str, pl.DataFrame], float]:
    started = time.process_time()
    adapter = open_adapter("drop", map=EXAMPLE, input=folder)
    adapter.identity()
    parts: dict[str, list[pl.DataFrame]] = {}
    for table, rows in adapter.load(MONTHS):
        parts.setdefault(table, []).append(rows)
    spent = time.process_time() - started
    return {table: pl.concat(frames) for table, frames in parts.items()}, spent


@pytest.fixture(scope="module")
def rows(loaded) -> dict[str, pl.DataFrame]:
    return loaded[0]


def test_the_whole_load_takes_seconds(loaded):
    assert loaded[1] < 15


def test_the_span_is_that_of_the_prices(folder):
    assert Drop.open(EXAMPLE, folder).span() == ("2013-05", "2015-12")


def test_every_row_is_counted(rows):
    counts = {(table, source): group.height for table, frame in rows.items() for (source,), group in frame.group_by("source")}
    counts.pop(("quarantine", "pystock"))
    assert counts == {
        # 2,413,325 rows less 24,371 copies, 38 contradictions and one header line
        ("prices", "pystock"): 2_388_915,
        ("adjusted_prices", "stooq"): 3_354_697,
        ("securities", "pystock"): 8_085,
        ("fundamentals", "pystock"): 12_549,
        ("fundamentals", "stockpup"): 16_565,
        ("earnings_announcements", "surprises"): 30_541,
        ("index_levels", "stooq"): 1_348,
        ("index_members", "sp500_list"): 618,
        ("rates", "ecb"): 683,
        ("rates", "fama_french"): 674,
    }


def test_what_is_set_aside_has_a_rule(rows):
    assert sorted(rows["quarantine"].group_by("table", "rule").len().rows()) == [
        ("prices", "conflicting_rows", 38),
        ("prices", "missing:session_date", 1),
    ]


def test_small_tables_pass_their_gates(rows):
    for table in rows.keys() - {"prices", "adjusted_prices", "quarantine"}:
        assert failures(table, rows[table]).is_empty(), table


def test_almost_every_session_is_captured_twice(rows):
    captures = rows["prices"].group_by("vendor_symbol", "session_date").len()
    assert captures.filter(pl.col("len") == 2).height > 0.97 * captures.height
    assert captures["len"].max() <= 3


def test_the_starbucks_split_is_in_the_ratio_of_one_archive(rows):
    """2:1 with ex-day 2015-04-09: the archive of that day has the day before at half its traded close."""
    seen = rows["prices"].filter((pl.col("vendor_symbol") == "SBUX") & (pl.col("session_date") == date(2015, 4, 8))).sort("known_at")
    ratio = (seen["vendor_adjusted_close"] / seen["close"]).to_list()
    assert ratio == pytest.approx([1.0, 0.5], abs=1e-4)


def test_the_archives_as_published_hold_the_same_rows(folder, rows):
    """Prices of nine sampled archives, their fields read from text, against the merged file."""
    adapter = open_pystock(folder / "pystock_sample")
    loaded = list(adapter.load(months_between(*adapter.span())))
    published = pl.concat([part for table, part in loaded if table == "prices"])
    day = pl.col("known_at").dt.offset_by("-5h").dt.date()
    merged = rows["prices"].filter(day.is_in(SAMPLED))
    # Seven digits are what single precision in the merged file keeps.
    seven = pl.col("open", "high", "low", "close", "vendor_adjusted_close").cast(pl.Float32).cast(pl.Float64).round_sig_figs(7)
    order = ("vendor_symbol", "session_date", "known_at")
    place = ("source_file", "source_line")
    assert_frame_equal(published.with_columns(seven).drop(place).sort(order), merged.drop(place).sort(order))
    assert sum(part.height for table, part in loaded if table == "quarantine") == 38 + 1 + 2  # and the empty archive


def test_the_built_in_reading_agrees_with_the_map(folder, rows):
    built_in: dict[str, list[pl.DataFrame]] = {}
    adapter = open_pystock(folder)
    for table, part in adapter.load(["2015-08", "2015-09"]):
        built_in.setdefault(table, []).append(part)
    for table in ("prices", "fundamentals"):
        mapped = rows[table].filter((pl.col("source") == "pystock") & pl.col("month").is_in(["2015-08", "2015-09"]))
        assert_frame_equal(pl.concat(built_in[table]), mapped, check_row_order=False)


def test_a_month_alone_equals_its_part_of_the_whole(folder, rows):
    parts: dict[str, list[pl.DataFrame]] = {}
    for table, part in open_adapter("drop", map=EXAMPLE, input=folder).load(["2015-10"]):
        parts.setdefault(table, []).append(part)
    for table, frames in parts.items():
        assert_frame_equal(rows[table].filter(pl.col("month") == "2015-10"), pl.concat(frames), check_row_order=False)


def test_no_row_is_known_before_it_happened(rows):
    local_day = pl.col("known_at").dt.convert_time_zone("America/New_York").dt.date()
    for table, event in (
        ("prices", "session_date"),
        ("adjusted_prices", "session_date"),
        ("fundamentals", "period_end_date"),
        ("earnings_announcements", "announcement_date"),
        ("index_levels", "session_date"),
        ("rates", "date"),
    ):
        assert rows[table].filter(pl.col(event) > local_day).is_empty(), table


def test_filings_are_known_once(rows):
    filings = rows["fundamentals"].filter(pl.col("source") == "pystock")
    assert filings["filing_type"].value_counts().sort("filing_type").rows() == [("amendment", 134), ("original", 12_415)]
    delay = (filings["known_at"].dt.date() - filings["period_end_date"]).dt.total_days()
    quarters = filings.with_columns(delay.alias("delay")).filter(pl.col("fiscal_period") != "FY")
    assert 36 <= quarters["delay"].median() <= 39


def test_symbols_agree_between_the_files(rows):
    listed = set(rows["securities"]["vendor_symbol"])
    for table, source, share in (
        ("prices", "pystock", 0.999),
        ("fundamentals", "pystock", 0.98),
        ("fundamentals", "stockpup", 0.85),
        ("earnings_announcements", "surprises", 0.85),
    ):
        symbols = set(rows[table].filter(pl.col("source") == source)["vendor_symbol"])
        assert len(symbols & listed) > share * len(symbols), (table, source)


def test_types_and_sectors_of_the_listing(rows):
    newest = rows["securities"].sort("known_at").unique("vendor_symbol", keep="last")
    common = newest.filter(pl.col("security_type") == "common")
    filers = set(rows["fundamentals"].filter(pl.col("source") == "pystock")["vendor_symbol"]) & set(newest["vendor_symbol"])
    assert len(filers & set(common["vendor_symbol"])) > 0.95 * len(filers)
    told = dict(newest.select("vendor_symbol", "security_type").iter_rows())
    assert [told[symbol] for symbol in ("AAPL", "QQQ", "MPLX", "CHSCP", "A", "O")] == [
        "common",
        "etf",
        "unit",
        "preferred",
        "common",
        "common",
    ]
    financial = dict(newest.select("vendor_symbol", "is_financial").iter_rows())
    assert [financial[symbol] for symbol in ("JPM", "AIG", "AAPL", "CBG")] == [True, True, False, False]


def test_index_members_are_about_five_hundred_on_any_day(rows):
    members = rows["index_members"]
    for day in (date(2013, 6, 28), date(2014, 6, 30), date(2015, 12, 31)):
        known = members.filter(pl.col("known_at") <= datetime(day.year, day.month, day.day, 23, tzinfo=UTC))
        last = known.sort("known_at").unique(["vendor_symbol", "valid_from"], keep="last")
        assert 495 <= last.filter(pl.col("valid_to").is_null()).height <= 505


def test_the_yen_and_the_bill(rows):
    value = {key: frame["value"] for (key,), frame in rows["rates"].group_by("rate_id")}
    assert 90 < value["usdjpy"].min() < value["usdjpy"].max() < 130
    assert 0 <= value["us_bill"].min() <= value["us_bill"].max() < 0.01
