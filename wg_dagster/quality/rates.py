"""Checks of rates: a value that cannot follow the one before."""

from collections.abc import Sequence

import polars as pl

from wg_dagster.quality.figures import Finding, counted, figures_of
from wg_dagster.quality.looks import Stored

_BILL_POINTS = 0.02  # a day: the largest move of the US bill since 1954 is 1.3 points
_CURRENCY_MOVE = 0.10  # a day: the yen moved by 7 % on 7 October 1998


def check_rates(rows: pl.DataFrame, months: Sequence[str], stored: Stored) -> list[Finding]:
    """Jumps of `rates_clean` from the value before, by rate."""
    columns = ["month", "rate_id", "date", "value"]
    seen = pl.concat([stored("rates_clean").select(columns), rows.select(columns)]).sort("rate_id", "date", "month")
    before = pl.col("value").shift().over("rate_id")
    is_bill = pl.col("rate_id").str.ends_with("_bill")
    jumps = (
        pl.when(is_bill)
        .then((pl.col("value") - before).abs() > _BILL_POINTS)
        .otherwise((pl.col("value") / before - 1).abs() > _CURRENCY_MOVE)
    )
    judged = seen.with_columns(jumps.fill_null(value=False).alias("jumps")).filter(pl.col("month").is_in(list(months)))
    by_rate = judged.group_by("month", pl.col("rate_id").alias("part")).agg(counted(pl.col("jumps").sum(), pl.col("jumps").sum()))
    return [Finding("rate_jumps", figures_of(by_rate))]
