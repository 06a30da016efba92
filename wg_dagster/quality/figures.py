"""What a rule measured, month by month, and the verdicts that its threshold makes of it."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby

import polars as pl

from wg_dagster.quality.gate import verdict
from wg_dagster.quality.thresholds import THRESHOLDS, Threshold

SAMPLES = 5
FIGURES = pl.Schema({"month": pl.String, "part": pl.String, "value": pl.Float64, "failed": pl.Int64, "total": pl.Int64})
_DIGITS = 6


@dataclass(frozen=True, eq=False)
class Finding:
    """One check of some months.

    figures : | month | part | value | failed | total |, one row a month and part (market, component, benchmark); a null value is not
        judged. A column `limit` replaces the threshold's.
    offenders : gives | month | security_id |, called only where a month fails.
    """

    check: str
    figures: pl.DataFrame
    offenders: Callable[[], pl.DataFrame] | None = None


def figures(rows: Sequence[tuple[str, str, float | None, int, int]]) -> pl.DataFrame:
    """Figures from tuples in the order of FIGURES."""
    return pl.DataFrame(rows, schema=FIGURES, orient="row")


def verdicts(finding: Finding, station: str, table: str, strategy: str | None) -> Iterator[dict[str, object]]:
    """One row of `checks` a month that has a figure: the worst part decides."""
    threshold = THRESHOLDS[finding.check]
    judged = finding.figures.drop_nulls("value").sort("month", "part")
    failing = {row["month"] for row in judged.iter_rows(named=True) if _fails(row, threshold)}
    samples = _samples(finding, failing)
    for month, group in groupby(judged.iter_rows(named=True), key=lambda row: row["month"]):
        parts = list(group)
        worst = max(parts, key=lambda row: (_fails(row, threshold), _badness(row, threshold)))
        limit = _limit(worst, threshold)
        details: dict[str, object] = {"figure": _rounded(worst["value"]), "threshold": _rounded(limit)}
        if len(parts) > 1 or worst["part"]:
            details["parts"] = {row["part"]: _rounded(row["value"]) for row in parts}
        if month in failing:
            details |= {"reason": threshold.reason, "samples": samples.get(month, [])}
        yield verdict(
            station,
            month,
            table,
            finding.check,
            passed=month not in failing,
            severity="ERROR" if any(_is_error(row, threshold) for row in parts) else "WARN",
            failed_rows=sum(row["failed"] for row in parts if _fails(row, threshold)),
            total_rows=sum(row["total"] for row in parts),
            strategy=strategy,
            details=details,
        )


def figure_of(checks: pl.DataFrame) -> pl.DataFrame:
    """Add `figure` and `threshold` to rows of `checks`; null where a check has none."""
    read = (
        pl.col("details").str.json_path_match(f"$.{name}").cast(pl.Float64, strict=False).alias(name) for name in ("figure", "threshold")
    )
    return checks.with_columns(read)


def _limit(row: dict, threshold: Threshold) -> float:
    own = row.get("limit")
    return threshold.limit if own is None else own


def _badness(row: dict, threshold: Threshold) -> float:
    """How far the figure lies beyond its limit; negative = within."""
    beyond = row["value"] - _limit(row, threshold)
    return -beyond if threshold.is_floor else beyond


def _fails(row: dict, threshold: Threshold) -> bool:
    return _badness(row, threshold) > 0.0 and row["failed"] >= threshold.at_least


def _is_error(row: dict, threshold: Threshold) -> bool:
    if threshold.error is None or not _fails(row, threshold):
        return False
    return row["value"] < threshold.error if threshold.is_floor else row["value"] > threshold.error


def _samples(finding: Finding, months: set[str]) -> dict[str, list[str]]:
    if finding.offenders is None or not months:
        return {}
    found = finding.offenders().filter(pl.col("month").is_in(sorted(months))).select("month", "security_id").unique()
    few = found.sort("month", "security_id").group_by("month", maintain_order=True).head(SAMPLES)
    return {str(key[0]): rows["security_id"].to_list() for key, rows in few.partition_by("month", as_dict=True).items()}


def _rounded(value: float) -> float:
    return float(f"{value:.{_DIGITS}g}")


def as_checks(rows: list[dict[str, object]], schema: pl.Schema) -> pl.DataFrame:
    """Verdicts as a frame."""
    return pl.DataFrame(rows, schema=schema, orient="row") if rows else pl.DataFrame(schema=schema)
