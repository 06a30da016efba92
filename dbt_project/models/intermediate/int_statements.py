"""既知の財務 What each look at the statements sees: flows of a year by four windows side by side, the newest balance and the year-ago one.

One row a security and instant at which a member looks back.
"""

from typing import Any

import pyarrow as pa


def model(dbt: Any, session: Any) -> pa.RecordBatchReader:  # noqa: ARG001
    """Columns: `wg_dagster.factor_windows.statement_windows`."""
    from wg_dagster.factor_windows.statement_windows import NEEDED, seen_ends, statement_windows

    members = dbt.ref("int_members").filter("statements_known_at is not null")
    looks = members.project("security_id, statements_known_at as seen_at").distinct().pl()
    fundamentals = dbt.ref("stg_fundamentals").filter(f"period_end_date > date '{seen_ends(looks)}'")
    return statement_windows(fundamentals.project(", ".join(NEEDED)).pl(), looks)
