"""Which months an earlier station failed, so that later ones leave them as they are."""

from collections.abc import Sequence

from wg_dagster.chain import clean_stations, factor_station, strategy_stations
from wg_dagster.runner import RAW_STATION, errors, scoped
from wg_dagster.stations import Station
from wg_dagster.strategies import Strategy
from wg_dagster.warehouse import Warehouse


def blocked_months(warehouse: Warehouse, station: Station, months: Sequence[str], strategy: Strategy | None = None) -> list[str]:
    """Months in which a station before this one (of the same strategy, or of none) failed with ERROR."""
    before = set(_names_before(station, strategy))
    broken = errors(warehouse.read("checks", months=months, columns=["station", "month", "passed", "severity"]))
    return sorted({month for name, month in broken.select("station", "month").iter_rows() if name in before})


def _names_before(station: Station, strategy: Strategy | None) -> list[str]:
    names = [RAW_STATION]
    shared = [*clean_stations(), factor_station()]
    for earlier in shared:
        if earlier.name == station.name:
            return names
        names.append(scoped(earlier.name, None))
    for earlier in strategy_stations():
        if earlier.name == station.name:
            break
        names.append(scoped(earlier.name, strategy))
    return names
