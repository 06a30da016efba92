"""Whether names ever leave: a universe of survivors makes every result too good."""

from collections.abc import Sequence

import polars as pl

from wg_dagster.calendars import month_shift
from wg_dagster.quality.figures import Finding
from wg_dagster.quality.looks import LISTING_COLUMNS, Stored
from wg_dagster.quality.thresholds import SURVIVOR_MONTHS, SURVIVOR_NAMES


def check_securities(rows: pl.DataFrame, months: Sequence[str], stored: Stored) -> list[Finding]:
    """The check `survivorship` of `securities_clean`, by market.

    Judged where at least 100 names were listed 24 months ago. The figure is 1 where not a single name has stopped being priced up to
    the month's cut-off, else 0; `failed` is then the number of names, all of them survivors.
    """
    known = pl.concat([stored("securities_clean"), rows.select(LISTING_COLUMNS)]).filter(~pl.col("quality").str.contains("no_prices"))
    gone = (pl.col("listed_to") <= pl.col("as_of_date")).fill_null(value=False)
    counted = known.group_by("month", "market").agg((~gone).sum().alias("listed"), gone.sum().alias("gone"))
    before = counted.select(
        pl.col("month").replace_strict(
            {month_shift(month, -SURVIVOR_MONTHS): month for month in months}, default=None, return_dtype=pl.String
        ),
        "market",
        pl.col("listed").alias("listed_before"),
    )
    judged = counted.join(before.drop_nulls("month"), on=["month", "market"], how="inner", validate="1:1")
    enough = judged.filter((pl.col("listed_before") >= SURVIVOR_NAMES) & (pl.col("listed") >= SURVIVOR_NAMES))
    none_left = pl.col("gone") == 0
    return [
        Finding(
            "survivorship",
            enough.select(
                "month",
                pl.col("market").alias("part"),
                none_left.cast(pl.Float64).alias("value"),
                pl.when(none_left).then("listed").otherwise(0).cast(pl.Int64).alias("failed"),
                (pl.col("listed") + pl.col("gone")).cast(pl.Int64).alias("total"),
            ),
        )
    ]
