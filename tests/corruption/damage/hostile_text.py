"""Symbols and names that mean harm, or are only badly written."""

import polars as pl
from delivery import Files, frame_of, with_frame

from damage.hits import renamed, told
from damage.registry import Draw, Target, damage


@damage
def path_as_symbol(files: Files, draw: Draw, target: Target) -> Files:
    return renamed(files, draw, target, str(draw.choice(["../../../etc/passwd", "..\\..\\boot", "/dev/null", "a/b\x00c"])))


@damage
def script_as_symbol(files: Files, draw: Draw, target: Target) -> Files:
    return renamed(files, draw, target, "<script>alert(1)</script>")


@damage
def script_as_name(files: Files, draw: Draw, target: Target) -> Files:
    return told(files, draw, target, "<script>alert('x')</script>")


@damage
def formula_as_name(files: Files, draw: Draw, target: Target) -> Files:
    return told(files, draw, target, '=HYPERLINK("x")')


@damage
def statement_as_symbol(files: Files, draw: Draw, target: Target) -> Files:
    return renamed(files, draw, target, "'; drop table prices; --")


@damage
def long_symbol(files: Files, draw: Draw, target: Target) -> Files:
    return renamed(files, draw, target, "X" * 300)


@damage
def long_name(files: Files, draw: Draw, target: Target) -> Files:
    return told(files, draw, target, "Long " * 20_000)


@damage
def blanks_around(files: Files, draw: Draw, _: Target) -> Files:
    rows = frame_of(files, "prices.csv")
    return with_frame(
        files,
        "prices.csv",
        rows.with_columns(pl.format(" {}\t", "vendor_symbol").alias("vendor_symbol"), pl.format(" {} ", "close").alias("close")),
    )


@damage
def lower_case_symbols(files: Files, draw: Draw, _: Target) -> Files:
    rows = frame_of(files, "prices.csv")
    return with_frame(files, "prices.csv", rows.with_columns(pl.col("vendor_symbol").str.to_lowercase()))
