"""Whether a month may be decided: it is over on every exchange, and its data are there."""

from dataclasses import dataclass
from datetime import datetime

import polars as pl

from wg_dagster.calendars import CALENDAR_OF_MARKET, cutoff, month_end, month_shift
from wg_dagster.ingest.adapter import Adapter

PRICED_SHARE = 0.97  # of the symbols priced on the last session of the month before
_CURRENCY = {"US": "USD", "JP": "JPY"}


@dataclass(frozen=True)
class Readiness:
    """Whether a month may be decided; `reason` says what is missing; `fingerprint` changes when its input does."""

    is_ready: bool
    reason: str
    fingerprint: str


def newest_finished_month(adapter: Adapter, now: datetime) -> str:
    """The last month of the source that every exchange has closed."""
    month = adapter.span()[1]
    while any(now <= cutoff(calendar, month) for calendar in CALENDAR_OF_MARKET.values()):
        month = month_shift(month, -1)
    return month


def readiness(adapter: Adapter, month: str) -> Readiness:
    """A month is ready once nearly all symbols priced at the end of the month before have a price on its last session."""
    fingerprint = adapter.identity()[:16]
    prices = [rows for table, rows in adapter.load([month_shift(month, -1), month]) if table == "prices"]
    if not prices:
        return Readiness(is_ready=False, reason=f"the source has no prices of {month} yet", fingerprint=fingerprint)
    rows = pl.concat(prices).select("vendor_symbol", "session_date", "currency")
    for market, calendar in CALENDAR_OF_MARKET.items():
        before = _priced(rows, market, month_end(calendar, month_shift(month, -1)))
        present = _priced(rows, market, month_end(calendar, month))
        if present < PRICED_SHARE * before:
            reason = f"{market}: {present} symbols have a price on the last session of {month}, {before} had one the month before"
            return Readiness(is_ready=False, reason=reason, fingerprint=fingerprint)
    return Readiness(is_ready=True, reason="complete", fingerprint=fingerprint)


def _priced(rows: pl.DataFrame, market: str, session: object) -> int:
    there = (pl.col("currency") == _CURRENCY[market]) & (pl.col("session_date") == session)
    return rows.filter(there)["vendor_symbol"].n_unique()
