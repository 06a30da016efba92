"""Whom and what a damage hits: a session, a company with a statement, the figures of a name."""

import io
from collections.abc import Sequence

import polars as pl
from delivery import Files, frame_of, with_frame

from damage.registry import Draw, Target


def times(column: str, factor: float, hit: pl.Expr | None = None) -> pl.Expr:
    """Text of a figure times a factor, where `hit`."""
    made = (pl.col(column).cast(pl.Float64) * factor).round_sig_figs(12).cast(pl.String)
    return (made if hit is None else pl.when(hit).then(made).otherwise(column)).alias(column)


def session_of(rows: pl.DataFrame, draw: Draw) -> str:
    sessions = rows["session_date"].unique().sort().to_list()
    return sessions[int(draw.integers(1, len(sessions)))]


def filer(rows: pl.DataFrame, draw: Draw, target: Target) -> str:
    """A symbol with a row; every other time one that is held, where there is one."""
    there = rows["vendor_symbol"].unique().sort().to_list()
    held = [symbol for symbol in there if symbol in set(target.held)]
    return str(draw.choice(held if held and draw.random() < 0.5 else there))


def factor_of_units(draw: Draw) -> float:
    return float(draw.choice([1e3, 1e-3, 1e6]))


def scaled(
    files: Files,
    draw: Draw,
    target: Target,
    factor: float,
    *,
    days: int,
    volume: float = 1.0,
    columns: Sequence[str] = ("open", "high", "low", "close"),
) -> Files:
    """Prices of a name times a factor, for some sessions from one on."""
    rows = frame_of(files, "prices.csv")
    sessions = rows["session_date"].unique().sort().to_list()
    first = int(draw.integers(1, len(sessions)))
    hit = (pl.col("vendor_symbol") == target.name(draw)) & pl.col("session_date").is_in(sessions[first : first + days])
    changed = [times(name, factor, hit) for name in columns]
    return with_frame(files, "prices.csv", rows.with_columns(*changed, times("volume", volume, hit)))


def some_prices(files: Files, draw: Draw, target: Target, column: str, value: str) -> Files:
    """A column of one name in one session."""
    rows = frame_of(files, "prices.csv")
    hit = (pl.col("vendor_symbol") == target.name(draw)) & (pl.col("session_date") == session_of(rows, draw))
    return with_frame(files, "prices.csv", rows.with_columns(pl.when(hit).then(pl.lit(value)).otherwise(column).alias(column)))


def statement_of(files: Files, draw: Draw, target: Target, factor: float, column: str) -> Files:
    rows = frame_of(files, "statements.csv")
    hit = pl.col("vendor_symbol") == filer(rows, draw, target)
    return with_frame(files, "statements.csv", rows.with_columns(times(column, factor, hit)))


def renamed(files: Files, draw: Draw, target: Target, symbol: str) -> Files:
    """The rows of a name, from a session on, under another symbol."""
    rows = frame_of(files, "prices.csv")
    hit = (pl.col("vendor_symbol") == target.name(draw)) & (pl.col("session_date") >= session_of(rows, draw))
    return with_frame(
        files, "prices.csv", rows.with_columns(pl.when(hit).then(pl.lit(symbol)).otherwise("vendor_symbol").alias("vendor_symbol"))
    )


def told(files: Files, draw: Draw, target: Target, name: str) -> Files:
    """A new line about a listed name, which only changes its name."""
    content = pl.read_csv(io.BytesIO(files["securities.csv"]), infer_schema=False)
    line = dict.fromkeys(content.columns) | {
        "known_at": "2025-05-12T20:00:00Z",
        "vendor_symbol": target.name(draw),
        "name": name,
        "exchange": "XNYS",
        "currency": "USD",
        "security_type": "common",
    }
    return with_frame(files, "securities.csv", pl.concat([content, pl.DataFrame([line], schema=content.schema)]))
