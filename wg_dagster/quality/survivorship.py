"""Whether names ever leave: a universe of survivors makes every result too good."""

from collections.abc import Sequence

import polars as pl

from wg_dagster.calendars import month_shift
from wg_dagster.quality.figures import Figure, Finding
from wg_dagster.quality.looks import LISTING_COLUMNS, Stored
from wg_dagster.quality.thresholds import SURVIVOR_MONTHS, SURVIVOR_NAMES


def check_securities(rows: pl.DataFrame, months: Sequence[str], stored: Stored) -> list[Finding]:
    """The check `survivorship` of `securities_clean`, by market.

    Judged where at least 100 names were listed 24 months ago. The figure is 1 where not a single name has stopped being priced up to
    the month's cut-off, else 0; `failed` is then the number of names, all of them survivors.
    """
    known = pl.concat([stored("securities_clean"), rows.select(LISTING_COLUMNS)]).filter(~pl.col("quality").str.contains("no_prices"))
    gone = (pl.col("listed_to") <= pl.col("as_of_date")).fill_null(value=False)
    grouped = known.group_by("month", "market").agg((~gone).sum().alias("listed"), gone.sum().alias("gone"))
    counts = {(month, market): (listed, left) for month, market, listed, left in grouped.iter_rows()}
    figures = []
    for (month, market), (listed, left) in counts.items():
        before, _ = counts.get((month_shift(month, -SURVIVOR_MONTHS), market), (0, 0))
        if month in months and min(before, listed) >= SURVIVOR_NAMES:
            figures.append(Figure(month, market, float(left == 0), listed if left == 0 else 0, listed + left))
    return [Finding("survivorship", figures)]
