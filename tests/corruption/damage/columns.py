"""Columns added, renamed, repeated, moved, or shifted against their header."""

import polars as pl
from delivery import Files, frame_of, with_frame

from damage.hits import times
from damage.registry import FILES, Draw, Target, damage


@damage
def column_added(files: Files, draw: Draw, _: Target) -> Files:
    name = str(draw.choice(FILES))
    rows = frame_of(files, name)
    return with_frame(files, name, rows.insert_column(int(draw.integers(0, rows.width)), pl.lit("new").alias("rating")))


@damage
def column_renamed(files: Files, draw: Draw, _: Target) -> Files:
    name = str(draw.choice(FILES))
    rows = frame_of(files, name)
    column = str(draw.choice(rows.columns))
    return with_frame(files, name, rows.rename({column: f"{column}_v2"}))


@damage
def column_twice(files: Files, draw: Draw, _: Target) -> Files:
    name = str(draw.choice(FILES))
    lines = files[name].splitlines()
    first = lines[0].split(b",")[-1]
    return {**files, name: b"\n".join([lines[0] + b"," + first, *(line + b",1" for line in lines[1:])]) + b"\n"}


@damage
def columns_reordered(files: Files, draw: Draw, _: Target) -> Files:
    name = str(draw.choice(FILES))
    rows = frame_of(files, name)
    return with_frame(files, name, rows.select(draw.permutation(rows.columns).tolist()))


@damage
def header_in_capitals(files: Files, draw: Draw, _: Target) -> Files:
    name = str(draw.choice(FILES))
    first, rest = files[name].split(b"\n", 1)
    return {**files, name: first.upper() + b"\n" + rest}


@damage
def header_lost(files: Files, draw: Draw, _: Target) -> Files:
    name = str(draw.choice(FILES))
    return {**files, name: files[name].split(b"\n", 1)[1]}


@damage
def header_shifted(files: Files, draw: Draw, _: Target) -> Files:
    """The names of two columns of figures are exchanged: the values stand under the wrong names."""
    pairs = (("open", "close"), ("high", "low"), ("close", "volume"), ("close", "cash_dividend"), ("close", "split_ratio"))
    one, other = pairs[int(draw.integers(len(pairs)))]
    rows = frame_of(files, "prices.csv")
    return with_frame(files, "prices.csv", rows.rename({one: other, other: one}))


@damage
def numbers_as_words(files: Files, draw: Draw, _: Target) -> Files:
    rows = frame_of(files, "prices.csv")
    unit = str(draw.choice(["$", "USD ", "~", "'"]))
    return with_frame(files, "prices.csv", rows.with_columns((pl.lit(unit) + pl.col("close")).alias("close")))


@damage
def volume_in_thousands(files: Files, draw: Draw, target: Target) -> Files:
    rows = frame_of(files, "prices.csv")
    whole = draw.random() < 0.5
    hit = pl.lit(value=True) if whole else pl.col("vendor_symbol") == target.name(draw)
    return with_frame(files, "prices.csv", rows.with_columns(times("volume", 0.001, hit)))
