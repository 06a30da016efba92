"""Raw rows that have arrived since a snapshot, and what kind of news they are."""

from collections.abc import Mapping

import polars as pl

from wg_dagster.calendars import month_of_instant
from wg_dagster.ingest.adapter import Adapter
from wg_dagster.runner import RAW_STATION
from wg_dagster.schemas.tables import RAW_TABLES, TABLES
from wg_dagster.warehouse import Warehouse

PLACE = ("source_file", "source_line")
STATEMENT = ["source", "vendor_symbol", "period_end_date", "fiscal_period"]
Raw = Mapping[str, pl.DataFrame]


def rows_of_today(lake: Warehouse, adapter: Adapter | None, months: list[str]) -> dict[str, pl.DataFrame]:
    """All raw rows of these months that the lake holds or, where the source has changed since it was last read, that it delivers now."""
    parts = {table: [lake.read(table, months=months)] for table in RAW_TABLES}
    if adapter is not None and not all(lake.is_fresh(RAW_STATION, month, adapter.identity(), RAW_TABLES) for month in months):
        for table, rows in adapter.load(months):
            if table in parts:
                parts[table].append(rows.select(parts[table][0].columns))
    return {table: pl.concat(frames) for table, frames in parts.items()}


def arrived(base: Warehouse, today: Raw) -> dict[str, pl.DataFrame]:
    """Rows of today that the base does not hold, by content, with `kind` and `first_known_at`.

    | kind | what |
    |---|---|
    | revised | the vendor now says something else of a row that it had dated with the same instant |
    | restated | a later filing of a statement that was known before (`first_known_at`) |
    | late | a row that claims to have been known at an instant of the past, and was not there |
    """
    return {table: found for table in RAW_TABLES if (found := _arrived(base, table, today[table])).height}


def _arrived(base: Warehouse, table: str, rows: pl.DataFrame) -> pl.DataFrame:
    content = [name for name in rows.columns if name not in PLACE]
    key = [name for name in TABLES[table].key if name not in PLACE]
    stored = base.read(table)
    new = rows.join(stored, on=content, how="anti", nulls_equal=True).unique(content, keep="first", maintain_order=True)
    if new.is_empty():
        return new
    told = new.join(stored.select(key).unique().with_columns(_there=True), on=key, how="left", nulls_equal=True, maintain_order="left")
    first = pl.lit(None, pl.Datetime("us", "UTC")).alias("first_known_at")
    if table == "fundamentals":
        seen = pl.concat([stored, new]).group_by(STATEMENT).agg(pl.col("known_at").min().alias("first_known_at"))
        told, first = told.join(seen, on=STATEMENT, how="left", nulls_equal=True, maintain_order="left"), pl.col("first_known_at")
    is_later = (first < pl.col("known_at")).fill_null(value=False)
    kind = pl.when("_there").then(pl.lit("revised")).when(is_later).then(pl.lit("restated")).otherwise(pl.lit("late"))
    return told.with_columns(first, kind.alias("kind")).drop("_there")


def known_from_the_start(news: pl.DataFrame, last: str) -> pl.DataFrame:
    """Restated statements dated as the first filing of their period, up to the month `last`: the view with hindsight.

    They are amendments of that instant, and of two filings of one instant the amendment has the last word.
    """
    back = news.filter((pl.col("kind") == "restated") & (month_of_instant(pl.col("first_known_at")) <= last))
    latest = back.sort(*STATEMENT, "known_at", *PLACE).unique(STATEMENT, keep="last", maintain_order=True)
    dated = latest.with_columns(
        pl.col("first_known_at").alias("known_at"),
        month_of_instant(pl.col("first_known_at")).alias("month"),
        pl.lit("amendment").alias("filing_type"),
    )
    return dated.select(TABLES["fundamentals"].columns)
