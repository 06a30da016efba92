"""四半期EPS Changes of quarterly earnings per share over a year on the share basis of the as-of date, newest first, from statements.

As a second series (never spliced) from announcements, for members without another surprise. One row a security, view (what it has seen)
and series.
"""

from typing import Any

import pyarrow as pa


def model(dbt: Any, session: Any) -> pa.RecordBatchReader:  # noqa: ARG001
    """Columns: `wg_dagster.factor_windows.eps_windows`."""
    from wg_dagster.factor_windows.eps_series import ANNOUNCEMENT_COLUMNS, SPLIT_COLUMNS, STATEMENT_COLUMNS
    from wg_dagster.factor_windows.eps_windows import eps_windows

    members, unsurprised = dbt.ref("int_members"), dbt.ref("int_unsurprised")
    announced = members.join(unsurprised, "month, security_id", how="semi")
    looks = [
        rows.filter(f"{series}_known_at is not null").project(
            f"security_id, '{series}' as series, {series}_known_at as seen_at, splits_known_at, market"
        )
        for series, rows in (("statements", members), ("announcements", announced))
    ]
    return eps_windows(
        looks[0].union(looks[1]).distinct().pl(),
        dbt.ref("stg_fundamentals").filter("period_kind = 'quarter'").project(", ".join(STATEMENT_COLUMNS)).pl(),
        dbt.ref("stg_announcements").join(unsurprised, "security_id", how="semi").project(", ".join(ANNOUNCEMENT_COLUMNS)).pl(),
        dbt.ref("stg_corporate_actions").filter("split_ratio != 1").project(", ".join(SPLIT_COLUMNS)).pl(),
    )
