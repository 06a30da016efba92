"""The monthly schedule: visible, and stopped until someone starts it."""

from typing import Any

import dagster as dg
from dagster._core.definitions.unresolved_asset_job_definition import UnresolvedAssetJobDefinition


def build_schedules(jobs: list[UnresolvedAssetJobDefinition]) -> list[Any]:
    """On the second day of a month, its predecessor; the sensor `month_is_complete` is the stricter alternative."""
    return [
        dg.build_schedule_from_partitioned_job(
            jobs[0],
            name="monthly",
            hour_of_day=6,
            day_of_month=2,
            description="Runs the whole chain for the month that has ended",
            default_status=dg.DefaultScheduleStatus.STOPPED,
        )
    ]
