"""Rows that broke a rule, in the columns of the table `quarantine`."""

import polars as pl

from wg_dagster.schemas.tables import TABLES

SPEC = TABLES["quarantine"]
_KEPT = ("source", "source_file", "source_line", "security_id", "vendor_symbol", "session_date")


def set_aside(table: str, rows: pl.DataFrame) -> pl.DataFrame:
    """Quarantine rows of raw rows of `table` that have a `rule` and a `month`; rows without a rule are left out."""
    broken = rows.filter(pl.col("rule").is_not_null())
    if broken.is_empty():
        return SPEC.empty()
    as_it_came = [name for name in TABLES[table].columns if name in rows.columns and name != "month"]
    kept = [pl.col(name) if name in rows.columns else pl.lit(None, SPEC.schema[name]).alias(name) for name in _KEPT]
    return broken.select(
        pl.lit("").alias("station"),  # the runner knows which station this is
        "month",
        pl.lit(table).alias("table"),
        "rule",
        *kept,
        pl.lit("WARN").alias("severity"),
        pl.struct(as_it_came).struct.json_encode().alias("row_json"),
    ).select(pl.col(name).cast(dtype) for name, dtype in SPEC.schema.items())


def first_rule(rules: dict[str, pl.Expr]) -> pl.Expr:
    """Name of the first rule whose condition holds; null where none does."""
    return pl.coalesce(*(pl.when(condition).then(pl.lit(name)) for name, condition in rules.items()), pl.lit(None, pl.String))


def gathered(*parts: pl.DataFrame) -> pl.DataFrame:
    """Quarantine rows of several tables as one frame."""
    return pl.concat([SPEC.empty(), *parts])
