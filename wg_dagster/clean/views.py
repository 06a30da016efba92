"""What is visible when: sessions and cut-offs of the markets as small frames to join on, and flags as text."""

from collections.abc import Mapping
from functools import cache

import polars as pl

from wg_dagster.calendars import CALENDAR_OF, MARKET_OF, month_of_instant, sessions

MARKET_OF_EXCHANGE = {exchange: MARKET_OF[calendar] for exchange, calendar in CALENDAR_OF.items()}
_DAY_STARTS = {"US": "-5h", "JP": "9h"}  # offset of local dates from UTC, without summer time


@cache
def market_sessions() -> pl.DataFrame:
    """Sessions of both markets: | market | session_date | session_index | session_month | cutoff_at | month_cutoff_at |."""
    rows = sessions().select(
        pl.col("exchange").replace_strict(MARKET_OF).alias("market"),
        "session_date",
        "session_index",
        pl.col("month").alias("session_month"),
        "cutoff_at",
        "is_month_end",
    )
    ends = rows.filter("is_month_end").select("market", "session_month", pl.col("cutoff_at").alias("month_cutoff_at"))
    return rows.join(ends, on=["market", "session_month"], how="left", validate="m:1").drop("is_month_end").sort("market", "session_date")


@cache
def month_ends() -> pl.DataFrame:
    """Last sessions: | market | month | as_of_date | as_of_index | month_cutoff_at |."""
    return (
        sessions()
        .filter("is_month_end")
        .select(
            pl.col("exchange").replace_strict(MARKET_OF).alias("market"),
            "month",
            pl.col("session_date").alias("as_of_date"),
            pl.col("session_index").alias("as_of_index"),
            pl.col("cutoff_at").alias("month_cutoff_at"),
        )
        .sort("market", "month")
    )


def with_visible_month(rows: pl.DataFrame) -> pl.DataFrame:
    """Add `visible_month`, the first month at whose cut-off the row can be seen; needs `market` and `known_at`."""
    cutoffs = month_ends().select("market", pl.col("month").alias("_month"), "month_cutoff_at")
    return (
        rows.with_columns(month_of_instant(pl.col("known_at")).alias("_month"))
        .join(cutoffs, on=["market", "_month"], how="left", validate="m:1", maintain_order="left")
        .with_columns(
            pl.when(pl.col("known_at") <= pl.col("month_cutoff_at"))
            .then(pl.col("_month"))
            .otherwise((pl.col("_month") + "-01").str.to_date().dt.offset_by("1mo").dt.strftime("%Y-%m"))
            .alias("visible_month")
        )
        .drop("_month", "month_cutoff_at")
    )


def local_date(instant: pl.Expr, market: pl.Expr) -> pl.Expr:
    """Date of an instant where the exchange is (standard time)."""
    us, jp = (instant.dt.offset_by(_DAY_STARTS[name]).dt.date() for name in ("US", "JP"))
    return pl.when(market == "JP").then(jp).otherwise(us)


def session_index_on(rows: pl.DataFrame, column: str, name: str) -> pl.DataFrame:
    """Add `name`, the index of the last session on or before the date in `column`; needs `market`."""
    calendar = market_sessions().select("market", pl.col("session_date").alias("_date"), pl.col("session_index").alias(name)).sort("_date")
    ordered = rows.with_row_index("_row").sort(column)
    found = ordered.join_asof(calendar, left_on=column, right_on="_date", by="market", strategy="backward", check_sortedness=False)
    return found.sort("_row").drop("_row", "_date", strict=False)


def first_session_that_knows(rows: pl.DataFrame, name: str) -> pl.DataFrame:
    """Add `name`, the index of the first session at whose cut-off the row can be seen; needs `market` and `known_at`."""
    calendar = market_sessions().select("market", "cutoff_at", pl.col("session_index").alias(name)).sort("cutoff_at")
    ordered = rows.with_row_index("_row").sort("known_at")
    found = ordered.join_asof(calendar, left_on="known_at", right_on="cutoff_at", by="market", strategy="forward", check_sortedness=False)
    return found.sort("_row").drop("_row", "cutoff_at", strict=False)


def flags(conditions: Mapping[str, pl.Expr]) -> pl.Expr:
    """Names of the conditions that hold, sorted, separated by commas; '' where none does."""
    parts = [pl.when(conditions[name]).then(pl.lit(name)) for name in sorted(conditions)]
    return pl.concat_str(parts, separator=",", ignore_nulls=True)


def with_rare_flags(rows: pl.DataFrame, conditions: Mapping[str, pl.Expr]) -> pl.DataFrame:
    """Add `quality` by way of one small table of combinations: for long frames in which most rows have nothing to say."""
    names = sorted(conditions)
    bits = sum((conditions[name].fill_null(value=False).cast(pl.UInt32) * 2**k for k, name in enumerate(names)), start=pl.lit(0, pl.UInt32))
    marked = rows.with_columns(bits.alias("_flags"))
    there = marked["_flags"].unique().sort().to_list()
    words = [",".join(name for k, name in enumerate(names) if mask >> k & 1) for mask in there]
    return marked.with_columns(pl.col("_flags").replace_strict(there, words, return_dtype=pl.String).alias("quality")).drop("_flags")


def merged_flags(*columns: pl.Expr) -> pl.Expr:
    """Flags of several quality columns, each once, sorted."""
    joined = pl.concat_str([column.fill_null("") for column in columns], separator=",")
    return joined.str.split(",").list.eval(pl.element().filter(pl.element() != "")).list.unique().list.sort().list.join(",")
