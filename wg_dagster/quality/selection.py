"""Checks of what a strategy decides: its universe, scores, candidates and portfolio."""

from collections.abc import Sequence
from itertools import pairwise

import polars as pl

from wg_dagster.quality.figures import Finding, figures
from wg_dagster.quality.looks import Stored
from wg_dagster.selection.candidates import LIST_LENGTH
from wg_dagster.selection.universe import UNKNOWN_SECTOR
from wg_dagster.strategies import find_strategy

_ISSUER_LIMIT = 0.10  # strictly under


def check_universe(rows: pl.DataFrame, months: Sequence[str], stored: Stored) -> list[Finding]:
    """Size, turnover, sectors and benchmark weights of `universe_members`."""
    seen = pl.concat([stored("universe_members"), rows.select("month", "security_id")])
    members = {str(key[0]): set(part["security_id"]) for key, part in seen.group_by("month")}
    order = sorted({*members, *months})
    sizes, kept, lost = [], [], []
    for before, month in pairwise(order):
        old, new = members.get(before, set()), members.get(month, set())
        if month not in months or not old:
            continue
        sizes.append((month, "", abs(len(new) / len(old) - 1.0), abs(len(new) - len(old)), len(new)))
        kept.append((month, "", len(old & new) / len(old), len(old - new), len(old)))
        lost += [(month, name) for name in old - new]
    unknown = pl.col("sector").is_null() | (pl.col("sector") == UNKNOWN_SECTOR)
    return [
        Finding("universe_size", figures(sizes)),
        Finding("universe_kept", figures(kept), lambda: pl.DataFrame(lost, schema=["month", "security_id"], orient="row")),
        Finding("sector_unknown", _share(rows, unknown), lambda: rows.filter(unknown)),
        Finding("benchmark_weights", _off_one(rows, "benchmark_weight", 1.0)),
    ]


def check_scores(rows: pl.DataFrame, strategy: str) -> list[Finding]:
    """Members that have enough of the strategy's factors."""
    few = pl.col("coverage") < find_strategy(strategy).minimum_factor_share - 1e-9
    return [Finding("scored_members", _share(rows, few, of_good=True), lambda: rows.filter(few))]


def check_candidates(rows: pl.DataFrame) -> list[Finding]:
    """The length of the list."""
    counted = rows.group_by("month").len().sort("month")
    return [
        Finding("candidate_count", figures([(month, "", float(count), LIST_LENGTH - count, count) for month, count in counted.iter_rows()]))
    ]


def check_portfolio(rows: pl.DataFrame, stored: Stored, strategy: str) -> list[Finding]:
    """Names, weights and issuers of `model_portfolios` against the mandate; judged where there is a portfolio."""
    mandate = find_strategy(strategy).mandate
    fewest, most = mandate.names
    sizes = rows.group_by("month").len().sort("month")
    beyond = [
        (month, "", float(max(fewest - count, count - most, 0)), max(fewest - count, count - most, 0), count)
        for month, count in sizes.iter_rows()
    ]
    owners = stored("universe_members").unique(["month", "security_id"])
    issuers = (
        rows.join(owners, on=["month", "security_id"], how="left", validate="m:1")
        .group_by("month", pl.coalesce("issuer_id", "security_id").alias("issuer"))
        .agg(pl.col("weight").sum(), pl.col("security_id").min())
    )
    large = pl.col("weight") >= _ISSUER_LIMIT
    failed = large.sum().cast(pl.Int64)
    heavy = issuers.group_by("month").agg(
        pl.lit("").alias("part"), failed.cast(pl.Float64).alias("value"), failed.alias("failed"), pl.len().cast(pl.Int64).alias("total")
    )
    return [
        Finding("portfolio_names", figures(beyond)),
        Finding("portfolio_weights", _off_one(rows, "weight", 1.0 - mandate.cash)),
        Finding("issuer_weight", heavy, lambda: issuers.filter(large)),
    ]


def _share(rows: pl.DataFrame, bad: pl.Expr, *, of_good: bool = False) -> pl.DataFrame:
    share = 1.0 - bad.mean() if of_good else bad.mean()
    return rows.group_by("month").agg(
        pl.lit("").alias("part"),
        share.cast(pl.Float64).alias("value"),
        bad.sum().cast(pl.Int64).alias("failed"),
        pl.len().cast(pl.Int64).alias("total"),
    )


def _off_one(rows: pl.DataFrame, column: str, whole: float) -> pl.DataFrame:
    """How far a month's weights are from their sum."""
    size = pl.len().cast(pl.Int64)
    ordered = rows.sort("month", "security_id").group_by("month", maintain_order=True)
    return ordered.agg(
        pl.lit("").alias("part"), (pl.col(column).sum() - whole).abs().alias("value"), size.alias("failed"), size.alias("total")
    )
