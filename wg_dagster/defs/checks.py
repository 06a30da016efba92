"""The verdicts of a table as Dagster shows them: one evaluation a month, with samples of the rows that were held back."""

import json
import time
import warnings
from collections.abc import Iterator, Sequence
from typing import Any

import dagster as dg
import polars as pl
from dagster._core.definitions.asset_checks.asset_check_evaluation import AssetCheckEvaluationTargetMaterializationData

from wg_dagster.quality.history import history
from wg_dagster.runner import Outcome, errors
from wg_dagster.stations import Station

GATE = "gate"
KEEP_GOING = "wg/keep_going"  # run tag: a month that fails is left alone by later stations, and nothing else stops
_SAMPLES = 5


def gate_of(spec: dg.AssetSpec) -> dg.AssetCheckSpec:
    """The check of a table: its rows obey the schema and its months look sane."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", dg.PreviewWarning)  # checks with partitions; their behaviour is tested
        return dg.AssetCheckSpec(
            GATE,
            asset=spec.key,
            description="Rows obey the table's schema and each month looks sane; what breaks a rule is held back in the table quarantine",
            blocking=True,
            partitions_def=spec.partitions_def,
        )


def evaluations(
    context: dg.AssetExecutionContext,
    spec: dg.AssetSpec,
    months: Sequence[str],
    *,
    verdicts: pl.DataFrame,
    held: pl.DataFrame,
    blocked: list[str],
) -> Iterator[dg.AssetCheckEvaluation | dg.Output]:
    """Each month's verdict on a table that was just materialised; ERROR stops the run only where no month of it is fit for use."""
    broken = set(errors(verdicts)["month"]) | set(blocked)
    worst = dg.AssetCheckSeverity.ERROR if broken else dg.AssetCheckSeverity.WARN  # the UI colours a check by its newest month's
    stops = broken >= set(months) and KEEP_GOING not in context.run.tags
    targets = context.instance.event_log_storage.get_latest_storage_id_by_partition(
        spec.key, dg.DagsterEventType.ASSET_MATERIALIZATION, set(months)
    )
    of_month, held_of_month = (rows.partition_by("month", as_dict=True) for rows in (verdicts, held))
    for month in months:
        here = of_month.get((month,), verdicts.clear()), held_of_month.get((month,), held.clear())
        found: dict[str, Any] = {"severity": worst} | _verdict(*here, blocked=month in blocked)
        if month == max(months) and verdicts.height:
            found["metadata"] = {**found["metadata"], "history": dg.MetadataValue.md(history(verdicts))}
        yield dg.AssetCheckEvaluation(
            asset_key=spec.key,
            check_name=GATE,
            partition=month,
            blocking=stops,
            target_materialization_data=AssetCheckEvaluationTargetMaterializationData(
                run_id=context.run.run_id, storage_id=targets[month], timestamp=time.time()
            ),
            **found,
        )
    yield dg.Output(None, output_name=gate_of(spec).get_python_identifier())


def verdicts_of(outcome: Outcome, table: str, station: Station | None, months: Sequence[str], first_month: str) -> pl.DataFrame:
    """Verdicts that a table answers for, by partition.

    The first table of a station answers for what the station says of its inputs; the first partition answers for the months before it,
    which have none of their own, though never with ERROR: they stop nothing.
    """
    ours = pl.col("table") == table
    if station is not None and table == station.writes[0]:
        ours |= ~pl.col("table").is_in(station.writes)
    earlier = pl.col("month") < first_month
    return outcome.checks.filter(ours & (pl.col("month").is_in(months) | (earlier & pl.lit(first_month in months)))).with_columns(
        pl.when(earlier).then(pl.lit("WARN")).otherwise("severity").alias("severity"),
        pl.when(earlier).then(pl.lit(first_month)).otherwise("month").alias("month"),
        pl.col("month").alias("judged_month"),
    )


def _verdict(verdicts: pl.DataFrame, held: pl.DataFrame, *, blocked: bool) -> dict[str, Any]:
    """The parts of an evaluation that say what was found."""
    failed = verdicts.filter(~pl.col("passed")).sort("severity", "judged_month", "check_name")
    if blocked:
        return {
            "passed": False,
            "severity": dg.AssetCheckSeverity.ERROR,
            "description": "An earlier station failed this month: its rows were left as they were",
            "metadata": {},
        }
    if failed.is_empty():
        return {"passed": True, "description": f"{verdicts.height} checks passed", "metadata": {"rows judged": _most(verdicts)}}
    is_error = bool(errors(failed).height)
    return {
        "passed": False,
        "severity": dg.AssetCheckSeverity.ERROR if is_error else dg.AssetCheckSeverity.WARN,
        "description": "; ".join(_sentence(row) for row in failed.head(3).to_dicts()) + (" ..." if failed.height > 3 else ""),
        "metadata": {
            "rows judged": _most(verdicts),
            "rows that failed": int(failed["failed_rows"].sum()),
            "failed checks": dg.MetadataValue.table([_failed_check(row) for row in failed.head(50).to_dicts()], schema=_FAILED),
            **_quarantine(held),
        },
    }


def _quarantine(held: pl.DataFrame) -> dict[str, dg.MetadataValue]:
    if held.is_empty():
        return {"rows in quarantine": dg.MetadataValue.int(0)}
    station, months = held["station"][0], sorted(set(held["held_month"]))
    query = f"select * from quarantine where station = '{station}' and month between '{months[0]}' and '{months[-1]}'"  # noqa: S608 (shown, not run)
    return {
        "rows in quarantine": dg.MetadataValue.int(held.height),
        "samples": dg.MetadataValue.table([_held_row(row) for row in held.head(_SAMPLES).to_dicts()], schema=_HELD),
        "to see all": dg.MetadataValue.md(f'`wg sql "{query}"`'),
    }


def _sentence(row: dict[str, Any]) -> str:
    return f"{row['judged_month']} {row['check_name']}: {_share(row)} rows"


def _share(row: dict[str, Any]) -> str:
    return f"{row['failed_rows']} of {row['total_rows']}" if row["total_rows"] else str(row["failed_rows"])


def _failed_check(row: dict[str, Any]) -> dg.TableRecord:
    details = json.loads(row["details"])
    why = str(details.get("reason", ""))
    if "threshold" in details:
        why += f" (found {details.get('figure')}, allowed {details['threshold']})"
    told = {"reason", "threshold", "figure", "samples"}
    why += "".join(f" {name}: {_words(value)}" for name, value in details.items() if value and name not in told)
    return dg.TableRecord(
        {
            "month": row["judged_month"],
            "check": row["check_name"],
            "severity": row["severity"],
            "rows": _share(row),
            "why": why.strip(),
            "samples": _words(details.get("samples", [])),
        }
    )


def _held_row(row: dict[str, Any]) -> dg.TableRecord:
    place = f"{row['source_file']}:{row['source_line']}" if row["source_file"] else str(row["source"] or "")
    names = ("rule", "vendor_symbol", "session_date")
    return dg.TableRecord({name: str(row[name] or "") for name in names} | {"file and line": place, "row": _short(row["row_json"])})


def _short(row_json: str) -> str:
    """A row without its empty fields."""
    return ", ".join(f"{name} {value}" for name, value in json.loads(row_json).items() if value not in (None, "", []))[:400]


def _words(value: object) -> str:
    if isinstance(value, dict):
        return ", ".join(f"{key} {_words(inner)}" for key, inner in value.items())
    if isinstance(value, list):
        return ", ".join(_words(inner) for inner in value[:_SAMPLES])
    return str(value)


def _most(verdicts: pl.DataFrame) -> int:
    """Rows of the table: each check judges all of them or some."""
    most = verdicts["total_rows"].max()
    return most if isinstance(most, int) else 0


_FAILED = dg.TableSchema([dg.TableColumn(name) for name in ("month", "check", "severity", "rows", "why", "samples")])
_HELD = dg.TableSchema([dg.TableColumn(name) for name in ("rule", "vendor_symbol", "session_date", "file and line", "row")])
