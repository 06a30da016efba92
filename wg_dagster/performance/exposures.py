"""What the coming portfolio leans on: its scores and sector weights beside those of the benchmark or its proxy."""

import polars as pl

from wg_dagster.schemas.columns import FACTORS
from wg_dagster.schemas.tables import TABLES


def exposure_rows(portfolio: pl.DataFrame, universe: pl.DataFrame, scores: pl.DataFrame) -> pl.DataFrame:
    """Rows of `exposures` of one strategy and month: fourteen factors, then `sector:<name>` for each sector of either side.

    A missing score counts as zero, the universe's middle, as in the composite. A target that is no member of the universe has no
    scores and counts in `sector:outside_universe`.
    """
    if portfolio.is_empty() or universe.is_empty():
        return TABLES["exposures"].empty()
    names = (
        universe.select("security_id", "sector", "benchmark_weight")
        .join(portfolio.select("security_id", "weight"), on="security_id", how="full", coalesce=True, validate="1:1")
        .join(scores.select("security_id", *FACTORS), on="security_id", how="left", validate="1:1")
        .with_columns(
            pl.col("weight").fill_null(0.0),
            pl.when(pl.col("benchmark_weight").is_null() & ~pl.col("security_id").is_in(universe["security_id"].implode()))
            .then(pl.lit("outside_universe"))
            .otherwise(pl.col("sector").fill_null("Unknown"))
            .alias("sector"),
            pl.col("benchmark_weight").fill_null(0.0),
        )
        .sort("security_id")
    )
    sides = {"portfolio": "weight", "benchmark": "benchmark_weight"}
    leaning = pl.concat(
        names.select(
            pl.lit(factor).alias("factor"),
            *((pl.col(factor).fill_null(0.0) * pl.col(weight)).sum().alias(side) for side, weight in sides.items()),
        )
        for factor in FACTORS
    )
    sectors = (
        names.group_by(pl.format("sector:{}", "sector").alias("factor"), maintain_order=True)
        .agg(pl.col(weight).sum().alias(side) for side, weight in sides.items())
        .sort("factor")
    )
    keys = [pl.lit(portfolio[name][0]).alias(name) for name in ("strategy", "month", "as_of_date")]
    rows = pl.concat([leaning, sectors]).with_columns(*keys, (pl.col("portfolio") - pl.col("benchmark")).alias("active"))
    return rows.select(pl.col(name).cast(dtype) for name, dtype in TABLES["exposures"].schema.items())
