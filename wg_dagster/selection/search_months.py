"""The months of a search, each by itself: what the best names of every set of factors earned, and what each factor paid.

A month needs the scores of the two months before it, its prices and those of the month before, nothing else: a month added is the
month of the whole history, bit by bit.
"""

import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import polars as pl

from optimizer.errors import BadPanel
from optimizer.search_booking import Booked
from optimizer.search_engines import Engine, find_engine
from optimizer.search_panel import Month
from wg_dagster.calendars import month_shift
from wg_dagster.quality.gate import verdict
from wg_dagster.schemas.columns import FACTORS
from wg_dagster.schemas.tables import TABLES
from wg_dagster.selection.evidence_panel import SearchPanel
from wg_dagster.strategies import Strategy
from wg_dagster.trading.costs import cost_rate

SUMS = {
    "log_growth": "growth",
    "total": "total",
    "squares": "squares",
    "downside": "downside",
    "active_log_growth": "active_growth",
    "active_total": "active_total",
    "active_squares": "active_squares",
    "active_downside": "active_downside",
    "traded": "traded",
}  # column -> name in `Booked`


def month_tables(
    strategy: Strategy,
    months: Sequence[str],
    *,
    universe: pl.DataFrame,
    scores: pl.DataFrame,
    prices: pl.DataFrame,
    benchmark_nav: pl.DataFrame,
) -> dict[str, pl.DataFrame]:
    """Rows of `search_results` and `search_premia` of some months, and a verdict (`checks`) on each month that cannot be searched.

    All subsets of the factors that rank at least 60 % of the members are held. From one month to the next the names are carried over
    and only what differs is traded; where the month before had not all of these factors, all is bought from cash.

    Parameters
    ----------
    universe, scores
        `universe_members` and `factor_scores` of the strategy: of the two months before each.
    prices, benchmark_nav
        `prices_clean` and `benchmark_nav` of the months and the one before.
    """
    panel = SearchPanel(strategy, months, universe=universe, scores=scores, prices=prices, benchmark_nav=benchmark_nav)
    results, premia, verdicts = [TABLES["search_results"].empty()], [TABLES["search_premia"].empty()], []
    last: tuple[Month, np.ndarray] | None = None
    last_factors: tuple[int, ...] = ()
    # Loading compiled code costs more than it saves in one month; the rows are the same bit by bit.
    engine = find_engine("fastest" if len(months) > 1 else "numpy")
    wanted = {month: panel.factors(month) for month in sorted(months) if panel.factors(month) and panel.is_over(month)}
    with ThreadPoolExecutor(os.cpu_count()) as threads:
        held = {month: threads.submit(_held, panel, month, factors, engine) for month, factors in wanted.items()}
        for month, factors in wanted.items():
            before = month_shift(month, -1)
            try:
                if last is None or last[0].earned_in != before or last_factors != factors:
                    last = _carried(panel, before, factors, engine)
                found, chosen = held.pop(month).result()
            except BadPanel as error:
                verdicts.append(_not_searched(strategy, month, str(error)))
                last = None
                continue
            results.append(_result_rows(strategy, found, factors, engine.book(found, chosen, last, cost_rate(strategy.costs))))
            premia.append(_premium_rows(strategy, found, factors))
            last, last_factors = (found, chosen), factors
    return {
        "search_results": pl.concat(results),
        "search_premia": pl.concat(premia),
        "checks": pl.DataFrame(verdicts, schema=TABLES["checks"].schema),
    }


def _held(panel: SearchPanel, month: str, factors: tuple[int, ...], engine: Engine) -> tuple[Month, np.ndarray]:
    """What every set of the factors holds in a month."""
    found = panel.read(month, factors)
    return found, engine.top_names(found, panel.strategy.mandate.names[1])


def _carried(panel: SearchPanel, month: str, factors: tuple[int, ...], engine: Engine) -> tuple[Month, np.ndarray] | None:
    """What the same sets of factors held in a month; None where they could not be held."""
    if not set(factors) <= set(panel.factors(month)) or not panel.is_over(month):
        return None
    try:
        return _held(panel, month, factors, engine)
    except BadPanel:  # that month gets its own verdict when it is searched
        return None


def masks_of(factors: Sequence[int]) -> np.ndarray:
    """(S,) subset numbers over all of FACTORS, in the order of a search over these (ascending) positions: ascending too."""
    grid = np.arange(1, 1 << len(factors))
    return ((grid[:, None] >> np.arange(len(factors)) & 1) << np.asarray(factors)).sum(axis=1).astype(np.int32)


def _result_rows(strategy: Strategy, month: Month, factors: tuple[int, ...], booked: Booked) -> pl.DataFrame:
    sums = {column: getattr(booked, name) for column, name in SUMS.items()}
    keys = {"strategy": strategy.strategy_id, "month": month.earned_in, "subset": masks_of(factors), "sessions": len(month.benchmark)}
    return _conform("search_results", pl.DataFrame(keys | sums))


def _premium_rows(strategy: Strategy, month: Month, factors: tuple[int, ...]) -> pl.DataFrame:
    keys = {"strategy": strategy.strategy_id, "month": month.earned_in, "factor": [FACTORS[k] for k in factors]}
    rows = pl.DataFrame(keys | {"premium": month.premia(), "information": month.information()})
    return _conform("search_premia", rows.sort("factor"))


def _conform(table: str, rows: pl.DataFrame) -> pl.DataFrame:
    return rows.select(pl.col(name).cast(dtype) for name, dtype in TABLES[table].schema.items())


def _not_searched(strategy: Strategy, month: str, why: str) -> dict[str, object]:
    return verdict(
        "search",
        month,
        "search_results",
        "month_searched",
        passed=False,
        severity="WARN",
        failed_rows=1,
        total_rows=1,
        strategy=strategy.strategy_id,
        details={"reason": why},
    )
