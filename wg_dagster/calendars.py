"""Sessions, months and cut-offs of the exchanges, from a table of holidays.

Weekdays that are not in `data/exchange_holidays.csv` are sessions; a test holds the table against an independent calendar.
"""

from datetime import date, datetime, time, timedelta
from functools import cache
from importlib.resources import files
from itertools import groupby
from zoneinfo import ZoneInfo

import polars as pl

from wg_dagster.errors import OutsideData, UnknownValue

FIRST_DAY = date(2004, 1, 1)
LAST_DAY = date(2027, 10, 29)
CALENDAR_OF = {"XNYS": "XNYS", "XNAS": "XNYS", "XASE": "XNYS", "ARCX": "XNYS", "XTKS": "XTKS"}
CALENDAR_OF_MARKET = {"US": "XNYS", "JP": "XTKS"}
MARKET_OF = {"XNYS": "US", "XTKS": "JP"}
_ZONES = {"XNYS": ZoneInfo("America/New_York"), "XTKS": ZoneInfo("Asia/Tokyo")}
_OPENS = {"XNYS": time(9, 30), "XTKS": time(9, 0)}
_TOKYO_CLOSES_LATER_FROM = date(2024, 11, 5)


def calendar_of(exchange: str) -> str:
    """Calendar (XNYS or XTKS) of an exchange's MIC; UnknownValue for others."""
    if exchange not in CALENDAR_OF:
        raise UnknownValue(f"exchange {exchange!r} has no calendar here; known: {', '.join(sorted(CALENDAR_OF))}")
    return CALENDAR_OF[exchange]


@cache
def session_dates(calendar: str) -> tuple[date, ...]:
    """All sessions of a calendar, oldest first."""
    text = files("wg_dagster").joinpath("data/exchange_holidays.csv").read_text()
    holidays = {line.split(",")[1] for line in text.splitlines() if line.startswith(calendar)}
    days = (FIRST_DAY + timedelta(days=k) for k in range((LAST_DAY - FIRST_DAY).days + 1))
    return tuple(day for day in days if day.weekday() < 5 and day.isoformat() not in holidays)


@cache
def sessions() -> pl.DataFrame:
    """The table `sessions`: one row an exchange calendar and session (schema in schemas/*_tables.py)."""
    rows = []
    for calendar, zone in _ZONES.items():
        dates = session_dates(calendar)
        for index, day in enumerate(dates):
            following = dates[index + 1] if index + 1 < len(dates) else LAST_DAY + timedelta(days=3)
            rows.append(
                {
                    "exchange": calendar,
                    "session_date": day,
                    "month": day.strftime("%Y-%m"),
                    "session_index": index,
                    "is_month_end": following.month != day.month,
                    "open_at": datetime.combine(day, _OPENS[calendar], zone),
                    "close_at": datetime.combine(day, _close(calendar, day), zone),
                    "cutoff_at": end_of_day(calendar, day),
                }
            )
    instants = [pl.col(name).dt.convert_time_zone("UTC") for name in ("open_at", "close_at", "cutoff_at")]
    frames = [pl.DataFrame([row for row in rows if row["exchange"] == calendar]).with_columns(instants) for calendar in _ZONES]
    return pl.concat(frames).with_columns(pl.col("session_index").cast(pl.Int32))


def end_of_day(calendar: str, day: date) -> datetime:
    """The cut-off of a session: the last microsecond of its day in exchange time, as a UTC instant."""
    midnight = datetime.combine(day + timedelta(days=1), time(0), _ZONES[calendar])
    return (midnight.astimezone(ZoneInfo("UTC"))) - timedelta(microseconds=1)


def month_end(calendar: str, month: str) -> date:
    """Last session of a month."""
    year, number = map(int, month.split("-"))
    inside = [day for day in session_dates(calendar) if day.year == year and day.month == number]
    if not inside:
        raise OutsideData(f"month {month} has no session of {calendar}; the calendar covers {FIRST_DAY} to {LAST_DAY}")
    return inside[-1]


def month_sessions(calendar: str, month: str) -> tuple[date, ...]:
    """Sessions of a month, oldest first."""
    return _sessions_by_month(calendar).get(month, ())


def cutoff(calendar: str, month: str) -> datetime:
    """What is known by this UTC instant may enter the month's decision."""
    return end_of_day(calendar, month_end(calendar, month))


def month_of_instant(instant: pl.Expr) -> pl.Expr:
    """Partition month of a UTC instant: its month in New York standard time (UTC-5).

    What is visible at a month's cut-off, in New York or Tokyo, then lies in partitions up to that month: the end of 31 January in
    New York is already 1 February in UTC.
    """
    return instant.dt.offset_by("-5h").dt.strftime("%Y-%m")


def months_between(first: str, last: str) -> list[str]:
    """Months from first to last, both included, oldest first."""
    year, number = map(int, first.split("-"))
    months = []
    while (label := f"{year:04d}-{number:02d}") <= last:
        months.append(label)
        year, number = (year, number + 1) if number < 12 else (year + 1, 1)
    return months


def month_shift(month: str, by: int) -> str:
    """The month `by` months later (earlier where negative)."""
    year, number = map(int, month.split("-"))
    years, zero_based = divmod(year * 12 + number - 1 + by, 12)
    return f"{years:04d}-{zero_based + 1:02d}"


@cache
def _sessions_by_month(calendar: str) -> dict[str, tuple[date, ...]]:
    return {month: tuple(days) for month, days in groupby(session_dates(calendar), key=lambda day: day.strftime("%Y-%m"))}


def _close(calendar: str, day: date) -> time:
    if calendar == "XNYS":
        return time(16, 0)
    return time(15, 30) if day >= _TOKYO_CLOSES_LATER_FROM else time(15, 0)
