"""Damages that nobody can tell from news: what they can do at most is measured, not prevented (docs/data-quality.md)."""

import numpy as np
import polars as pl
from damage import Damage, Draw, Target, filer, session_of, statement_of
from delivery import Files, frame_of, with_frame

NEWS: dict[str, Damage] = {}


def news(function: Damage) -> Damage:
    """Register a damage that looks like news."""
    NEWS[function.__name__] = function
    return function


@news
def two_names_of_one_price_exchanged(files: Files, draw: Draw, target: Target) -> Files:
    """Two names whose prices lie next to each other exchange their rows: each moves as on an ordinary day."""
    rows = frame_of(files, "prices.csv")
    closes = dict(rows.group_by("vendor_symbol").agg(pl.col("close").cast(pl.Float64).mean()).sort("vendor_symbol").iter_rows())
    one = target.name(draw)
    other = min((symbol for symbol in closes if symbol != one), key=lambda symbol: abs(np.log(closes[symbol] / closes[one])))
    hit = pl.col("session_date") >= session_of(rows, draw)
    swapped = pl.col("vendor_symbol").replace({one: other, other: one})
    return with_frame(files, "prices.csv", rows.with_columns(pl.when(hit).then(swapped).otherwise("vendor_symbol").alias("vendor_symbol")))


@news
def a_close_off_by_a_twentieth(files: Files, draw: Draw, target: Target) -> Files:
    """One wrong close, within the day's range: five per cent up or down."""
    rows = frame_of(files, "prices.csv")
    hit = (pl.col("vendor_symbol") == target.name(draw)) & (pl.col("session_date") == session_of(rows, draw))
    wrong = pl.col("close").cast(pl.Float64) * float(draw.choice([0.95, 1.05]))
    return with_frame(files, "prices.csv", rows.with_columns(pl.when(hit).then(wrong.cast(pl.String)).otherwise("close").alias("close")))


@news
def profit_off_by_a_half(files: Files, draw: Draw, target: Target) -> Files:
    """An operating profit half as large again, or half: a good quarter, or a bad one."""
    return statement_of(files, draw, target, float(draw.choice([0.5, 1.5])), "operating_profit")


@news
def one_statement_missing(files: Files, draw: Draw, target: Target) -> Files:
    """One company's statement does not come: it may be late."""
    rows = frame_of(files, "statements.csv")
    return with_frame(files, "statements.csv", rows.filter(pl.col("vendor_symbol") != filer(rows, draw, target)))
