"""Flows of a year as known, by four windows in order of trust: four standalone quarters that fit, the newest fiscal year, three or two
quarters annualised. Growth needs the year before of the same window, so the annualised ones have none.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np

from wg_dagster.factor_windows.looks import NEVER, NO_DAY, is_between

FLOWS = (
    *("revenue", "operating_profit", "interest_expense", "pretax_income"),
    *("ordinary_profit", "net_income", "operating_cash_flow"),
)
GROWN = ("revenue", "operating_profit", "ordinary_profit")
QUARTERS = 8  # two years
Items = dict[str, np.ndarray]  # a value a version


@dataclass(frozen=True)
class Window:
    """The flows of one window at each look; nothing where it does not fit."""

    name: str
    newest: np.ndarray  # place of the version of its newest period, -1 where it does not fit
    flows: Items  # NaN where unknown
    year_ago: Items
    known_at: np.ndarray  # NEVER where it does not fit


def windows(quarters: np.ndarray, years: np.ndarray, ends: np.ndarray, known_at: np.ndarray, items: Items) -> Iterator[Window]:
    """Windows of each look.

    Parameters
    ----------
    quarters : (QUARTERS, looks)
        Places of versions, newest period first, -1 for none.
    years : (2, looks)
        The same of fiscal years.
    ends, known_at, items
        Period end (days), instant and flows of each place; the last place is no version.
    """
    days = ends[quarters]
    # quarters that end before the newest fiscal year does are not the latest twelve months
    is_latest = (quarters[0] >= 0) & (days[0] >= np.where(years[0] >= 0, ends[years[0]], NO_DAY))
    two = is_latest & is_between(days[0] - days[1], 75, 125)
    three = two & is_between(days[1] - days[2], 75, 125)
    yield _four_quarters(is_latest & _fits(days[:4]), quarters, days, known_at, items)
    yield _fiscal_year(years, ends, known_at, items)
    yield _annualised("annualised_3", quarters[:3], three, known_at, items, lambda first, second, third: (first + second + third) * 4 / 3)
    yield _annualised("annualised_2", quarters[:2], two, known_at, items, lambda first, second: (first + second) * 2)


def _fits(days: np.ndarray) -> np.ndarray:
    """Whether four quarters, newest first, follow each other."""
    gaps = days[:3] - days[1:]
    return is_between(gaps, 75, 125).all(axis=0) & is_between(days[0] - days[3], 259, 289)


def _four_quarters(is_fit: np.ndarray, quarters: np.ndarray, days: np.ndarray, known_at: np.ndarray, items: Items) -> Window:
    has_year_ago = is_fit & _fits(days[4:8]) & is_between(days[0] - days[4], 350, 380)
    now = np.where(is_fit, quarters[:4], -1)
    before = np.where(has_year_ago, quarters[4:8], -1)
    return Window(
        name="quarters",
        newest=now[0],
        flows={item: _added(items[item][now]) for item in FLOWS},
        year_ago={item: _added(items[item][before]) for item in GROWN},
        known_at=np.maximum(known_at[now].max(axis=0), known_at[before].max(axis=0)),
    )


def _fiscal_year(years: np.ndarray, ends: np.ndarray, known_at: np.ndarray, items: Items) -> Window:
    before = np.where(is_between(ends[years[0]] - ends[years[1]], 350, 380), years[1], -1)
    return Window(
        name="annual",
        newest=years[0],
        flows={item: items[item][years[0]] for item in FLOWS},
        year_ago={item: items[item][before] for item in GROWN},
        known_at=known_at[years[0]],
    )


def _annualised(
    name: str, quarters: np.ndarray, is_fit: np.ndarray, known_at: np.ndarray, items: Items, scaled: Callable[..., np.ndarray]
) -> Window:
    now = np.where(is_fit, quarters, -1)
    return Window(
        name=name,
        newest=now[0],
        flows={item: scaled(*items[item][now]) for item in FLOWS},
        year_ago={},
        known_at=known_at[now].max(axis=0, initial=NEVER),
    )


def _added(values: np.ndarray) -> np.ndarray:
    return values[0] + values[1] + values[2] + values[3]
