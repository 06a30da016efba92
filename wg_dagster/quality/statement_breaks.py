"""Checks of statements that look for another unit, another firm, or a part of a file that did not come."""

from collections.abc import Sequence

import numpy as np
import polars as pl

from wg_dagster.quality.figures import Finding, counted, figures_of
from wg_dagster.quality.looks import STATEMENT_COLUMNS, STATEMENT_ITEMS, Stored
from wg_dagster.quality.overdue import overdue

_SERIES = ["security_id", "period_kind"]
_MATERIAL = 0.02  # of assets: income near zero changes by any share
_LARGE = 0.3  # of the larger of two versions of one figure
_RESTATED = ("revenue", "net_income", "assets", "equity")
_SIZES = ("assets", "equity", "revenue", "shares_outstanding")
_SIZE_CHANGE = 1.5
_FEWEST_SIZES = 2
_MOVED = 0.15**2  # mean square of logarithms: a tenth to a fifth in a quarter is growth
_NEARER = 0.1  # of the mean square distance to the firm's own last statement
_STEADY = (
    "revenue",
    "assets",
    "current_assets",
    "current_liabilities",
    "total_liabilities",
    "equity",
    "cash",
    "debt",
    "shares_outstanding",
)
_SWINGING = ("operating_profit", "net_income", "operating_cash_flow", "eps_basic", "eps_diluted")
_OF_ASSETS = 0.3
_TIMES = 100.0
_THOUSANDS = (3.0, 6.0)  # powers of ten of the units in which statements are printed
_DIGITS = 0.5  # powers of ten that an item may lie off its exact thousandth
_SMALLEST_EPS = 0.10  # below, rounding to cents makes the quotient useless
_SHARES_FACTOR = 5.0
_QUARTER = 100  # days after the end of the newest period before another one can be overdue


def check_statements(rows: pl.DataFrame, months: Sequence[str], stored: Stored) -> list[Finding]:
    """Items, sizes, restatements, contradictions and overdue statements of `fundamentals_clean`."""
    versions = pl.concat([stored("fundamentals_clean"), rows.select(STATEMENT_COLUMNS)])
    judged = _with_exchanged(_beside_the_last(versions).filter(pl.col("month").is_in(list(months))))
    return [
        _finding("item_jumps", judged, _item_jumps()),
        _finding("large_restatements", _beside_the_same(versions).filter(pl.col("month").is_in(list(months))), _restates()),
        _finding("statement_breaks", judged, pl.col("exchanged") | _other_size().fill_null(value=False)),
        _finding("share_units", rows, pl.col("quality").str.split(",").list.contains("shares_in_wrong_unit")),
        _finding("eps_contradicts", rows.filter(~pl.col("is_derived")), _contradicts()),
        overdue("overdue_statements", versions.rename({"period_end_date": "about"}), stored("securities_clean"), months, after=_QUARTER),
    ]


def _finding(check: str, rows: pl.DataFrame, condition: pl.Expr) -> Finding:
    marked = rows.with_columns(condition.fill_null(value=False).alias("_hit"))
    figures = figures_of(marked.group_by("month", pl.lit("").alias("part")).agg(counted(pl.col("_hit").sum(), pl.col("_hit").sum())))
    return Finding(check, figures, lambda: marked.filter("_hit"))


def _beside_the_last(versions: pl.DataFrame) -> pl.DataFrame:
    """Each newest period beside the one before it of the same length: `before.<item>`."""
    newest = versions.sort(*_SERIES, "known_at", "period_end_date").filter(
        pl.col("period_end_date") >= pl.col("period_end_date").cum_max().over(_SERIES)
    )
    items = (*STATEMENT_ITEMS, "shares_outstanding")
    return newest.with_columns(pl.col(item).shift().over(_SERIES).alias(f"before.{item}") for item in items)


def _beside_the_same(versions: pl.DataFrame) -> pl.DataFrame:
    """Each version beside the one before it of the same period."""
    period = [*_SERIES, "period_end_date"]
    return versions.sort(*period, "known_at").with_columns(pl.col(item).shift().over(period).alias(f"before.{item}") for item in _RESTATED)


def _item_jumps() -> pl.Expr:
    """An item a hundred times the last one, or a thousandth (a millionth) of it; what swings around zero must also be large for the firm."""
    parts = []
    for item in (*_STEADY, *_SWINGING):
        now, before = pl.col(item), pl.col(f"before.{item}")
        ratio = (now / before).abs()
        large = (ratio > _TIMES) & (pl.lit(value=True) if item in _STEADY else now.abs() > _OF_ASSETS * pl.col("assets"))
        small = pl.any_horizontal((ratio.log10() + power).abs() < _DIGITS for power in _THOUSANDS)
        parts.append((now != 0) & (before != 0) & (large | small))
    return pl.any_horizontal(parts)


def _restates() -> pl.Expr:
    parts = []
    for item in _RESTATED:
        now, before = pl.col(item), pl.col(f"before.{item}")
        moved = (now - before).abs()
        large = moved > _LARGE * pl.max_horizontal(now.abs(), before.abs())
        parts.append(large & (moved > _MATERIAL * pl.col("assets")) if item == "net_income" else large)
    return pl.any_horizontal(parts)


def _resized(item: str) -> pl.Expr:
    return (pl.col(item) / pl.col(f"before.{item}")).is_between(1 / _SIZE_CHANGE, _SIZE_CHANGE).not_()


def _other_size() -> pl.Expr:
    """Assets and share count, or where there is none assets, sales and equity, all of another size than in the statement before."""
    counted_shares = (pl.col("shares_outstanding") > 0) & (pl.col("before.shares_outstanding") > 0)
    shares = counted_shares.fill_null(value=False)
    return _resized("assets") & pl.when(shares).then(_resized("shares_outstanding")).otherwise(_resized("revenue") & _resized("equity"))


def _with_exchanged(judged: pl.DataFrame) -> pl.DataFrame:
    """Add `exchanged`: of the statements of a month, two that each continue the other firm's last one and not their own."""
    hits: list[int] = []
    for _, month in judged.with_row_index("_row").group_by("month", "period_kind", maintain_order=True):
        last = month.unique("security_id", keep="last", maintain_order=True)
        now, before = _logs(last, ""), _logs(last, "before.")
        own = _apart(now, before)
        moved = np.flatnonzero(np.isfinite(own) & (own > _MOVED))  # the others continue themselves, and there are many of them
        distance = _apart(now[moved, None, :], before[None, moved, :])
        nearer = distance < _NEARER * own[moved, None]
        hits += last["_row"].to_numpy()[moved[(nearer & nearer.T).any(axis=1)]].tolist()
    return judged.with_columns(pl.int_range(pl.len()).is_in(hits).alias("exchanged"))


def _logs(rows: pl.DataFrame, prefix: str) -> np.ndarray:
    """(rows, sizes) logarithms, NaN where a size is unknown or not positive."""
    sizes = [pl.when(pl.col(f"{prefix}{item}") > 0).then(pl.col(f"{prefix}{item}").log()).alias(item) for item in _SIZES]
    return rows.select(sizes).fill_null(np.nan).to_numpy()


def _apart(one: np.ndarray, other: np.ndarray) -> np.ndarray:
    """Mean square of the differences of the sizes (last axis) known on both sides; infinite where fewer than two are."""
    squares = (one - other) ** 2
    there = np.isfinite(squares)
    known, total = there.sum(axis=-1), np.where(there, squares, 0.0).sum(axis=-1)
    return np.divide(total, known, out=np.full(total.shape, np.inf), where=known >= _FEWEST_SIZES)


def _contradicts() -> pl.Expr:
    """Net income over earnings per share is another number than the shares, or has another sign."""
    counts = [pl.col("net_income") / pl.col(eps) / pl.col("shares_outstanding") for eps in ("eps_diluted", "eps_basic")]
    usable = [pl.col(eps).abs() >= _SMALLEST_EPS for eps in ("eps_diluted", "eps_basic")]
    off = [enough & ~count.is_between(1 / _SHARES_FACTOR, _SHARES_FACTOR) for enough, count in zip(usable, counts, strict=True)]
    return (pl.col("shares_outstanding") > 0) & pl.any_horizontal(off)
