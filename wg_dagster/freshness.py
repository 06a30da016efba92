"""Whether a range of months needs any work at all."""

from collections.abc import Sequence

from wg_dagster.calendars import months_between
from wg_dagster.chain import clean_stations, factor_station, strategy_stations
from wg_dagster.config import Config
from wg_dagster.runner import RAW_STATION, input_identity, scoped
from wg_dagster.schemas.tables import RAW_TABLES
from wg_dagster.source import source_of
from wg_dagster.stations import Station
from wg_dagster.strategies import STRATEGIES, Strategy
from wg_dagster.warehouse import Warehouse


def is_up_to_date(warehouse: Warehouse, config: Config, months: Sequence[str], strategies: Sequence[str]) -> bool:
    """Every station has run on exactly the inputs and the code of now."""
    history = months_between(config.history_from, months[-1])
    identity = source_of(config).identity()
    if not all(warehouse.is_fresh(RAW_STATION, month, identity, RAW_TABLES) for month in history):
        return False
    if not all(station_is_fresh(warehouse, station, month) for station in clean_stations() for month in history):
        return False
    if not all(station_is_fresh(warehouse, factor_station(), month) for month in months):
        return False
    return all(
        station_is_fresh(warehouse, station, month, STRATEGIES[strategy])
        for strategy in strategies
        for station in strategy_stations()
        for month in months
    )


def station_is_fresh(warehouse: Warehouse, station: Station, month: str, strategy: Strategy | None = None) -> bool:
    """The station has run on what it would read now."""
    inputs = input_identity(warehouse, station, month, strategy)
    scope = strategy.strategy_id if strategy else None
    return warehouse.is_fresh(scoped(station.name, strategy), month, inputs, station.writes, scope=scope)
