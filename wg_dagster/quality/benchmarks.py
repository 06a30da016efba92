"""Checks of benchmark levels: sessions without one, and whether they move with the market they stand for."""

from collections.abc import Sequence

import numpy as np
import polars as pl

from wg_dagster.calendars import CALENDAR_OF_MARKET, month_sessions
from wg_dagster.quality.figures import Figure, Finding
from wg_dagster.quality.looks import Stored

_NANO = 1e9
_MARKET_OF_CURRENCY = {"USD": "US", "JPY": "JP"}
_FEWEST_SESSIONS = 10


def check_benchmarks(rows: pl.DataFrame, months: Sequence[str], stored: Stored) -> list[Finding]:
    """Sessions, gap and correlation of `benchmark_nav` against the names' median return, by benchmark."""
    del months
    placed = rows.with_columns(pl.col("currency").replace_strict(_MARKET_OF_CURRENCY, default=None, return_dtype=pl.String).alias("market"))
    placed = placed.drop_nulls("market").sort("month", "benchmark_id", "session_date")
    medians = (
        stored("prices_clean")
        .group_by("month", "market", "session_date")
        .agg(pl.col("log_return_1e9").median().alias("median"))
        .drop_nulls("median")
    )
    beside = placed.join(medians, on=["month", "market", "session_date"], how="inner", validate="m:1", maintain_order="left")
    gaps, moves = [], []
    for (month, benchmark), both in beside.drop_nulls("log_return_1e9").group_by("month", "benchmark_id", maintain_order=True):
        index, median = both["log_return_1e9"].to_numpy() / _NANO, both["median"].to_numpy() / _NANO
        if both.height >= _FEWEST_SESSIONS and index.std() > 0.0 and median.std() > 0.0:
            gaps.append(Figure(str(month), str(benchmark), float(abs(index.sum() - median.sum())), both.height, both.height))
            moves.append(Figure(str(month), str(benchmark), float(np.corrcoef(index, median)[0, 1]), both.height, both.height))
    return [_sessions(placed), Finding("index_gap", gaps), Finding("index_correlation", moves)]


def _sessions(placed: pl.DataFrame) -> Finding:
    """Sessions without a level between the first and the last of the month; a benchmark may begin or end within it."""
    found = []
    counted = placed.group_by("month", "benchmark_id", "market", maintain_order=True).agg(
        pl.col("session_date").min().alias("first"),
        pl.col("session_date").max().alias("last"),
        pl.col("session_date").n_unique().alias("there"),
    )
    for month, benchmark, market, first, last, there in counted.iter_rows():
        wanted = sum(first <= day <= last for day in month_sessions(CALENDAR_OF_MARKET[market], month))
        found.append(Figure(month, benchmark, float(max(wanted - there, 0)), max(wanted - there, 0), wanted))
    return Finding("index_sessions", found)
