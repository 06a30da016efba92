"""Dividends by ex-day, as the notices that were out by the evening of that day said."""

import polars as pl

from wg_dagster.ingest.raw_rows import INSTANT
from wg_dagster.ingest.repeats import DAY

DIVIDEND_COLUMNS = ("PubDate", "PubTime", "Code", "RefNo", "CARefNo", "StatCode", "FRCode", "IFTerm", "DivRate", "RecDate", "ExDate")
_DELETED = "3"
_FORECAST = "2"


def dividends_by_ex_day(notices: pl.DataFrame) -> pl.DataFrame:
    """| Code | Date | cash_dividend | dividend_is |: the latest notice of each record date that was known on its ex-day.

    A notice without an amount leaves it unknown; a deleted one takes the dividend away. `notices` have `_known_day` and `_known_at`.
    """
    ex_day = pl.col("ExDate").str.strptime(pl.Date, "%Y-%m-%d", strict=False)
    known = notices.filter(ex_day.is_not_null() & (pl.col(DAY) <= ex_day))
    dividend = ["Code", "RecDate"]
    latest = known.sort(*dividend, INSTANT, "RefNo").unique(dividend, keep="last", maintain_order=True)
    standing = latest.filter(pl.col("StatCode") != _DELETED)
    amount = pl.col("DivRate").str.strip_chars().cast(pl.Float64, strict=False)
    several = standing.group_by("Code", pl.col("ExDate").alias("Date"), maintain_order=True).agg(
        pl.when(amount.is_null().any()).then(None).otherwise(amount.sum()).alias("cash_dividend"),
        pl.when((pl.col("FRCode") == _FORECAST).any()).then(pl.lit("forecast")).otherwise(pl.lit("decided")).alias("dividend_is"),
    )
    return several.with_columns(pl.col("cash_dividend").is_null().alias("_open"))


def with_dividends(bars: pl.DataFrame, dividends: pl.DataFrame | None) -> pl.DataFrame:
    """Add `cash_dividend` and `dividend_is` to prices: 0 where no notice names the day, null where none were fetched or none says how much."""
    if dividends is None:
        return bars.with_columns(pl.lit(None, pl.Float64).alias("cash_dividend"), pl.lit("unknown").alias("dividend_is"))
    joined = bars.join(dividends, on=["Code", "Date"], how="left", validate="m:1", maintain_order="left")
    named = pl.col("_open").is_not_null()
    return joined.with_columns(
        pl.when(named).then("cash_dividend").otherwise(0.0).alias("cash_dividend"), pl.col("dividend_is").fill_null("none")
    ).drop("_open")
