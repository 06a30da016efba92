"""What rows must satisfy where they cross from one station to the next: one pandera schema a table.

Types come from the contract; keys are never null; grains are unique; values obey the ranges below. Row rules send a row to
quarantine; a broken grain fails the month.
"""

from functools import cache

import pandera.polars as pa
import polars as pl
from pandera.api.checks import Check

from wg_dagster.schemas.columns import FACTORS
from wg_dagster.schemas.tables import FACTOR_TABLES, RAW_TABLES, TABLES

_FRACTION = pa.Check.in_range(0.0, 1.0)
_POSITIVE = pa.Check.gt(0.0)
_NOT_NEGATIVE = pa.Check.ge(0.0)
_SCORE = pa.Check.in_range(-6.0, 6.0)  # a standardised rank of 5,000 names stays within 4

_VALUES: dict[str, dict[str, Check]] = {
    "prices_clean": {
        "close": _POSITIVE,
        "volume": _NOT_NEGATIVE,
        "market_cap": _POSITIVE,
        "return_1e9": pa.Check.in_range(-1_000_000_000, 100_000_000_000),  # -100 % to +10,000 %
    },
    "benchmark_nav": {"level": _POSITIVE, "return_1e9": pa.Check.in_range(-300_000_000, 300_000_000)},
    "benchmark_members": {"weight": _FRACTION},
    "universe_members": {"market_cap": _POSITIVE, "benchmark_weight": _FRACTION},
    "factor_scores": {**dict.fromkeys(FACTORS, _SCORE), "coverage": _FRACTION},
    "candidates": {"rank": pa.Check.ge(1), "expected_return": pa.Check.in_range(-2.0, 2.0)},
    "model_portfolios": {"weight": pa.Check.in_range(0.0, 0.1, include_min=False, include_max=False)},
    "trades": {"price": _POSITIVE, "cost": _NOT_NEGATIVE},
    "holdings": {"units": _NOT_NEGATIVE, "price": _POSITIVE, "weight": _NOT_NEGATIVE},
    "nav": {"nav": _POSITIVE},
    **{table: {"coverage": _FRACTION} for table in FACTOR_TABLES},
}
_NULLABLE_KEYS = {"vendor_symbol"}


@cache
def gate_schema(table: str) -> pa.DataFrameSchema:
    """The schema that rows of a table must pass: contract types, keys present, values in range, grain unique (raw tables: no grain)."""
    spec = TABLES[table]
    required = set(spec.key) | set(spec.partition_by)
    values = _VALUES.get(table, {})
    columns = {
        name: pa.Column(dtype, values.get(name), nullable=name not in required or name in _NULLABLE_KEYS)
        for name, dtype in spec.schema.items()
    }
    grain = None if table in RAW_TABLES or table == "quarantine" else list(dict.fromkeys([*spec.partition_by, *spec.key]))
    return pa.DataFrameSchema(columns, unique=grain, strict=True)


def failures(table: str, rows: pl.DataFrame) -> pl.DataFrame:
    """All failures of a frame, one row a failing row and rule: `index` (null = the frame as a whole), `rule`."""
    try:
        gate_schema(table).validate(rows, lazy=True)
    except pa.errors.SchemaErrors as broken:
        cases = broken.failure_cases.select(
            pl.col("index").cast(pl.Int64),
            pl.concat_str(pl.col("column"), pl.col("check"), separator=" ", ignore_nulls=True).alias("rule"),
        )
        return cases.unique().sort("index", "rule", nulls_last=False)
    return pl.DataFrame(schema={"index": pl.Int64, "rule": pl.String})
