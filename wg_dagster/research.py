"""Run the factor search over all months that the data hold, also those before the first portfolio: the same stations, without Dagster."""

from collections.abc import Callable, Iterator, Sequence
from itertools import groupby

from wg_dagster.calendars import months_between
from wg_dagster.chain import factor_station, search_stations, strategy_stations
from wg_dagster.config import Config
from wg_dagster.runner import Outcome, run_factors, run_station
from wg_dagster.selection.search_stations import EVIDENCE, GRID
from wg_dagster.stations import Station
from wg_dagster.strategies import Strategy
from wg_dagster.verdicts import blocked_months
from wg_dagster.warehouse import Warehouse

SCORED = ("universe", "scores")  # what the search needs of the strategy's own stations
Progress = Callable[[str, int, int], None]  # station, months done, months in all


def research(warehouse: Warehouse, config: Config, strategy: Strategy, last: str, progress: Progress) -> Iterator[Outcome]:
    """Build what is missing or stale of factors, universe, scores, grid and trials up to `last`, and the evidence of `last`.

    Months are built a calendar year at a time, so that a long history needs no more memory than a short one and can be watched.
    """
    yield from _scored(warehouse, months_between(config.history_from, last), strategy, progress)
    for station in search_stations():
        yield from _by_year(warehouse, station, wanted_months(config, station, [last]), strategy, progress)


def research_station(warehouse: Warehouse, config: Config, station: Station, strategy: Strategy, months: Sequence[str]) -> Outcome:
    """One station of the search for some months, and for all before them that it needs; scores of months before the first portfolio too."""
    if station.name == GRID:
        early = [month for month in months_between(config.history_from, months[-1]) if month < config.first_month]
        for _ in _scored(warehouse, early, strategy, lambda *_: None) if early else ():
            pass
    wanted = wanted_months(config, station, months)
    return run_station(warehouse, station, wanted, strategy=strategy, failed=blocked_months(warehouse, station, wanted, strategy))


def wanted_months(config: Config, station: Station, months: Sequence[str]) -> list[str]:
    """What is built for some months: of grid and trials everything up to them, of the evidence these alone."""
    return list(months) if station.name == EVIDENCE else months_between(config.history_from, months[-1])


def _scored(warehouse: Warehouse, months: Sequence[str], strategy: Strategy, progress: Progress) -> Iterator[Outcome]:
    """Factor tables, universe and scores."""
    factors = factor_station()
    progress(factors.name, 0, len(months))
    yield run_factors(warehouse, factors, months, failed=blocked_months(warehouse, factors, months))
    progress(factors.name, len(months), len(months))
    for station in (station for station in strategy_stations() if station.name in SCORED):
        yield from _by_year(warehouse, station, months, strategy, progress)


def _by_year(warehouse: Warehouse, station: Station, months: Sequence[str], strategy: Strategy, progress: Progress) -> Iterator[Outcome]:
    done = 0
    progress(station.name, 0, len(months))
    for _, group in groupby(months, key=lambda month: month[:4]):
        year = list(group)
        yield run_station(warehouse, station, year, strategy=strategy, failed=blocked_months(warehouse, station, year, strategy))
        done += len(year)
        progress(station.name, done, len(months))
