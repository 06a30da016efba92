"""Where two versions of a table differ: one row a value, exactly, in the order of the chain."""

from collections.abc import Sequence

import polars as pl

from wg_dagster.schemas.tables import TABLES

ROW = "(row)"  # in place of a column: the row is there on one side only
SCHEMA = pl.Schema(
    {
        "table": pl.String,
        "strategy": pl.String,
        "month": pl.String,
        "security_id": pl.String,
        "key": pl.String,
        "column": pl.String,
        "stored": pl.String,
        "rebuilt": pl.String,
    }
)


def differences(table: str, stored: pl.DataFrame, rebuilt: pl.DataFrame) -> pl.DataFrame:
    """One row a value that is not the same (`SCHEMA`), sorted by the table's key, then by column; NaN equals NaN, null equals null."""
    spec = TABLES[table]
    key = list(spec.key)
    one, other = (rows.sort(key, maintain_order=True) for rows in (stored, rebuilt))
    if one.equals(other):
        return pl.DataFrame(schema=SCHEMA)
    one, other = (rows.with_columns(pl.int_range(pl.len()).over(key).alias("_copy")) for rows in (one, other))
    full = one.with_columns(_left=True).join(
        other.with_columns(_right=True), on=[*key, "_copy"], how="full", coalesce=True, suffix="@rebuilt", nulls_equal=True
    )
    values = [name for name in spec.columns if name not in key]
    parts = [_missing_rows(table, key, full)]
    both = full.filter(pl.col("_left") & pl.col("_right"))
    parts += [_changed_values(table, key, both, name) for name in values]
    return pl.concat(parts).sort("month", "strategy", "key", "column", nulls_last=False)


def _missing_rows(table: str, key: Sequence[str], full: pl.DataFrame) -> pl.DataFrame:
    alone = full.filter(pl.col("_left").is_null() | pl.col("_right").is_null())
    there = {side: pl.when(pl.col(mark).is_null()).then(pl.lit("absent")).otherwise(pl.lit("present")) for side, mark in _MARKS.items()}
    return _told(table, key, alone, ROW, **there)


def _changed_values(table: str, key: Sequence[str], both: pl.DataFrame, name: str) -> pl.DataFrame:
    changed = both.filter(pl.col(name).ne_missing(pl.col(f"{name}@rebuilt")))
    return _told(table, key, changed, name, stored=pl.col(name).cast(pl.String), rebuilt=pl.col(f"{name}@rebuilt").cast(pl.String))


def _told(table: str, key: Sequence[str], rows: pl.DataFrame, column: str, *, stored: pl.Expr, rebuilt: pl.Expr) -> pl.DataFrame:
    given = {name: pl.col(name) if name in rows.columns else pl.lit(None, pl.String) for name in ("strategy", "month", "security_id")}
    others = [name for name in key if name not in given]
    place = pl.concat_str([pl.col(name).cast(pl.String).fill_null("") for name in [*given, *others] if name in key], separator=" ")
    return rows.select(
        pl.lit(table).alias("table"),
        *(value.cast(pl.String).alias(name) for name, value in given.items()),
        place.alias("key"),
        pl.lit(column).alias("column"),
        stored.alias("stored"),
        rebuilt.alias("rebuilt"),
    ).cast(dict(SCHEMA))


_MARKS = {"stored": "_left", "rebuilt": "_right"}
