"""Announcements, index levels and rates in other units."""

import polars as pl
from delivery import Files, frame_of, with_frame

from damage.hits import filer, session_of, times
from damage.registry import Draw, Target, damage


@damage
def announced_in_cents(files: Files, draw: Draw, target: Target) -> Files:
    rows = frame_of(files, "announcements.csv")
    hit = pl.lit(value=True) if draw.random() < 0.5 else pl.col("vendor_symbol") == filer(rows, draw, target)
    return with_frame(files, "announcements.csv", rows.with_columns(times("actual_eps", 100.0, hit)))


@damage
def index_in_another_unit(files: Files, draw: Draw, _: Target) -> Files:
    rows = frame_of(files, "index_levels.csv")
    late = pl.col("session_date") >= session_of(rows, draw)
    factor = float(draw.choice([0.1, 10.0, 100.0]))
    return with_frame(files, "index_levels.csv", rows.with_columns(times("level", factor, late)))


@damage
def rates_in_percent(files: Files, draw: Draw, _: Target) -> Files:
    rows = frame_of(files, "rates.csv")
    which = str(draw.choice(["us_bill", "usdjpy"]))
    return with_frame(files, "rates.csv", rows.with_columns(times("value", 100.0, pl.col("rate_id") == which)))
