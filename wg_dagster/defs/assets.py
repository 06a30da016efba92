"""Stations as multi-assets: fetch the months, run the station, report rows, verdicts and quarantine. They return nothing."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import dagster as dg
import polars as pl

from wg_dagster.calendars import months_between
from wg_dagster.chain import clean_stations, factor_station, strategy_stations
from wg_dagster.config import Config
from wg_dagster.defs.partitions import portfolio_months
from wg_dagster.defs.preview import letter_preview
from wg_dagster.defs.resources import HomeResource
from wg_dagster.defs.tables import asset_spec
from wg_dagster.letters.index import write_index
from wg_dagster.progress import announce
from wg_dagster.runner import Outcome, errors, land_raw, run_factors, run_station
from wg_dagster.schemas.tables import FACTOR_TABLES, RAW_TABLES
from wg_dagster.source import source_of
from wg_dagster.stations import Station
from wg_dagster.strategies import STRATEGIES, Strategy
from wg_dagster.verdicts import blocked_months
from wg_dagster.warehouse import Warehouse

_ONE_RUN = dg.BackfillPolicy.single_run()
After = Callable[[Path, Warehouse, list[str]], dict[str, Any]]  # what is left to do once the tables are written; metadata for the UI
Work = Callable[[Warehouse, list[str]], Outcome]


def build_assets(config: Config) -> list[dg.AssetsDefinition]:
    """Every station of the chain, in order, for one home."""
    partitions = portfolio_months(config)
    assets = [_raw(config, partitions)]
    assets += [_clean(config, station, partitions) for station in clean_stations()]
    assets.append(_factors(partitions))
    for strategy in STRATEGIES.values():
        assets += [_strategy(station, strategy, partitions) for station in strategy_stations()]
    return assets


def _raw(config: Config, partitions: dg.PartitionsDefinition) -> dg.AssetsDefinition:
    specs = [asset_spec(table, None, partitions, "raw") for table in RAW_TABLES]

    def work(warehouse: Warehouse, months: list[str]) -> Outcome:
        return land_raw(warehouse, source_of(config), _with_warm_up(config, months))

    return _multi_asset("raw", "Vendor rows as they came", specs, work)


def _clean(config: Config, station: Station, partitions: dg.PartitionsDefinition) -> dg.AssetsDefinition:
    specs = [asset_spec(table, station, partitions, "clean") for table in station.writes]

    def work(warehouse: Warehouse, months: list[str]) -> Outcome:
        wanted = _with_warm_up(config, months)
        return run_station(warehouse, station, wanted, failed=blocked_months(warehouse, station, wanted))

    return _multi_asset(_op_name(station.name), station.description, specs, work)


def _with_warm_up(config: Config, months: list[str]) -> list[str]:
    """All months up to the wanted ones: what is there already is left alone."""
    return months_between(min(config.history_from, months[0]), months[-1])


def _factors(partitions: dg.PartitionsDefinition) -> dg.AssetsDefinition:
    station = factor_station()
    specs = [asset_spec(table, station, partitions, "factors") for table in FACTOR_TABLES]

    def work(warehouse: Warehouse, months: list[str]) -> Outcome:
        return run_factors(warehouse, station, months, failed=blocked_months(warehouse, station, months))

    return _multi_asset("factors", station.description, specs, work)


def _strategy(station: Station, strategy: Strategy, partitions: dg.PartitionsDefinition) -> dg.AssetsDefinition:
    specs = [asset_spec(table, station, partitions, strategy.strategy_id, strategy=strategy) for table in station.writes]

    def work(warehouse: Warehouse, months: list[str]) -> Outcome:
        failed = blocked_months(warehouse, station, months, strategy)
        return run_station(warehouse, station, months, strategy=strategy, failed=failed)

    def show_letter(home: Path, warehouse: Warehouse, months: list[str]) -> dict[str, Any]:
        write_index(home, warehouse.read("letters"))
        return letter_preview(home, strategy, months[-1])

    after = show_letter if "letters" in station.writes else None
    return _multi_asset(f"{strategy.strategy_id}__{_op_name(station.name)}", station.description, specs, work, after)


def _multi_asset(name: str, description: str, specs: list[dg.AssetSpec], work: Work, after: After | None = None) -> dg.AssetsDefinition:
    checks = [
        dg.AssetCheckSpec("gate", asset=spec.key, blocking=True, description="Rows obey the table's schema; bad rows are in quarantine")
        for spec in specs
    ]

    @dg.multi_asset(name=name, description=description, specs=specs, check_specs=checks, backfill_policy=_ONE_RUN)
    def station_asset(context: dg.AssetExecutionContext, home: HomeResource) -> Iterator[dg.MaterializeResult]:
        keys = context.partition_key_range
        months = months_between(keys.start, keys.end)
        with announce(name, len(months)) as line, home.station() as warehouse:
            outcome = work(warehouse, months)
            line.done(outcome)
        yield from _results(specs, outcome, after(home.folder, warehouse, months) if after else {})

    return station_asset


def _results(specs: list[dg.AssetSpec], outcome: Outcome, extra: dict[str, Any]) -> Iterator[dg.MaterializeResult]:
    for spec in specs:
        table = str(spec.metadata["dagster/table_name"])
        checks = outcome.checks.filter(pl.col("table") == table)
        yield dg.MaterializeResult(
            asset_key=spec.key,
            metadata={
                "dagster/row_count": outcome.rows.get(table, 0),
                "months built": len(outcome.built),
                "months unchanged": len(outcome.unchanged),
                "months blocked by an earlier failure": ", ".join(outcome.blocked) or "none",
                **extra,
            },
            check_results=[_check_result(spec.key, checks)],
        )


def _check_result(key: dg.AssetKey, checks: pl.DataFrame) -> dg.AssetCheckResult:
    """The worst month's verdict; ERROR, which stops everything after it, only where no month of the run is fit for use."""
    failed = checks.filter(~pl.col("passed"))
    broken = set(errors(checks)["month"])
    nothing_left = bool(broken) and broken == set(checks["month"])
    rows = [
        dg.TableRecord({name: str(row[name]) for name in ("month", "check_name", "severity", "failed_rows", "total_rows", "details")})
        for row in failed.sort("severity", "month").head(50).to_dicts()
    ]
    station = checks["station"][0] if checks.height else ""
    return dg.AssetCheckResult(
        passed=failed.is_empty(),
        asset_key=key,
        check_name="gate",
        severity=dg.AssetCheckSeverity.ERROR if nothing_left else dg.AssetCheckSeverity.WARN,
        description=f"{failed.height} of {checks.height} verdicts failed; months with ERROR: {', '.join(sorted(broken)) or 'none'}",
        metadata={
            "failed rows": int(failed["failed_rows"].sum() or 0),
            "rows": int(checks["total_rows"].sum() or 0),
            "failed verdicts": dg.MetadataValue.table(rows, schema=_VERDICT_SCHEMA) if rows else "none",
            "quarantine": f"table quarantine, station {station}",
        },
    )


_VERDICT_SCHEMA = dg.TableSchema(
    [dg.TableColumn(name) for name in ("month", "check_name", "severity", "failed_rows", "total_rows", "details")]
)


def _op_name(station: str) -> str:
    return station.replace("/", "_")
