"""Who has not published what had come by now a year ago; a month is judged alike whatever else is built with it."""

from datetime import UTC, date, datetime, timedelta

import polars as pl
import pytest

from wg_dagster.calendars import month_shift, months_between
from wg_dagster.quality.overdue import overdue
from wg_dagster.quality.thresholds import OVERDUE_MONTHS

MONTH = "2026-05"
MONTHS = months_between("2026-03", MONTH)


def announced(**days_of):
    """Rows of names and the days on which they announced."""
    rows = [
        (day[:7], name, datetime.fromisoformat(day).replace(tzinfo=UTC), date.fromisoformat(day))
        for name, days in days_of.items()
        for day in days
    ]
    return pl.DataFrame(rows, schema=["month", "security_id", "known_at", "about"], orient="row")


def listed(*names):
    rows = [(month, name, date.fromisoformat(f"{month_shift(month, 1)}-01") - timedelta(days=1)) for month in MONTHS for name in names]
    return pl.DataFrame(rows, schema=["month", "security_id", "as_of_date"], orient="row").with_columns(listed_to=pl.lit(None, pl.Date))


def late(seen, names, months=(MONTH,)):
    """Month -> (names that are overdue, names that are judged)."""
    found = overdue("overdue_announcements", seen, listed(*names), list(months), after=95)
    return {figure.month: (figure.failed, figure.total) for figure in found.figures}


QUARTERLY = ("2025-02-10", "2025-05-10", "2025-08-10", "2025-11-10", "2026-02-10")


@pytest.mark.parametrize(
    ("days", "expected"),
    [
        ((*QUARTERLY, "2026-05-10"), (0, 1)),
        (QUARTERLY, (1, 1)),  # 110 days ago; the year before, on 19 May, the newest was 9 days old
        (QUARTERLY[1:], (1, 1)),
        (QUARTERLY[2:], (0, 0)),  # was not there a year ago
    ],
)
def test_a_company_is_overdue_where_it_had_announced_by_now_a_year_ago(days, expected):
    found = late(announced(a=days), ["a"])
    assert found.get(MONTH, (0, 0)) == expected


def test_a_month_is_judged_alike_alone_and_with_others():
    """What is older than the look-back is only there where earlier months are built too."""
    old = f"{month_shift(MONTH, -OVERDUE_MONTHS - 1)}-10"
    seen = announced(a=(*QUARTERLY, "2026-05-10"), b=(old, "2026-02-10"), c=QUARTERLY)
    alone = seen.filter(pl.col("month") >= month_shift(MONTH, -OVERDUE_MONTHS))
    assert late(seen, "abc", MONTHS)[MONTH] == late(alone, "abc")[MONTH] == (1, 2)
