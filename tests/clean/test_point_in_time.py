"""Nothing that is known later changes an earlier month, and a month alone is what the whole backfill says."""

from functools import cache

import polars as pl
import pytest

from wg_dagster.calendars import cutoff, month_of_instant, months_between
from wg_dagster.ingest.synthetic import SyntheticMarket
from wg_dagster.schemas.tables import RAW_TABLES, TABLES

FIRST, LAST = "2024-01", "2025-06"
MONTHS = months_between(FIRST, LAST)
BY_KNOWN_AT = ("fundamentals_clean", "forecasts_clean", "announcements_clean", "rates_clean", "symbol_spans")
DATED = ("securities_clean", "prices_clean", "corporate_actions", "benchmark_nav", "benchmark_members")
_CALENDAR = {"US": "XNYS", "JP": "XTKS"}


@cache
def _raw() -> dict[str, pl.DataFrame]:
    """A small synthetic market with its planted faults, late captures, and an unadjusted history."""
    parts: dict[str, list[pl.DataFrame]] = {}
    for table, rows in SyntheticMarket(scale="tiny", n_us=30, n_jp=12, first=FIRST, last=LAST).load(MONTHS):
        parts.setdefault(table, []).append(rows)
    raw = {name: pl.concat([TABLES[name].empty(), *parts.get(name, [])]) for name in RAW_TABLES}
    prices = raw["prices"]
    late = prices.gather_every(97).with_columns(
        pl.col("close") * 1.01, known_at=pl.col("known_at").dt.offset_by("9d"), source_line=pl.col("source_line") + 1_000_000
    )
    late = late.with_columns(month_of_instant(pl.col("known_at")).alias("month")).filter(pl.col("month").is_in(MONTHS))
    silent = pl.col("vendor_symbol").hash() % 3 == 0
    return raw | {"prices": pl.concat([prices, late]).with_columns(pl.when(~silent).then("split_ratio").alias("split_ratio"))}


@pytest.fixture(scope="module")
def whole(market):
    return market.clean(_raw(), MONTHS)


@pytest.mark.parametrize("calendar", ["XNYS", "XTKS"])
@pytest.mark.parametrize("month", ["2024-03", "2024-09", "2025-03"])
def test_deleting_what_is_known_after_a_cut_off_changes_no_row_up_to_it(market, whole, month, calendar):
    """Of the market whose cut-off it is: for Tokyo, the same evening in New York has not ended."""
    instant = cutoff(calendar, month)
    built = market.clean(market.known_until(_raw(), instant), months_between(FIRST, month))
    for table in (*BY_KNOWN_AT[:4], *DATED):
        expected = whole[table].filter(pl.col("month") <= month)
        found = built[table].filter(pl.col("month") <= month)
        if table in BY_KNOWN_AT:
            expected = expected.filter(pl.col("known_at") <= instant)
        if "market" in expected.columns:
            own = [name for name, exchange in _CALENDAR.items() if exchange == calendar]
            expected, found = (rows.filter((pl.col("month") < month) | pl.col("market").is_in(own)) for rows in (expected, found))
        if table in ("benchmark_nav", "benchmark_members"):
            tokyo = pl.col("benchmark_id") == "topix"
            expected, found = (rows.filter((pl.col("month") < month) | (tokyo == (calendar == "XTKS"))) for rows in (expected, found))
        assert found.equals(expected), f"{table} differs"


@pytest.mark.parametrize("month", ["2024-01", "2024-06", "2024-11", "2025-06"])
def test_a_month_built_alone_is_the_month_of_the_whole_backfill(market, whole, month):
    before = {
        name: rows.filter(pl.col("month") < month)
        for name, rows in whole.items()
        if "month" in TABLES[name].partition_by and name not in RAW_TABLES
    }
    spans = {"symbol_spans": whole["symbol_spans"].filter(pl.col("month") < month)}
    before.pop("quarantine"), before.pop("checks", None)
    built = market.clean({name: rows.filter(pl.col("month") <= month) for name, rows in _raw().items()}, [month], before=before | spans)
    for table in (*BY_KNOWN_AT, *DATED, "quarantine"):
        assert built[table].filter(pl.col("month") == month).equals(whole[table].filter(pl.col("month") == month)), f"{table} differs"


def test_every_clean_row_was_known_at_its_cut_off(whole):
    for table in ("prices_clean", "corporate_actions"):
        for market_name, exchange in _CALENDAR.items():
            rows = whole[table].filter(pl.col("market") == market_name)
            latest = rows.group_by("month").agg(pl.col("known_at").max())
            assert all(known <= cutoff(exchange, month) for month, known in latest.iter_rows())


def test_every_planted_fault_is_set_aside_or_flagged(whole):
    truth = SyntheticMarket(scale="tiny", n_us=30, n_jp=12, first=FIRST, last=LAST).truth()["faults"].filter(pl.col("table") == "prices")
    held = set(whole["quarantine"].filter(pl.col("table") == "prices").select("vendor_symbol", "session_date").iter_rows())
    symbols = whole["securities_clean"].select("month", "security_id", "vendor_symbol")
    flagged = (
        whole["prices_clean"].filter(pl.col("quality").str.contains("stale|split_suspected")).join(symbols, on=["month", "security_id"])
    )
    found = held | set(flagged.select("vendor_symbol", "session_date").iter_rows())
    missed = [row for row in truth.iter_rows(named=True) if (row["vendor_symbol"], row["date"]) not in found]
    assert truth.height > 20
    assert missed == []


def test_permuting_the_raw_rows_changes_nothing(market, whole):
    shuffled = {name: rows.sample(fraction=1.0, shuffle=True, seed=7) for name, rows in _raw().items()}
    built = market.clean(shuffled, MONTHS)
    for table in (*BY_KNOWN_AT, *DATED):
        assert built[table].equals(whole[table]), f"{table} differs"


def test_raw_rows_read_month_by_month_give_what_all_of_them_at_once_give(market, whole, monkeypatch):
    monkeypatch.setattr(market.MemoryReader, "monthly", lambda reader, table: [reader.read(table)])
    built = market.clean(_raw(), MONTHS)
    for table in ("prices_clean", "risk_returns", "quarantine"):
        assert built[table].equals(whole[table]), f"{table} differs"
