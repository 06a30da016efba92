"""発表前株価 The last close of the fifteen days before each announcement. One row a security and announcement date."""

from typing import Any

import polars as pl

MONTHS_BACK = 7  # an announcement lives 126 sessions


def model(dbt: Any, session: Any) -> Any:
    """Columns: `wg_dagster.factor_windows.announced_closes`."""
    from wg_dagster.calendars import month_shift
    from wg_dagster.dbt_view import seen_lake
    from wg_dagster.factor_windows.announced_closes import announced_closes

    dbt.source("lake", "prices_clean")
    announcements = dbt.ref("stg_announcements")
    month_ends = dbt.ref("int_month_ends")
    lake = seen_lake()
    ((first, last),) = month_ends.aggregate("min(month), max(month)").fetchall()

    def closes(month: str) -> pl.DataFrame:
        columns = ("security_id", "session_date", "close")
        return lake.read("prices_clean", months=[month] if month <= last else [], columns=columns)

    live = announcements.filter(
        f"month >= '{month_shift(first, -MONTHS_BACK)}' and announcement_date > cast(known_at as date) - interval 4 month"
    )
    return session.from_arrow(announced_closes(closes, live.pl()).to_arrow())
