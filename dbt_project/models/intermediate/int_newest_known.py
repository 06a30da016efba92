"""最新既知 When the newest statement, announcement and split came out that each name could know of. One row a security and month."""

from typing import Any


def model(dbt: Any, session: Any) -> Any:
    """Columns: `wg_dagster.factor_windows.newest`."""
    from wg_dagster.factor_windows.newest import newest_known

    rows = dbt.ref("int_price_windows")
    month_ends = dbt.ref("int_month_ends")
    statements = dbt.ref("stg_fundamentals")
    announcements = dbt.ref("stg_announcements")
    actions = dbt.ref("stg_corporate_actions")
    events = {"statements": statements, "announcements": announcements, "splits": actions.filter("split_ratio != 1")}
    newest = newest_known(
        rows.project("month, security_id, market").pl(),
        month_ends.project("month, market, cutoff_at").pl(),
        {kind: known.project("security_id, known_at").pl() for kind, known in events.items()},
    )
    return session.from_arrow(newest.to_arrow())
