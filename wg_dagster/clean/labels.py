"""A label of a fiscal period that a firm gives to two different ends."""

import polars as pl

from wg_dagster.clean.views import merged_flags
from wg_dagster.schemas.columns import CASH_FLOW_ITEMS, INCOME_ITEMS

SAME_END = 8  # days: a year of 52 or 53 weeks that is dated by the calendar in one filing and by its last day in another
TWO_FIRMS = 75  # days that lie at least between the ends of two quarters of one firm
_OTHER_YEAR = 300  # days: the label of the next year, with the wrong year on it
_DERIVED = "period_label_assumed"  # such a label was made from the end itself


def doubled_labels(rows: pl.DataFrame) -> pl.DataFrame:
    """Mark statements under a label (quarter and fiscal year as filed) that an earlier known statement gave to another end.

    Less than a quarter apart they are two firms under one symbol: the later known one is set aside (rule `label_of_two_ends`). Otherwise one
    of the two labels is wrong and the ends decide, which is flagged. Of a "first quarter" nobody knows then when its year began: what it
    counts from there is left out. Amendments may correct an end, so they are only flagged.
    """
    label = ["security_id", "stream", "is_year", "label", "fiscal_year"]
    named = rows.filter(pl.col("fiscal_year").is_not_null() & ~pl.col("quality").str.contains(_DERIVED, literal=True))
    ends = named.group_by(*label, "period_end_date").agg(pl.col("known_at").min().alias("_since"))
    several = ends.filter(pl.len().over(label) > 1)
    if several.is_empty():
        return rows
    pairs = several.join(several, on=label, how="inner", nulls_equal=True, suffix="_before")
    apart = (pl.col("period_end_date") - pl.col("period_end_date_before")).dt.total_days().abs()
    at_once = pl.col("_since_before") == pl.col("_since")
    before = (pl.col("_since_before") < pl.col("_since")) | (at_once & (pl.col("period_end_date_before") < pl.col("period_end_date")))
    second = (
        pairs.with_columns(apart.alias("_apart"))
        .filter(pl.col("_apart").is_between(SAME_END, _OTHER_YEAR) & before)
        .group_by(*label, "period_end_date")
        .agg(pl.col("_apart").min())
    )
    marked = rows.join(second, on=[*label, "period_end_date"], how="left", validate="m:1", nulls_equal=True, maintain_order="left")
    doubled = pl.col("_apart").is_not_null()
    original = pl.col("filing_type") == "original"  # where the source does not say, the first end may be the wrong one
    first = doubled & (pl.col("label") == 1)
    return marked.with_columns(
        pl.when(original & (pl.col("_apart") < TWO_FIRMS)).then(pl.lit("label_of_two_ends")).otherwise(pl.col("rule")).alias("rule"),
        merged_flags(pl.col("quality"), pl.when(doubled).then(pl.lit("label_of_two_ends"))).alias("quality"),
        *(pl.when(~(first & pl.col("income_is_cumulative")).fill_null(value=False)).then(item).alias(item) for item in INCOME_ITEMS),
        *(pl.when(~(first & pl.col("cash_flow_is_cumulative")).fill_null(value=False)).then(item).alias(item) for item in CASH_FLOW_ITEMS),
    ).drop("_apart")
