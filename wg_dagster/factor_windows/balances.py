"""The newest balance sheet as known and the one 350 to 380 days before it. A quarter's balance goes before that of a year of the same end."""

from dataclasses import dataclass

import numpy as np

from wg_dagster.factor_windows.looks import NEVER, Versions, is_between

BALANCES = ("assets", "current_assets", "current_liabilities", "total_liabilities", "equity")
MEANS = ("assets", "equity")  # items that are averaged with those of a year ago
_YEAR = 364.75  # days, no whole number and no half: no two balances are equally near to a year ago
_FAR = 1e9
Items = dict[str, np.ndarray]  # by place, as Versions.column gives it


@dataclass(frozen=True)
class Balance:
    """The balance of each look."""

    quarter: np.ndarray  # place of the version of the closing quarter, -1 where none
    year: np.ndarray  # place of the fiscal year of the same end
    items: Items  # NaN where unknown
    year_ago: Items
    known_at: np.ndarray  # NEVER where there is no balance


def balance(kinds: tuple[np.ndarray, np.ndarray], versions: Versions, items: Items) -> Balance:
    """Balance of each look.

    Parameters
    ----------
    kinds : two of (slots, looks)
        Places of the versions of quarters and of fiscal years, newest first, -1 for those that have no balance or are too old.
    versions
        What the places mean.
    items
        BALANCES by place.
    """
    ends, known_at = versions.ends, versions.known_at
    newest = [_newest(places) for places in kinds]
    closing = np.maximum(*(ends[places] for places in newest))
    quarter, year = (np.where(ends[places] == closing, places, -1) for places in newest)
    known = np.maximum(known_at[quarter], known_at[year])
    nearest = {item: np.full(len(closing), _FAR) for item in MEANS}
    year_ago = {item: np.full(len(closing), np.nan) for item in MEANS}
    for places in (slot for kind in kinds for slot in kind):
        days = closing - ends[places]
        is_year_ago = is_between(days, 350, 380) & (places >= 0)
        if not is_year_ago.any():
            continue
        known = np.maximum(known, np.where(is_year_ago, known_at[places], NEVER))
        distance = np.abs(days - _YEAR)
        for item in MEANS:
            values = items[item][places]
            is_nearer = is_year_ago & ~np.isnan(values) & (distance < nearest[item])
            nearest[item] = np.where(is_nearer, distance, nearest[item])
            year_ago[item] = np.where(is_nearer, values, year_ago[item])
    now = {item: _coalesced(items[item][quarter], items[item][year]) for item in BALANCES}
    now["total_liabilities"] = _coalesced(now["total_liabilities"], now["assets"] - now["equity"])
    return Balance(quarter, year, now, year_ago, known)


def _newest(places: np.ndarray) -> np.ndarray:
    newest = np.full(places.shape[1], -1)
    for slot in places[::-1]:
        newest = np.where(slot >= 0, slot, newest)
    return newest


def _coalesced(own: np.ndarray, other: np.ndarray) -> np.ndarray:
    return np.where(np.isnan(own), other, own)
