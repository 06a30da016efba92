"""What was known of each security at the cut-off of each month."""

from collections.abc import Sequence

import polars as pl

from wg_dagster.clean.identity import Identity, listing_date
from wg_dagster.clean.spans import PRICED
from wg_dagster.clean.views import MARKET_OF_EXCHANGE, merged_flags, month_ends, session_index_on
from wg_dagster.schemas.tables import TABLES

SILENT = 10  # sessions without a price after which a line without a known end is taken as gone
ATTRIBUTES = [
    "name",
    "exchange",
    "currency",
    "sector",
    "industry",
    "security_type",
    "share_class",
    "adr_ratio",
    "lot_size",
    "is_financial",
    "listed_from",
]
_LEAVING = ("listed_to", "delisting_reason")
_DEFAULT_EXCHANGE = {"US": "XNYS", "JP": "XTKS"}
_FINANCIAL_SECTORS = (
    "Finance",
    "Financials",
    "Financial Services",
    "Banks",
    "Insurance",
    "Securities & Commodity Futures",
    "Other Financing Business",
)
_NOT_FINANCIAL = r"(?i)real estate|business services|diversified commercial services"  # kept by vendors under Finance


def securities_clean(raw: pl.DataFrame, identity: Identity, months: Sequence[str]) -> pl.DataFrame:
    """Rows of `securities_clean` for these months.

    Each attribute is the latest one that was told and not null; what says that a line has left is taken only from the newest row of its
    present symbol, because a later row without an end means that it is still listed.
    """
    grid = _seen_by(identity, months)
    told = _told(raw, identity)
    grid = grid.sort("month_cutoff_at")
    for source in told["source"].unique().sort():
        rows = told.filter(pl.col("source") == source).select(
            "security_id", "known_at", *(pl.col(name).alias(f"{name}@{source}") for name in _LEAVING)
        )
        grid = grid.join_asof(rows, left_on="month_cutoff_at", right_on="known_at", by="security_id", check_sortedness=False).drop(
            "known_at", strict=False
        )
    leaving = {name: [column for column in grid.columns if column.startswith(f"{name}@")] for name in _LEAVING}
    grid = grid.with_columns(
        (pl.coalesce(columns) if columns else pl.lit(None, TABLES["securities_clean"].schema[name])).alias(name)
        for name, columns in leaving.items()
    )
    filled = told.with_columns(pl.col(*ATTRIBUTES).forward_fill().over("security_id")).drop("source", *_LEAVING)
    grid = grid.join_asof(filled, left_on="month_cutoff_at", right_on="known_at", by="security_id", check_sortedness=False)
    return _judged(identity.with_issuer(grid, as_of="month_cutoff_at"))


def _seen_by(identity: Identity, months: Sequence[str]) -> pl.DataFrame:
    """One row a security and month from its first sighting on, with what its spans say."""
    seen = identity.seen
    ends = month_ends().filter(pl.col("month").is_in(list(months)))
    priced = pl.col("table").is_in(PRICED)
    by_month = (
        seen.sort("known_at", "valid_to", "vendor_symbol", "table", "currency")
        .group_by("security_id", "market", "visible_month", maintain_order=True)
        .agg(
            pl.col("valid_to").filter(priced).max().alias("last_price"),
            pl.col("valid_from").min().alias("first_seen"),
            (pl.col("table") == "fundamentals").any().alias("files"),
            pl.col("currency").filter(pl.col("table") == "fundamentals").drop_nulls().last().alias("reporting_currency"),
            pl.col("currency").filter(priced).drop_nulls().last().alias("price_currency"),
            pl.col("vendor_symbol").last(),
        )
        .sort("security_id", "visible_month")
        .with_columns(
            pl.col("last_price").cum_max().forward_fill().over("security_id"),
            pl.col("first_seen").cum_min().over("security_id"),
            pl.col("files").cast(pl.UInt8).cum_max().over("security_id").cast(pl.Boolean),
            pl.col("reporting_currency", "price_currency").forward_fill().over("security_id"),
        )
        .sort("visible_month", "security_id")
        .with_columns(_month_number("visible_month").alias("_number"))
    )
    grid = (
        by_month.select("security_id", "market")
        .unique()
        .join(ends, on="market", how="inner")
        .with_columns(_month_number("month").alias("_number"))
    )
    found = grid.sort("_number", "security_id").join_asof(by_month.drop("market"), on="_number", by="security_id", check_sortedness=False)
    return found.filter(pl.col("visible_month").is_not_null()).drop("_number", "visible_month")


def _month_number(column: str) -> pl.Expr:
    return pl.col(column).str.slice(0, 4).cast(pl.Int32) * 12 + pl.col(column).str.slice(5).cast(pl.Int32)


def _told(raw: pl.DataFrame, identity: Identity) -> pl.DataFrame:
    """Raw rows with their security, in the order in which they were told; at one instant the newest symbol has the last word."""
    rows = identity.assign(raw.with_columns(listing_date().alias("_date")), date="_date").drop_nulls("security_id")
    began = identity.holders.group_by("vendor_symbol", "security_id").agg(pl.col("valid_from").min().alias("_began"))
    assumed = pl.when((pl.col("known_at_rule") == "assumed_lag") & pl.col("sector").is_not_null()).then(pl.lit("sector_assumed"))
    return (
        rows.join(began, on=["vendor_symbol", "security_id"], how="left", validate="m:1")
        .with_columns(merged_flags(pl.col("quality"), assumed).alias("told_quality"))
        .sort("known_at", "_began", "source_file", "source_line")
        .select("security_id", "source", "known_at", *ATTRIBUTES, *_LEAVING, "told_quality")
    )


def _judged(rows: pl.DataFrame) -> pl.DataFrame:
    """Add eligibility, listing and flags."""
    rows = session_index_on(rows, "last_price", "_last_index")
    silent = ((pl.col("as_of_index") - pl.col("_last_index")) > SILENT).fill_null(value=True)
    inferred = silent & pl.col("listed_to").is_null() & pl.col("last_price").is_not_null()
    rows = rows.with_columns(
        pl.coalesce("exchange", pl.col("market").replace_strict(_DEFAULT_EXCHANGE, return_dtype=pl.String)).alias("exchange"),
        pl.coalesce(
            "currency", "price_currency", pl.col("market").replace_strict({"US": "USD", "JP": "JPY"}, return_dtype=pl.String)
        ).alias("currency"),
        pl.coalesce("listed_from", "first_seen").alias("listed_from"),
        pl.when(inferred).then("last_price").otherwise("listed_to").alias("listed_to"),
        inferred.alias("_inferred"),
        pl.coalesce("is_financial", _looks_financial()).alias("is_financial"),
    )
    listed = pl.col("last_price").is_not_null() & (pl.col("listed_to").is_null() | (pl.col("listed_to") > pl.col("as_of_date")))
    common = (pl.col("security_type") == "common") | (pl.col("security_type").is_null() & pl.col("files"))
    receipt = (pl.col("security_type") == "adr") & pl.col("adr_ratio").is_not_null() & (pl.col("reporting_currency") == pl.col("currency"))
    own_exchange = pl.col("exchange").replace_strict(MARKET_OF_EXCHANGE, default=None, return_dtype=pl.String) == pl.col("market")
    flags = {
        "listed_to_inferred": pl.col("_inferred"),
        "no_prices": pl.col("last_price").is_null(),
        "sector_unknown": pl.col("sector").is_null(),
        "type_assumed": pl.col("security_type").is_null(),
    }
    return rows.with_columns(
        (listed & (common | receipt) & own_exchange).fill_null(value=False).alias("is_eligible"),
        merged_flags(pl.col("told_quality"), *(pl.when(condition).then(pl.lit(name)) for name, condition in flags.items())).alias(
            "quality"
        ),
    ).select(TABLES["securities_clean"].columns)


def _looks_financial() -> pl.Expr:
    sector = pl.col("sector").is_in(_FINANCIAL_SECTORS)
    return (sector & ~pl.col("industry").fill_null("").str.contains(_NOT_FINANCIAL)).fill_null(value=False)
