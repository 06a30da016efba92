"""Rows of the synthetic market: contract, determinism, worlds, listings and planted faults."""

import math
from collections.abc import Callable
from datetime import date
from functools import cache

import polars as pl
import pytest
from polars.testing import assert_frame_equal

from wg_dagster.calendars import month_of_instant, session_dates
from wg_dagster.errors import UnknownValue
from wg_dagster.ingest.adapter import Adapter
from wg_dagster.ingest.synthetic import SyntheticMarket
from wg_dagster.ingest.synthetic_market.companies import found
from wg_dagster.ingest.synthetic_market.sectors import HARDWARE, SECTOR_OF, SOFTWARE
from wg_dagster.schemas.tables import RAW_TABLES, TABLES

EVENT = "2026-01"


def load(market: SyntheticMarket, months: list[str] | None = None) -> dict[str, pl.DataFrame]:
    parts: dict[str, list[pl.DataFrame]] = {}
    for table, rows in market.load(months or market.parameters.months):
        parts.setdefault(table, []).append(rows)
    return {table: pl.concat(rows).sort(TABLES[table].key) for table, rows in parts.items()}


@cache
def tiny(world: str = "base") -> tuple[SyntheticMarket, dict[str, pl.DataFrame]]:
    market = SyntheticMarket(scale="tiny", world=world)
    return market, load(market)


def test_every_table_has_the_columns_and_types_of_its_contract() -> None:
    _, tables = tiny()
    assert set(tables) == set(RAW_TABLES) - {"adjusted_prices"}
    for table, rows in tables.items():
        assert rows.height, table
        assert rows.schema == TABLES[table].schema, table


def test_the_market_is_an_adapter() -> None:
    market: Adapter = SyntheticMarket(scale="tiny")
    assert market.name == "synthetic"
    assert market.span() == ("2024-01", "2026-06")


def test_month_is_the_month_of_known_at() -> None:
    for table, rows in tiny()[1].items():
        assert rows.filter(pl.col("month") != month_of_instant(pl.col("known_at"))).is_empty(), table


def test_a_file_and_line_names_one_row() -> None:
    for table, rows in tiny()[1].items():
        assert rows.select("source_file", "source_line").is_duplicated().sum() == 0, table


def test_the_same_seed_gives_the_same_rows() -> None:
    again = load(SyntheticMarket(scale="tiny"))
    for table, rows in tiny()[1].items():
        assert_frame_equal(rows, again[table])


def test_another_seed_gives_another_identity_and_other_prices() -> None:
    other = SyntheticMarket(7, scale="tiny")
    assert other.identity() != tiny()[0].identity()
    assert not load(other, ["2024-01"])["prices"].equals(load(tiny()[0], ["2024-01"])["prices"])


def test_a_month_alone_equals_the_month_of_the_full_load() -> None:
    alone = load(SyntheticMarket(scale="tiny"), ["2025-05"])
    for table, rows in tiny()[1].items():
        assert_frame_equal(alone[table], rows.filter(pl.col("month") == "2025-05"))


@pytest.mark.parametrize("world", ["event_off", "event_flipped"])
def test_worlds_differ_only_from_january_2026_on(world: str) -> None:
    _, base = tiny()
    other = tiny(world)[1]
    for table, rows in base.items():
        assert_frame_equal(rows.filter(pl.col("month") < EVENT), other[table].filter(pl.col("month") < EVENT))
    assert not base["prices"].filter(pl.col("month") == EVENT).equals(other["prices"].filter(pl.col("month") == EVENT))


def test_the_event_draw_does_not_touch_what_companies_earn() -> None:
    earned = ["vendor_symbol", "period_end_date", "known_at", "revenue", "net_income", "assets", "equity", "operating_cash_flow"]
    assert_frame_equal(tiny()[1]["fundamentals"].select(earned), tiny("event_flipped")[1]["fundamentals"].select(earned))


def test_wrong_scale_world_and_size_say_what_is_known() -> None:
    with pytest.raises(UnknownValue, match="embedded, full, tiny"):
        SyntheticMarket(scale="huge")
    with pytest.raises(UnknownValue, match="base, event_off, event_flipped"):
        SyntheticMarket(world="other")
    with pytest.raises(UnknownValue, match="at least 30"):
        SyntheticMarket(scale="tiny", n_us=8)


# -- listings ------------------------------------------------------------------------------------------------------------------


@cache
def years() -> tuple[SyntheticMarket, dict[str, pl.DataFrame]]:
    """A market of 160 and 40 names over six years: long enough for listings, delistings, renamings."""
    market = SyntheticMarket(3, scale="tiny", n_us=160, n_jp=40, first="2020-01", last="2025-12")
    return market, load(market)


def sound_prices(market: SyntheticMarket, rows: pl.DataFrame) -> pl.DataFrame:
    """Price rows without the planted faults."""
    faults = market.truth()["faults"].filter(pl.col("table") == "prices").select("vendor_symbol", session_date="date")
    return rows.join(faults, on=["vendor_symbol", "session_date"], how="anti")


def test_a_delisted_line_has_no_later_price_and_a_reason() -> None:
    market, tables = years()
    identity = market.truth()["identity"].filter(pl.col("last_session").is_not_null())
    assert set(identity["delisting_reason"]) == {"merger", "bankruptcy", "performance", "voluntary"}
    dates = tables["prices"].group_by("vendor_symbol").agg(first=pl.col("session_date").min(), last=pl.col("session_date").max())
    once = identity.join(identity.group_by("vendor_symbol").len().filter(pl.col("len") == 1), on="vendor_symbol", how="semi")
    reused = market.truth()["identity"].filter(pl.col("vendor_symbol").is_duplicated())["vendor_symbol"]
    seen = once.filter(~pl.col("vendor_symbol").is_in(reused.implode())).join(dates, on="vendor_symbol")
    assert seen.height > 20
    assert (seen["last"] == seen["valid_to"]).all()
    told = tables["securities"].filter(pl.col("delisting_reason").is_not_null())
    assert set(told["vendor_symbol"]) == set(identity["vendor_symbol"]) - set(
        identity.filter(pl.col("valid_to") < pl.col("last_session"))["vendor_symbol"]
    )


def test_companies_are_listed_along_the_way() -> None:
    _, tables = years()
    first = session_dates("XNYS")[session_dates("XNYS").index(date(2020, 1, 2))]
    later = tables["securities"].filter((pl.col("listed_from") > first) & (pl.col("exchange") != "XTKS"))
    assert later["vendor_symbol"].n_unique() > 10


def test_a_renamed_line_keeps_its_issuer_and_its_first_session() -> None:
    market, tables = years()
    identity = market.truth()["identity"]
    spells = identity.filter(pl.struct("market", "company").is_duplicated()).sort("market", "company", "valid_from")
    assert spells.height >= 2
    for (_, _), pair in spells.group_by(["market", "company"], maintain_order=True):
        old, new = pair["vendor_symbol"].to_list()
        told = tables["securities"].filter(pl.col("vendor_symbol").is_in([old, new]))
        assert told["issuer"].n_unique() == 1
        assert told["listed_from"].n_unique() == 1
        newest = told.sort("known_at", "source_line").row(-1, named=True)
        assert newest["vendor_symbol"] == new
        assert newest["listed_to"] is None
        last = tables["prices"].filter(pl.col("vendor_symbol") == old)["session_date"].max()
        following = tables["prices"].filter(pl.col("vendor_symbol") == new)["session_date"].min()
        assert last < following == pair["valid_from"][1]


def test_one_symbol_comes_back_for_another_company() -> None:
    identity = years()[0].truth()["identity"]
    reused = identity.filter(pl.struct("market", "vendor_symbol").is_duplicated()).sort("market", "vendor_symbol", "valid_from")
    assert reused.height >= 2
    first, second = reused.head(2).iter_rows(named=True)
    assert first["company"] != second["company"]
    assert (second["valid_from"] - first["valid_to"]).days > 300


def test_share_classes_receipts_and_funds_are_there() -> None:
    securities = years()[1]["securities"]
    classes = securities.filter(pl.col("share_class").is_not_null())
    assert (
        classes.group_by("issuer").agg(pl.col("share_class").unique().sort())["share_class"].to_list()
        == [["A", "B"]] * classes["issuer"].n_unique()
    )
    receipts = securities.filter(pl.col("security_type") == "adr")
    assert receipts["adr_ratio"].null_count() == 1
    assert receipts.height > 1
    assert securities.filter(pl.col("security_type") == "etf").height == 3


@pytest.mark.parametrize("half", ["large", "small"])
def test_every_sector_has_members_in_each_half_of_the_market(half: str) -> None:
    for market in (tiny()[0], years()[0], SyntheticMarket(scale="embedded")):
        industry = found(market.parameters, "US").industry
        large = round(0.4 * len(industry))
        inside = industry[:large] if half == "large" else industry[large:]
        assert len(set(SECTOR_OF[inside])) == 11
        assert {SOFTWARE, HARDWARE} <= set(inside)


def test_prices_are_quoted_on_sessions_only_and_known_at_the_end_of_the_day() -> None:
    market, tables = years()
    rows = sound_prices(market, tables["prices"])
    for exchange, folder in (("XNYS", "prices/us/"), ("XTKS", "prices/jp/")):
        dates = set(rows.filter(pl.col("source_file").str.starts_with(folder))["session_date"])
        assert dates == {day for day in session_dates(exchange) if date(2020, 1, 1) <= day <= date(2025, 12, 31)}
    assert (rows["known_at"].dt.convert_time_zone("America/New_York").dt.date() >= rows["session_date"]).all()
    assert rows.filter(
        ~(pl.col("low") <= pl.min_horizontal("open", "close")) | ~(pl.col("high") >= pl.max_horizontal("open", "close"))
    ).is_empty()
    assert rows.filter((pl.col("volume") < 0) | (pl.col("close") <= 0) | pl.col("close").is_nan()).is_empty()


# -- faults --------------------------------------------------------------------------------------------------------------------

IS_FAULTY: dict[str, Callable[[pl.DataFrame, pl.DataFrame], bool]] = {
    "duplicate_row": lambda rows, _: rows.height == 2 and rows.drop("source_line").is_duplicated().all(),
    "negative_price": lambda rows, _: rows["close"][0] < 0,
    "zero_price": lambda rows, _: rows["close"][0] == 0,
    "price_times_100": lambda rows, around: rows["close"][0] > 50 * around["close"].median(),
    "high_below_low": lambda rows, _: rows["high"][0] < rows["low"][0],
    "missing_currency": lambda rows, _: rows["currency"][0] is None,
    "future_session": lambda rows, _: rows.filter(pl.col("session_date") > pl.col("known_at").dt.date()).height == 1,
    "stale_repeat": lambda rows, around: around.filter(pl.col("close") == rows["close"][0]).height >= 12,
    "null_close": lambda rows, _: rows["close"][0] is None,
    "nan_close": lambda rows, _: math.isnan(rows["close"][0]),
    "negative_volume": lambda rows, _: rows["volume"][0] < 0,
    "unapplied_split": lambda rows, around: rows["split_ratio"][0] == 1 and around["close"].max() > 1.5 * rows["close"][0],
    "units_times_1000": lambda rows, _: rows["revenue"].max() > 500 * rows["revenue"].min(),
    "period_end_after_publication": lambda rows, _: rows["period_end_date"][0] > rows["known_at"].dt.date()[0],
}


@pytest.mark.parametrize("make", [tiny, years])
def test_every_planted_fault_is_in_its_row(make: Callable) -> None:
    market, tables = make()
    faults = market.truth()["faults"]
    assert 20 <= faults.height <= 40
    for fault in faults.iter_rows(named=True):
        day = "session_date" if fault["table"] == "prices" else "period_end_date"
        of_line = tables[fault["table"]].filter(pl.col("vendor_symbol") == fault["vendor_symbol"])
        rows = of_line.filter(pl.col(day) == fault["date"])
        if fault["kind"] == "missing_currency":
            rows = rows.filter(pl.col("currency").is_null())
        around = of_line.filter((pl.col(day) - fault["date"]).dt.total_days().abs() < 25)
        assert rows.height, fault
        assert IS_FAULTY[fault["kind"]](rows, around), fault


def test_faults_of_every_kind_are_planted_some_within_the_last_two_years() -> None:
    faults = years()[0].truth()["faults"]
    assert set(faults["kind"]) == set(IS_FAULTY)
    assert faults.filter(pl.col("date") >= date(2024, 1, 1)).height >= 10


def test_nothing_else_is_faulty() -> None:
    market, tables = years()
    rows = sound_prices(market, tables["prices"])
    assert rows.select("vendor_symbol", "session_date").is_duplicated().sum() == 0
    assert rows["currency"].null_count() == 0
    assert rows["close"].null_count() == 0
    assert rows.filter(pl.col("session_date") > pl.col("known_at").dt.date()).is_empty()
