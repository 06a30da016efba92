"""Checks of the books: trades after their decision, a nav on each session, lines that add up."""

from bisect import bisect_left
from collections.abc import Sequence
from datetime import date

import polars as pl

from wg_dagster.calendars import CALENDAR_OF_MARKET, session_dates
from wg_dagster.quality.figures import Finding, figures
from wg_dagster.quality.looks import Stored
from wg_dagster.strategies import find_strategy


def check_trades(rows: pl.DataFrame, stored: Stored) -> list[Finding]:
    """Each trade lies in its month and after the session on which it was decided."""
    decisions = stored("model_portfolios").select(pl.col("as_of_date").max().alias("decided"))
    early = (pl.col("trade_date") <= pl.col("decided")).fill_null(value=False) | (
        pl.col("trade_date").dt.strftime("%Y-%m") != pl.col("month")
    )
    judged = rows.join(decisions, how="cross").with_columns(early.alias("early"))
    failed = pl.col("early").sum().cast(pl.Int64)
    counted = judged.group_by("month").agg(
        pl.lit("").alias("part"), failed.cast(pl.Float64).alias("value"), failed.alias("failed"), pl.len().cast(pl.Int64).alias("total")
    )
    return [Finding("decided_before_trading", counted, lambda: judged.filter("early"))]


def check_nav(rows: pl.DataFrame, months: Sequence[str], stored: Stored, strategy: str) -> list[Finding]:
    """Sessions without a nav, jumps of a session, and whether holdings and cash make up the whole."""
    calendar = session_dates(CALENDAR_OF_MARKET[find_strategy(strategy).market])
    series = pl.concat([stored("nav").select("month", "session_date", "nav"), rows.select("month", "session_date", "nav")])
    days = series.sort("session_date").with_columns(
        pl.col("session_date").shift().alias("before"), (pl.col("nav") / pl.col("nav").shift() - 1.0).alias("return")
    )
    gaps, jumps = [], []
    for (month,), inside in days.filter(pl.col("month").is_in(list(months))).group_by("month", maintain_order=True):
        missing = sum(_sessions_between(calendar, *pair) for pair in inside.select("before", "session_date").drop_nulls().iter_rows())
        gaps.append((month, "", float(missing), missing, inside.height))
        jumps.append((month, "", inside["return"].abs().max(), inside.height, inside.height))
    return [Finding("nav_sessions", figures(gaps)), Finding("nav_jump", figures(jumps)), _holdings(rows, stored("holdings"))]


def check_attribution(rows: pl.DataFrame) -> list[Finding]:
    """Lines of each scheme against the booked active return, as they are stored."""
    lines = pl.when(pl.col("effect") == "total").then(-pl.col("value")).otherwise("value")
    size = pl.len().cast(pl.Int64)
    summed = rows.sort("month", "scheme", "effect", "item").group_by("month", "scheme", maintain_order=True)
    return [
        Finding(
            "lines_add_up",
            summed.agg(lines.sum().abs().alias("value"), size.alias("failed"), size.alias("total")).rename({"scheme": "part"}),
        )
    ]


def _holdings(rows: pl.DataFrame, holdings: pl.DataFrame) -> Finding:
    held = holdings.group_by("month", "session_date").agg(pl.col("weight").sum())
    off = (pl.col("weight").fill_null(0.0) + pl.col("cash_weight") - 1.0).abs()
    summed = rows.join(held, on=["month", "session_date"], how="left", validate="1:1").with_columns(off.alias("off"))
    figures_of_month = summed.group_by("month").agg(
        pl.lit("").alias("part"),
        pl.col("off").max().alias("value"),
        pl.len().cast(pl.Int64).alias("failed"),
        pl.len().cast(pl.Int64).alias("total"),
    )
    return Finding("holdings_add_up", figures_of_month)


def _sessions_between(calendar: Sequence[date], earlier: date, later: date) -> int:
    return max(bisect_left(calendar, later) - bisect_left(calendar, earlier) - 1, 0)
