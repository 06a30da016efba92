"""One month of one strategy, explained: factor returns, attribution rows, and the verdict on whether the lines add up."""

import numpy as np
import polars as pl

from optimizer.cross_section import CrossSection, Design, design, fit
from wg_dagster.performance.attribution import Lines, attribution_rows, brinson_lines, factor_lines, factor_return_rows
from wg_dagster.performance.book import Book
from wg_dagster.quality.gate import verdict
from wg_dagster.schemas.columns import FACTORS
from wg_dagster.schemas.tables import TABLES
from wg_dagster.strategies import Strategy

DAILY_TOLERANCE = 1e-9  # returns are stored in units of 1e-9
MONTHLY_TOLERANCE = 0.5e-4  # half a basis point: beyond it the lines do not explain the letter's figure


def with_scores(universe: pl.DataFrame, scores: pl.DataFrame) -> pl.DataFrame:
    """Members of one month sorted by security_id, with sector and industry named and the fourteen scores (null = unknown)."""
    joined = universe.join(scores.select("security_id", *FACTORS), on="security_id", how="left", validate="1:1")
    return joined.with_columns(pl.col("sector", "industry").fill_null("Unknown")).sort("security_id")


def explain_month(strategy: Strategy, month: str, opened: Book, members: pl.DataFrame) -> tuple[dict[str, pl.DataFrame], dict[str, object]]:
    """Rows of `factor_returns` and `attribution` of a month, and the verdict on whether the lines add up."""
    exposure, fitted = fit_month(opened, members)
    lines = [
        factor_lines(opened, exposure, fitted),
        brinson_lines(opened, members["sector"].to_list()),
        brinson_lines(opened, members["industry"].to_list(), "brinson_industry"),
    ]
    built = {
        "factor_returns": _rows("factor_returns", strategy, month, factor_return_rows(fitted)),
        "attribution": _rows("attribution", strategy, month, pl.concat(attribution_rows(opened, each) for each in lines)),
    }
    return built, _adds_up(strategy, month, opened, lines, fitted)


def fit_month(opened: Book, members: pl.DataFrame) -> tuple[Design, CrossSection]:
    """Daily factor returns of a month over the universe of the month before."""
    names = sorted(set(members["sector"]))
    codes = np.array([names.index(sector) for sector in members["sector"]])
    styles = members.select(FACTORS).fill_null(float("nan")).to_numpy()
    exposure = design(codes, styles, members["market_cap"].to_numpy(), tuple(names), FACTORS)
    return exposure, fit(opened.session_returns, exposure)


def _rows(table: str, strategy: Strategy, month: str, rows: pl.DataFrame) -> pl.DataFrame:
    keys = rows.with_columns(pl.lit(strategy.strategy_id).alias("strategy"), pl.lit(month).alias("month"))
    return keys.select(pl.col(name).cast(dtype) for name, dtype in TABLES[table].schema.items())


def _adds_up(strategy: Strategy, month: str, opened: Book, lines: list[Lines], fitted: CrossSection) -> dict[str, object]:
    """The check `attribution_adds_up`: WARN where a day is off by more than rounding, ERROR where the month is off by half a point."""
    off = np.abs(np.column_stack([each.unexplained for each in lines]))
    worst, whole = float(off.max()), float(off.sum(axis=0).max())
    details = {
        "largest_unexplained_day": worst,
        "unexplained_month": whole,
        "names": len(opened.member),
        "mean_r_squared": float(np.nanmean(fitted.r_squared)) if np.isfinite(fitted.r_squared).any() else None,
        "condition": fitted.condition,
    }
    return verdict(
        "attribution",
        month,
        "attribution",
        "attribution_adds_up",
        passed=worst <= DAILY_TOLERANCE,
        severity="ERROR" if whole > MONTHLY_TOLERANCE else "WARN",
        failed_rows=int((off > DAILY_TOLERANCE).any(axis=1).sum()),
        total_rows=len(opened.days),
        strategy=strategy.strategy_id,
        details=details,
    )
