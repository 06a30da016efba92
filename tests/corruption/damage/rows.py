"""Rows that come twice, in another order, late, or not at all."""

import polars as pl
from delivery import Files, frame_of, with_frame

from damage.hits import filer, session_of, times
from damage.registry import FILES, Draw, Target, damage


@damage
def rows_twice(files: Files, draw: Draw, _: Target) -> Files:
    name = str(draw.choice(FILES))
    lines = files[name].splitlines(keepends=True)
    again = [lines[place] for place in draw.integers(1, len(lines), max(len(lines) // 3, 1))]
    return {**files, name: b"".join([*lines, *again])}


@damage
def rows_twice_with_another_value(files: Files, draw: Draw, target: Target) -> Files:
    rows = frame_of(files, "prices.csv")
    again = rows.filter(pl.col("vendor_symbol") == target.name(draw)).with_columns(times("close", 1.5))
    return with_frame(files, "prices.csv", pl.concat([rows, again]))


@damage
def statements_twice_with_another_value(files: Files, draw: Draw, target: Target) -> Files:
    rows = frame_of(files, "statements.csv")
    again = rows.filter(pl.col("vendor_symbol") == filer(rows, draw, target)).with_columns(times("net_income", 3.0), times("revenue", 3.0))
    return with_frame(files, "statements.csv", pl.concat([rows, again]))


@damage
def file_twice(files: Files, draw: Draw, _: Target) -> Files:
    name = str(draw.choice(FILES))
    return {**files, name.replace(".csv", "_copy.csv"): files[name]}


@damage
def rows_in_another_order(files: Files, draw: Draw, _: Target) -> Files:
    name = str(draw.choice(FILES))
    rows = frame_of(files, name)
    return with_frame(files, name, rows[draw.permutation(rows.height).tolist()])


@damage
def some_names_missing(files: Files, draw: Draw, target: Target) -> Files:
    rows = frame_of(files, "prices.csv")
    gone = draw.choice(target.symbols, int(draw.integers(8, 60)), replace=False).tolist()
    return with_frame(files, "prices.csv", rows.filter(~pl.col("vendor_symbol").is_in(gone)))


@damage
def one_name_missing(files: Files, draw: Draw, target: Target) -> Files:
    rows = frame_of(files, "prices.csv")
    return with_frame(files, "prices.csv", rows.filter(pl.col("vendor_symbol") != target.name(draw)))


@damage
def a_session_missing(files: Files, draw: Draw, _: Target) -> Files:
    name = str(draw.choice(("prices.csv", "index_levels.csv")))
    rows = frame_of(files, name)
    return with_frame(files, name, rows.filter(pl.col("session_date") != session_of(rows, draw)))


@damage
def last_session_missing(files: Files, _: Draw, __: Target) -> Files:
    rows = frame_of(files, "prices.csv")
    return with_frame(files, "prices.csv", rows.filter(pl.col("session_date") != rows["session_date"].max()))


@damage
def no_new_statements(files: Files, draw: Draw, _: Target) -> Files:
    rows = frame_of(files, "statements.csv")
    return with_frame(files, "statements.csv", rows.head(int(draw.integers(1, 15))))


@damage
def late_rows(files: Files, draw: Draw, _: Target) -> Files:
    rows = frame_of(files, "prices.csv")
    last = pl.col("session_date") >= rows["session_date"].unique().sort()[-int(draw.integers(1, 4))]
    return with_frame(
        files, "prices.csv", rows.with_columns(pl.when(last).then(pl.lit("2025-06-01T12:00:00Z")).otherwise("known_at").alias("known_at"))
    )


@damage
def restated_statement(files: Files, draw: Draw, target: Target) -> Files:
    rows = frame_of(files, "statements.csv")
    again = rows.filter(pl.col("vendor_symbol") == filer(rows, draw, target)).head(1)
    factor = float(draw.uniform(1.5, 3.0))
    again = again.with_columns(
        pl.lit("2025-05-29T12:00:00Z").alias("known_at"), *(times(name, factor) for name in ("net_income", "revenue", "equity"))
    )
    return with_frame(files, "statements.csv", pl.concat([rows, again]))
