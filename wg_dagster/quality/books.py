"""Checks of the books: trades after their decision, a nav on each session, lines that add up."""

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Sequence
from itertools import pairwise

import polars as pl

from wg_dagster.calendars import CALENDAR_OF_MARKET, session_dates
from wg_dagster.quality.figures import Figure, Finding, counted, figures_of
from wg_dagster.quality.looks import Stored
from wg_dagster.strategies import find_strategy


def check_trades(rows: pl.DataFrame, stored: Stored) -> list[Finding]:
    """Each trade lies in its month and after the session on which it was decided."""
    decided = stored("model_portfolios")["as_of_date"].max()
    outside = pl.col("trade_date").dt.strftime("%Y-%m") != pl.col("month")
    early = outside | (pl.col("trade_date") <= pl.lit(decided, pl.Date)).fill_null(value=False)
    by_month = rows.group_by("month", pl.lit("").alias("part")).agg(counted(early.sum(), early.sum()))
    return [Finding("decided_before_trading", figures_of(by_month), lambda: rows.filter(early))]


def check_nav(rows: pl.DataFrame, months: Sequence[str], stored: Stored, strategy: str) -> list[Finding]:
    """Sessions without a nav, jumps of a session, and whether holdings and cash make up the whole."""
    calendar = session_dates(CALENDAR_OF_MARKET[find_strategy(strategy).market])
    columns = ("session_date", "month", "nav")
    values = sorted((*stored("nav").iter_rows(), *rows.select(columns).iter_rows()))
    held = defaultdict(float)
    for day, weight in stored("holdings").iter_rows():
        held[day] += weight
    missing, jump, off = defaultdict(int), defaultdict(float), defaultdict(float)
    for (before, _, old), (day, month, new) in pairwise(values):
        missing[month] += bisect_left(calendar, day) - bisect_left(calendar, before) - 1
        jump[month] = max(jump[month], abs(new / old - 1.0))
    for day, month, cash in rows.select("session_date", "month", "cash_weight").iter_rows():
        off[month] = max(off[month], abs(held[day] + cash - 1.0))
    sizes = {month: size for month, size in rows.group_by("month").len().iter_rows() if month in months}
    return [
        Finding("nav_sessions", [Figure(month, "", float(missing[month]), missing[month], size) for month, size in sizes.items()]),
        Finding("nav_jump", [Figure(month, "", jump[month], size, size) for month, size in sizes.items()]),
        Finding("holdings_add_up", [Figure(month, "", off[month], size, size) for month, size in sizes.items()]),
    ]


def check_attribution(rows: pl.DataFrame) -> list[Finding]:
    """Lines of each scheme against the booked active return, as they are stored."""
    line = pl.when(pl.col("effect") == "total").then(-pl.col("value")).otherwise("value")
    ordered = rows.sort("month", "scheme", "effect", "item").group_by("month", "scheme", maintain_order=True)
    return [Finding("lines_add_up", figures_of(ordered.agg(counted(line.sum().abs(), pl.len()))))]
