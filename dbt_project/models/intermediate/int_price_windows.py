"""価格の窓 Prices, looked back on from each month end in one pass: closes, exact sums of 60 sessions, ex-days of a year.

One row a security and month with a close on the last session.
"""

from typing import Any


def model(dbt: Any, session: Any) -> Any:
    """Columns: `wg_dagster.factor_windows.price_windows`."""
    from wg_dagster.dbt_view import seen_lake
    from wg_dagster.factor_windows.price_windows import price_windows

    dbt.source("lake", "prices_clean")
    lake = seen_lake()
    table = price_windows(
        lambda month, columns: lake.read("prices_clean", months=[month], columns=columns),
        dbt.ref("stg_sessions").pl(),
        dbt.ref("stg_securities").pl(),
        dbt.ref("int_us_returns_60d").pl(),
    )
    return session.from_arrow(table)
