"""Walk the chain without Dagster: the same stations in the same order, for tests, proofs and notebooks."""

from collections.abc import Callable, Sequence

from wg_dagster.chain import clean_stations, factor_station, strategy_stations
from wg_dagster.ingest.adapter import Adapter
from wg_dagster.runner import Outcome, land_raw, run_factors, run_station
from wg_dagster.strategies import STRATEGIES
from wg_dagster.verdicts import blocked_months
from wg_dagster.warehouse import Warehouse


def walk(
    warehouse: Warehouse,
    adapter: Adapter,
    *,
    history: Sequence[str],
    months: Sequence[str],
    strategies: Sequence[str] = tuple(STRATEGIES),
    until: str = "letter",
) -> list[Outcome]:
    """Land and clean `history`, then build `months` of everything up to the station `until`; writes are settled, not published."""
    return [land_raw(warehouse, adapter, history), *rebuild(warehouse, history=history, months=months, strategies=strategies, until=until)]


def rebuild(
    warehouse: Warehouse,
    *,
    history: Sequence[str],
    months: Sequence[str],
    strategies: Sequence[str] = tuple(STRATEGIES),
    until: str = "letter",
    build: Callable[[Warehouse, Sequence[str]], object] | None = None,
) -> list[Outcome]:
    """Build from the raw rows that are there; `build` stands for `factor_run.build_factors`."""
    outcomes = [
        run_station(warehouse, station, history, failed=blocked_months(warehouse, station, history)) for station in clean_stations()
    ]
    if until != "clean":
        factors = factor_station()
        outcomes.append(run_factors(warehouse, factors, months, failed=blocked_months(warehouse, factors, months), build=build))
    if until not in {"clean", "factors"}:
        outcomes += _strategies(warehouse, months, strategies, until)
    warehouse.settle()
    return outcomes


def _strategies(warehouse: Warehouse, months: Sequence[str], strategies: Sequence[str], until: str) -> list[Outcome]:
    names = [station.name for station in strategy_stations()]
    stations = strategy_stations()[: names.index(until) + 1]
    outcomes = []
    for station in stations:  # station by station: letters compare all strategies
        for strategy in (STRATEGIES[name] for name in strategies):
            failed = blocked_months(warehouse, station, months, strategy)
            outcomes.append(run_station(warehouse, station, months, strategy=strategy, failed=failed))
    return outcomes
