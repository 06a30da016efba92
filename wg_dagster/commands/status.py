"""`wg status`: for each station, which months are there, which are stale, which failed."""

import argparse

from wg_dagster.calendars import months_between
from wg_dagster.chain import clean_stations, factor_station, strategy_stations
from wg_dagster.config import Config, load_config
from wg_dagster.freshness import station_is_fresh
from wg_dagster.runner import RAW_STATION, errors, scoped
from wg_dagster.schemas.tables import RAW_TABLES
from wg_dagster.source import source_of
from wg_dagster.stations import Station
from wg_dagster.strategies import STRATEGIES, Strategy
from wg_dagster.warehouse import Warehouse


def show(options: argparse.Namespace) -> int:
    """Print one line a station; 1 if a month failed."""
    config = load_config(options.home)
    warehouse = Warehouse(options.home)
    number, _ = warehouse.snapshots.latest()
    print(f"{options.home}: {config.source}, portfolios from {config.first_month}, data to {config.last_month}, snapshot {number}")
    broken = errors(warehouse.read("checks"))
    failed = {(station, month) for station, month in broken.select("station", "month").iter_rows()}
    print(f"{'station':<44} {'present':>8} {'stale':>6} {'missing':>8} {'failed':>7}")
    for name, states in _states(warehouse, config):
        bad = sum(month in {m for s, m in failed if s == name} for month in states)
        counts = [sum(state == wanted for state in states.values()) for wanted in ("present", "stale", "missing")]
        print(f"{name:<44} {counts[0]:>8} {counts[1]:>6} {counts[2]:>8} {bad:>7}")
    return 1 if failed else 0


def _states(warehouse: Warehouse, config: Config) -> list[tuple[str, dict[str, str]]]:
    history = months_between(config.history_from, config.last_month)
    months = months_between(config.first_month, config.last_month)
    identity = source_of(config).identity()
    raw = {month: _raw_state(warehouse, month, identity) for month in history}
    states = [(RAW_STATION, raw)]
    states += [(scoped(station.name, None), _of(warehouse, station, history)) for station in clean_stations()]
    states.append((scoped(factor_station().name, None), _of(warehouse, factor_station(), months)))
    for strategy in STRATEGIES.values():
        states += [(scoped(station.name, strategy), _of(warehouse, station, months, strategy)) for station in strategy_stations()]
    return states


def _of(warehouse: Warehouse, station: Station, months: list[str], strategy: Strategy | None = None) -> dict[str, str]:
    known = warehouse.ledger.station(scoped(station.name, strategy), strategy.strategy_id if strategy else "")
    return {
        month: "missing" if month not in known else "present" if station_is_fresh(warehouse, station, month, strategy) else "stale"
        for month in months
    }


def _raw_state(warehouse: Warehouse, month: str, identity: str) -> str:
    if warehouse.is_fresh(RAW_STATION, month, identity, RAW_TABLES):
        return "present"
    return "stale" if month in warehouse.ledger.station(RAW_STATION, "") else "missing"
