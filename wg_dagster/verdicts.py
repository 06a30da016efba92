"""Which months an earlier station failed, so that later ones leave them as they are.

A month of a station is blocked where a table that it reads of that month is not fit for use: its writer failed, or was itself blocked.
A table that is read of the month before (trades from last month's portfolio) blocks the month after.
"""

from collections.abc import Sequence

from wg_dagster.calendars import month_shift
from wg_dagster.chain import clean_stations, factor_station, search_stations, strategy_stations
from wg_dagster.data_files import partition_of
from wg_dagster.runner import RAW_STATION, errors, scoped
from wg_dagster.schemas.tables import RAW_TABLES
from wg_dagster.stations import Station
from wg_dagster.strategies import Strategy
from wg_dagster.warehouse import Warehouse

_FAILED: dict[str, set[tuple[str, str]]] = {}  # data file of `checks` -> its station and month, if that failed


def blocked_months(warehouse: Warehouse, station: Station, months: Sequence[str], strategy: Strategy | None = None) -> list[str]:
    """Months of `months` that the station must leave as they are."""
    failed: dict[str, set[str]] = {}
    for name, month in _failures(warehouse):
        failed.setdefault(name, set()).add(month)
    if not failed:
        return []
    unfit: dict[str, set[str]] = dict.fromkeys(RAW_TABLES, failed.get(RAW_STATION, set()))
    blocked: set[str] = set()
    for one in _chain_up_to(station, strategy):
        name = scoped(one.name, strategy if one.by_strategy else None)
        blocked = _blocked(one, unfit, failed.get(name, set()), max(months))
        unfit |= dict.fromkeys(one.writes, blocked | failed.get(name, set()))
    return sorted(blocked & set(months))


def _failures(warehouse: Warehouse) -> set[tuple[str, str]]:
    """Station and month of the failed checks; a file of verdicts never changes and is read once, for there are thousands."""
    files = warehouse.files("checks")
    if new := [file for file in files if file not in _FAILED]:
        broken = errors(warehouse.scan_files("checks", new).select("station", "month", "passed", "severity").collect())
        failures = set(broken.select("station", "month").iter_rows())
        _FAILED.update({file: {partition_of(file)} & failures for file in new})
    return set().union(*(_FAILED[file] for file in files))


def _chain_up_to(station: Station, strategy: Strategy | None) -> list[Station]:
    chain = [*clean_stations(), factor_station(), *((*strategy_stations(), *search_stations()) if strategy else ())]
    return chain[: [one.name for one in chain].index(station.name) + 1]


def _blocked(station: Station, unfit: dict[str, set[str]], failed: set[str], last: str) -> set[str]:
    blocked: set[str] = set()
    for reads in station.reads:
        bad = unfit.get(reads.table, set())
        blocked |= bad if reads.own else {month_shift(month, 1) for month in bad}
    if any(reads.table in station.writes and not reads.own for reads in station.reads):
        for month in sorted(blocked | failed):  # it rests on its own past: what comes after a hole cannot be built
            following = month_shift(month, 1)
            while following <= last:
                blocked.add(following)
                following = month_shift(following, 1)
    return blocked
