"""Sensors: start the portfolios of a month when its data are complete; tell of what failed. All ship stopped."""

from datetime import UTC, datetime
from pathlib import Path

import dagster as dg
from dagster._core.definitions.unresolved_asset_job_definition import UnresolvedAssetJobDefinition

from wg_dagster.alerts import Alert, raise_alerts
from wg_dagster.completeness import newest_finished_month, readiness
from wg_dagster.config import Config
from wg_dagster.defs.jobs import MONTH_JOB
from wg_dagster.source import source_of
from wg_dagster.warehouse import Warehouse

_HOUR = 3600


def build_sensors(home: Path, config: Config, jobs: list[UnresolvedAssetJobDefinition]) -> list[dg.SensorDefinition]:
    """`month_is_complete`, `alert_outbox` and `failed_runs`."""
    month_job = next(job for job in jobs if job.name == MONTH_JOB)
    return [_month_is_complete(config, month_job), _alert_outbox(home), _failed_runs(home)]


def _month_is_complete(config: Config, month_job: UnresolvedAssetJobDefinition) -> dg.SensorDefinition:
    @dg.sensor(
        job=month_job,
        description="Runs the newest month once every exchange has closed it and its data are complete; "
        "a later restatement of the month changes the run key and runs it again",
        minimum_interval_seconds=_HOUR,
        default_status=dg.DefaultSensorStatus.STOPPED,
    )
    def month_is_complete(context: dg.SensorEvaluationContext) -> dg.RunRequest | dg.SkipReason:
        adapter = source_of(config)
        month = newest_finished_month(adapter, datetime.now(UTC))
        ready = readiness(adapter, month)
        context.log.info("%s: %s", month, ready.reason)
        if not ready.is_ready:
            return dg.SkipReason(f"{month}: {ready.reason}")
        return dg.RunRequest(run_key=f"{month}:{ready.fingerprint}", partition_key=month)

    return month_is_complete


def _alert_outbox(home: Path) -> dg.SensorDefinition:
    @dg.sensor(
        description="Tells of each failed check once, also of runs that were started here, in every sink of alerts.toml; sends the sign of life",
        minimum_interval_seconds=60,
        default_status=dg.DefaultSensorStatus.STOPPED,
    )
    def alert_outbox() -> dg.SkipReason:
        warehouse = Warehouse(home)
        told = raise_alerts(warehouse, warehouse.read("checks"))
        return dg.SkipReason("; ".join(f"{one.sink}: {one.delivered} delivered, {one.waiting} waiting {one.error}".strip() for one in told))

    return alert_outbox


def _failed_runs(home: Path) -> dg.SensorDefinition:
    @dg.run_failure_sensor(
        description="Puts each failed run beside the failed checks",
        minimum_interval_seconds=60,
        default_status=dg.DefaultSensorStatus.STOPPED,
    )
    def failed_runs(context: dg.RunFailureSensorContext) -> None:
        run = context.dagster_run
        alert = Alert(
            alert_id=run.run_id[:16],
            station="run",
            month=run.tags.get("dagster/partition") or run.tags.get("dagster/asset_partition_range_end", ""),
            severity="ERROR",
            title=f"run {run.run_id} of job {run.job_name} failed",
            body=f"{context.failure_event.message} The log is in the UI under Runs",
            raised_at=datetime.now(UTC).isoformat(),
        )
        warehouse = Warehouse(home)
        raise_alerts(warehouse, warehouse.read("checks"), more=[alert])

    return failed_runs
