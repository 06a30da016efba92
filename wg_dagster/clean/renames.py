"""Symbols that take over issuer and share class of another one which has just fallen silent."""

import polars as pl

from wg_dagster.clean.spans import PRICED

RENAME_GAP = 5  # sessions between the last price under the old symbol and the first under the new one
SYMBOL = ["market", "vendor_symbol"]


def told_issuers(told: pl.DataFrame, placed: pl.DataFrame) -> pl.DataFrame:
    """What was told of issuers and share classes, with the market of the symbol."""
    markets = placed.select("source", "vendor_symbol", "market").unique()
    return (
        told.drop_nulls("issuer")
        .join(markets, on=["source", "vendor_symbol"], how="inner")
        .select("source", "vendor_symbol", "market", "issuer", pl.col("share_class").fill_null(""), "known_at")
    )


def renames_of(holders: pl.DataFrame, told: pl.DataFrame) -> pl.DataFrame:
    """| market | new_symbol | new_holder | old_symbol | old_holder | visible_month | first_index |, in order of the change."""
    starts = (
        holders.select(*SYMBOL, "symbol", "holder", "start_index", "start_month")
        .unique(["symbol", "holder"])
        .drop_nulls("start_index")
        .drop("symbol")
    )
    line = ["source", "market", "issuer", "share_class"]
    new = told.join(starts, on=SYMBOL, how="inner").filter(pl.col("visible_month") <= pl.col("start_month"))
    new = new.sort("known_at").unique(["source", *SYMBOL, "holder"], keep="last", maintain_order=True)
    old = told.select(*line, pl.col("vendor_symbol").alias("old_symbol"), pl.col("visible_month").alias("_told_month")).sort("_told_month")
    old = old.unique([*line, "old_symbol"], keep="first", maintain_order=True)
    pairs = new.join(old, on=line, how="inner").filter(
        (pl.col("old_symbol") != pl.col("vendor_symbol")) & (pl.col("_told_month") <= pl.col("start_month"))
    )
    priced = holders.filter(pl.col("table").is_in(PRICED)).select(
        "market",
        pl.col("vendor_symbol").alias("old_symbol"),
        pl.col("holder").alias("old_holder"),
        pl.col("visible_month").alias("_seen_month"),
        "last_index",
    )
    seen = pairs.join(priced, on=["market", "old_symbol"], how="inner").filter(pl.col("_seen_month") <= pl.col("start_month"))
    ended = seen.group_by(
        "market",
        pl.col("vendor_symbol").alias("new_symbol"),
        pl.col("holder").alias("new_holder"),
        "old_symbol",
        "start_month",
        "start_index",
    ).agg(pl.col("last_index").max(), pl.col("old_holder").max())
    silent = pl.col("start_index") - pl.col("last_index")
    return (
        ended.filter(silent.is_between(1, RENAME_GAP))
        .sort("start_index", "new_symbol", silent, "old_symbol")
        .unique(["market", "new_symbol", "new_holder"], keep="first", maintain_order=True)
        .unique(["market", "old_symbol", "old_holder"], keep="first", maintain_order=True)
        .rename({"start_month": "visible_month", "start_index": "first_index"})
    )
