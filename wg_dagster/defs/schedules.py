"""The monthly schedule: visible, and stopped until someone starts it."""

import dagster as dg


def build_schedules(jobs: list[dg.UnresolvedAssetJobDefinition]) -> list[dg.ScheduleDefinition]:
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
