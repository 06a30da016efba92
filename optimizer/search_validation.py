"""The rules out of sample: forward in time, and across all ways to hold out blocks of months."""

from dataclasses import dataclass
from itertools import combinations

import numpy as np

from optimizer.errors import TooFewReturns
from optimizer.search import Search
from optimizer.search_rules import Choice, choices, earned
from optimizer.search_windows import annualised, preference, preferences

FIRST_FIT = 60  # months before the first choice
REFIT_EVERY = 12
GROUPS, HELD_OUT = 6, 2  # 15 splits, 5 paths
PURGE = 1  # a label is one month long
EMBARGO = 3  # the longest window of daily factors is 60 sessions


@dataclass(frozen=True, eq=False)
class WalkForward:
    """Returns out of sample and what was held.

    Attributes
    ----------
    months : (M,)
        Positions of the months out of sample.
    returns
        Rule -> (M,) net returns.
    fits
        (first month held, what each rule chose), oldest first.
    """

    months: np.ndarray
    returns: dict[str, np.ndarray]
    fits: tuple[tuple[int, dict[str, Choice]], ...]


def walk_forward(
    search: Search,
    *,
    incumbent: tuple[str, ...] | None = None,
    cells: np.ndarray | None = None,
    first: int = FIRST_FIT,
    every: int = REFIT_EVERY,
) -> WalkForward:
    """Choose from all months so far, hold for `every` months, choose again.

    Parameters
    ----------
    cells : (C, T), optional
        Months of each regime, known when the month was decided: subsets are then preferred by their worst regime.
    """
    total = len(search.months)
    if total <= first:
        raise TooFewReturns(f"a walk forward needs more than {first} months, got {total}; add history or choose earlier")
    pieces: dict[str, list[np.ndarray]] = {}
    fits = []
    for t, preferred in preferences(search.own, first=first, every=every, cells=cells):
        if t == total:
            break
        chosen = choices(search, preferred, slice(0, t), incumbent)
        held = np.arange(t, min(t + every, total))
        for rule, choice in chosen.items():
            pieces.setdefault(rule, []).append(earned(search, choice, held))
        fits.append((t, chosen))
    return WalkForward(np.arange(first, total), {rule: np.concatenate(parts) for rule, parts in pieces.items()}, tuple(fits))


def cross_validated(
    search: Search,
    *,
    incumbent: tuple[str, ...] | None = None,
    groups: int = GROUPS,
    held_out: int = HELD_OUT,
    purge: int = PURGE,
    embargo: int = EMBARGO,
) -> dict[str, np.ndarray]:
    """Combinatorial purged cross-validation: rule -> (paths, T) net returns, each path a full history out of sample.

    The months are cut into groups; for every choice of `held_out` groups the rules are fitted to the others, less `purge` months
    on both sides of a held-out group and `embargo` months after it. Lopez de Prado (2018), chapter 12.
    """
    total = len(search.months)
    fold = np.arange(total) * groups // total
    paths: dict[str, list[list[np.ndarray]]] = {}
    for test in combinations(range(groups), held_out):
        train = training_months(fold, test, purge=purge, embargo=embargo)
        if train.sum() < 12:
            raise TooFewReturns(f"{train.sum()} of {total} months remain to fit on; use fewer groups or more months")
        window = annualised(
            search.own.growth[train].sum(axis=0),
            search.own.downside[train].sum(axis=0),
            search.own.periods[train].sum(),
            search.own.periods_per_year,
        )
        for rule, choice in choices(search, preference(*window), train, incumbent).items():
            by_group = paths.setdefault(rule, [[] for _ in range(groups)])
            for group in test:
                by_group[group].append(earned(search, choice, np.flatnonzero(fold == group)))
    return {rule: np.concatenate([np.array(group) for group in by_group], axis=1) for rule, by_group in paths.items()}


def training_months(fold: np.ndarray, test: tuple[int, ...], *, purge: int, embargo: int) -> np.ndarray:
    """(T,) months that may be fitted on when the groups `test` are held out."""
    train = ~np.isin(fold, test)
    for group in test:
        inside = np.flatnonzero(fold == group)
        train[max(0, inside[0] - purge) : inside[-1] + 1 + purge + embargo] = False
    return train
