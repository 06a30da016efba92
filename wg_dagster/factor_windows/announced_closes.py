"""The last close before each announcement: the price that an earnings surprise is measured against."""

from collections.abc import Callable

import numpy as np
import polars as pl

from wg_dagster.calendars import month_shift

DAYS = 15  # calendar days before the announcement in which its price is looked for
_PLACES = 1_000_000  # more days than any date has
_NONE = (np.empty(0, np.int64), np.empty(0))
Closes = tuple[np.ndarray, np.ndarray]
Reader = Callable[[str], pl.DataFrame]  # month -> security_id, session_date, close


def announced_closes(read: Reader, announcements: pl.DataFrame) -> pl.DataFrame:
    """Security, announcement date and the last positive close of the DAYS days before it, where there is one.

    Parameters
    ----------
    read
        Closes of a month, in any order; no rows for a month that must not be seen.
    announcements
        security_id, announcement_date.
    """
    wanted = announcements.select("security_id", "announcement_date").unique().sort("security_id", "announcement_date")
    if wanted.is_empty():
        return wanted.with_columns(last_close=pl.lit(None, pl.Float64))
    names = pl.Enum(wanted["security_id"].unique().sort())
    asked = _keys(wanted["security_id"], wanted["announcement_date"], names)
    month_of = wanted["announcement_date"].dt.strftime("%Y-%m")
    closes = np.full(len(asked), np.nan)
    before, own = ("", _NONE), ("", _NONE)
    for month in month_of.unique().sort():
        before, own = (
            own if own[0] == month_shift(month, -1) else _closes_of(month_shift(month, -1), read, names),
            _closes_of(month, read, names),
        )
        places = np.flatnonzero((month_of == month).to_numpy())
        for keys, values in (before[1], own[1]):  # a close of the month itself is later
            found = np.searchsorted(keys, asked[places]) - 1  # the newest row before the day
            near = (found >= 0) & (keys[found] >= asked[places] - DAYS) if len(keys) else np.zeros(len(places), bool)
            closes[places[near]] = values[found[near]]
    return wanted.with_columns(last_close=pl.Series(closes)).filter(pl.col("last_close").is_not_nan())


def _closes_of(month: str, read: Reader, names: pl.Enum) -> tuple[str, Closes]:
    """The month, keys of its rows with a close in order, and the closes."""
    rows = read(month)
    keys, closes = _keys(rows["security_id"], rows["session_date"], names), rows["close"].to_numpy()
    kept = (keys >= 0) & (closes > 0)  # a null is NaN, and neither
    keys, closes = keys[kept], closes[kept]
    if np.diff(keys).min(initial=1) < 0:
        order = np.argsort(keys, kind="stable")
        return month, (keys[order], closes[order])
    return month, (keys, closes)


def _keys(ids: pl.Series, dates: pl.Series, names: pl.Enum) -> np.ndarray:
    """Name and day as one number, in order of name and then day; negative for a name that nobody asks for."""
    runs = ids.rle()
    codes = runs.struct.field("value").cast(names, strict=False).to_physical().cast(pl.Int64).fill_null(-1).to_numpy()
    return np.repeat(codes, runs.struct.field("len").to_numpy()) * _PLACES + dates.to_physical().to_numpy()
