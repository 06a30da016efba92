"""Checks of statements: how many are restated, who has none, which dates are assumed, which units are wrong."""

from collections.abc import Sequence
from statistics import median

import polars as pl

from wg_dagster.calendars import month_shift
from wg_dagster.quality.figures import Figure, Finding, counted, figures_of
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
    shares = (by_month["failed"] / by_month["total"].rolling_mean(12, min_samples=1)).to_list()
    figures = []
    for place, (month, failed, total) in enumerate(by_month.iter_rows()):
        before = shares[max(place - RESTATEMENT_MONTHS, 0) : place]
        if month in months and len(before) >= FEWEST_RESTATEMENT_MONTHS:
            limit = median(before) + THRESHOLDS["restatements"].limit
            figures.append(Figure(month, "", shares[place], failed, total, limit))
    return Finding("restatements", figures, lambda: judged.filter("restates"))


def _filing_coverage(versions: pl.DataFrame, securities: pl.DataFrame, months: Sequence[str]) -> Finding:
    """Share of the listed companies that have a statement of the last 15 months; judged once that many months are stored."""
    files = pl.col("security_type").is_in(_FUNDS).not_() & (pl.col("security_type").is_not_null() | pl.col("is_eligible"))
    listed = (pl.col("listed_to") > pl.col("as_of_date")).fill_null(value=True) & ~pl.col("quality").str.contains("no_prices")
    first = str(versions["month"].min())
    judged = [month for month in months if month_shift(month, 1 - STATEMENT_MONTHS) >= first]
    companies = securities.filter(pl.col("month").is_in(judged) & files.fill_null(value=True) & listed).with_columns(_number())
    known = versions.select("security_id", _number(), pl.lit(value=True).alias("has_filed")).unique()
    recent = companies.sort("number").join_asof(
        known.sort("number"), on="number", by="security_id", tolerance=STATEMENT_MONTHS - 1, check_sortedness=False
    )
    silent = pl.col("has_filed").is_null()
    by_market = recent.group_by("month", "market").agg(counted((~silent).mean(), silent.sum()))
    figures = figures_of(by_market.filter(pl.col("total") >= FEWEST_NAMES))
    return Finding("filing_coverage", figures, lambda: recent.filter(silent))


def _assumed_lag(rows: pl.DataFrame) -> Finding:
    assumed = pl.col("known_at_rule") == "assumed_lag"
    return Finding("assumed_lag", _by_month(rows, assumed.mean(), assumed.sum()), lambda: rows.filter(assumed))


def _unit_jumps(versions: pl.DataFrame, months: Sequence[str]) -> Finding:
    """Statements whose total assets are a hundred times those of the statement before, or a hundredth."""
    said = versions.filter(pl.col("assets") > 0.0).sort("security_id", "period_kind", "known_at", "period_end_date")
    same = (pl.col("security_id") == pl.col("security_id").shift()) & (pl.col("period_kind") == pl.col("period_kind").shift())
    ratio = pl.col("assets") / pl.col("assets").shift()
    jumps = (same & ((ratio >= UNIT_FACTOR) | (ratio <= 1.0 / UNIT_FACTOR))).fill_null(value=False)
    judged = said.with_columns(jumps.alias("jumps")).filter(pl.col("month").is_in(list(months)))
    figures = _by_month(judged, pl.col("jumps").sum(), pl.col("jumps").sum())
    return Finding("unit_jumps", figures, lambda: judged.filter("jumps"))


def _by_month(rows: pl.DataFrame, value: pl.Expr, failed: pl.Expr) -> list[Figure]:
    return figures_of(rows.group_by("month", pl.lit("").alias("part")).agg(counted(value, failed)))


def _number() -> pl.Expr:
    """The month as a running number."""
    year, number = pl.col("month").str.slice(0, 4).cast(pl.Int32), pl.col("month").str.slice(5, 2).cast(pl.Int32)
    return (year * 12 + number).alias("number")
