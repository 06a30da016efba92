"""What had come by now a year ago and has not come yet: a part of a file is missing, long before anyone would call it late."""

from collections.abc import Sequence
from datetime import date, timedelta

import polars as pl

from wg_dagster.calendars import month_shift
from wg_dagster.quality.figures import Finding, counted, figures_of
from wg_dagster.quality.looks import Stored
from wg_dagster.quality.thresholds import OVERDUE_MONTHS

_LATER = 45  # days behind the year before: half a quarter
_SILENT = 80  # days overdue after which a company has stopped: that was told when it began
_EARLIER = 12  # days by which companies publish earlier or later than in the year before
_TIMES = 30.0
_ANNOUNCEMENT = 95  # days after which another announcement can be overdue


def check_announcements(rows: pl.DataFrame, months: Sequence[str], stored: Stored) -> list[Finding]:
    """Overdue announcements of `announcements_clean`, and those in another unit."""
    columns = ["month", "security_id", "known_at", "announcement_date"]
    seen = pl.concat([stored("announcements_clean").select(columns), rows.select(columns)]).rename({"announcement_date": "about"})
    return [overdue("overdue_announcements", seen, stored("securities_clean"), months, after=_ANNOUNCEMENT), _announced_units(rows)]


def _announced_units(rows: pl.DataFrame) -> Finding:
    """Announced earnings thirty times the estimate, and a unit of the currency a share at least: cents for dollars."""
    actual, estimate = pl.col("actual_eps").abs(), pl.col("estimate_eps").abs()
    marked = rows.with_columns(((actual >= 1.0) & (actual > _TIMES * estimate)).fill_null(value=False).alias("hit"))
    figures = figures_of(marked.group_by("month", pl.lit("").alias("part")).agg(counted(pl.col("hit").sum(), pl.col("hit").sum())))
    return Finding("announced_units", figures, lambda: marked.filter("hit"))


def overdue(check: str, seen: pl.DataFrame, listings: pl.DataFrame, months: Sequence[str], *, after: int) -> Finding:
    """Share of the listed companies whose newest row is older than it was at the same time of the year before.

    `seen`: | month | security_id | known_at | about |, the day that a row is about. A company is overdue where its newest one is more
    than `after` days old, and half a quarter older than the one that was known a year and twelve days before the month's end, of the
    rows of the last OVERDUE_MONTHS months.
    """
    found = []
    for month in months:
        end = date.fromisoformat(f"{month_shift(month, 1)}-01") - timedelta(days=1)
        a_year = end - date.fromisoformat(f"{month_shift(month, -11)}-01") + timedelta(days=1)
        near = seen.filter(pl.col("month").is_between(pl.lit(month_shift(month, -OVERDUE_MONTHS)), pl.lit(month)))  # whatever else is built
        now = _ages(near, end)
        then = _ages(near.filter(pl.col("known_at").dt.date() <= end - a_year - timedelta(days=_EARLIER)), end - a_year)
        listed = listings.filter((pl.col("month") == month) & (pl.col("listed_to") > pl.col("as_of_date")).fill_null(value=True))
        both = now.join(then, on="security_id", how="inner", suffix="_then").join(listed, on="security_id", how="semi")
        late = pl.col("age").is_between(after + 1, after + _SILENT) & (pl.col("age") > pl.col("age_then") + _LATER)
        found.append(both.with_columns(late.alias("late"), pl.lit(month).alias("month"), pl.lit("").alias("part")))
    rows = pl.concat(found)
    by_month = rows.group_by("month", "part").agg(counted(pl.col("late").mean(), pl.col("late").sum()))
    return Finding(check, figures_of(by_month), lambda: rows.filter("late"))


def _ages(seen: pl.DataFrame, end: date) -> pl.DataFrame:
    """| security_id | age |: days from the newest `about` to `end`."""
    newest = seen.group_by("security_id").agg(pl.col("about").max())
    return newest.select("security_id", (pl.lit(end) - pl.col("about")).dt.total_days().alias("age"))
