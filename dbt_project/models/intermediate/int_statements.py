"""既知の財務 What each look at the statements sees: flows of a year by four windows side by side, the newest balance and the year-ago one.

One row a security and instant at which a member looks back.
"""

from typing import Any

import pyarrow as pa


def model(dbt: Any, session: Any) -> pa.RecordBatchReader:  # noqa: ARG001
    """Columns: `wg_dagster.factor_windows.statement_windows`."""
    from wg_dagster.factor_windows.statement_windows import NEEDED, statement_windows

    looks = dbt.ref("int_members").filter("statements_known_at is not null").project("security_id, statements_known_at as seen_at")
    fundamentals = dbt.ref("stg_fundamentals").project(", ".join(NEEDED))
    return statement_windows(fundamentals.pl(), looks.distinct().pl())
