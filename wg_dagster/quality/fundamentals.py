"""Checks of statements: how many are restated, who has none, which dates are assumed, which units are wrong."""

from collections.abc import Sequence
from statistics import median

import polars as pl

from wg_dagster.quality.figures import FIGURES, Finding
from wg_dagster.quality.looks import STATEMENT_COLUMNS, STATEMENT_ITEMS, Stored
from wg_dagster.quality.thresholds import (
    FEWEST_NAMES,
    FEWEST_RESTATEMENT_MONTHS,
    RESTATEMENT_MONTHS,
    STATEMENT_MONTHS,
    THRESHOLDS,
    UNIT_FACTOR,
)

_FUNDS = ("etf", "fund", "preferred", "unit", "other")  # they file no statements of a company
_ROUNDING = 1e-9  # relative: a figure that was computed in another order is not another figure


def check_fundamentals(rows: pl.DataFrame, months: Sequence[str], stored: Stored) -> list[Finding]:
    """Restatements, coverage, assumed dates and units of `fundamentals_clean`."""
    versions = pl.concat([stored("fundamentals_clean"), rows.select(STATEMENT_COLUMNS)])
    return [
        _restatements(versions, months),
        _filing_coverage(versions, stored("securities_clean"), months),
        _assumed_lag(rows),
        _unit_jumps(versions, months),
    ]


def restated(versions: pl.DataFrame) -> pl.DataFrame:
    """Add `restates`: the version changes a value that the version before it had."""
    group = ["security_id", "period_end_date", "period_kind"]
    ordered = versions.sort(*group, "known_at")
    again = pl.all_horizontal(pl.col(name) == pl.col(name).shift() for name in group)
    changes = ((pl.col(item) - pl.col(item).shift()).abs() > _ROUNDING * pl.col(item).shift().abs() for item in STATEMENT_ITEMS)
    return ordered.with_columns((again & pl.any_horizontal(changes)).fill_null(value=False).alias("restates"))


def _restatements(versions: pl.DataFrame, months: Sequence[str]) -> Finding:
    """Versions that restate, in shares of a normal month's versions; the limit is the median of 24 months plus the threshold.

    A normal month is the mean of the last twelve: filings come in seasons, restatements all year.
    """
    judged = restated(versions)
    by_month = judged.group_by("month").agg(pl.col("restates").sum().alias("failed"), pl.len().alias("total")).sort("month")
    usual = by_month["total"].rolling_mean(12, min_samples=1)
    shares = (by_month["failed"] / usual).to_list()
    rows = []
    for place, (month, failed, total) in enumerate(by_month.iter_rows()):
        before = shares[max(place - RESTATEMENT_MONTHS, 0) : place]
        if month in months and len(before) >= FEWEST_RESTATEMENT_MONTHS:
            rows.append((month, "", shares[place], failed, total, median(before) + THRESHOLDS["restatements"].limit))
    found = pl.DataFrame(rows, schema={**FIGURES, "limit": pl.Float64}, orient="row")
    return Finding("restatements", found, lambda: judged.filter("restates"))


def _filing_coverage(versions: pl.DataFrame, securities: pl.DataFrame, months: Sequence[str]) -> Finding:
    """Share of the listed companies that have a statement of the last 15 months; judged once that many months are stored."""
    files = pl.col("security_type").is_in(_FUNDS).not_() & (pl.col("security_type").is_not_null() | pl.col("is_eligible"))
    listed = (pl.col("listed_to") > pl.col("as_of_date")).fill_null(value=True) & ~pl.col("quality").str.contains("no_prices")
    first = versions["month"].min()
    begun = pl.col("_number") - (STATEMENT_MONTHS - 1) >= _number_of(first) if first else pl.lit(value=False)
    companies = securities.filter(files.fill_null(value=True) & listed & pl.col("month").is_in(list(months))).with_columns(
        _number().alias("_number")
    )
    known = versions.select("security_id", _number().alias("_number"), pl.lit(value=True).alias("files")).unique()
    recent = (
        companies.filter(begun)
        .sort("_number")
        .join_asof(known.sort("_number"), on="_number", by="security_id", tolerance=STATEMENT_MONTHS - 1, check_sortedness=False)
    )
    silent = pl.col("files").is_null()
    counted = recent.group_by("month", "market").agg(
        (1 - silent.mean()).alias("value"), silent.sum().alias("failed"), pl.len().alias("total")
    )
    enough = counted.filter(pl.col("total") >= FEWEST_NAMES)
    figures = enough.select("month", pl.col("market").alias("part"), "value", pl.col("failed", "total").cast(pl.Int64))
    return Finding("filing_coverage", figures, lambda: recent.filter(silent))


def _assumed_lag(rows: pl.DataFrame) -> Finding:
    assumed = pl.col("known_at_rule") == "assumed_lag"
    counted = rows.group_by("month").agg(
        assumed.mean().alias("value"), assumed.sum().cast(pl.Int64).alias("failed"), pl.len().cast(pl.Int64).alias("total")
    )
    return Finding(
        "assumed_lag", counted.select("month", pl.lit("").alias("part"), "value", "failed", "total"), lambda: rows.filter(assumed)
    )


def _unit_jumps(versions: pl.DataFrame, months: Sequence[str]) -> Finding:
    """Statements whose total assets are a hundred times those of the statement before, or a hundredth."""
    said = versions.filter(pl.col("assets") > 0.0).sort("security_id", "period_kind", "known_at", "period_end_date")
    same = (pl.col("security_id") == pl.col("security_id").shift()) & (pl.col("period_kind") == pl.col("period_kind").shift())
    ratio = pl.col("assets") / pl.col("assets").shift()
    jumps = same & ((ratio >= UNIT_FACTOR) | (ratio <= 1.0 / UNIT_FACTOR))
    judged = said.with_columns(jumps.fill_null(value=False).alias("jumps")).filter(pl.col("month").is_in(list(months)))
    failed = pl.col("jumps").sum().cast(pl.Int64)
    counted = judged.group_by("month").agg(
        failed.cast(pl.Float64).alias("value"), failed.alias("failed"), pl.len().cast(pl.Int64).alias("total")
    )
    return Finding(
        "unit_jumps", counted.select("month", pl.lit("").alias("part"), "value", "failed", "total"), lambda: judged.filter("jumps")
    )


def _number() -> pl.Expr:
    return (pl.col("month").str.slice(0, 4).cast(pl.Int32) * 12 + pl.col("month").str.slice(5, 2).cast(pl.Int32)).alias("_number")


def _number_of(month: object) -> int:
    year, number = str(month).split("-")
    return int(year) * 12 + int(number)
