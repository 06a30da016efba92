"""When each vendor symbol was seen in a raw month: the little that identities are decided from."""

import polars as pl

from wg_dagster.clean.views import month_ends

SEEN_IN = ("prices", "adjusted_prices", "fundamentals", "forecasts", "earnings_announcements")
PRICED = ("prices", "adjusted_prices")
_PIECE = 100  # calendar days without a row that cut a span in two: fewer than 90 sessions, so that pieces can be judged
_SPAN = (
    pl.col("currency").drop_nulls().first(),
    pl.col("_date").min().alias("valid_from"),
    pl.col("_date").max().alias("valid_to"),
    pl.col("known_at").min(),
)


def symbol_spans(table: str, rows: pl.DataFrame) -> pl.DataFrame:
    """Rows of `symbol_spans` (columns of the contract) for the raw rows of one table."""
    cutoffs = _cutoffs(rows.select("month").unique())
    if table in PRICED:
        # A session after the day of publication is a fault, not a sighting; Tokyo's day is the earliest to begin.
        dated = rows.rename({"session_date": "_date"}).filter(pl.col("_date") <= pl.col("known_at").dt.offset_by("14h").dt.date())
    else:
        dated = rows.with_columns(pl.col("known_at").dt.offset_by("-5h").dt.date().alias("_date"))
    cutoff = pl.when(pl.col("currency") == "JPY").then("_tokyo").otherwise("_new_york")
    dated = dated.join(cutoffs, on="month", how="left", validate="m:1", maintain_order="left").with_columns(
        (pl.col("known_at") > cutoff).alias("_part")
    )
    keys = ["month", "source", "vendor_symbol", "_part"]
    spans = dated.group_by(keys).agg(*_SPAN)
    long = spans.filter((pl.col("valid_to") - pl.col("valid_from")).dt.total_days() > _PIECE).select(keys)
    if long.height:
        pieces = (
            dated.join(long, on=keys, how="semi", nulls_equal=True)
            .sort(*keys, "_date")
            .with_columns(
                (pl.col("_date").diff().over(keys).dt.total_days() > _PIECE).fill_null(value=False).cum_sum().over(keys).alias("_piece")
            )
        )
        cut = pieces.group_by([*keys, "_piece"]).agg(*_SPAN).drop("_piece")
        spans = pl.concat([spans.join(long, on=keys, how="anti", nulls_equal=True), cut.select(spans.columns)])
    return spans.filter(pl.col("vendor_symbol").is_not_null()).with_columns(pl.lit(table).alias("table")).drop("_part")


def _cutoffs(months: pl.DataFrame) -> pl.DataFrame:
    """The two markets' cut-offs of each month."""
    for market, name in (("US", "_new_york"), ("JP", "_tokyo")):
        ends = month_ends().filter(pl.col("market") == market).select("month", pl.col("month_cutoff_at").alias(name))
        months = months.join(ends, on="month", how="left", validate="1:1")
    return months
