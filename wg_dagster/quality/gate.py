"""Hold rows against their schema: bad rows go to quarantine, each month gets a verdict of its own."""

import json
from collections.abc import Mapping
from dataclasses import dataclass

import polars as pl

from wg_dagster.schemas.gates import failures
from wg_dagster.schemas.tables import TABLES

ERROR_SHARE = 0.02  # more failing rows than this and the month is not fit for use
_SAMPLES = 5
_UNIQUENESS = "multiple_fields_uniqueness"


@dataclass(frozen=True)
class Gated:
    """Rows that passed, rows that were held back (schema of `quarantine`), verdicts (schema of `checks`)."""

    rows: pl.DataFrame
    quarantine: pl.DataFrame
    checks: pl.DataFrame


def gate(station: str, table: str, rows: pl.DataFrame, months: list[str], *, strategy: str | None = None) -> Gated:
    """Split rows of some months into good and bad and judge each month.

    A month fails with ERROR where its grain is broken or more than 2 % of its rows fail; with WARN where fewer fail.
    """
    spec = TABLES[table]
    rows = rows.select(pl.col(name).cast(dtype) for name, dtype in spec.schema.items())
    broken = failures(table, rows)
    found = broken.drop_nulls("index").join(rows.with_row_index("index").cast({"index": pl.Int64}), on="index", how="left")
    bad = found["index"].unique()
    return Gated(
        rows.filter(~pl.int_range(pl.len()).is_in(bad.implode())) if bad.len() else rows,
        _held_back(station, table, found),
        _verdicts(station, table, rows=rows, found=found, months=months, strategy=strategy),
    )


def passes(table: str, rows: pl.DataFrame) -> bool:
    """No row of the table would be held back."""
    return failures(table, rows).is_empty()


def verdict(
    station: str,
    month: str,
    table: str,
    name: str,
    *,
    passed: bool,
    severity: str = "ERROR",
    failed_rows: int = 0,
    total_rows: int = 0,
    strategy: str | None = None,
    details: Mapping[str, object] | None = None,
) -> dict[str, object]:
    """One row of `checks`."""
    return {
        "station": station,
        "month": month,
        "table": table,
        "check_name": name,
        "strategy": strategy or "",
        "severity": severity,
        "passed": passed,
        "failed_rows": failed_rows,
        "total_rows": total_rows,
        "details": json.dumps(details or {}, sort_keys=True, default=str, ensure_ascii=False),
    }


def _held_back(station: str, table: str, found: pl.DataFrame) -> pl.DataFrame:
    spec = TABLES["quarantine"]
    if found.is_empty():
        return spec.empty()
    columns = TABLES[table].columns
    kept = {name: pl.col(name) for name in ("source", "source_file", "source_line", "security_id", "vendor_symbol", "session_date")}
    return found.select(
        pl.lit(station).alias("station"),
        pl.col("month"),
        pl.lit(table).alias("table"),
        pl.col("rule"),
        *(expression if name in columns else pl.lit(None, dtype=spec.schema[name]).alias(name) for name, expression in kept.items()),
        pl.lit("WARN").alias("severity"),
        pl.struct(columns).struct.json_encode().alias("row_json"),
    )


def _verdicts(
    station: str, table: str, *, rows: pl.DataFrame, found: pl.DataFrame, months: list[str], strategy: str | None
) -> pl.DataFrame:
    totals = dict(rows.group_by("month").len().iter_rows())
    failed = dict(found.group_by("month").agg(pl.col("index").n_unique()).iter_rows())
    grain = set(found.filter(pl.col("rule").str.contains(_UNIQUENESS))["month"])
    verdicts = []
    for month in months:
        total, bad = totals.get(month, 0), failed.get(month, 0)
        samples = found.filter(pl.col("month") == month).head(_SAMPLES)
        error = month in grain or bad > ERROR_SHARE * total
        details = {
            "rules": dict(found.filter(pl.col("month") == month).group_by("rule").len().sort("rule").iter_rows()),
            "samples": samples.select("rule", *TABLES[table].key).to_dicts(),
        }
        verdicts.append(
            verdict(
                station,
                month,
                table,
                "gate",
                passed=bad == 0,
                severity="ERROR" if error or bad == 0 else "WARN",
                failed_rows=bad,
                total_rows=total,
                strategy=strategy,
                details=details if bad else None,
            )
        )
    return pl.DataFrame(verdicts, schema=TABLES["checks"].schema) if verdicts else TABLES["checks"].empty()
