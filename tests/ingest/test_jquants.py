"""J-Quants: prices as traded, statements and company forecasts with the minute of their disclosure, ordinary profit that does not exist."""

import json
import shutil
from datetime import UTC, date, datetime
from pathlib import Path

import polars as pl
import pytest
from polars.testing import assert_frame_equal

from wg_dagster.calendars import months_between
from wg_dagster.errors import BadInput, UnreadableFile
from wg_dagster.ingest.jquants import JQuants
from wg_dagster.ingest.jquants_maps import sectors
from wg_dagster.schemas.gates import failures

PAYLOADS = Path(__file__).parent / "payloads" / "jquants"
BILLION = 1e9


@pytest.fixture(scope="module")
def rows():
    adapter = JQuants(PAYLOADS)
    parts: dict[str, list[pl.DataFrame]] = {}
    for table, part in adapter.load(months_between(*adapter.span())):
        parts.setdefault(table, []).append(part)
    return {table: pl.concat(frames) for table, frames in parts.items()}


@pytest.fixture
def folder(tmp_path):
    return Path(shutil.copytree(PAYLOADS, tmp_path / "jquants"))


def _one(rows: pl.DataFrame, **wanted) -> dict:
    found = rows.filter([pl.col(name) == value for name, value in wanted.items()])
    assert found.height == 1
    return found.row(0, named=True)


def test_every_row_obeys_the_contract(rows):
    assert set(rows) == {"prices", "securities", "fundamentals", "forecasts", "index_levels"}
    assert [table for table, found in rows.items() if failures(table, found).height] == []


def test_prices_are_as_traded_and_a_split_is_told_on_its_ex_day(rows):
    """Three for one: 3,000 yen become 1,020, and the vendor's factor of the ex-day is a third."""
    moto = rows["prices"].filter(pl.col("vendor_symbol") == "9001").sort("session_date")
    assert moto.select("close", "split_ratio").rows() == [(3000.0, 1.0), (1020.0, 3.0), (1010.0, 1.0)]
    assert moto["known_at"][0] == datetime(2024, 9, 26, 14, 59, 59, 999999, UTC)  # midnight in Tokyo


def test_codes_of_ordinary_shares_lose_their_last_digit_and_others_keep_it(rows):
    assert set(rows["prices"]["vendor_symbol"]) == {"9001", "9002", "90025", "130A"}


def test_a_line_that_did_not_trade_has_no_row(rows):
    assert rows["prices"].filter(pl.col("vendor_symbol") == "90025")["session_date"].to_list() == [date(2024, 9, 27)]


def test_the_hour_of_disclosure_is_tokyo_s_and_without_one_the_day_s_end_counts(rows):
    summaries = rows["fundamentals"]
    assert _one(summaries, vendor_symbol="9001", period_end_date=date(2023, 6, 30))["known_at"] == datetime(2023, 8, 8, 3, 0, tzinfo=UTC)
    original = _one(summaries, vendor_symbol="9002", period_end_date=date(2023, 9, 30), filing_type="original")
    assert original["known_at"] == datetime(2023, 11, 9, 14, 59, 59, 999999, UTC)


def test_ordinary_profit_of_ifrs_is_unknown_even_where_a_zero_is_written(rows):
    """The half-year of the payload says "0"."""
    ifrs = rows["fundamentals"].filter(pl.col("vendor_symbol") == "9001")
    assert ifrs["ordinary_profit"].null_count() == ifrs.height == 5
    assert set(ifrs["accounting_standard"]) == {"ifrs"}
    assert all("ordinary_profit_not_reported" in flags for flags in ifrs["quality"])
    assert ifrs["operating_profit"].to_list() == [value * BILLION for value in (36, 8, 18, 30, 42)]
    domestic = rows["fundamentals"].filter((pl.col("vendor_symbol") == "9002") & pl.col("is_consolidated"))
    assert domestic["ordinary_profit"].null_count() == 0


def test_the_second_document_of_a_period_amends_the_first(rows):
    half = rows["fundamentals"].filter((pl.col("vendor_symbol") == "9002") & (pl.col("fiscal_period") == "Q2")).sort("known_at")
    assert half.select("filing_type", "revenue").rows() == [("original", 41 * BILLION), ("amendment", 40 * BILLION)]


def test_accounts_of_the_parent_stand_beside_the_group_s(rows):
    year = rows["fundamentals"].filter((pl.col("vendor_symbol") == "9002") & (pl.col("fiscal_period") == "FY")).sort("is_consolidated")
    assert year.select("is_consolidated", "revenue", "eps_diluted").rows() == [(False, 60 * BILLION, None), (True, 82 * BILLION, 51.0)]


def test_shares_are_without_those_that_the_firm_holds_itself(rows):
    year = _one(rows["fundamentals"], vendor_symbol="9001", period_end_date=date(2024, 3, 31))
    assert (year["shares_outstanding"], year["treasury_shares"]) == (300e6, 10e6)
    assert year["dividend_per_share"] == 50.0


def test_a_forecast_is_a_row_for_each_year_item_and_disclosure(rows):
    told = rows["forecasts"].filter((pl.col("vendor_symbol") == "9001") & (pl.col("item") == "operating_profit")).sort("known_at")
    assert told.select("fiscal_year_end_date", "value").rows() == [
        (date(2024, 3, 31), 38 * BILLION),  # with the results of the year before
        (date(2024, 3, 31), 38 * BILLION),
        (date(2024, 3, 31), 40 * BILLION),
        (date(2024, 3, 31), 40 * BILLION),
        (date(2024, 3, 31), 43 * BILLION),  # a document of its own
        (date(2025, 3, 31), 45 * BILLION),
    ]
    assert rows["forecasts"].filter(pl.col("vendor_symbol") == "9001", pl.col("item") == "ordinary_profit").is_empty()


def test_a_line_that_is_missing_from_the_next_list_has_left(rows):
    left = rows["securities"].drop_nulls("listed_to").row(0, named=True)
    assert (left["vendor_symbol"], left["listed_to"], left["known_at"].date()) == ("9004", date(2024, 8, 30), date(2024, 9, 30))
    kinds = dict(rows["securities"].select("vendor_symbol", "security_type").rows())
    assert kinds == {"1399": "fund", "9001": "common", "9002": "common", "90025": "preferred", "9004": "common", "130A": "common"}
    assert _one(rows["securities"].filter(pl.col("listed_to").is_null()), vendor_symbol="9004")["is_financial"]


def test_the_index_has_its_closes(rows):
    assert rows["index_levels"].select("index_id", "level", "is_total_return").row(0) == ("topix", 2721.12, False)


def test_the_exchange_has_thirty_three_industries():
    assert len({row["s33"] for row in sectors()}) == 33
    assert sum(row["is_financial"] == "true" for row in sectors()) == 4


def test_a_month_alone_is_its_part_of_the_whole(rows):
    for month in ("2023-11", "2024-03", "2024-09"):
        alone: dict[str, list[pl.DataFrame]] = {}
        for table, part in JQuants(PAYLOADS).load([month]):
            alone.setdefault(table, []).append(part)
        for table, whole in rows.items():
            expected = whole.filter(pl.col("month") == month)
            assert_frame_equal(pl.concat(alone.get(table, [whole.clear()])), expected)


def test_later_files_change_nothing_before(folder, rows):
    for path in folder.rglob("*.json"):
        if path.stem > "2024-04":
            path.unlink()
    (folder / "equities_bars_daily").rmdir()
    before = pl.concat([part for table, part in JQuants(folder).load(months_between("2023-05", "2024-03")) if table == "fundamentals"])
    assert_frame_equal(before, rows["fundamentals"].filter(pl.col("month") <= "2024-03", pl.col("is_consolidated")))


def _notice(published: str, amount: str, *, status: str = "1", sort: str = "2", clock: str = "15:00", code: str = "90020") -> dict:
    """A notice of the dividend of September 2024, ex on the 27th."""
    facts = {"Code": code, "RefNo": f"{published}{clock}", "StatCode": status, "FRCode": sort, "IFTerm": "2024-09"}
    return {**facts, "PubDate": published, "PubTime": clock, "DivRate": amount, "RecDate": "2024-09-30", "ExDate": "2024-09-27"}


@pytest.mark.parametrize(
    ("notices", "dividend", "flag"),
    [
        ([_notice("2024-05-10", "11")], 11.0, "dividend_forecast"),
        ([_notice("2024-05-10", "11"), _notice("2024-08-08", "12", status="2", sort="1")], 12.0, ""),
        ([_notice("2024-05-10", "11"), _notice("2024-10-31", "13", status="2", sort="1")], 11.0, "dividend_forecast"),  # told too late
        ([_notice("2024-05-10", "-")], None, "dividend_forecast"),
        ([_notice("2024-05-10", "11"), _notice("2024-06-10", "11", status="3")], 0.0, ""),
        ([_notice("2024-05-10", "11", code="90010")], 0.0, ""),
    ],
    ids=["forecast", "decided", "later", "amount open", "deleted", "another line"],
)
def test_a_dividend_is_what_the_notices_said_on_its_ex_day(folder, notices, dividend, flag):
    (folder / "fins_dividend").mkdir()
    (folder / "fins_dividend" / "2024-10-31.json").write_text(json.dumps({"data": notices}))
    prices = pl.concat([part for table, part in JQuants(folder).load(["2024-09"]) if table == "prices"])
    own = prices.filter(pl.col("vendor_symbol") == "9002").sort("session_date")
    assert own["cash_dividend"].to_list() == [0.0, dividend, 0.0]
    assert own["quality"].to_list() == ["", flag, ""]


def test_without_notices_a_dividend_is_unknown_and_not_zero(rows):
    assert rows["prices"]["cash_dividend"].null_count() == rows["prices"].height


def test_another_calendar_is_told(folder):
    (folder / "markets_calendar" / "2024-09-30.json").write_text(json.dumps({"data": [{"Date": "2024-09-27", "HolDiv": "0"}]}))
    broken = pl.concat([part for table, part in JQuants(folder).load(["2024-09"]) if table == "quarantine"])
    assert broken.select("rule", "session_date").rows() == [("calendar_differs", date(2024, 9, 27))]


@pytest.mark.parametrize("content", ["", '{"data": [{"Date"', '{"message": "busy"}', '{"data": [1, 2]}', "[]"])
def test_a_file_that_is_no_answer_is_named(folder, content):
    (folder / "equities_bars_daily" / "2024-09-27.json").write_text(content)
    with pytest.raises(UnreadableFile, match=r"equities_bars_daily/2024-09-27\.json .*fetch it again"):
        list(JQuants(folder).load(["2024-09"]))


def test_a_fourth_quarter_of_a_changed_fiscal_year_is_set_aside(folder):
    path = folder / "fins_summary" / "2023-08-08.json"
    path.write_text(path.read_text().replace('"CurPerType": "1Q"', '"CurPerType": "4Q"', 1))
    broken = pl.concat([part for table, part in JQuants(folder).load(["2023-08"]) if table == "quarantine"])
    assert broken.select("rule", "vendor_symbol").rows() == [("missing:fiscal_period", "9001")]


def test_words_among_the_figures_are_refused_with_their_file(folder):
    path = folder / "equities_bars_daily" / "2024-09-27.json"
    path.write_text(path.read_text().replace('"C": 1512.0', '"C": "high"'))
    with pytest.raises(BadInput, match=r"2024-09-27\.json, row 2: 'high' cannot become close"):
        list(JQuants(folder).load(["2024-09"]))


def test_a_folder_without_files_says_what_it_should_hold(tmp_path):
    with pytest.raises(BadInput, match="holds neither equities_bars_daily/ nor fins_summary/"):
        JQuants(tmp_path)
    (tmp_path / "fins_summary").mkdir()
    (tmp_path / "fins_summary" / "today.json").write_text("{}")
    with pytest.raises(BadInput, match="not named after its day"):
        JQuants(tmp_path)
