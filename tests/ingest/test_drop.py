"""A declared map turns vendor columns into raw rows: each rule of the map, by hand."""

from datetime import UTC, date, datetime
from pathlib import Path

import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

from wg_dagster.ingest.drop import Drop
from wg_dagster.schemas.gates import failures
from wg_dagster.schemas.tables import TABLES

PRICES = """
[[file]]
path = "prices.csv"
table = "prices"
source = "vendor"
currency = "USD"
known_at = { column = "Date" }
[file.columns]
vendor_symbol = { column = "Ticker", strip_suffix = ".us", replace = { "-" = ".", "_" = "^" }, upper = true }
session_date = "Date"
close = "Close"
volume = "Volume"
"""
LINES = 'Ticker,Date,Close,Volume\nbrk-b.us,2015-06-29,138.1,100\nall_a.us,2015-06-30,25.5,\nspy.us,2015-07-01,207.5,"1,000"\n'


@pytest.fixture
def drop(tmp_path: Path):
    """Write a map and files, and open them."""

    def make(map_text: str, **files: str | pl.DataFrame) -> Drop:
        folder = tmp_path / "drop"
        folder.mkdir(exist_ok=True)
        for name, content in files.items():
            if isinstance(content, pl.DataFrame):
                content.write_parquet(folder / f"{name}.parquet")
            else:
                (folder / f"{name}.csv").write_text(content)
        path = tmp_path / "map.toml"
        path.write_text(map_text)
        return Drop.open(path, folder)

    return make


@pytest.fixture
def rows(drop, gather):
    """The rows of one file entry; `columns` and `entry` are lines of the map."""

    def load(table: str, frame: pl.DataFrame, columns: str, entry: str = 'known_at = { column = "day" }') -> pl.DataFrame:
        text = f'[[file]]\npath = "f.parquet"\ntable = "{table}"\nsource = "v"\ncurrency = "USD"\n{entry}\n[file.columns]\n{columns}\n'
        adapter = drop(text, f=frame)
        loaded = gather(adapter, [adapter.span()[0], *_months(adapter)])
        assert failures(table, loaded[table]).is_empty()
        return loaded[table]

    return load


def _months(adapter):
    from wg_dagster.calendars import months_between

    return months_between(*adapter.span())[1:]


def test_symbols_get_one_spelling(drop, gather):
    prices = gather(drop(PRICES, prices=LINES), ["2015-06", "2015-07"])["prices"]
    assert prices.select("vendor_symbol", "close", "volume", "source_line").rows() == [
        ("BRK.B", 138.1, 100, 2),
        ("ALL^A", 25.5, None, 3),
        ("SPY", 207.5, 1000, 4),
    ]
    assert prices.schema == TABLES["prices"].schema


def test_only_the_asked_months_come(drop, gather):
    adapter = drop(PRICES, prices=LINES)
    assert adapter.span() == ("2015-06", "2015-07")
    assert gather(adapter, ["2015-07"])["prices"]["vendor_symbol"].to_list() == ["SPY"]
    assert gather(adapter, ["2015-06"])["prices"].height == 2
    assert gather(adapter, []) == {}


@pytest.mark.parametrize(
    ("known_at", "instant", "rule"),
    [
        ('{ column = "day" }', datetime(2015, 7, 1, 3, 59, 59, 999999, UTC), "reported"),
        ('{ column = "day", at = "session_end" }', datetime(2015, 6, 30, 20, 0, tzinfo=UTC), "reported"),
        ('{ column = "day", calendar = "XTKS" }', datetime(2015, 6, 30, 14, 59, 59, 999999, UTC), "reported"),
        ('{ column = "day", rule = "first_seen" }', datetime(2015, 7, 1, 3, 59, 59, 999999, UTC), "first_seen"),
        ('{ column = "day", lag_days = 45 }', datetime(2015, 8, 15, 3, 59, 59, 999999, UTC), "assumed_lag"),
        ('{ column = "day", lag_months = 4 }', datetime(2015, 10, 31, 3, 59, 59, 999999, UTC), "assumed_lag"),
        ("{ on = 2015-09-13 }", datetime(2015, 9, 14, 3, 59, 59, 999999, UTC), "reported"),
    ],
)
def test_when_a_row_is_known(rows, known_at, instant, rule):
    found = rows(
        "rates",
        pl.DataFrame({"day": [date(2015, 6, 30)]}),
        'rate_id = { value = "us_bill" }\ndate = "day"\nvalue = 1',
        f"known_at = {known_at}",
    )
    assert found.select("known_at", "known_at_rule").row(0) == (instant, rule)
    assert found["quality"].to_list() == ["lag_assumed" if rule == "assumed_lag" else ""]


def test_an_instant_with_a_zone_is_taken_as_it_is(rows):
    accepted = pl.Series(["2015-06-30 23:30"]).str.to_datetime().dt.replace_time_zone("America/New_York")
    frame = pl.DataFrame({"at": accepted, "day": [date(2015, 6, 30)]})
    columns = 'rate_id = { value = "us_bill" }\ndate = "day"\nvalue = 1'
    found = rows("rates", frame, columns, 'known_at = { column = "at", at = "instant" }')
    assert found.select("known_at", "month").row(0) == (datetime(2015, 7, 1, 3, 30, tzinfo=UTC), "2015-06")


def test_what_was_known_before_the_first_day_is_left_out_or_carried_in(rows):
    frame = pl.DataFrame({"day": [date(2012, 1, 3), date(2013, 5, 1), date(2013, 6, 3)], "x": [1.0, 2.0, 3.0]})
    columns = 'rate_id = { value = "us_bill" }\ndate = "day"\nvalue = "x"'
    dropped = rows("rates", frame, columns, 'known_at = { column = "day" }\nkeep_from = 2013-05-01')
    assert dropped["value"].to_list() == [2.0, 3.0]
    carried = rows("rates", frame, columns, 'known_at = { column = "day" }\nkeep_from = 2013-05-01\ncarry_in = true')
    assert carried.select("value", "month", "quality").rows() == [
        (1.0, "2013-05", "carried_in"),
        (2.0, "2013-05", ""),
        (3.0, "2013-06", ""),
    ]


@pytest.mark.parametrize(
    ("text", "value"),
    [("$58.29M", 58.29e6), ("$1.5B", 1.5e9), ("$833000", 833000.0), ("-$2K", -2000.0), ("1,234.5", 1234.5), ("n/a", None)],
)
def test_money_in_words(rows, text, value):
    columns = (
        'vendor_symbol = "s"\nperiod_end_date = "day"\nfiscal_period = { value = "Q1" }\nrevenue = { column = "cap", format = "money" }'
    )
    found = rows("fundamentals", pl.DataFrame({"s": ["A"], "day": [date(2015, 6, 30)], "cap": [text]}), columns)
    assert found["revenue"].to_list() == [value]


def test_units_percent_and_cross_rates(rows):
    frame = pl.DataFrame({"day": [date(2015, 6, 30)], "rf": [0.01], "text": ["0.5%"], "jpy": [136.0], "usd": [1.12]})
    for rule, value in (
        ('{ column = "rf", format = "percent", multiply = 252 }', 0.0252),  # 0.01 % a day
        ('{ column = "text", format = "percent" }', 0.005),
        ('{ column = "jpy", divide_by = "usd" }', 136.0 / 1.12),
        ('{ column = "jpy", multiply = 1000 }', 136000.0),
    ):
        found = rows("rates", frame, f'rate_id = {{ value = "x" }}\ndate = "day"\nvalue = {rule}')
        assert found["value"].item() == pytest.approx(value, rel=1e-15)


@pytest.mark.parametrize(
    ("end", "quarter"), [("2015-01-03", "Q4"), ("2015-01-31", "Q1"), ("2015-03-31", "Q1"), ("2015-04-04", "Q1"), ("2015-12-31", "Q4")]
)
def test_quarters_are_named_by_the_calendar_and_a_week_over_does_not_matter(rows, end, quarter):
    columns = 'vendor_symbol = "s"\nperiod_end_date = "day"\nfiscal_period = { column = "day", format = "calendar_quarter" }'
    found = rows("fundamentals", pl.DataFrame({"s": ["A"], "day": [date.fromisoformat(end)]}), columns)
    assert found["fiscal_period"].to_list() == [quarter]


def test_a_month_that_a_spreadsheet_damaged_is_read_back(rows):
    columns = 'vendor_symbol = "s"\nannouncement_date = "day"\nactual_eps = 1\nperiod_end_date = { column = "q", format = "year_month" }'
    found = rows("earnings_announcements", pl.DataFrame({"s": ["A"], "day": [date(2012, 11, 19)], "q": ["12-Oct"]}), columns)
    assert found["period_end_date"].to_list() == [date(2012, 10, 31)]


def test_single_precision_gives_the_printed_price(rows):
    frame = pl.DataFrame({"s": ["A"], "day": [date(2015, 6, 30)], "c": pl.Series([42.21], dtype=pl.Float32)})
    found = rows("adjusted_prices", frame, 'vendor_symbol = "s"\nsession_date = "day"\nadjusted_close = "c"')
    assert found["adjusted_close"].to_list() == [42.21]


def test_days_written_as_numbers_and_truth_written_as_words(rows):
    frame = pl.DataFrame({"s": ["A", "B"], "day": [20150630, 20150701], "c": [1.0, 2.0], "net": ["Yes", "FALSE"]})
    found = rows("index_levels", frame, 'index_id = "s"\nsession_date = "day"\nlevel = "c"\nis_net = "net"')
    assert found.select("session_date", "is_net").rows() == [(date(2015, 6, 30), True), (date(2015, 7, 1), False)]


def test_what_is_no_number_is_unknown(rows):
    columns = 'vendor_symbol = "s"\nperiod_end_date = "day"\nfiscal_period = { value = "Q1" }\nrevenue = "x"'
    frame = pl.DataFrame({"s": ["A", "B", "C"], "day": [date(2015, 6, 30)] * 3, "x": [float("nan"), float("inf"), 1.0]})
    assert rows("fundamentals", frame, columns)["revenue"].to_list() == [None, None, 1.0]


@pytest.mark.parametrize("spell", [lambda text: text.encode("utf-8-sig"), lambda text: text.replace("\n", "\r\n").encode()])
def test_spreadsheet_exports_are_read(drop, gather, spell):
    adapter = drop(PRICES, prices=LINES)
    expected = gather(adapter, ["2015-06"])["prices"]
    (adapter.folder / "prices.csv").write_bytes(spell(LINES))
    assert_frame_equal(gather(adapter, ["2015-06"])["prices"], expected)


def test_values_cases_and_flags(rows):
    frame = pl.DataFrame(
        {
            "s": ["GS", "O", "KO", "XX"],
            "day": [date(2015, 9, 13)] * 4,
            "sector": ["Finance", "Finance", "Beverages", "n/a"],
            "industry": ["Banks", "Real Estate", "Soft Drinks", "n/a"],
            "place": ["nyse", "nyse", "nyse", "elsewhere"],
        }
    )
    columns = """
vendor_symbol = "s"
sector = "sector"
exchange = { column = "place", values = { nyse = "XNYS" }, otherwise = "XNAS" }
[file.columns.is_financial]
otherwise = false
cases = [{ value = true, when = { all = [{ column = "sector", equals = "Finance" }, { none = [{ column = "industry", one_of = ["Real Estate"] }] }] } }]
"""
    entry = 'known_at = { column = "day" }\nquality = ["z_always"]\nflags = [{ flag = "sector_unknown", when = { column = "sector", missing = true } }]'
    found = rows("securities", frame, columns, entry)
    assert found.select("vendor_symbol", "is_financial", "exchange", "sector", "quality").rows() == [
        ("GS", True, "XNYS", "Finance", "z_always"),
        ("O", False, "XNYS", "Finance", "z_always"),
        ("KO", False, "XNYS", "Beverages", "z_always"),
        ("XX", False, "XNAS", None, "sector_unknown,z_always"),
    ]


def test_a_second_file_gives_the_sector(drop, gather):
    text = """
[[file]]
path = "list.csv"
table = "securities"
source = "v"
currency = "USD"
known_at = { column = "day", rule = "first_seen" }
gone_after = 2
lookup = { name = "extra", path = "sectors.csv", on = "symbol", key = "Symbol" }
[file.columns]
vendor_symbol = "symbol"
name = "name"
sector = "extra.Sector"
issuer = { column = "extra.Name", fallback = "name" }
"""
    listed = "symbol,name,day\nA,Alpha,2015-06-01\nB,Beta,2015-06-01\nA,Alpha,2015-06-02\nA,Alpha,2015-06-03\nA,Alpha,2015-06-04\n"
    adapter = drop(text, list=listed, sectors="Symbol,Name,Sector\nA   ,Alpha Inc.,Energy\n")
    found = gather(adapter, ["2015-06"])["securities"].sort("known_at", "vendor_symbol")
    assert found.select("vendor_symbol", "sector", "issuer", "listed_to").rows() == [
        ("A", "Energy", "Alpha Inc.", None),
        ("B", None, "Beta", None),
        ("B", None, "Beta", date(2015, 6, 1)),
    ]
    assert found["known_at"].to_list()[2] == datetime(2015, 6, 4, 3, 59, 59, 999999, UTC)


def test_conditions_choose_rows(rows):
    frame = pl.DataFrame({"t": ["spy.us", "iwm.us", "qqq.us"], "day": [date(2015, 6, 30)] * 3, "c": [1.0, 2.0, 3.0]})
    columns = 'index_id = { column = "t", values = { "spy.us" = "sp500", "iwm.us" = "russell2000" } }\nsession_date = "day"\nlevel = "c"\nis_proxy = true'
    for where, chosen in (
        ('{ column = "t", one_of = ["spy.us", "iwm.us"] }', [1.0, 2.0]),
        ('{ column = "t", matches = "^spy" }', [1.0]),
        ('{ all = [{ column = "c", at_least = 2 }, { column = "c", at_most = 2 }] }', [2.0]),
        ('{ none = [{ any = [{ column = "c", equals = 1.0 }, { column = "t", equals = "qqq.us" }] }] }', [2.0]),
    ):
        assert rows("index_levels", frame, columns, f'known_at = {{ column = "day" }}\nwhere = [{where}]')["level"].to_list() == chosen


def test_files_of_a_pattern_are_read_together_and_the_second_row_of_a_copy_collapses(drop, gather):
    text = PRICES.replace("prices.csv", "prices_*.csv")
    adapter = drop(text, prices_a=LINES, prices_b=LINES.replace("spy", "iwm") + 'iwm.us,2015-07-01,207.5,"1,000"\n')
    found = gather(adapter, ["2015-07"])["prices"]
    assert found.select("vendor_symbol", "source_file").rows() == [("SPY", "prices_a.csv"), ("IWM", "prices_b.csv")]


def test_an_optional_file_may_be_absent(drop, gather):
    extra = PRICES.replace("prices.csv", "more.csv").replace('source = "vendor"', 'source = "vendor"\noptional = true')
    assert gather(drop(PRICES + extra, prices=LINES), ["2015-07"])["prices"].height == 1


def test_the_identity_follows_files_and_map_and_nothing_else(drop):
    before = drop(PRICES, prices=LINES).identity()
    assert drop(PRICES, prices=LINES, notes="unrelated\n1\n").identity() == before
    assert drop(PRICES + "# a remark\n", prices=LINES).identity() != before
    assert drop(PRICES, prices=LINES + "a.us,2015-07-02,1,1\n").identity() != before


_ROW = st.tuples(st.sampled_from("ABC"), st.dates(date(2015, 5, 1), date(2015, 8, 31)), st.integers(1, 3))


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(rows=st.lists(_ROW, min_size=1, max_size=12), data=st.data())
def test_the_order_of_rows_in_a_file_does_not_matter(tmp_path, drop, gather, rows, data):
    """Neither do copies: rows are told apart by content, contradictions by key."""
    shuffled = data.draw(st.permutations(rows + rows[:2]))
    months = ["2015-05", "2015-06", "2015-07", "2015-08"]
    loaded = []
    for each in (rows, shuffled):
        frame = pl.DataFrame(each, schema={"Ticker": pl.String, "Date": pl.Date, "Close": pl.Int64}, orient="row").with_columns(Volume=1)
        found = gather(drop(PRICES.replace("prices.csv", "p.parquet"), p=frame), months)
        loaded.append(found.get("prices", TABLES["prices"].empty()).drop("source_line"))
    assert_frame_equal(loaded[0], loaded[1], check_row_order=False)


def test_rows_of_later_months_change_nothing_before(drop, gather):
    whole = gather(drop(PRICES, prices=LINES), ["2015-06"])["prices"]
    cut = gather(drop(PRICES, prices="".join(LINES.splitlines(keepends=True)[:3])), ["2015-06"])["prices"]
    assert_frame_equal(whole, cut)
