"""Rates, exchange rates and levels of public files; bulk tables of Sharadar as they were traded and reported; several sources in one folder."""

import shutil
import zipfile
from datetime import UTC, date, datetime
from pathlib import Path

import polars as pl
import pytest
from polars.testing import assert_frame_equal

from wg_dagster.calendars import months_between
from wg_dagster.errors import BadInput, MissingColumn, UnreadableFile
from wg_dagster.ingest.drop_sharadar import open_sharadar
from wg_dagster.ingest.reference import Reference
from wg_dagster.ingest.vendors import Vendors
from wg_dagster.schemas.gates import failures

PAYLOADS = Path(__file__).parent / "payloads"


@pytest.fixture
def only(tmp_path):
    """A reference folder with some of the payloads, and its rows."""

    def read(*names: str) -> dict[str, pl.DataFrame]:
        for name in names:
            shutil.copy(PAYLOADS / "reference" / name, tmp_path)
        return _all(Reference(tmp_path))

    return read


def _all(adapter) -> dict[str, pl.DataFrame]:
    parts: dict[str, list[pl.DataFrame]] = {}
    for table, part in adapter.load(months_between(*adapter.span())):
        parts.setdefault(table, []).append(part)
    return {table: pl.concat(frames) for table, frames in parts.items()}


def test_yen_per_dollar_are_the_ratio_of_two_rates_per_euro(only):
    """155.71 / 1.0956."""
    rows = only("eurofxref-hist.csv", "eurofxref.xml")["rates"].sort("date")
    assert set(rows["rate_id"]) == {"usdjpy"}
    assert rows["value"][0] == pytest.approx(155.71 / 1.0956)
    assert rows["date"].to_list() == [date(2024, 1, day) for day in (2, 3, 4, 5, 8)]
    assert rows["known_at"][0] == datetime(2024, 1, 3, 4, 59, 59, 999999, UTC)


def test_a_bill_s_rate_is_a_fraction_a_year_known_the_day_after(only):
    rows = only("DGS3MO.csv")["rates"]
    assert rows.select("rate_id", "date", "value").rows() == [
        ("us_bill", date(2024, 1, 2), pytest.approx(0.0546)),
        ("us_bill", date(2024, 1, 3), pytest.approx(0.0548)),
        ("us_bill", date(2024, 1, 5), pytest.approx(0.0547)),  # the 4th has no observation
    ]
    assert rows["known_at"][0] == datetime(2024, 1, 4, 4, 59, 59, 999999, UTC)
    assert set(rows["known_at_rule"]) == {"assumed_lag"}


def test_a_discount_becomes_a_yield(only):
    """365 x 0.0522 / (360 - 91 x 0.0522) = 19.053 / 355.2498."""
    assert only("DTB3.csv")["rates"]["value"][0] == pytest.approx(19.053 / 355.2498)


def test_a_weekly_exchange_rate_is_known_a_week_later(only):
    assert only("DEXJPUS.csv")["rates"]["known_at"][0].date() == date(2024, 1, 10)


def test_the_daily_rate_of_the_factors_is_taken_over_a_year(only):
    """0.020 % a day, 252 days; foreword and copyright are no rows."""
    rows = only("F-F_Research_Data_Factors_daily.CSV")["rates"]
    assert rows["value"].to_list() == pytest.approx([0.0504, 0.0504])


def test_levels_come_from_fred_or_from_a_plain_table(only):
    rows = only("SP500.csv", "levels.csv")["index_levels"].sort("index_id", "session_date")
    assert rows.select("index_id", "level", "is_total_return").rows() == [
        ("russell2000", 5000.5, True),
        ("russell2000", 4900.25, True),
        ("sp500", 4700.25, False),
        ("sp500", 4662.5, False),
    ]


def test_a_zip_holds_what_its_tables_hold(only, tmp_path):
    with zipfile.ZipFile(tmp_path / "eurofxref-hist.zip", "w") as archive:
        archive.write(PAYLOADS / "reference" / "eurofxref-hist.csv", "eurofxref-hist.csv")
    assert only()["rates"].height == 4


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("a,b\n1,2\n", "which is none of"),
        ("observation_date,GDP\n2024-01-01,1\n", "known: DGS3MO"),
        ("observation_date,DTB3,DGS3MO\n2024-01-02,1,2\n", "several series"),
        ("", "is empty"),
        ("\nobservation_date,DTB3\n2024-01-02,1\n", "which is none of"),
        ("observation_date,DTB3\n2024-01-01,.\n", "no row below its header"),
        ("<Envelope><Cube></Cube></Envelope>", "no day of reference rates"),
        ("<Envelope", "cannot be read as XML"),
        ('<!DOCTYPE x [<!ENTITY a "aa">]><x>&a;</x>', "declarations"),
        ("observation_date,DTB3\n2024-01-02,high\n", "cannot become value"),
    ],
)
def test_what_is_not_known_is_refused(tmp_path, content, message):
    (tmp_path / "odd.csv").write_text(content)
    with pytest.raises((BadInput, UnreadableFile), match=message):
        _all(Reference(tmp_path))


@pytest.fixture(scope="module")
def bulk():
    return _all(open_sharadar(PAYLOADS / "sharadar"))


def test_every_row_of_the_bulk_tables_obeys_the_contract(bulk):
    assert set(bulk) == {"securities", "prices", "fundamentals"}
    assert [table for table, found in bulk.items() if failures(table, found).height] == []


def test_prices_are_brought_back_to_what_was_traded(bulk):
    """Two for one on the 4th: 50 adjusted was 100, 2,000 adjusted shares were 1,000. A dividend of 1.02 went off at 102."""
    rows = bulk["prices"].filter(pl.col("vendor_symbol") == "ORRB").sort("session_date")
    assert rows.select("open", "close", "volume", "split_ratio", "cash_dividend").rows() == [
        (100.0, 100.0, 1000, 1.0, 0.0),
        (101.0, 102.0, 1200, 1.0, 1.02),
        (50.0, 50.5, 3000, 2.0, 0.0),
        (50.0, 50.0, 3100, 1.0, 0.0),
    ]


def test_a_dividend_that_is_adjusted_for_later_splits_is_brought_back(tmp_path):
    """0.51 in the table of actions, 1.02 by the vendor's adjusted close."""
    folder = Path(shutil.copytree(PAYLOADS / "sharadar", tmp_path / "s"))
    path = folder / "SHARADAR_ACTIONS.csv"
    path.write_text(path.read_text().replace("1.02", "0.51"))
    rows = _all(open_sharadar(folder))["prices"]
    assert rows["cash_dividend"].max() == pytest.approx(1.02)


def test_only_quarters_as_first_reported_are_read_on_the_shares_of_their_day(bulk):
    """2,040 m of market value at 102 are 20 m shares: the 40 m of the table hold the later split, and so do its earnings per share."""
    rows = bulk["fundamentals"].filter(pl.col("vendor_symbol") == "ORRB")
    assert rows.select("shares_outstanding", "eps_basic", "revenue", "fiscal_period").rows() == [(20e6, 1.0, 130e6, "Q4")]


def test_a_statement_keeps_the_currency_of_its_line(bulk):
    assert bulk["fundamentals"].filter(pl.col("vendor_symbol") == "HNSY")["currency"].to_list() == ["JPY"]


def test_a_line_that_was_taken_over_left_by_merger(bulk):
    left = bulk["securities"].filter(pl.col("listed_to").is_not_null()).row(0, named=True)
    assert (left["vendor_symbol"], left["listed_to"], left["delisting_reason"]) == ("GLNB", date(2024, 1, 5), "merger")


def test_lines_off_the_exchanges_are_no_common_stock(bulk):
    assert dict(bulk["securities"].select("vendor_symbol", "security_type").rows())["HNSY"] == "other"


def test_a_bulk_table_without_a_column_is_named(tmp_path):
    folder = Path(shutil.copytree(PAYLOADS / "sharadar", tmp_path / "s"))
    path = folder / "SHARADAR_SEP.csv"
    path.write_text(path.read_text().replace("closeunadj", "raw"))
    with pytest.raises(MissingColumn, match=r"SHARADAR_SEP\.csv: column 'closeunadj'"):
        _all(open_sharadar(folder))


def test_a_folder_of_several_sources_holds_the_rows_of_each(tmp_path, bulk):
    shutil.copytree(PAYLOADS / "sharadar", tmp_path / "sharadar")
    shutil.copytree(PAYLOADS / "reference", tmp_path / "reference")
    every = _all(Vendors(tmp_path))
    assert_frame_equal(every["prices"], bulk["prices"])
    assert set(every["rates"]["source"]) == {"ecb", "fred", "fama_french"}
    assert Vendors(tmp_path).span() == ("2024-01", "2024-01")


def test_a_subfolder_that_is_no_source_is_named(tmp_path):
    with pytest.raises(BadInput, match="no subfolder of a source"):
        Vendors(tmp_path)
    (tmp_path / "stuff").mkdir()
    with pytest.raises(BadInput, match=r"stuff/ is no source and holds no map\.toml"):
        Vendors(tmp_path)


def test_a_check_says_what_a_source_would_read(main, tmp_path):
    code, out, _ = main("check", PAYLOADS / "jquants", "--source", "jquants")
    assert code == 0
    assert "INFO  jquants [prices] read: 10 rows  known in 2024-09 to 2024-09" in out
    assert "[forecasts] read: 55 rows" in out
    code, out, _ = main("check", tmp_path, "--source", "jquants")
    assert code == 1
    assert "holds neither" in out
    assert "known: synthetic" in main("check", tmp_path, "--source", "bloom")[1]
