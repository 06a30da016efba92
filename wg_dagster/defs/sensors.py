"""Sensors: start the portfolios of a month when its data are complete; deliver alerts. Both ship stopped."""

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import dagster as dg
from dagster._core.definitions.unresolved_asset_job_definition import UnresolvedAssetJobDefinition

from wg_dagster.alerts import Outbox, json_lines_sink
from wg_dagster.completeness import newest_finished_month, readiness
from wg_dagster.config import Config
from wg_dagster.defs.jobs import MONTH_JOB
from wg_dagster.source import source_of

_HOUR = 3600


def build_sensors(home: Path, config: Config, jobs: list[UnresolvedAssetJobDefinition]) -> list[dg.SensorDefinition]:
    """`month_is_complete` and `alert_outbox`."""
    month_job = next(job for job in jobs if job.name == MONTH_JOB)

    @dg.sensor(
        job=month_job,
        name="month_is_complete",
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

    @dg.sensor(
        name="alert_outbox",
        description="Delivers waiting alerts to the default sink, a file of JSON lines",
        minimum_interval_seconds=60,
        default_status=dg.DefaultSensorStatus.STOPPED,
        job=month_job,
    )
    def alert_outbox(_context: dg.SensorEvaluationContext) -> Iterator[dg.SkipReason]:
        outbox = Outbox(home)
        delivered, waiting = outbox.flush(json_lines_sink(outbox.folder / "alerts.jsonl"))
        yield dg.SkipReason(f"{delivered} alerts delivered, {waiting} waiting")

    return [month_is_complete, alert_outbox]
