"""Daily archives become raw rows, known on the evening of their day."""

from datetime import UTC, date, datetime

import polars as pl
import pytest
from polars.testing import assert_frame_equal

from wg_dagster.calendars import months_between
from wg_dagster.errors import BadInput
from wg_dagster.ingest.pystock import Archives, open_pystock
from wg_dagster.schemas.gates import failures
from wg_dagster.schemas.tables import TABLES

MARCH, APRIL = "2015-03", "2015-04"
# AAA splits 2:1 on 2015-03-24: its close of the day before, captured again, is adjusted from 40 to 20.
FIRST = ["AAA,2015-03-23,39.0,41.0,38.5,40.0,1000,40.0", "AAA,2015-03-20,38.0,39.0,37.0,38.0,900,38.0"]
SECOND = ["AAA,2015-03-24,20.5,21.0,20.0,21.0,2100,21.0", "AAA,2015-03-23,39.0,41.0,38.5,40.0,1000,20.0"]


def test_both_captures_of_a_session_are_rows_with_their_own_adjusted_close(archive, gather):
    archive("20150323", FIRST)
    folder = archive("20150324", SECOND).parent
    prices = gather(open_pystock(folder), [MARCH])["prices"]
    captures = prices.filter(pl.col("session_date") == date(2015, 3, 23)).sort("known_at")
    assert captures["close"].to_list() == [40.0, 40.0]
    assert captures["vendor_adjusted_close"].to_list() == [40.0, 20.0]
    assert captures["split_ratio"].to_list() == [None, None]
    assert captures["source_file"].to_list() == ["20150323.tar.gz/prices.csv", "20150324.tar.gz/prices.csv"]
    assert captures["source_line"].to_list() == [2, 3]  # line 1 is the header


def test_an_archive_is_known_at_the_end_of_its_day_in_new_york(archive, gather):
    folder = archive("20150331", ["AAA,2015-03-31,1,1,1,1,1,1"]).parent
    archive("20151231", ["AAA,2015-12-31,1,1,1,1,1,1"])
    prices = gather(open_pystock(folder), months_between(MARCH, "2015-12"))["prices"]
    # Summer time is 4 hours behind UTC, winter time 5; both stay in the month of their day.
    assert prices["known_at"].to_list() == [
        datetime(2015, 4, 1, 3, 59, 59, 999999, UTC),
        datetime(2016, 1, 1, 4, 59, 59, 999999, UTC),
    ]
    assert prices["month"].to_list() == [MARCH, "2015-12"]
    assert prices["known_at_rule"].unique().to_list() == ["first_seen"]


def test_an_archive_without_header_lines_reads_like_one_with_them(archive, gather, report, tmp_path):
    filing = [report("AAA", "2014-12-31", "FY")]
    with_header = gather(Archives(archive("20150323", FIRST, filing).parent), [MARCH])
    (tmp_path / "archives" / "20150323.tar.gz").unlink()
    without = gather(Archives(archive("20150323", FIRST, filing, headers=False).parent), [MARCH])
    for table in ("prices", "fundamentals"):
        assert_frame_equal(with_header[table].drop("source_line"), without[table].drop("source_line"))
        assert (with_header[table]["source_line"] - without[table]["source_line"]).to_list() == [1] * without[table].height


def test_tripled_rows_collapse_and_a_second_header_is_set_aside(archive, gather):
    header = "symbol,date,open,high,low,close,volume,adj_close"
    folder = archive("20150323", [*FIRST, *FIRST, header, *FIRST]).parent
    rows = gather(open_pystock(folder), [MARCH])
    assert rows["prices"].height == 2
    assert rows["prices"]["source_line"].to_list() == [2, 3]
    assert rows["quarantine"].select("rule", "source_line", "month", "station").row(0) == ("stray_header", 6, MARCH, "raw")


def test_rows_that_contradict_each_other_are_set_aside_together(archive, gather):
    other = "BBB,2015-03-23,5,5,5,5,10,5"
    folder = archive("20150323", [*FIRST, "AAA,2015-03-23,0.31,0.31,0.31,0.31,0,0.31", other]).parent
    rows = gather(open_pystock(folder), [MARCH])
    assert rows["prices"].select("vendor_symbol", "session_date").rows() == [("AAA", date(2015, 3, 20)), ("BBB", date(2015, 3, 23))]
    conflicting = rows["quarantine"].filter(pl.col("rule") == "conflicting_rows").sort("source_line")
    assert conflicting["source_line"].to_list() == [2, 4]
    assert '"close":"0.31"' in conflicting["row_json"].to_list()[1]


def test_a_session_after_the_archive_is_set_aside(archive, gather):
    folder = archive("20150323", [*FIRST, "AAA,2015-03-25,1,1,1,1,1,1"]).parent
    rows = gather(open_pystock(folder), [MARCH])
    assert rows["prices"]["session_date"].max() == date(2015, 3, 23)
    assert rows["quarantine"].select("rule", "vendor_symbol", "session_date").row(0) == ("future_date", "AAA", date(2015, 3, 25))


def test_an_archive_of_empty_files_leaves_a_note_and_no_rows(archive, gather):
    folder = archive("20150610").parent
    rows = gather(open_pystock(folder), ["2015-06"])
    assert set(rows) == {"quarantine"}
    assert rows["quarantine"].select("rule", "source_file").rows() == [
        ("empty_file", "20150610.tar.gz/prices.csv"),
        ("empty_file", "20150610.tar.gz/symbols.txt"),
    ]


def test_one_text_among_two_hundred_prices_is_set_aside(archive, gather):
    sound = [f"A{chr(65 + k // 26)}{chr(65 + k % 26)},2015-03-23,1,1,1,1,1,1" for k in range(199)]
    folder = archive("20150323", [*sound, "ZZZ,2015-03-23,1,1,1,n.m.,1,1"]).parent
    rows = gather(open_pystock(folder), [MARCH])
    assert rows["prices"].height == 199
    assert rows["quarantine"].select("rule", "vendor_symbol", "source_line").row(0) == ("not_a_number:close", "ZZZ", 201)


def test_more_text_than_one_in_a_hundred_refuses_the_file_and_names_row_and_value(archive, gather):
    folder = archive("20150323", [*FIRST, "BBB,2015-03-23,1,1,1,closed,1,1"]).parent
    with pytest.raises(BadInput, match=r"20150323\.tar\.gz/prices\.csv, row 4: 'closed' cannot become close"):
        gather(open_pystock(folder), [MARCH])


def test_a_filing_seen_again_is_known_from_the_first_archive(archive, gather, report):
    filing = report("AAA", "2015-01-31")
    archive("20150326", reports=[filing])
    archive("20150327", reports=[report("BBB", "2015-01-31"), filing])
    folder = archive("20150331", reports=[filing]).parent
    filings = gather(open_pystock(folder), [MARCH])["fundamentals"]
    assert filings.select("vendor_symbol", "source_file").rows() == [
        ("AAA", "20150326.tar.gz/reports.csv"),
        ("BBB", "20150327.tar.gz/reports.csv"),
    ]


def test_an_amendment_is_a_new_row(archive, gather, report):
    archive("20150326", reports=[report("AAA", "2015-01-31")])
    folder = archive("20150402", reports=[report("AAA", "2015-01-31", amend=True, revenue="101.0")]).parent
    filings = gather(open_pystock(folder), [MARCH, APRIL])["fundamentals"]
    assert filings.select("filing_type", "revenue").rows() == [("original", 100.0), ("amendment", 101.0)]


def test_income_is_of_the_quarter_and_cash_flow_of_the_year_so_far(archive, gather, report):
    folder = archive("20150326", reports=[report("AAA", "2014-12-31", "FY")]).parent
    filing = gather(open_pystock(folder), [MARCH])["fundamentals"].row(0, named=True)
    assert (filing["fiscal_period"], filing["income_is_cumulative"], filing["cash_flow_is_cumulative"]) == ("FY", False, True)
    assert (filing["operating_cash_flow"], filing["current_liabilities"], filing["shares_outstanding"]) == (30.0, 100.0, None)
    assert filing["quality"] == "dividend_zero_or_unknown"


@pytest.mark.parametrize(("form", "label"), [("10-K", "FY"), ("10-K/A", "FY"), ("10-Q", "FY of a 10-Q"), ("10-Q/A", "FY of a 10-Q")])
def test_a_fiscal_year_in_a_quarterly_report_is_no_fiscal_year(archive, gather, report, form, label):
    """The clean station knows no such period and sets it aside."""
    folder = archive("20150326", reports=[report("AAA", "2014-12-31", "FY").replace("10-K", form)]).parent
    assert gather(open_pystock(folder), [MARCH])["fundamentals"]["fiscal_period"].to_list() == [label]


@pytest.mark.parametrize(("written", "kept"), [("2015", 2015), ("1215", None), ("29953000", None), ("", None)])
def test_an_impossible_fiscal_year_is_unknown(archive, gather, report, written, kept):
    folder = archive("20150326", reports=[report("AAA", "2014-12-31", year=written)]).parent
    assert gather(open_pystock(folder), [MARCH])["fundamentals"]["fiscal_year"].to_list() == [kept]


def test_a_statement_of_the_future_is_set_aside(archive, gather, report):
    folder = archive("20150326", reports=[report("AAA", "2015-12-31"), report("BBB", "2014-12-31")]).parent
    rows = gather(open_pystock(folder), [MARCH])
    assert rows["fundamentals"]["vendor_symbol"].to_list() == ["BBB"]
    assert ("fundamentals", "future_date", "AAA") in rows["quarantine"].select("table", "rule", "vendor_symbol").rows()


def test_a_ticker_that_spells_a_missing_value_is_a_ticker(archive, gather):
    folder = archive("20150323", ["NAN,2015-03-23,1,1,1,1,1,1", "NA,2015-03-23,1,1,1,1,1,1"]).parent
    assert sorted(gather(open_pystock(folder), [MARCH])["prices"]["vendor_symbol"]) == ["NA", "NAN"]


def test_a_listing_is_told_when_a_name_appears_changes_or_leaves(archive, gather):
    """BBB is missing from lists 3 to 12, the tenth of which is the proof; CCC drops out for one list and that is no news."""
    days = [f"201504{day:02d}" for day in (1, 2, 6, 7, 8, 9, 10, 13, 14, 15, 16, 17)]
    for number, name in enumerate(days):
        listed = ["AAA\tAlpha" if number < 4 else "AAA\tAlpha&#39;s"]
        listed += ["BBB\tBeta"] if number < 2 else []
        listed += ["CCC\tGamma"] if number != 5 else []
        folder = archive(name, symbols=listed).parent
    rows = gather(open_pystock(folder), [APRIL])["securities"].sort("known_at", "vendor_symbol")
    seen = rows.select("vendor_symbol", "name", pl.col("source_file").str.head(8), "listed_to").rows()
    assert seen == [
        ("AAA", "Alpha", "20150401", None),
        ("BBB", "Beta", "20150401", None),
        ("CCC", "Gamma", "20150401", None),
        ("AAA", "Alpha's", "20150408", None),
        ("BBB", "Beta", "20150402", date(2015, 4, 2)),
    ]
    assert rows["known_at"].to_list()[-1] == datetime(2015, 4, 18, 3, 59, 59, 999999, UTC)
    assert "left_listing" in rows["quality"].to_list()[-1]


@pytest.mark.parametrize(
    ("symbol", "name", "kind"),
    [
        ("AAPL", "Apple Inc.", "common"),
        ("CHSCP", "CHS Inc", "preferred"),
        ("ELECU", "Electrum Special Acquisition Corporation", "unit"),
        ("AGFSW", "AgroFresh Solutions", "other"),
        ("ONEQ", "Fidelity Nasdaq Composite Index ETF", "fund"),
        ("MPLX", "MPLX LP", "unit"),
        ("RYAAY", "Ryanair Holdings plc", "adr"),
    ],
)
def test_types_are_guessed_from_symbol_and_name_and_say_so(archive, gather, symbol, name, kind):
    rows = gather(open_pystock(archive("20150323", symbols=[f"{symbol}\t{name}"]).parent), [MARCH])["securities"]
    assert rows["security_type"].to_list() == [kind]
    assert rows["quality"].to_list() == ["exchange_assumed,sector_unknown,type_assumed"]


def test_a_month_loaded_alone_equals_its_part_of_the_whole(archive, gather, report):
    """Lists, filings and prices on both sides of the turn of a month."""
    days = ["20150325", "20150326", "20150327", "20150330", "20150331", "20150401", "20150402", "20150406", "20150407"]
    for number, name in enumerate(days):
        prices = [f"AAA,{name[:4]}-{name[4:6]}-{name[6:]},1,1,1,{number + 1},1,1"]
        filings = [report("AAA", "2015-01-31")] if number in (4, 5) else [report("AAA", "2014-12-31", revenue=str(number))]
        folder = archive(
            name, prices, filings, ["AAA\tAlpha" if number < 6 else "AAA\tOmega", *(["BBB\tBeta"] if number in (0, 5) else [])]
        ).parent
    whole = gather(open_pystock(folder), [MARCH, APRIL])
    alone = gather(open_pystock(folder), [APRIL])
    assert set(whole) == set(alone) == {"prices", "fundamentals", "securities"}
    for table, rows in whole.items():
        assert_frame_equal(rows.filter(pl.col("month") == APRIL), alone[table], check_row_order=False)


def test_later_archives_change_nothing_known_before(archive, gather, report):
    days = ["20150330", "20150331", "20150401", "20150402"]
    for number, name in enumerate(days):
        archive(name, FIRST, [report("AAA", "2015-01-31", revenue=str(number))], ["AAA\tAlpha" if number < 2 else "AAA\tOmega"])
    folder = archive("20150403", SECOND, [], ["BBB\tBeta"]).parent
    before = gather(open_pystock(folder), [MARCH])
    for later in ("20150401", "20150402", "20150403"):
        (folder / f"{later}.tar.gz").unlink()
    after = gather(open_pystock(folder), [MARCH])
    for table in before:
        assert_frame_equal(before[table], after[table])


def test_the_merged_parquet_files_give_the_rows_of_the_archives(archive, gather, report, tmp_path):
    archive("20150323", FIRST, [report("AAA", "2014-12-31", "FY")], ["AAA\tAlpha"])
    folder = archive("20150324", SECOND, [report("AAA", "2014-12-31", "FY")], ["AAA\tAlpha"]).parent
    merged = tmp_path / "merged"
    merged.mkdir()
    _merged_prices([*((line, date(2015, 3, 23)) for line in FIRST), *((line, date(2015, 3, 24)) for line in SECOND)]).write_parquet(
        merged / "us_prices_pystock.parquet"
    )
    listed = {"symbol": ["AAA"] * 2, "name": ["Alpha"] * 2, "archive_date": [date(2015, 3, 23), date(2015, 3, 24)]}
    pl.DataFrame(listed).write_parquet(merged / "us_symbols_pystock.parquet")
    left, right = gather(open_pystock(folder), [MARCH]), gather(open_pystock(merged), [MARCH])
    place = ("source_file", "source_line")
    for table in ("prices", "securities"):
        assert_frame_equal(left[table].drop(place), right[table].drop(place), check_row_order=False)


def test_rows_pass_the_gate_of_their_table(archive, gather, report):
    folder = archive("20150323", [*FIRST, "AAA,2015-03-25,1,1,1,1,1,1"], [report("AAA", "2014-12-31", "FY")], ["AAA\tAlpha"]).parent
    for table, rows in gather(open_pystock(folder), [MARCH]).items():
        assert rows.schema == TABLES[table].schema
        assert failures(table, rows).is_empty()


def test_the_identity_follows_the_content(archive):
    adapter = open_pystock(archive("20150323", FIRST).parent)
    before = adapter.identity()
    assert adapter.identity() == before
    assert open_pystock(archive("20150323", SECOND).parent).identity() != before
    assert adapter.span() == (MARCH, MARCH)


def _merged_prices(lines):
    names = ["symbol", "date", "open", "high", "low", "close", "volume", "adj_close"]
    rows = [dict(zip(names, line.split(","), strict=True)) | {"archive_date": day} for line, day in lines]
    single = [pl.col(name).cast(pl.Float32) for name in ("open", "high", "low", "close", "adj_close")]
    return pl.DataFrame(rows).with_columns(pl.col("date").str.to_date(), pl.col("volume").cast(pl.Int64), *single)
