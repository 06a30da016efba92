"""Quarterly earnings per share as they stood at each look, brought to the share basis of a later day."""

from dataclasses import dataclass

import numpy as np
import polars as pl

from wg_dagster.factor_windows import columns
from wg_dagster.factor_windows.looks import DAY, Versions, versions_of

STATEMENT_COLUMNS = ("security_id", "period_end_date", "known_at", "is_derived", "net_income", "shares_outstanding", "eps")
ANNOUNCEMENT_COLUMNS = ("security_id", "period_end_date", "known_at", "announcement_date", "actual_eps")
SPLIT_COLUMNS = ("security_id", "session_date", "known_at", "split_ratio")
_HOUR = 3_600_000_000  # microseconds


@dataclass(frozen=True)
class Series:
    """Earnings per share of one source by place of the version; NaN where unknown."""

    versions: Versions
    eps: np.ndarray
    shareless_income: np.ndarray  # net income of a derived quarter whose shares are unknown
    implied_shares: np.ndarray  # net income over EPS
    first_known_at: np.ndarray  # when its period was first known

    def reported(self, places: np.ndarray) -> np.ndarray:
        """EPS of (slots, looks), but of the last slot, newest first: income without shares is divided by those of the quarter before."""
        now, before = places[:-1], places[1:]
        eps = self.eps[now]
        return np.where(np.isnan(eps), self.shareless_income[now] / _nonzero(self.implied_shares[before]), eps)


@dataclass(frozen=True)
class Splits:
    """Splits in order of security and session."""

    starts: np.ndarray  # (securities + 1,)
    session: np.ndarray  # days
    known_at: np.ndarray
    ratio: np.ndarray


def statement_series(rows: pl.DataFrame, securities: np.ndarray) -> Series:
    """Of the STATEMENT_COLUMNS of quarters: a derived quarter divides its net income by shares."""
    versions = versions_of(securities, columns.days(rows["period_end_date"]), columns.instants(rows["known_at"]))
    is_derived = columns.flags(rows["is_derived"])
    income, shares, eps = (columns.numbers(rows[name]) for name in ("net_income", "shares_outstanding", "eps"))
    return Series(
        versions=versions,
        eps=versions.column(np.where(is_derived, income / _nonzero(shares), eps)),
        shareless_income=versions.column(np.where(is_derived & np.isnan(shares), income, np.nan)),
        implied_shares=versions.column(income / _nonzero(eps)),
        first_known_at=versions.known_at[versions.first],
    )


def announcement_series(rows: pl.DataFrame, securities: np.ndarray) -> Series:
    """Of the ANNOUNCEMENT_COLUMNS; of two announcements at one instant the later day's stands."""
    ends, known_at, days = (
        columns.days(rows["period_end_date"]),
        columns.instants(rows["known_at"]),
        columns.days(rows["announcement_date"]),
    )
    versions = versions_of(securities, ends, known_at, tie=days)
    eps = versions.column(columns.numbers(rows["actual_eps"]))
    nothing = np.full(len(eps), np.nan)
    return Series(versions, eps, nothing, nothing, first_known_at=versions.known_at)


def splits_of(rows: pl.DataFrame, securities: np.ndarray, count: int) -> Splits:
    """Of the SPLIT_COLUMNS, for securities numbered below `count`."""
    session = columns.days(rows["session_date"])
    order = np.lexsort((session, securities))
    known_at, ratio = columns.instants(rows["known_at"])[order], columns.numbers(rows["split_ratio"])[order]
    return Splits(np.append(0, np.cumsum(np.bincount(securities, minlength=count))), session[order], known_at, ratio)


def new_shares(
    splits: Splits, securities: np.ndarray, splits_known_at: np.ndarray, known_at: np.ndarray, is_japan: np.ndarray
) -> np.ndarray:
    """New shares for one of the day of `known_at` (quarters, looks), by the splits after that day that were known at splits_known_at."""
    shares = np.ones(known_at.shape)
    looks = np.arange(len(securities))
    place = splits.starts[securities]
    while len(looks := looks[place[looks] < splits.starts[securities[looks] + 1]]):
        split = place[looks]
        is_known = splits.known_at[split] <= splits_known_at[looks]
        day = (known_at[:, looks] + np.where(is_japan[looks], 9, -5) * _HOUR) // DAY  # of the exchange
        shares[:, looks] *= np.where(is_known & (day < splits.session[split]), splits.ratio[split], 1.0)
        place[looks] += 1
    return shares


def _nonzero(values: np.ndarray) -> np.ndarray:
    return np.where(values == 0, np.nan, values)
