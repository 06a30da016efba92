"""Benchmarks: daily levels with returns, and who belongs to them at each month's cut-off."""

from collections.abc import Sequence

import polars as pl

from wg_dagster.clean.identity import Identity
from wg_dagster.clean.prices import NANO
from wg_dagster.clean.quarantine import first_rule, set_aside
from wg_dagster.clean.views import market_sessions, month_ends
from wg_dagster.schemas.tables import TABLES

MARKET_OF_INDEX = {"sp500": "US", "russell2000": "US", "topix": "JP"}
_SERIES = ["index_id", "is_total_return", "is_net", "is_proxy", "source"]


def benchmark_nav(raw: pl.DataFrame, months: Sequence[str]) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Rows of `benchmark_nav` for these months, and quarantine rows.

    `raw` holds the months and one before. Of several series the best one with a return is taken session by session: gross total return
    before net, before price; the licensed before a proxy. Returns never cross from one series to another.
    """
    rows = raw.with_columns(
        _market().alias("market"),
        pl.col("is_total_return", "is_net", "is_proxy").fill_null(value=False),
    ).join(market_sessions(), on=["market", "session_date"], how="left", validate="m:1")
    rows = rows.with_columns(
        first_rule(
            {
                "missing_level": pl.col("level").is_null(),
                "future_session": pl.col("session_date") > pl.col("known_at").dt.offset_by("14h").dt.date(),
                "not_a_session": pl.col("session_index").is_null(),
                "non_positive_level": pl.col("level") <= 0,
                "missing_currency": pl.col("currency").is_null(),
            }
        ).alias("rule")
    )
    visible = (pl.col("session_month") == pl.col("month")) & (pl.col("known_at") <= pl.col("month_cutoff_at"))
    order = [*_SERIES, "session_index", "known_at", "source_file", "source_line"]
    latest = (
        rows.filter(pl.col("rule").is_null() & visible).sort(order).unique([*_SERIES, "session_index"], keep="last", maintain_order=True)
    )
    growth = pl.col("level") / pl.col("level").shift().over(_SERIES)
    inside = pl.col("month").is_in(list(months))
    best_last = [growth.is_not_null(), "is_total_return", ~pl.col("is_net"), ~pl.col("is_proxy"), "source"]
    chosen = (
        latest.with_columns(
            ((growth - 1) * NANO).round().cast(pl.Int64).alias("return_1e9"),
            (growth.log() * NANO).round().cast(pl.Int64).alias("log_return_1e9"),
        )
        .with_columns(pl.col("return_1e9").is_not_null().alias("_has_return"))
        .filter(inside)
        .sort("index_id", "session_index", "_has_return", *best_last[1:])
        .unique(["index_id", "session_index"], keep="last", maintain_order=True)
        .rename({"index_id": "benchmark_id"})
    )
    return chosen.select(TABLES["benchmark_nav"].columns), set_aside("index_levels", rows.filter(inside))


def benchmark_members(raw: pl.DataFrame, identity: Identity, months: Sequence[str]) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Rows of `benchmark_members` for these months, and quarantine rows of members without a security."""
    ends = month_ends().filter(pl.col("month").is_in(list(months)))
    told = (
        raw.drop("month").with_columns(_market().alias("_index_market")).join(ends, left_on="_index_market", right_on="market", how="inner")
    )
    spell = ["source", "index_id", "vendor_symbol", "valid_from"]
    latest = (
        told.filter(pl.col("known_at") <= pl.col("month_cutoff_at"))
        .sort(*spell, "month", "known_at", "source_file", "source_line")
        .unique([*spell, "month"], keep="last", maintain_order=True)
    )
    starts = pl.col("valid_from").is_null() | (pl.col("valid_from") <= pl.col("as_of_date"))
    lasts = pl.col("valid_to").is_null() | (pl.col("valid_to") >= pl.col("as_of_date"))
    symbols = (
        identity.holders.select("market", "vendor_symbol", "holder", "valid_from", "security_id")
        .unique()
        .rename({"valid_from": "_held_from"})
    )
    inside = latest.filter(starts & lasts).rename({"_index_market": "market"}).with_row_index("_row")
    held = inside.join(symbols, on=["market", "vendor_symbol"], how="left").filter(
        pl.col("security_id").is_null() | (pl.col("holder") == 0) | (pl.col("_held_from") <= pl.col("as_of_date"))
    )
    members = held.sort("_row", "holder", nulls_last=False).unique("_row", keep="last", maintain_order=True)
    members = members.with_columns(pl.when(pl.col("security_id").is_null()).then(pl.lit("unknown_symbol")).alias("rule"))
    found = (
        members.drop_nulls("security_id")
        .sort("month", "index_id", "security_id", "known_at", "source")
        .unique(["month", "index_id", "security_id"], keep="last", maintain_order=True)
        .rename({"index_id": "benchmark_id"})
    )
    return found.select(TABLES["benchmark_members"].columns), set_aside("index_members", members)


def _market() -> pl.Expr:
    return pl.col("index_id").replace_strict(MARKET_OF_INDEX, default="US", return_dtype=pl.String)
