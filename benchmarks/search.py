"""CPU seconds of the factor search: `python -m benchmarks search`, or `python -m benchmarks.search NAMES MONTHS`; 5,000 x 240 by default."""

import json
import sys
import time
from collections.abc import Iterator
from dataclasses import replace

import numpy as np

import optimizer
from optimizer.search_engine import half_sums, top_names
from optimizer.search_planted import PlantedPanel, planted_panel
from optimizer.search_validation import cross_validated
from optimizer.search_windows import Sums, preferences

# CPU seconds at 5,000 names x 240 months; the last must not happen at all.
GOALS = {
    "search": 100.0,
    "search_numba": 12.0,
    "search_with_sector_limits": 100.0,
    "search_numba_with_sector_limits": 12.0,
    "numba_with_sector_limits_differs": 0.0,
    "walk_forward": 2.0,
    "increment": 0.5,
    "numba_differs": 0.0,
    "increment_differs_from_full": 0.0,
}
FACTORS, DAYS, COST = 14, 21, 0.0010


class _Clock:
    """CPU seconds since the last look."""

    def __init__(self) -> None:
        self.last = time.process_time()

    def seconds(self) -> float:
        now = time.process_time()
        self.last, spent = now, now - self.last
        return spent


def figures(names: int, months: int) -> Iterator[tuple[str, float, str]]:
    """Name, value, unit of each figure."""
    premia = np.where(np.arange(FACTORS) < 5, 0.002, 0.0)
    panel = planted_panel(1, months=months, names=names, premia=premia, days=DAYS)
    clock = _Clock()
    result = optimizer.search(panel.scores, panel.returns, **panel.labels, cost=COST)
    full = clock.seconds()
    yield "search", full, "CPU s"
    yield "search_over_floor", full / _floor(result, months), "ratio"
    clock.seconds()
    yield from _compiled(panel, result, clock)
    yield from _walks(result, months, clock)
    shorter = _without_last_month(result)
    clock.seconds()
    added = {"decided_in": panel.decided_in[-1:], "earned_in": panel.earned_in[-1:]}
    optimizer.months_after(shorter, panel.scores[-1:], panel.returns[-1:], **added)
    yield "increment", clock.seconds(), "CPU s"
    longer = optimizer.extend(shorter, panel.scores[-1:], panel.returns[-1:], **added)
    yield "increment_with_a_copy_of_all_months", clock.seconds(), "CPU s"
    yield "increment_differs_from_full", float((longer.monthly != result.monthly).any()), "0 or 1"
    del shorter, longer
    clock.seconds()
    optimizer.judge(result, incumbent=panel.factors[:5])
    yield "evidence", clock.seconds(), "CPU s"
    sector = np.arange(names) % 11
    few = slice(0, 24)
    labels = {"factors": panel.factors, "decided_in": panel.decided_in[few], "earned_in": panel.earned_in[few]}
    clock.seconds()
    limited = {"cost": COST, "sectors": sector, "sector_limit": 4}
    one = optimizer.search(panel.scores[few], panel.returns[few], **labels, **limited)
    yield "search_with_sector_limits", clock.seconds() * months / 24, "CPU s, from 24 months"
    optimizer.search(
        panel.scores[few, :100],
        [days[:, :100] for days in panel.returns[few]],
        **labels,
        **(limited | {"sectors": sector[:100]}),
        engine="numba",
    )
    clock.seconds()
    other = optimizer.search(panel.scores[few], panel.returns[few], **labels, **limited, engine="numba")
    yield "search_numba_with_sector_limits", clock.seconds() * months / 24, "CPU s, from 24 months"
    yield "numba_with_sector_limits_differs", float(one.fingerprint() != other.fingerprint()), "0 or 1"


def _compiled(panel: PlantedPanel, result: optimizer.Search, clock: _Clock) -> Iterator[tuple[str, float, str]]:
    few = {"factors": panel.factors, "decided_in": panel.decided_in[:24], "earned_in": panel.earned_in[:24]}
    optimizer.search(panel.scores[:24, :100], [days[:, :100] for days in panel.returns[:24]], **few, engine="numba")  # compiles
    clock.seconds()
    other = optimizer.search(panel.scores, panel.returns, **panel.labels, cost=COST, engine="numba")
    yield "search_numba", clock.seconds(), "CPU s"
    yield "numba_differs", float(other.fingerprint() != result.fingerprint()), "0 or 1"
    clock.seconds()


def _walks(result: optimizer.Search, months: int, clock: _Clock) -> Iterator[tuple[str, float, str]]:
    rng = np.random.default_rng(0)
    states = rng.integers(0, 2, (4, months)).astype(bool)  # four splits, eight cells
    cells = np.concatenate([states, ~states])
    total = 0.0
    for name, options in {"expanding": {}, "rolling_60": {"rolling": 60}, "eight_regimes": {"cells": cells}}.items():
        for _, preferred in preferences(result.own, first=24, **options):
            np.argmax(preferred)
        spent = clock.seconds()
        total += spent
        yield f"walk_forward_{name}", spent, "CPU s"
    yield "walk_forward", total, "CPU s"
    cross_validated(result)
    yield "cross_validation", clock.seconds(), "CPU s"


def _floor(result: optimizer.Search, months: int) -> float:
    """CPU seconds to add and compare every score once."""
    low, high = half_sums(result.months[0].ranks)
    clock = _Clock()
    for part in high:
        (low + part >= 60_000).any()
    return clock.seconds() * months


def _without_last_month(result: optimizer.Search) -> optimizer.Search:
    def cut(sums: Sums) -> Sums:
        parts = {name: getattr(sums, name)[:-1] for name in ("periods", "growth", "total", "squares", "downside")}
        return Sums(**parts, periods_per_year=sums.periods_per_year)

    by_month = {name: getattr(result, name)[:-1] for name in ("traded", "benchmark", "premia", "information", "months")}
    last_chosen = top_names(result.months[-2], result.holdings)
    return replace(result, own=cut(result.own), active=cut(result.active), last_chosen=last_chosen, **by_month)


def lines(seeds: int = 0, names: int = 5000, months: int = 240) -> Iterator[dict[str, object]]:  # noqa: ARG001 - one panel is enough
    """Rows of results: name, value, unit, goal, met."""
    for name, value, unit in figures(names, months):
        goal = GOALS.get(name)
        met = None if goal is None else bool(value <= goal)
        row = {"name": f"search, {names} names, {months} months: {name}", "value": round(value, 4), "unit": unit}
        yield row | {"goal": goal, "met": met}


def main() -> None:
    names, months = (int(value) for value in sys.argv[1:3]) if len(sys.argv) > 2 else (5000, 240)
    for row in lines(names=names, months=months):
        print(json.dumps(row), flush=True)


if __name__ == "__main__":
    main()
