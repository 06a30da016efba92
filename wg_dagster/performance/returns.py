"""Put a strategy and its benchmark on the same dates: the basis of every comparison.

Values are those at the end of a session. The first date is the session of the first trade, so both start together; a benchmark
without a level on a session keeps its last one for at most a week, and has none beyond.
"""

import numpy as np
import polars as pl

from optimizer.measures import running_drawdown
from wg_dagster.errors import UnknownValue

_STALE_AFTER = "7d"  # a longer gap is a missing benchmark, not a holiday


def same_dates(nav: pl.DataFrame, levels: pl.DataFrame) -> pl.DataFrame:
    """`| month | session_date | nav | level |`: a strategy's sessions with the benchmark's level at each, oldest first.

    Grain: one row a session of `nav`. `levels` is `benchmark_nav` of one benchmark; `level` is null where it has none.
    """
    return _at_dates(nav.select("month", "session_date", "nav"), levels.select("session_date", "level"), "session_date")


def levels_of(benchmark_nav: pl.DataFrame, benchmark_id: str, currency: str) -> pl.DataFrame:
    """Levels of one benchmark; UnknownValue where they are in another currency than the strategy's."""
    levels = benchmark_nav.filter(pl.col("benchmark_id") == benchmark_id)
    other = levels.filter(pl.col("currency") != currency)
    if other.height:
        first = other.row(0, named=True)
        raise UnknownValue(
            f"benchmark {benchmark_id} is in {first['currency']} at {first['session_date']}, the strategy in {currency}: returns in two "
            "currencies are not compared; load the benchmark in the strategy's currency"
        )
    return levels


def with_rate(dates: pl.DataFrame, rates: pl.DataFrame, rate_id: str) -> pl.DataFrame:
    """The frame with one more column named after the rate: its last value at or before `session_date`; null where there is none."""
    values = rates.filter(pl.col("rate_id") == rate_id).select(pl.col("date").alias("session_date"), pl.col("value").alias(rate_id))
    return _at_dates(dates, values, "session_date")


def month_ends(series: pl.DataFrame) -> pl.DataFrame:
    """The first session of all, then the last session of each month: consecutive rows are the ends of the monthly returns.

    The month of inception is a return of its own, from the close of its trade to the month's last session.
    """
    ends = series.group_by("month", maintain_order=True).last()
    return pl.concat([series.head(1).select(ends.columns), ends])


def changes(values: np.ndarray) -> np.ndarray:
    """Simple returns (n - 1,) between consecutive values (n,); NaN where either is missing."""
    return values[1:] / values[:-1] - 1.0


def drawdown_series(nav: pl.DataFrame) -> pl.DataFrame:
    """`| session_date | nav | drawdown |` of one strategy, oldest first: distance from the highest nav so far, <= 0."""
    ordered = nav.sort("session_date").select("session_date", "nav")
    return ordered.with_columns(pl.Series("drawdown", running_drawdown(ordered["nav"].to_numpy()), dtype=pl.Float64))


def _at_dates(dates: pl.DataFrame, values: pl.DataFrame, on: str) -> pl.DataFrame:
    return dates.sort(on).join_asof(values.sort(on), on=on, strategy="backward", tolerance=_STALE_AFTER)
