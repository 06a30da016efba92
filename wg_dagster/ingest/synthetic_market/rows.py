"""Raw rows in the contract's columns, with the file and line they would have come from."""

from functools import cache

import numpy as np
import polars as pl

from wg_dagster.calendars import CALENDAR_OF_MARKET, month_of_instant, sessions
from wg_dagster.ingest.synthetic_market.companies import Companies
from wg_dagster.schemas.tables import TABLES

SOURCE = "synthetic"


def finish(table: str, rows: pl.DataFrame, folder: str) -> pl.DataFrame:
    """Fill source, file, line, month and columns that were not given; rows are numbered in order of the table's key within each month."""
    spec = TABLES[table]
    rows = rows.with_columns(
        month=month_of_instant(pl.col("known_at")),
        source=pl.lit(SOURCE),
        quality=pl.lit(""),
        **({} if "known_at_rule" in rows.columns else {"known_at_rule": pl.lit("reported")}),
    )
    order = ["known_at", *(name for name in spec.key if name in rows.columns and name not in {"source", "known_at"})]
    rows = rows.sort(order, maintain_order=True).with_columns(
        source_file=pl.concat_str(pl.lit(f"{folder}/"), "month"),
        source_line=pl.int_range(1, pl.len() + 1, dtype=pl.Int64).over("month"),
    )
    missing = [pl.lit(None, dtype=dtype).alias(name) for name, dtype in spec.schema.items() if name not in rows.columns]
    return rows.with_columns(missing).select(pl.col(name).cast(dtype) for name, dtype in spec.schema.items())


def known(figures: np.ndarray) -> pl.Series:
    """Figures with NaN as null."""
    return pl.Series(figures).fill_nan(None)


def days(values: np.ndarray) -> pl.Series:
    """A column of dates from datetime64; NaT becomes null."""
    return pl.Series(values.astype("datetime64[D]"))


@cache
def day_ends(market: str) -> tuple[np.ndarray, pl.Series]:
    """Sessions of a market as datetime64, and the UTC instant at which each one's day ends."""
    rows = sessions().filter(pl.col("exchange") == CALENDAR_OF_MARKET[market])
    return rows["session_date"].to_numpy(), rows["cutoff_at"].rename("known_at")


def known_by_day_end(market: str, on: np.ndarray) -> pl.Series:
    """The end of each session's day as a UTC instant."""
    dates, ends = day_ends(market)
    return ends.gather(np.searchsorted(dates, on))


def symbols_on(companies: Companies, company: np.ndarray, on: np.ndarray) -> pl.Series:
    """The vendor's symbol of each company on a day."""
    current = companies.first_symbols[company].copy()
    for changed, symbol, since in companies.changed_symbols:
        current[(company == changed) & (on >= np.datetime64(since))] = symbol
    return pl.Series("vendor_symbol", current, dtype=pl.String)
