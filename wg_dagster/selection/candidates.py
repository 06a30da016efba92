"""The ranked 100: neutral composite of the strategy's factors, with at least the names that the sector bands will need."""

from collections.abc import Mapping
from math import ceil

import numpy as np
import polars as pl

from optimizer.scoring import composite, expected_returns, neutralise
from wg_dagster.schemas.tables import TABLES
from wg_dagster.selection.risk import MarketRisk
from wg_dagster.strategies import Strategy

LIST_LENGTH = 100
FEWEST_OF_A_SECTOR = 3  # of each sector that the portfolio must hold
MONTHS_PER_YEAR = 12


def composites(
    strategy: Strategy, *, universe: pl.DataFrame, scores: pl.DataFrame, weights: Mapping[str, float] | None = None
) -> pl.DataFrame:
    """Composite of each member, before and after taking out sector (and size).

    Each factor is neutralised by itself, then the factors are averaged with the strategy's signs and, where given, `weights`.

    Returns
    -------
    | security_id | sector | benchmark_weight | composite | composite_raw | coverage |, sorted by security_id; a member with less than the
    strategy's minimum share of factors has no composite.
    """
    members = universe.join(scores.select("security_id", *strategy.factors), on="security_id", how="left", validate="1:1").sort(
        "security_id"
    )
    raw = np.column_stack([members[factor].fill_null(np.nan).to_numpy() for factor in strategy.factors])
    sector = members["sector"].rank("dense").to_numpy().astype(np.int64)
    log_cap = np.log(members["market_cap"].to_numpy()) if strategy.is_size_neutral else None
    neutral = np.column_stack([neutralise(column, sector, log_cap) for column in raw.T]) if members.height else raw
    signs = np.array(list(strategy.factors.values()), dtype=float)
    if weights is not None:
        share = np.array([weights[factor] for factor in strategy.factors])
        signs = signs * (share / share.mean())  # equal weights are ones
    values, coverage = composite(neutral, signs, minimum_share=strategy.minimum_factor_share)
    raw_values, _ = composite(raw, signs, minimum_share=strategy.minimum_factor_share)
    return members.select("security_id", "sector", "benchmark_weight").with_columns(
        pl.Series("composite", values, dtype=pl.Float64).fill_nan(None),
        pl.Series("composite_raw", raw_values, dtype=pl.Float64).fill_nan(None),
        pl.Series("coverage", coverage, dtype=pl.Float64),
    )


def with_expected_return(strategy: Strategy, scored: pl.DataFrame, risk: MarketRisk | None, *, risk_free: float) -> pl.DataFrame:
    """Add `expected_return` per year: bill rate, beta times premium, and what the composite adds; null without a risk model."""
    if risk is None:
        return scored.with_columns(pl.lit(None, dtype=pl.Float64).alias("expected_return"))
    place = risk.places(scored["security_id"])
    expected = expected_returns(
        scored["composite"].fill_null(np.nan).to_numpy(),
        risk.model.betas(risk.benchmark)[place],
        risk.model.volatilities()[place] / np.sqrt(MONTHS_PER_YEAR),
        risk_free=risk_free,
        equity_premium=strategy.equity_premium,
        information_coefficient=strategy.information_coefficient,
    )
    return scored.with_columns(pl.Series("expected_return", expected, dtype=pl.Float64).fill_nan(None))


def shortlist(strategy: Strategy, scored: pl.DataFrame) -> pl.DataFrame:
    """The best 100 by composite, of which each sector that must be held has as many as it takes.

    A sector must be held where its benchmark weight exceeds the mandate's band. It then sends its best three, or more where the weight
    that it needs takes more names of the largest size; the other places go by composite alone. Ties go by security_id.

    Returns
    -------
    `scored` with `rank`, 1 = highest composite; fewer than 100 rows where fewer members have a composite.
    """
    band, largest = strategy.mandate.sector_band, strategy.mandate.weight[1]
    needed = scored.group_by("sector").agg((pl.col("benchmark_weight").sum() - band).alias("least"))
    names = {sector: max(FEWEST_OF_A_SECTOR, ceil(least / largest)) if least > 0.0 else 0 for sector, least in needed.iter_rows()}
    by_composite = scored.drop_nulls("composite").sort("composite", "security_id", descending=[True, False])
    place_in_sector = pl.int_range(pl.len()).over("sector")
    wanted = pl.col("sector").replace_strict(names, return_dtype=pl.Int64, default=0)
    ordered = by_composite.with_row_index("place").with_columns((place_in_sector < wanted).alias("is_needed"))
    chosen = ordered.sort("is_needed", "place", descending=[True, False]).head(LIST_LENGTH).sort("place")
    return chosen.with_columns(pl.int_range(1, pl.len() + 1, dtype=pl.Int32).alias("rank")).drop("place", "is_needed")


def candidate_rows(strategy: Strategy, month: str, universe: pl.DataFrame, listed: pl.DataFrame) -> pl.DataFrame:
    """Rows of `candidates` from a shortlist with expected returns."""
    as_of = universe.select("security_id", "as_of_date")
    return (
        listed.join(as_of, on="security_id", how="left", validate="1:1")
        .with_columns(pl.lit(strategy.strategy_id).alias("strategy"), pl.lit(month).alias("month"))
        .select(TABLES["candidates"].columns)
        .sort("rank")
    )
