"""Whether the label of a period follows from the firm's label before: a third quarter comes half a year after a first one."""

from collections.abc import Sequence

import polars as pl

from wg_dagster.quality.figures import Finding, counted, figures_of
from wg_dagster.quality.looks import STATEMENT_COLUMNS, Stored

_QUARTERS = {"Q1": 1, "Q2": 2, "Q3": 3, "Q4": 4, "FY": 4}
_DAYS = 365.25 / 4
_SERIES = ["security_id", "known_at_rule"]  # sources that date differently also label differently: by the fiscal or the calendar year


def check_labels(rows: pl.DataFrame, months: Sequence[str], stored: Stored) -> list[Finding]:
    """The check `label_breaks` of `fundamentals_clean`: statements whose quarter is not the one that their period's end gives.

    Quarters are counted from the firm's statement before; years of 52 and 53 weeks and 12/12/12/16-week quarters round to whole ones.
    """
    filed = pl.concat([stored("fundamentals_clean"), rows.select(STATEMENT_COLUMNS)]).filter(~pl.col("is_derived"))
    newest = (
        filed.with_columns(pl.col("fiscal_period").replace_strict(_QUARTERS, default=None, return_dtype=pl.Int32).alias("quarter"))
        .drop_nulls("quarter")
        .sort(*_SERIES, "known_at", "period_end_date", "period_kind")
        .filter(pl.col("period_end_date") >= pl.col("period_end_date").cum_max().over(_SERIES))
    )
    passed = (pl.col("period_end_date") - pl.col("period_end_date").shift().over(_SERIES)).dt.total_days() / _DAYS
    expected = pl.col("quarter").shift().over(_SERIES) + passed.round().cast(pl.Int32)
    judged = newest.with_columns(((pl.col("quarter") - expected) % 4 != 0).fill_null(value=False).alias("breaks"))
    judged = judged.filter(pl.col("month").is_in(list(months)))
    figures = figures_of(judged.group_by("month", pl.lit("").alias("part")).agg(counted(pl.col("breaks").sum(), pl.col("breaks").sum())))
    return [Finding("label_breaks", figures, lambda: judged.filter("breaks"))]
