"""The chain: every station in order, from raw rows to letters."""

from functools import cache

import polars as pl

from wg_dagster.errors import OutsideData
from wg_dagster.stations import Station


@cache
def clean_stations() -> tuple[Station, ...]:
    """Raw rows to rows that fit together."""
    from wg_dagster.clean.stations import STATIONS

    return STATIONS


@cache
def strategy_stations() -> tuple[Station, ...]:
    """From factor tables to letters, once a strategy."""
    from wg_dagster.letters.stations import STATIONS as LETTERS
    from wg_dagster.performance.stations import STATIONS as PERFORMANCE
    from wg_dagster.selection.diagnostics_station import STATIONS as DIAGNOSTICS
    from wg_dagster.selection.stations import STATIONS as SELECTION
    from wg_dagster.trading.stations import STATIONS as TRADING

    return (*SELECTION, *DIAGNOSTICS, *TRADING, *PERFORMANCE, *LETTERS)


@cache
def search_stations() -> tuple[Station, ...]:
    """From scores to the evidence of the factor search, once a strategy; not part of the month's run."""
    from wg_dagster.selection.search_stations import STATIONS

    return STATIONS


@cache
def factor_station() -> Station:
    """Clean rows to the fourteen factor tables, by dbt."""
    from wg_dagster.factor_run import CODE, factor_inputs
    from wg_dagster.schemas.tables import FACTOR_TABLES

    return Station(
        name="factors",
        description="The 14 factor tables, built by dbt",
        group="factors",
        reads=factor_inputs(),
        writes=FACTOR_TABLES,
        build=_built_by_dbt,
        code=CODE,
    )


def _built_by_dbt(*_: object) -> dict[str, pl.DataFrame]:
    raise OutsideData("the factor tables are built by dbt: call runner.run_factors")
