"""Which memory of the risk model would have forecast best: the same months, one regression each, several ways to remember it."""

from collections import defaultdict
from collections.abc import Iterable

import numpy as np
import polars as pl

from benchmarks.honesty_measures import PORTFOLIO
from optimizer.cross_section import fit
from optimizer.risk_model import USUAL, Memory, risk_model_of
from wg_dagster.calendars import month_shift
from wg_dagster.selection.inputs import Inputs
from wg_dagster.selection.risk import SESSIONS_PER_YEAR
from wg_dagster.selection.risk_bias import followed_portfolios
from wg_dagster.stations import Reader
from wg_dagster.strategies import Strategy
from wg_dagster.warehouse import Warehouse

MEMORIES = {
    "chosen": USUAL,
    "252 days for all": Memory(volatility_half_life=252.0, lags=0),
    "volatilities 84": Memory(lags=0),
    "volatilities 84, two lags": Memory(lags=2),
    "volatilities 42": Memory(volatility_half_life=42.0, lags=0),
    "252 days, correlations shrunk by a tenth": Memory(volatility_half_life=252.0, lags=0, shrinkage=0.1),
    "all days alike": Memory(None, None, 0, 0.0, None),
}
FOLLOWED = ("benchmark", "drawn", "sector")
Ratios = dict[tuple[str, str], list[tuple[float, float]]]  # (memory, kind) -> (realised variance, forecast variance)


def forecasts(warehouse: Warehouse, strategies: Iterable[Strategy]) -> Ratios:
    """Realised and forecast variance a session of the portfolios that nobody chose, month by month."""
    found: Ratios = defaultdict(list)
    for strategy in strategies:
        prices = warehouse.read("prices_clean", columns=["month", "security_id", "session_date", "return_1e9"])
        months = warehouse.months("risk_forecasts", scope=strategy.strategy_id)
        for month in months:
            after = prices.filter(pl.col("month") == month_shift(month, 1)).drop_nulls("return_1e9")
            if month_shift(month, 1) in months:
                _add_month(found, warehouse, strategy, month, after)
    return found


def _add_month(found: Ratios, warehouse: Warehouse, strategy: Strategy, month: str, after: pl.DataFrame) -> None:
    reader = Reader(warehouse, PORTFOLIO, [month], strategy)
    panel = Inputs.read(reader, strategy).panel(month)
    cross_section = fit(panel.returns, panel.exposures)
    place = {name: k for k, name in enumerate(panel.lines["security_id"])}
    followed = followed_portfolios(reader.read("universe_members"), {}).filter(pl.col("item").str.contains("|".join(FOLLOWED)))
    returns = (
        followed.join(after, on="security_id").group_by("item", "session_date").agg((pl.col("weight") * pl.col("return_1e9") / 1e9).sum())
    )
    realised = {str(item): float(np.mean(rows["weight"].to_numpy() ** 2)) for (item,), rows in returns.group_by("item")}
    weights = {}
    for (item,), rows in followed.group_by("item", maintain_order=True):
        weights[str(item)] = np.zeros(len(place))
        weights[str(item)][[place[name] for name in rows["security_id"]]] = rows["weight"].to_numpy()
    per_year = SESSIONS_PER_YEAR[strategy.market]
    for name, memory in MEMORIES.items():
        model = risk_model_of(cross_section, panel.exposures, periods_per_year=per_year, memory=memory)
        for item in sorted(realised):
            found[name, item.split()[0]].append((realised[item], model.volatility(weights[item]) ** 2 / per_year))


def summary(ratios: Ratios, memory: str, kind: str) -> tuple[float, float]:
    """Realised over forecast volatility of all months together, and the mean distance of a month's from one."""
    both = np.array(ratios[memory, kind])
    return float(np.sqrt(both[:, 0].sum() / both[:, 1].sum())), float(np.mean(np.abs(np.sqrt(both[:, 0] / both[:, 1]) - 1.0)))
