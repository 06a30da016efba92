"""Monthly partitions: the months that have portfolios.

Rows of earlier months (the warm-up that a first portfolio rests on) are landed and cleaned with the first run that needs them.
"""

import dagster as dg

from wg_dagster.calendars import month_shift
from wg_dagster.config import Config

# Their last month is known; others grow with the calendar.
_FIXED_SOURCES = {"synthetic", "drop", "pystock"}


def portfolio_months(config: Config) -> dg.MonthlyPartitionsDefinition:
    """One partition a month, `YYYY-MM`."""
    if config.source in _FIXED_SOURCES:
        return dg.MonthlyPartitionsDefinition(start_date=config.first_month, end_date=month_shift(config.last_month, 1), fmt="%Y-%m")
    # The current month's partition must exist before the month is over.
    return dg.MonthlyPartitionsDefinition(start_date=config.first_month, end_offset=1, fmt="%Y-%m")
