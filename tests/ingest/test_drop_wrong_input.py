"""Files and maps that cannot be used: each refusal names the file, the place and the remedy; a few bad rows are set aside."""

import shutil
from datetime import date
from pathlib import Path

import polars as pl
import pytest

from wg_dagster.errors import BadInput, MissingColumn, UnknownValue, UnreadableFile
from wg_dagster.ingest.drop import Drop
from wg_dagster.ingest.drop_map import load_map

MAP = """
currency = "USD"
[[file]]
path = "prices.csv"
table = "prices"
source = "vendor"
known_at = { column = "Date" }
[file.columns]
vendor_symbol = "Ticker"
session_date = "Date"
close = "Close"
currency = "Money"
"""
HEADER = "Ticker,Date,Close,Money\n"
SOUND = "".join(f"T{number},2015-06-30,10.5,USD\n" for number in range(199))


@pytest.fixture
def opened(tmp_path: Path):
    def make(content: str | bytes, map_text: str = MAP, name: str = "prices.csv") -> Drop:
        folder = tmp_path / "drop"
        folder.mkdir(exist_ok=True)
        (folder / name).write_bytes(content if isinstance(content, bytes) else content.encode())
        (tmp_path / "map.toml").write_text(map_text)
        return Drop.open(tmp_path / "map.toml", folder)

    return make


def test_a_column_of_the_map_that_is_not_in_the_file(opened, gather):
    with pytest.raises(
        MissingColumn, match=r"prices\.csv: column 'Close' is named in map map and not in the file; there are Ticker, Date, Last, Money"
    ):
        gather(opened("Ticker,Date,Last,Money\nA,2015-06-30,1,USD\n"), ["2015-06"])


def test_one_text_in_two_hundred_numbers_is_set_aside_with_its_row(opened, gather):
    found = gather(opened(f"{HEADER}{SOUND}A,2015-06-30,ten,USD\n"), ["2015-06"])
    assert found["prices"].height == 199
    assert found["quarantine"].select("rule", "source_file", "source_line", "vendor_symbol", "severity").row(0) == (
        "not_a_number:close",
        "prices.csv",
        201,
        "A",
        "WARN",
    )
    assert '"Close":"ten"' in found["quarantine"]["row_json"].item()


def test_more_text_refuses_the_file_and_names_row_and_value(opened, gather):
    with pytest.raises(BadInput, match=r"prices\.csv, row 3: 'ten' cannot become close of prices; so in 1 of 2 rows"):
        gather(opened(f"{HEADER}A,2015-06-30,1,USD\nB,2015-06-30,ten,USD\n"), ["2015-06"])


def test_a_day_that_is_none_is_set_aside_in_the_first_month(opened, gather):
    adapter = opened(f"{HEADER}{SOUND}A,30/06/2015,1,USD\nB,2015-07-01,1,USD\n")
    found = gather(adapter, ["2015-06"])["quarantine"]
    assert found.select("rule", "month", "source_line").row(0) == ("not_a_date:session_date", "2015-06", 201)
    assert "quarantine" not in gather(adapter, ["2015-07"])


def test_an_unknown_currency(opened, gather):
    with pytest.raises(UnknownValue, match=r"prices\.csv, row 2: currency 'USX' is not known; known: AUD, .*values"):
        gather(opened(f"{HEADER}A,2015-06-30,1,USX\n"), ["2015-06"])


def test_an_unknown_exchange(opened, gather):
    text = """
[[file]]
path = "prices.csv"
table = "securities"
source = "v"
known_at = { column = "Date" }
[file.columns]
vendor_symbol = "Ticker"
exchange = "Money"
"""
    with pytest.raises(UnknownValue, match=r"row 2: exchange 'MOON' is not known; known: XNYS"):
        gather(opened(f"{HEADER}A,2015-06-30,1,MOON\n", text), ["2015-06"])


def test_a_value_that_the_map_does_not_translate_is_set_aside_or_refused(opened, gather):
    text = MAP.replace('vendor_symbol = "Ticker"', 'vendor_symbol = { column = "Ticker", values = { A = "ALPHA" } }')
    with pytest.raises(BadInput, match=r"row 3: 'B' cannot become vendor_symbol"):
        gather(opened(f"{HEADER}A,2015-06-30,1,USD\nB,2015-06-30,1,USD\n", text), ["2015-06"])


@pytest.mark.parametrize("name", ["prices.csv", "prices.parquet"])
def test_a_file_of_no_bytes(opened, gather, name):
    with pytest.raises(UnreadableFile, match=rf"{name} is empty"):
        gather(opened(b"", MAP.replace("prices.csv", name), name), ["2015-06"])


def test_a_file_with_a_header_and_no_rows_leaves_a_note(opened, gather):
    more = MAP.replace('currency = "USD"', "").replace("prices.csv", "more.csv")
    opened(f"{HEADER}{SOUND}")
    adapter = opened(HEADER, MAP + more, "more.csv")
    found = gather(adapter, ["2015-06"])
    assert found["quarantine"].select("rule", "source_file").rows() == [("empty_file", "more.csv")]


def test_something_else_under_the_name_of_a_parquet_file(opened, gather):
    with pytest.raises(UnreadableFile, match=r"prices\.parquet cannot be read as parquet"):
        gather(opened("<html>", MAP.replace("prices.csv", "prices.parquet"), "prices.parquet"), ["2015-06"])


def test_a_cut_parquet_file(opened, gather, tmp_path):
    pl.DataFrame({"Ticker": ["A"] * 500, "Date": [date(2015, 6, 30)] * 500, "Close": [1.0] * 500, "Money": ["USD"] * 500}).write_parquet(
        tmp_path / "whole.parquet"
    )
    content = (tmp_path / "whole.parquet").read_bytes()
    with pytest.raises(UnreadableFile, match=r"prices\.parquet cannot be read"):
        gather(opened(content[: len(content) // 2], MAP.replace("prices.csv", "prices.parquet"), "prices.parquet"), ["2015-06"])


def test_a_line_with_too_many_fields(opened, gather):
    with pytest.raises(UnreadableFile, match=r"prices\.csv cannot be read to its end as CSV"):
        gather(opened(f"{HEADER}A,2015-06-30,1,USD\nB,2015-06-30,1,USD,7,8\n"), ["2015-06"])


def test_a_file_in_another_encoding(opened, gather):
    with pytest.raises(UnreadableFile, match=r"prices\.csv cannot be read"):
        gather(opened(f"{HEADER}é,2015-06-30,1,USD\n".encode("latin-1")), ["2015-06"])


def test_the_same_content_twice_names_both_files(opened):
    folder = opened(f"{HEADER}{SOUND}").folder
    shutil.copy(folder / "prices.csv", folder / "prices (copy).csv")
    with pytest.raises(BadInput, match=r"prices \(copy\)\.csv and prices\.csv have the same content"):
        opened(f"{HEADER}{SOUND}")


def test_days_of_the_future_are_set_aside(opened, gather):
    found = gather(opened(f"{HEADER}{SOUND}A,2099-06-30,1,USD\n"), ["2015-06"])
    assert found["quarantine"].select("rule", "month", "session_date").row(0) == ("future_date", "2015-06", date(2099, 6, 30))


def test_days_after_the_folder_was_received_are_set_aside_and_do_not_widen_the_span(opened, gather):
    adapter = opened(f"{HEADER}{SOUND}A,2016-06-30,1,USD\n", f"received = 2015-12-31\n{MAP}")
    assert adapter.span() == ("2015-06", "2015-06")
    assert gather(adapter, ["2015-06"])["quarantine"]["rule"].to_list() == ["future_date"]


def test_a_session_after_it_became_known_is_set_aside(opened, gather):
    text = MAP.replace('known_at = { column = "Date" }', 'known_at = { column = "Seen" }')
    content = "Ticker,Date,Close,Money,Seen\nA,2015-06-30,1,USD,2015-06-30\nB,2015-07-01,1,USD,2015-06-30\n"
    found = gather(opened(content, text), ["2015-06"])
    assert found["prices"]["vendor_symbol"].to_list() == ["A"]
    assert found["quarantine"].select("rule", "vendor_symbol").row(0) == ("future_date", "B")


def test_two_closes_of_one_session_are_both_set_aside(opened, gather):
    found = gather(opened(f"{HEADER}A,2015-06-30,1,USD\nA,2015-06-30,2,USD\nB,2015-06-30,3,USD\n"), ["2015-06"])
    assert found["prices"]["vendor_symbol"].to_list() == ["B"]
    assert found["quarantine"]["rule"].to_list() == ["conflicting_rows", "conflicting_rows"]


def test_a_price_without_a_close_is_set_aside(opened, gather):
    found = gather(opened(f"{HEADER}A,2015-06-30,n/a,USD\nB,2015-06-30,3,USD\n"), ["2015-06"])
    assert found["quarantine"]["rule"].to_list() == ["missing:close"]


def test_a_file_of_the_map_that_is_not_there(opened):
    adapter = opened(f"{HEADER}{SOUND}", MAP.replace('path = "prices.csv"', 'path = "other.csv"'))
    with pytest.raises(BadInput, match=r"other\.csv is named in map map and not in drop/; there is prices\.csv"):
        adapter.span()


def test_a_folder_that_is_not_there(tmp_path):
    (tmp_path / "map.toml").write_text(MAP)
    with pytest.raises(BadInput, match="nowhere is not there or not a folder"):
        Drop.open(tmp_path / "map.toml", tmp_path / "nowhere")


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ('table = "prices"', 'table = "quotes"', "table 'quotes' is not a raw table; known: securities"),
        ('table = "prices"\n', "", "table is missing"),
        ('close = "Close"', 'closing = "Close"', "closing is not known there; allowed: "),
        ('close = "Close"', 'close = { column = "Close", time = 3 }', "time is not known there"),
        ('close = "Close"', 'close = { column = "Close", format = "roman" }', "format 'roman' is not known"),
        ('close = "Close"', "close = { upper = true }", "give column, value or cases"),
        ('close = "Close"', 'close = ["Close"]', "should be a table"),
        ('{ column = "Date" }', '{ column = "Date", at = "noon" }', "'noon' is not known; known: end_of_day"),
        ('{ column = "Date" }', '{ column = "Date", calendar = "XLON" }', "'XLON' is not known; known: XNYS, XTKS"),
        ('{ column = "Date" }', "{ lag_days = 3 }", "give either column .* or on"),
        ('{ column = "Date" }', '{ on = "yesterday" }', "'yesterday' is not a day"),
        ('source = "vendor"', 'source = "vendor"\nwhere = [{ equals = 1 }]', "a condition needs a column"),
        ("[[file]]", "[[files]]", "files is not known there"),
        ('path = "prices.csv"', "path = ", "is not valid TOML"),
    ],
)
def test_a_map_that_is_wrong_says_where_and_what_is_allowed(tmp_path, old, new, message):
    (tmp_path / "map.toml").write_text(MAP.replace(old, new))
    with pytest.raises(BadInput, match=message):
        load_map(tmp_path / "map.toml")


def test_a_map_that_is_not_there(tmp_path):
    with pytest.raises(BadInput, match="is not there; give an existing TOML file"):
        load_map(tmp_path / "none.toml")


def test_a_lookup_without_its_column_or_file(opened, gather):
    text = MAP.replace('source = "vendor"', 'source = "vendor"\nlookup = { name = "x", path = "more.csv", on = "Ticker", key = "Symbol" }')
    adapter = opened(f"{HEADER}{SOUND}", text)
    for use in (adapter.identity, lambda: gather(adapter, ["2015-06"])):
        with pytest.raises(BadInput, match=r"more\.csv is named in map map \(lookup of prices\.csv\)"):
            use()
    adapter = opened("Code\nA\n", text, "more.csv")
    with pytest.raises(MissingColumn, match=r"more\.csv: column 'Symbol'"):
        gather(adapter, ["2015-06"])


def test_a_word_that_neither_cases_nor_values_know_refuses_the_file(opened, gather):
    """A case goes before the translation: B is no fiscal year, C is one."""
    map_text = """
currency = "USD"
[[file]]
path = "prices.csv"
table = "fundamentals"
source = "vendor"
known_at = { column = "day" }
[file.columns]
vendor_symbol = "s"
period_end_date = "day"
[file.columns.fiscal_period]
column = "p"
values = { 1Q = "Q1", FY = "FY" }
cases = [{ value = "no year", when = { all = [{ column = "p", equals = "FY" }, { column = "doc", equals = "q" }] } }]
"""
    sound = "s,day,p,doc\nA,2015-06-30,1Q,q\nB,2015-06-30,FY,q\nC,2015-06-30,FY,k\n"
    found = gather(opened(sound, map_text), ["2015-06"])["fundamentals"]
    assert found.select("vendor_symbol", "fiscal_period").rows() == [("A", "Q1"), ("B", "no year"), ("C", "FY")]
    with pytest.raises(BadInput, match=r"prices\.csv, row 5: 'XX' cannot become fiscal_period of fundamentals"):
        gather(opened(f"{sound}D,2015-06-30,XX,q\n", map_text), ["2015-06"])
