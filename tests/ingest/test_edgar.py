"""EDGAR: which number of a filing means which item, over which time, in which currency, and when one could know it."""

import json
import shutil
import zipfile
from datetime import UTC, date, datetime
from pathlib import Path

import polars as pl
import pytest
from polars.testing import assert_frame_equal

from wg_dagster.calendars import months_between
from wg_dagster.errors import BadInput, MissingColumn, UnreadableFile
from wg_dagster.ingest.edgar import Edgar
from wg_dagster.ingest.edgar_choice import tag_table
from wg_dagster.ingest.edgar_symbols import sectors
from wg_dagster.schemas.gates import failures
from wg_dagster.schemas.tables import TABLES

PAYLOADS = Path(__file__).parent / "payloads" / "edgar"
MILLION = 1e6


def zipped(target: Path, quarter: str, **changed: str) -> Path:
    """The data set of a quarter as the agency packs it; `changed`: sub or num with other text."""
    path = target / f"{quarter}.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name in ("sub", "num"):
            archive.writestr(f"{name}.txt", changed.get(name, (PAYLOADS / quarter / f"{name}.txt").read_text()))
    return path


def gathered(adapter: Edgar, months: list[str] | None = None) -> dict[str, pl.DataFrame]:
    parts: dict[str, list[pl.DataFrame]] = {}
    for table, part in adapter.load(months or months_between(*adapter.span())):
        parts.setdefault(table, []).append(part)
    return {table: pl.concat(frames) for table, frames in parts.items()}


def make(target: Path) -> Path:
    target.mkdir(exist_ok=True)
    for quarter in ("2023q1", "2023q2", "2023q3", "2023q4"):
        zipped(target, quarter)
    shutil.copy(PAYLOADS / "company_tickers_exchange.json", target)
    for name in ("companyfacts", "submissions"):
        shutil.copytree(PAYLOADS / name, target / name)
    return target


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return make(tmp_path_factory.mktemp("filings") / "edgar")


@pytest.fixture(scope="module")
def rows(folder):
    return gathered(Edgar(folder))


def of(rows: dict[str, pl.DataFrame], symbol: str) -> pl.DataFrame:
    return rows["fundamentals"].filter(pl.col("vendor_symbol") == symbol).sort("known_at")


def test_every_row_obeys_the_contract(rows):
    assert set(rows) == {"securities", "fundamentals", "quarantine"}
    assert [table for table in ("securities", "fundamentals") if failures(table, rows[table]).height] == []


def test_income_is_of_the_quarter_and_cash_flow_from_the_start_of_the_year(rows):
    second = of(rows, "ORRB").row(1, named=True)
    assert (second["fiscal_period"], second["income_is_cumulative"], second["cash_flow_is_cumulative"]) == ("Q2", False, True)
    assert (second["revenue"], second["net_income"], second["eps_diluted"]) == (90 * MILLION, 12 * MILLION, 0.6)
    assert (second["operating_cash_flow"], second["buybacks"]) == (44 * MILLION, 4 * MILLION)


def test_income_that_is_only_given_from_the_start_of_the_year_says_so(rows):
    half = of(rows, "TCKM").row(1, named=True)
    assert (half["revenue"], half["income_is_cumulative"], half["filing_type"]) == (104 * MILLION, True, "original")


def test_an_amendment_is_a_row_of_its_own(rows):
    assert of(rows, "TCKM").select("filing_type", "revenue").rows()[1:] == [("original", 104 * MILLION), ("amendment", 100 * MILLION)]


def test_neither_segments_nor_other_registrants_nor_the_year_before_are_read(rows):
    first = of(rows, "ORRB").row(0, named=True)
    assert (first["revenue"], first["assets"]) == (120 * MILLION, 500 * MILLION)


def test_the_month_end_of_the_vendor_becomes_the_day_in_the_document_s_name(rows):
    assert of(rows, "ORRB")["period_end_date"].to_list() == [date(2022, 12, 31), date(2023, 4, 1), date(2023, 7, 1), date(2023, 9, 30)]
    assert "period_end_rounded" in of(rows, "VLH")["quality"][0]


def test_a_filing_is_known_when_it_is_accepted(rows):
    """16:31:07 in New York's winter is 21:31:07 UTC; 18:05 in summer, dated the same day, is 22:05."""
    assert of(rows, "ORRB")["known_at"].to_list()[:2] == [
        datetime(2023, 2, 2, 21, 31, 7, tzinfo=UTC),
        datetime(2023, 5, 4, 22, 5, tzinfo=UTC),
    ]


def test_what_is_accepted_after_hours_is_known_the_next_morning(rows):
    """Accepted 2 November 18:08:27, dated 3 November: 6 o'clock of that day, 10:00 UTC."""
    assert of(rows, "ORRB")["known_at"][3] == datetime(2023, 11, 3, 10, tzinfo=UTC)


def test_without_a_time_a_filing_is_known_at_the_end_of_its_day(rows):
    amended = of(rows, "QRY.A").row(2, named=True)
    assert amended["known_at"] == datetime(2024, 8, 21, 3, 59, 59, 999999, UTC)
    assert amended["quality"] == "accepted_unknown,several_lines"


def test_company_facts_get_their_times_from_the_list_of_filings(rows):
    assert of(rows, "QRY.A")["known_at"][1] == datetime(2024, 8, 1, 20, 16, 5, tzinfo=UTC)
    assert of(rows, "QRY.A")["revenue"].to_list() == [77 * MILLION, 83 * MILLION, 82 * MILLION]


def test_both_classes_of_shares_have_the_accounts_and_none_the_count(rows):
    assert of(rows, "QRY.A")["net_income"].to_list() == of(rows, "QRY.B")["net_income"].to_list()
    assert of(rows, "QRY.B")["shares_outstanding"].null_count() == 3
    assert of(rows, "ORRB")["shares_outstanding"].to_list() == [20 * MILLION] * 4


def test_a_number_with_two_values_is_none_and_the_next_tag_stands(rows):
    """Equity of the owners is 80 and 81; with minorities it is 85."""
    assert of(rows, "TCKM")["equity"][0] == 85 * MILLION
    assert rows["quarantine"].select("rule", "source_line").rows() == [("conflicting_facts", 23), ("conflicting_facts", 24)]


def test_the_first_tag_of_the_table_wins_and_other_currencies_do_not_count(rows):
    """Revenues of 50 stand before the older tag's 49; the operating profit in euro is not in the filing's currency."""
    first = of(rows, "TCKM").row(0, named=True)
    assert (first["revenue"], first["operating_profit"], first["currency"]) == (50 * MILLION, None, "USD")


def test_parts_of_debt_are_added(rows):
    assert of(rows, "ORRB")["debt"].to_list() == [55 * MILLION] * 4


def test_a_foreign_year_keeps_its_currency_and_standard(rows):
    year = of(rows, "VLH").row(0, named=True)
    assert (year["currency"], year["accounting_standard"], year["fiscal_period"], year["equity"]) == ("GBP", "ifrs", "FY", 2400 * MILLION)


def test_other_forms_are_not_read(rows):
    assert rows["fundamentals"].filter(pl.col("known_at") == datetime(2023, 4, 25, 12, tzinfo=UTC)).is_empty()


def test_lines_are_described_by_their_first_filing(rows):
    told = {row["vendor_symbol"]: row for row in rows["securities"].to_dicts()}
    assert told["ORRB"]["issuer"] == "0000990001"
    assert (told["TCKM"]["sector"], told["TCKM"]["quality"]) == ("Consumer Staples", "symbol_assumed")
    assert (told["VLH"]["security_type"], told["VLH^A"]["security_type"], told["VLH"]["is_financial"]) == ("adr", "preferred", True)
    assert (told["QRY.B"]["share_class"], told["QRY.B"]["quality"]) == ("B", "sector_assumed")


def test_a_filer_without_a_ticker_keeps_its_number(tmp_path):
    text = (PAYLOADS / "2023q2" / "sub.txt").read_text().replace("tckm-20230331_htm.xml", "form10q.xml")
    zipped(tmp_path, "2023q2", sub=text)
    found = gathered(Edgar(tmp_path))["fundamentals"].filter(pl.col("vendor_symbol") == "CIK0000990002")
    assert found["quality"].to_list() == ["no_ticker,period_end_rounded"]


def test_a_filing_in_both_forms_is_read_once_from_the_facts(tmp_path, folder):
    both = Path(shutil.copytree(folder, tmp_path / "both"))
    facts = json.loads((PAYLOADS / "companyfacts" / "CIK0000990004.json").read_text())
    facts["cik"] = 990001
    text = json.dumps(facts).replace("0000990004-24-000001", "0000990001-XX-000001")
    for old, new in (("2023-", "2021-"), ("2024-05-02", "2023-02-02"), ("2024-03-31", "2022-12-31"), ("2024-01-01", "2022-10-01")):
        text = text.replace(old, new)
    (both / "companyfacts" / "CIK0000990001.json").write_text(text.replace("-XX-", "-23-"))
    found = of(gathered(Edgar(both)), "ORRB").filter(pl.col("known_at").dt.date() == date(2023, 2, 2))
    assert found.select("revenue", "known_at").rows() == [(77 * MILLION, datetime(2023, 2, 2, 21, 31, 7, tzinfo=UTC))]


def test_a_month_alone_is_its_part_of_the_whole(folder, rows):
    for month in ("2023-05", "2023-08", "2023-09", "2024-08"):
        alone = gathered(Edgar(folder), [month])
        for table, whole in rows.items():
            expected = whole.filter(pl.col("month") == month)
            assert_frame_equal(alone.get(table, whole.clear()), expected)


def test_later_data_sets_change_nothing_before(tmp_path, rows):
    for quarter in ("2023q1", "2023q2"):
        zipped(tmp_path, quarter)
    shutil.copy(PAYLOADS / "company_tickers_exchange.json", tmp_path)
    before = gathered(Edgar(tmp_path))
    for table in before:
        expected = rows[table].filter(pl.col("source_file").str.contains("2023q[12]"))
        assert_frame_equal(before[table], expected)


def test_items_of_the_table_are_columns_of_the_contract():
    assert set(tag_table()["item"]) <= set(TABLES["fundamentals"].columns)
    assert tag_table().select("item", "rank", "taxonomy", "tag").is_duplicated().sum() == 0
    assert tag_table().filter(pl.col("needed_tags") == 0).is_empty()


def test_an_industry_code_has_one_sector():
    assert sectors()["sic"].is_duplicated().sum() == 0
    assert dict(sectors().select("sic", "sector").rows())[6798] == "Real Estate"


@pytest.mark.parametrize("member", ["../sub.txt", "/etc/sub.txt", "..\\num.txt", "C:/num.txt"])
def test_a_zip_that_points_outside_is_refused(tmp_path, member):
    path = zipped(tmp_path, "2023q1")
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr(member, "x")
    with pytest.raises(UnreadableFile, match="points outside"):
        Edgar(tmp_path)


def test_a_zip_bomb_is_refused_unopened(tmp_path):
    zipped(tmp_path, "2023q1", num="adsh\ttag\n" + "0" * 30_000_000)
    with pytest.raises(UnreadableFile, match=r"2023q1\.zip/num\.txt would grow"):
        gathered(Edgar(tmp_path))


def test_a_cut_zip_is_named(tmp_path):
    path = zipped(tmp_path, "2023q1")
    path.write_bytes(path.read_bytes()[:300])
    with pytest.raises(UnreadableFile, match=r"2023q1\.zip is cut or no zip file"):
        Edgar(tmp_path)


def test_a_damaged_member_is_named(tmp_path):
    path = zipped(tmp_path, "2023q1")
    content = bytearray(path.read_bytes())
    content[120:140] = bytes(20)
    path.write_bytes(bytes(content))
    with pytest.raises(UnreadableFile, match=r"2023q1\.zip/sub\.txt"):
        Edgar(tmp_path).span()


def test_a_missing_column_is_named(tmp_path):
    zipped(tmp_path, "2023q1", sub=(PAYLOADS / "2023q1" / "sub.txt").read_text().replace("accepted", "taken"))
    with pytest.raises(MissingColumn, match=r"2023q1\.zip/sub\.txt: column accepted"):
        Edgar(tmp_path).span()


def test_other_files_are_refused_by_name(tmp_path):
    with pytest.raises(BadInput, match="holds neither data sets"):
        Edgar(tmp_path)
    (tmp_path / "other.json").write_text("{}")
    with pytest.raises(BadInput, match=r"other\.json is neither"):
        Edgar(tmp_path)
    (tmp_path / "other.json").write_text("{")
    with pytest.raises(UnreadableFile, match=r"other\.json cannot be read as JSON"):
        Edgar(tmp_path)
    (tmp_path / "other.json").unlink()
    with zipfile.ZipFile(tmp_path / "x.zip", "w") as archive:
        archive.writestr("a.txt", "a")
    with pytest.raises(BadInput, match=r"x\.zip holds no sub\.txt"):
        Edgar(tmp_path)
