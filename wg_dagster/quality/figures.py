"""What a rule measured, month by month, and the verdicts that its threshold makes of it."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from itertools import groupby
from typing import NamedTuple

import polars as pl

from wg_dagster.quality.gate import verdict
from wg_dagster.quality.thresholds import THRESHOLDS, Threshold

SAMPLES = 5
_DIGITS = 6
_PLACES = 12  # what lies below is rounding, which may differ from machine to machine


class Figure(NamedTuple):
    """What a check measured in one part of a month; a null value cannot be judged."""

    month: str
    part: str  # market, component, benchmark; '' = the month as a whole
    value: float | None
    failed: int  # rows or names that speak against the month if the figure fails
    total: int
    limit: float | None = None  # instead of the threshold's own


@dataclass(frozen=True, eq=False)
class Finding:
    """One check of some months; `offenders` gives | month | security_id | and is called only where a month fails."""

    check: str
    figures: Iterable[Figure]
    offenders: Callable[[], pl.DataFrame] | None = None


def figures_of(rows: pl.DataFrame) -> list[Figure]:
    """Figures from a frame with the columns month, part, value, failed, total and perhaps limit, in this order."""
    return [Figure(*row) for row in rows.iter_rows()]


def counted(value: pl.Expr, failed: pl.Expr) -> tuple[pl.Expr, pl.Expr, pl.Expr]:
    """The columns value, failed and total of a group of rows."""
    return value.cast(pl.Float64).alias("value"), failed.cast(pl.Int64).alias("failed"), pl.len().alias("total")


def verdicts(finding: Finding, station: str, table: str, strategy: str | None) -> Iterator[dict[str, object]]:
    """One row of `checks` a month that has a figure: the worst part decides. Names are told also where they are a source's usual ones."""
    threshold = THRESHOLDS[finding.check]
    judged = sorted(figure for figure in finding.figures if figure.value is not None)
    failing = {figure.month for figure in judged if _fails(figure, threshold)}
    told = failing | {figure.month for figure in judged if _fails(figure._replace(limit=None), threshold)}
    samples = _samples(finding, told)
    for month, group in groupby(judged, key=lambda figure: figure.month):
        parts = list(group)
        worst = max(parts, key=lambda figure: (_fails(figure, threshold), _beyond(figure, threshold)))
        details: dict[str, object] = {"figure": _rounded(worst.value), "threshold": _rounded(_limit(worst, threshold))}
        if worst.part:
            details["parts"] = {figure.part: _rounded(figure.value) for figure in parts}
        if month in failing:
            details |= {"reason": threshold.reason}
        if month in failing or samples.get(month):
            details |= {"samples": samples.get(month, [])}
        yield verdict(
            station,
            month,
            table,
            finding.check,
            passed=month not in failing,
            severity="ERROR" if any(_is_error(figure, threshold) for figure in parts) else "WARN",
            failed_rows=sum(figure.failed for figure in parts if _fails(figure, threshold)),
            total_rows=sum(figure.total for figure in parts),
            strategy=strategy,
            details=details,
        )


def _limit(figure: Figure, threshold: Threshold) -> float:
    return threshold.limit if figure.limit is None else figure.limit


def _beyond(figure: Figure, threshold: Threshold) -> float:
    """How far the figure lies beyond its limit; negative = within."""
    beyond = (figure.value or 0.0) - _limit(figure, threshold)
    return -beyond if threshold.is_floor else beyond


def _fails(figure: Figure, threshold: Threshold) -> bool:
    return _beyond(figure, threshold) > 0.0 and figure.failed >= threshold.at_least


def _is_error(figure: Figure, threshold: Threshold) -> bool:
    if threshold.error is None or not _fails(figure, threshold):
        return False
    value = figure.value or 0.0
    return value < threshold.error if threshold.is_floor else value > threshold.error


def _samples(finding: Finding, months: set[str]) -> dict[str, list[str]]:
    if finding.offenders is None or not months:
        return {}
    found = finding.offenders().filter(pl.col("month").is_in(sorted(months))).select("month", "security_id").unique()
    few = found.sort("month", "security_id").group_by("month", maintain_order=True).head(SAMPLES)
    return {str(key[0]): rows["security_id"].to_list() for key, rows in few.partition_by("month", as_dict=True).items()}


def _rounded(value: float | None) -> float | None:
    return None if value is None else float(f"{round(value, _PLACES):.{_DIGITS}g}")
