"""Flows of a year as known, by four windows in order of trust.

Four standalone quarters that fit; the newest fiscal year; three or two quarters annualised. Growth needs the year before of the same
window, so the annualised ones have none.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np

from wg_dagster.factor_windows.looks import Versions, is_between

FLOWS = (
    *("revenue", "operating_profit", "interest_expense", "pretax_income"),
    *("ordinary_profit", "net_income", "operating_cash_flow"),
)
GROWN = ("revenue", "operating_profit", "ordinary_profit")
QUARTERS = 8  # two years
Items = dict[str, np.ndarray]  # by place, as Versions.column gives it


@dataclass(frozen=True)
class Window:
    """The flows of one window at each look; nothing where it does not fit."""

    name: str
    newest: np.ndarray  # place of the version of its newest period, -1 where it does not fit
    flows: Items  # NaN where unknown
    year_ago: Items
    known_at: np.ndarray  # NEVER where it does not fit


def windows(quarters: np.ndarray, years: np.ndarray, versions: Versions, items: Items) -> Iterator[Window]:
    """Windows of each look.

    Parameters
    ----------
    quarters : (QUARTERS, looks)
        Places of versions, newest period first, -1 for none.
    years : (2, looks)
        The same of fiscal years.
    versions
        What the places mean.
    items
        FLOWS by place.
    """
    days = versions.ends[quarters]
    # quarters that end before the newest fiscal year does are not the latest twelve months
    is_latest = (quarters[0] >= 0) & (days[0] >= versions.ends[years[0]])
    two = is_latest & is_between(days[0] - days[1], 75, 125)
    three = two & is_between(days[1] - days[2], 75, 125)
    four = is_latest & _fits(days[:4])
    has_year_ago = four & _fits(days[4:]) & is_between(days[0] - days[4], 350, 380)
    yield _four_quarters(np.where(four, quarters[:4], -1), np.where(has_year_ago, quarters[4:], -1), versions, items)
    yield _fiscal_year(years, versions, items)
    yield _annualised(
        "annualised_3", np.where(three, quarters[:3], -1), versions, items, lambda one, two, three: (one + two + three) * 4 / 3
    )
    yield _annualised("annualised_2", np.where(two, quarters[:2], -1), versions, items, lambda one, two: (one + two) * 2)


def _fits(days: np.ndarray) -> np.ndarray:
    """Whether four quarters, newest first, follow each other."""
    return is_between(days[:3] - days[1:], 75, 125).all(axis=0) & is_between(days[0] - days[3], 259, 289)


def _four_quarters(now: np.ndarray, before: np.ndarray, versions: Versions, items: Items) -> Window:
    return Window(
        name="quarters",
        newest=now[0],
        flows={item: _added(items[item][now]) for item in FLOWS},
        year_ago={item: _added(items[item][before]) for item in GROWN},
        known_at=np.maximum(versions.known_at[now].max(axis=0), versions.known_at[before].max(axis=0)),
    )


def _fiscal_year(years: np.ndarray, versions: Versions, items: Items) -> Window:
    now, before = years
    before = np.where(is_between(versions.ends[now] - versions.ends[before], 350, 380), before, -1)
    return Window(
        name="annual",
        newest=now,
        flows={item: items[item][now] for item in FLOWS},
        year_ago={item: items[item][before] for item in GROWN},
        known_at=np.maximum(versions.known_at[now], versions.known_at[before]),
    )


def _annualised(name: str, quarters: np.ndarray, versions: Versions, items: Items, scaled: Callable[..., np.ndarray]) -> Window:
    return Window(
        name=name,
        newest=quarters[0],
        flows={item: scaled(*items[item][quarters]) for item in FLOWS},
        year_ago={},
        known_at=versions.known_at[quarters].max(axis=0),
    )


def _added(values: np.ndarray) -> np.ndarray:
    return values[0] + values[1] + values[2] + values[3]
