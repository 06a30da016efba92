"""Stations as multi-assets: fetch the months, run the station, report rows, verdicts and quarantine. They return nothing."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import dagster as dg
import polars as pl

from wg_dagster.calendars import months_between
from wg_dagster.chain import clean_stations, factor_station, search_stations, strategy_stations
from wg_dagster.config import Config
from wg_dagster.defs.checks import evaluations, gate_of, verdicts_of
from wg_dagster.defs.partitions import portfolio_months
from wg_dagster.defs.preview import letter_preview
from wg_dagster.defs.resources import HomeResource
from wg_dagster.defs.tables import asset_spec
from wg_dagster.letters.index import write_index
from wg_dagster.progress import announce
from wg_dagster.research import research_station
from wg_dagster.runner import Outcome, land_raw, run_factors, run_station
from wg_dagster.schemas.tables import FACTOR_TABLES, RAW_TABLES, TABLES
from wg_dagster.selection.diagnostics import diagnostics_page
from wg_dagster.source import source_of
from wg_dagster.stations import Station
from wg_dagster.strategies import STRATEGIES, Strategy
from wg_dagster.verdicts import blocked_months
from wg_dagster.warehouse import Warehouse

_ONE_RUN = dg.BackfillPolicy.single_run()
After = Callable[[Path, Warehouse, list[str]], dict[str, dict[str, Any]]]  # once the tables are written; metadata for the UI by month
Work = Callable[[Warehouse, list[str]], Outcome]
Report = dg.MaterializeResult | dg.AssetCheckEvaluation | dg.Output


def build_assets(config: Config) -> list[dg.AssetsDefinition]:
    """Every station of the chain, in order, for one home."""
    partitions = portfolio_months(config)
    assets = [_raw(config, partitions)]
    assets += [_clean(config, station, partitions) for station in clean_stations()]
    assets.append(_factors(config, partitions))
    for strategy in STRATEGIES.values():
        assets += [_strategy(config, station, strategy, partitions) for station in strategy_stations()]
        assets += [_search(config, station, strategy, partitions) for station in search_stations()]
    return assets


def _raw(config: Config, partitions: dg.PartitionsDefinition) -> dg.AssetsDefinition:
    specs = [asset_spec(table, None, partitions, "raw") for table in RAW_TABLES]

    def work(warehouse: Warehouse, months: list[str]) -> Outcome:
        return land_raw(warehouse, source_of(config), _with_warm_up(config, months))

    return _multi_asset(config, "raw", "Vendor rows as they came", specs, work)


def _clean(config: Config, station: Station, partitions: dg.PartitionsDefinition) -> dg.AssetsDefinition:
    specs = [asset_spec(table, station, partitions, "clean") for table in station.writes]

    def work(warehouse: Warehouse, months: list[str]) -> Outcome:
        wanted = _with_warm_up(config, months)
        return run_station(warehouse, station, wanted, failed=blocked_months(warehouse, station, wanted))

    return _multi_asset(config, _op_name(station.name), station.description, specs, work, station=station)


def _with_warm_up(config: Config, months: list[str]) -> list[str]:
    """All months up to the wanted ones: what is there already is left alone."""
    return months_between(min(config.history_from, months[0]), months[-1])


def _factors(config: Config, partitions: dg.PartitionsDefinition) -> dg.AssetsDefinition:
    station = factor_station()
    specs = [asset_spec(table, station, partitions, "factors") for table in FACTOR_TABLES]

    def work(warehouse: Warehouse, months: list[str]) -> Outcome:
        return run_factors(warehouse, station, months, failed=blocked_months(warehouse, station, months))

    return _multi_asset(config, "factors", station.description, specs, work, station=station)


def _strategy(config: Config, station: Station, strategy: Strategy, partitions: dg.PartitionsDefinition) -> dg.AssetsDefinition:
    specs = [asset_spec(table, station, partitions, strategy.strategy_id, strategy=strategy) for table in station.writes]

    def work(warehouse: Warehouse, months: list[str]) -> Outcome:
        failed = blocked_months(warehouse, station, months, strategy)
        return run_station(warehouse, station, months, strategy=strategy, failed=failed)

    def show_letters(home: Path, warehouse: Warehouse, months: list[str]) -> dict[str, dict[str, Any]]:
        write_index(home, warehouse.read("letters"))
        return {month: letter_preview(home, strategy, month) for month in months}

    def show_diagnostics(_home: Path, warehouse: Warehouse, months: list[str]) -> dict[str, dict[str, Any]]:
        rows = warehouse.read("factor_diagnostics", months=months, scope=strategy.strategy_id)
        return {month: {"diagnostics": dg.MetadataValue.md(diagnostics_page(rows.filter(month=month)))} for month in months}

    name = f"{strategy.strategy_id}__{_op_name(station.name)}"
    after = {"letters": show_letters, "factor_diagnostics": show_diagnostics}.get(station.writes[-1])
    return _multi_asset(config, name, station.description, specs, work, station=station, after=after)


def _search(config: Config, station: Station, strategy: Strategy, partitions: dg.PartitionsDefinition) -> dg.AssetsDefinition:
    """A station of the factor search; like the clean ones it builds the months before the first partition too."""
    specs = [asset_spec(table, station, partitions, strategy.strategy_id, strategy=strategy) for table in station.writes]

    def work(warehouse: Warehouse, months: list[str]) -> Outcome:
        return research_station(warehouse, config, station, strategy, months)

    name = f"{strategy.strategy_id}__{station.name}"
    return _multi_asset(config, name, station.description, specs, work, station=station)


def _multi_asset(
    config: Config,
    name: str,
    description: str,
    specs: list[dg.AssetSpec],
    work: Work,
    *,
    station: Station | None = None,
    after: After | None = None,
) -> dg.AssetsDefinition:
    @dg.multi_asset(
        name=name, description=description, specs=specs, check_specs=[gate_of(spec) for spec in specs], backfill_policy=_ONE_RUN
    )
    def station_asset(context: dg.AssetExecutionContext, home: HomeResource) -> Iterator[Report]:
        keys = context.partition_key_range
        months = months_between(keys.start, keys.end)
        with announce(name, len(months)) as line, home.station() as warehouse:
            outcome = work(warehouse, months)
            line.done(outcome)
        extra = after(home.folder, warehouse, months) if after else {}
        for spec in specs:
            table = str(spec.metadata["dagster/table_name"])
            _describe(context, spec, outcome.month_rows[table], outcome, months)
            for month, metadata in extra.items():
                context.add_asset_metadata(metadata, asset_key=spec.key, partition_key=month)
            yield dg.MaterializeResult(asset_key=spec.key)
            verdicts = verdicts_of(outcome, table, station, months, config.first_month)
            held = _held_back(warehouse, outcome.station, verdicts)
            yield from evaluations(context, spec, months, verdicts=verdicts, held=held, blocked=outcome.blocked)

    return station_asset


def _describe(context: dg.AssetExecutionContext, spec: dg.AssetSpec, rows: dict[str, int], outcome: Outcome, months: list[str]) -> None:
    """Each month's rows and what became of it; the lineage of columns stands with the newest."""
    for month in months:
        count = rows.get(month, 0) if "" not in rows else rows[""]
        context.add_asset_metadata({"dagster/row_count": count, "state": _state(outcome, month)}, asset_key=spec.key, partition_key=month)
    if lineage := spec.metadata.get("dagster/column_lineage"):
        context.add_asset_metadata({"dagster/column_lineage": lineage}, asset_key=spec.key, partition_key=months[-1])


def _state(outcome: Outcome, month: str) -> str:
    if month in outcome.blocked:
        return "left as it was: an earlier station failed this month"
    return "built" if month in outcome.built else "unchanged since an earlier run"


def _held_back(warehouse: Warehouse, station: str, verdicts: pl.DataFrame) -> pl.DataFrame:
    """Rows in quarantine behind the failed verdicts, with the month of the partition that shows them."""
    failed = verdicts.filter(~pl.col("passed")).select(pl.col("judged_month").alias("held_month"), "month").unique()
    held = warehouse.read("quarantine", months=failed["held_month"], scope=station) if failed.height else TABLES["quarantine"].empty()
    return held.rename({"month": "held_month"}).join(failed, on="held_month", how="inner", maintain_order="left")


def _op_name(station: str) -> str:
    return station.replace("/", "_")
