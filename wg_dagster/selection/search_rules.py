"""Which factor weights the rules of a search choose at a month's cut-off, from the stored months alone."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import polars as pl

from optimizer.errors import TooFewReturns
from optimizer.evidence import FEWEST_OUT_OF_SAMPLE
from optimizer.search_panel import FEWEST_MONTHS
from optimizer.search_rules import best_first, shrunken_weights, top_count
from optimizer.search_subsets import membership
from optimizer.search_validation import FIRST_FIT
from optimizer.search_windows import Sums, preferences
from wg_dagster.calendars import month_shift
from wg_dagster.schemas.columns import FACTORS
from wg_dagster.schemas.tables import TABLES
from wg_dagster.selection.evidence_panel import sign_of
from wg_dagster.strategies import Strategy

INCUMBENT, ALL = "incumbent", "all"
RULES = (INCUMBENT, ALL, "top_1_percent", "premia")
SHORT_FIT = 36  # months before the first choice where the history is too short for 60: shown, never enough for a recommendation
SESSIONS_PER_YEAR = 252  # as `optimizer.search` counts days
_GROWTH = ("log_growth", "total", "squares", "downside")


@dataclass(frozen=True)
class Window:
    """The months and factors that are searched together; `left_out` says of each other factor why not."""

    months: tuple[str, ...]
    factors: tuple[int, ...]
    left_out: dict[str, str]

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the factors."""
        return tuple(FACTORS[k] for k in self.factors)


def searched_window(results: pl.DataFrame) -> Window:
    """The last unbroken run of months of `search_results`, and the factors known long enough to its end.

    Long enough is half of the run, or what a walk forward needs where that is more, but never over three quarters of the run: a factor that
    came late must not cost the others their history. It is then left out, and the window begins where all that remain are known.

    Raises
    ------
    TooFewReturns
        If fewer than 24 months remain.
    """
    alone = results.filter(pl.col("subset").is_in([1 << k for k in range(len(FACTORS))])).select("month", "subset").unique()
    known: dict[str, set[int]] = {}
    for month, subset in alone.iter_rows():
        known.setdefault(month, set()).add(int(subset).bit_length() - 1)
    run: list[str] = []
    for month in sorted(known, reverse=True):
        if run and month_shift(month, 1) != run[0]:
            break
        run.insert(0, month)
    needed = max(FEWEST_MONTHS, min(max(len(run) // 2, FIRST_FIT + FEWEST_OUT_OF_SAMPLE), 3 * len(run) // 4))
    lengths = {k: _newest_in_a_row(known, run, k) for k in range(len(FACTORS))}
    factors = tuple(k for k, length in lengths.items() if length >= needed)
    left_out = {FACTORS[k]: f"known for {lengths[k]} months in a row, {needed} are needed" for k in lengths if k not in factors}
    months = run[len(run) - min((lengths[k] for k in factors), default=0) :]
    if len(months) < FEWEST_MONTHS:
        raise TooFewReturns(
            f"{len(run)} months in a row have been searched, {FEWEST_MONTHS} are needed: run more months, or land more history"
        )
    return Window(tuple(months), factors, left_out)


def first_fit(months: int) -> int:
    """Months before the first choice of a walk forward over so many."""
    return FIRST_FIT if months >= FIRST_FIT + FEWEST_OUT_OF_SAMPLE else SHORT_FIT


def sums_of(results: pl.DataFrame, window: Window, *, active: bool = False) -> Sums:
    """(T, S) sums of the window's months and sets of factors, in the order of `optimizer.search`."""
    outside = sum(1 << k for k in range(len(FACTORS)) if k not in window.factors)
    columns = [f"active_{name}" if active else name for name in _GROWTH]
    rows = (
        results.filter(pl.col("month").is_in(list(window.months)) & ((pl.col("subset") & outside) == 0))
        .select("month", "subset", "sessions", *columns)
        .sort("month", "subset")
    )
    shape = len(window.months), (1 << len(window.factors)) - 1
    parts = [rows[name].to_numpy().reshape(shape) for name in columns]
    return Sums(rows["sessions"].to_numpy().reshape(shape)[:, 0].astype(int), *parts, periods_per_year=SESSIONS_PER_YEAR)


def by_factor(premia: pl.DataFrame, window: Window, column: str) -> np.ndarray:
    """(T, F) a column of `search_premia`."""
    rows = premia.filter(pl.col("month").is_in(list(window.months)) & pl.col("factor").is_in(list(window.names)))
    wide = rows.pivot(on="factor", index="month", values=column).sort("month")
    return wide.select(window.names).to_numpy()


def rule_weights(
    strategy: Strategy, window: Window, *, results: pl.DataFrame, premia: pl.DataFrame, cells: Mapping[str, np.ndarray]
) -> dict[str, dict[str, float]]:
    """Rule -> factor -> weight (positive, they sum to one), as chosen from these months.

    `top_1_percent` is the mean of the composites of the best subsets: a factor weighs the mean of 1 / (size of the subset) over those
    that hold it. `premia` are regression premia drawn to their mean, none below zero.
    """
    masks = np.array(list(cells.values())) if cells else None
    (_, preferred), *_ = preferences(sums_of(results, window), first=len(window.months), cells=masks)
    best = membership(len(window.factors))[best_first(preferred)[: top_count(len(preferred))]]
    weights = {
        ALL: np.ones(len(window.factors)),
        "top_1_percent": (best / best.sum(axis=1, keepdims=True)).mean(axis=0),
        "premia": shrunken_weights(by_factor(premia, window, "premium")).astype(float),
    }
    chosen = {rule: dict(zip(window.names, values / values.sum(), strict=True)) for rule, values in weights.items()}
    chosen[INCUMBENT] = dict.fromkeys(strategy.factors, 1.0 / len(strategy.factors))
    return {rule: {factor: float(weight) for factor, weight in chosen[rule].items() if weight > 0.0} for rule in RULES}


def tilted(strategy: Strategy, weights: Mapping[str, float]) -> Strategy:
    """The strategy with the factors of a rule in place of its own."""
    return replace(strategy, factors={factor: sign_of(strategy, factor) for factor in weights})


def weight_rows(strategy: Strategy, month: str, chosen: Mapping[str, Mapping[str, float]]) -> pl.DataFrame:
    """Rows of `trial_weights`."""
    rows = [
        {"strategy": strategy.strategy_id, "month": month, "factor_rule": rule, "factor": factor, "sign": sign_of(strategy, factor)}
        | {"weight": weight}
        for rule in sorted(chosen)
        for factor, weight in sorted(chosen[rule].items())
    ]
    return pl.DataFrame(rows, schema=TABLES["trial_weights"].schema)


def weights_of(rows: pl.DataFrame, rule: str) -> dict[str, float]:
    """Factor -> weight of a rule in rows of `trial_weights` of one month, in the order of FACTORS."""
    found = dict(rows.filter(pl.col("factor_rule") == rule).select("factor", "weight").iter_rows())
    return {factor: found[factor] for factor in FACTORS if factor in found}


def _newest_in_a_row(known: Mapping[str, set[int]], run: Sequence[str], factor: int) -> int:
    count = 0
    while count < len(run) and factor in known[run[-1 - count]]:
        count += 1
    return count
