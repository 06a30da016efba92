"""The market's states in the months of a search, as known when each month was decided."""

from collections.abc import Sequence

import numpy as np
import polars as pl

from optimizer.regimes import FEWEST_MONTHS, Split, crossed, marginal, rates, trend, volatility, yen
from wg_dagster.calendars import CALENDAR_OF_MARKET, cutoff, month_shift, months_between
from wg_dagster.strategies import Strategy

RATE_OF_MARKET = {"US": "us_bill", "JP": "jp_bill"}
_CHANGE = 12  # months over which rates and the yen rise or fall


def regime_splits(strategy: Strategy, decided_in: Sequence[str], *, benchmark_nav: pl.DataFrame, rates_clean: pl.DataFrame) -> list[Split]:
    """Trend and volatility of the own benchmark, bill rate and yen, as known at each month's cut-off."""
    calendar = CALENDAR_OF_MARKET[strategy.market]
    cutoffs = [cutoff(calendar, month) for month in decided_in]
    levels = benchmark_nav.filter(pl.col("benchmark_id") == strategy.benchmarks[0]).drop_nulls("level").sort("session_date")
    ends = np.array([int((levels["known_at"] <= end).sum()) - 1 for end in cutoffs])
    splits = [trend(levels["level"].to_numpy(), ends), volatility(levels["level"].to_numpy(), ends)]
    earlier = months_between(month_shift(decided_in[0], -_CHANGE), decided_in[-1])
    for rate_id, split in ((RATE_OF_MARKET[strategy.market], rates), ("usdjpy", yen)):
        own = rates_clean.filter(pl.col("rate_id") == rate_id).drop_nulls("value").sort("date", "known_at")
        newest = [own.filter(pl.col("known_at") <= cutoff(calendar, month)).tail(1)["value"].to_list() for month in earlier]
        unknown = next((t for t, found in enumerate(newest) if found), len(newest))
        series = np.array([found[0] for found in newest[unknown:]], dtype=float)
        at = np.maximum(np.arange(_CHANGE, len(earlier)) - unknown, -1)
        splits.append(split(series if len(series) else np.zeros(1), at, back=_CHANGE))
    return splits


def regime_cells(splits: Sequence[Split]) -> dict[str, np.ndarray]:
    """Eight cells of trend, volatility and rates where each has 24 months, else each split by itself; the yen always by itself."""
    cells = crossed(splits[:3])
    if min(int(cell.sum()) for cell in cells.values()) >= FEWEST_MONTHS:
        return cells | marginal(splits[3:])
    return marginal(splits)
