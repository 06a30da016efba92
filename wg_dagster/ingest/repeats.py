"""What a vendor repeats: filings that appear again on the next days, and daily lists that hardly change."""

from collections.abc import Sequence

import polars as pl

DAY = "_known_day"  # day on which the vendor published the row
LISTED_TO = "_listed_to"  # last day on which a line that has left was in the list; null while it is there


def first_sightings(rows: pl.DataFrame, *, content: Sequence[str], within_days: int, line: str) -> pl.DataFrame:
    """Rows that were not already published, all `content` equal, within so many days before.

    A bounded window, so that a month read alone gives the same rows as the whole history.
    """
    ordered = rows.sort(DAY, line)
    since = (pl.col(DAY) - pl.col(DAY).shift().over(content)).dt.total_days()
    return ordered.filter((since > within_days).fill_null(value=True))


def listing_changes(rows: pl.DataFrame, *, key: str, content: Sequence[str], gone_after: int, line: str) -> pl.DataFrame:
    """Of one full list a day, the rows in which a line is new, differs in its `content`, or has left.

    A line has left when `gone_after` lists in a row are without it (vendors drop names for a day or two); it is then known to have
    left on the day of the last of these lists, and `_listed_to` says when it was last there. Returning later, it is new.

    Returns
    -------
    The rows, with `_known_day` moved to the day of the event, and `_listed_to`.
    """
    lists = rows.select(DAY).unique().sort(DAY).with_row_index("_list").cast({"_list": pl.Int64})
    # Two entries of one line in one list: the first by content, so that the order within the file does not matter.
    seen = rows.join(lists, on=DAY, how="left").sort(key, "_list", *content, line).unique([key, "_list"], keep="first", maintain_order=True)
    before = pl.col("_list") - pl.col("_list").shift().over(key)
    after = pl.col("_list").shift(-1).over(key) - pl.col("_list")
    changed = (
        pl.any_horizontal(pl.col(name).ne_missing(pl.col(name).shift().over(key)) for name in content) if content else pl.lit(value=False)
    )
    marked = seen.with_columns(
        (before.is_null() | (before > gone_after) | changed).alias("_news"),
        (after.is_null() | (after > gone_after)).alias("_last"),
        pl.lit(None, pl.Date).alias(LISTED_TO),
    )
    events = lists.select(pl.col("_list") - gone_after, pl.col(DAY).alias("_event"))
    left = (
        marked.filter("_last").join(events, on="_list", how="inner").with_columns(pl.col(DAY).alias(LISTED_TO), pl.col("_event").alias(DAY))
    )
    return pl.concat([marked.filter("_news"), left.drop("_event")]).drop("_list", "_news", "_last").sort(DAY, key, line)
