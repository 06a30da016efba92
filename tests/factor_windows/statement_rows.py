"""Statements of one security for tests: what is not given is null."""

from datetime import UTC, date, datetime, timedelta

import polars as pl

from wg_dagster.factor_windows.balances import BALANCES
from wg_dagster.factor_windows.eps_series import ANNOUNCEMENT_COLUMNS, SPLIT_COLUMNS
from wg_dagster.factor_windows.flows import FLOWS

INSTANT = pl.Datetime("us", "UTC")
_NUMBERS = (*FLOWS, *BALANCES, "shares_outstanding", "eps", "actual_eps", "split_ratio")
_TYPES = {
    **dict.fromkeys(_NUMBERS, pl.Float64),
    "security_id": pl.String,
    "period_kind": pl.String,
    "currency": pl.String,
    "is_derived": pl.Boolean,
    "period_end_date": pl.Date,
    "announcement_date": pl.Date,
    "session_date": pl.Date,
    "known_at": INSTANT,
}
_STATEMENT = (
    "security_id",
    "period_kind",
    "period_end_date",
    "known_at",
    "currency",
    "is_derived",
    *FLOWS,
    *BALANCES,
    "shares_outstanding",
    "eps",
)


def day(text):
    """Midnight of a date, as an instant."""
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def quarter(end, *, known_at=None, **values):
    """A row of a quarter, known 45 days after its end if not said otherwise."""
    ends = date.fromisoformat(end)
    known = day(known_at) if known_at else datetime(ends.year, ends.month, ends.day, tzinfo=UTC) + timedelta(days=45)
    return {"security_id": "a", "period_kind": "quarter", "period_end_date": ends, "known_at": known} | values


def year(end, **values):
    """A row of a fiscal year."""
    return quarter(end, **values) | {"period_kind": "annual"}


def statements(*rows):
    return _frame(rows, _STATEMENT)


def announcements(*rows):
    return _frame(rows, ANNOUNCEMENT_COLUMNS)


def splits(*rows):
    return _frame(rows, SPLIT_COLUMNS)


def _frame(rows, names):
    return pl.DataFrame([{name: row.get(name) for name in names} for row in rows], schema={name: _TYPES[name] for name in names})
