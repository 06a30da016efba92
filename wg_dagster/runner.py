"""Run one station over a range of months: skip what is unchanged, hold back what fails, remember what was done.

A month is skipped where its inputs and code are those of the last time, and left as it is where an earlier station failed it.
"""

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

import polars as pl

from wg_dagster.ingest.adapter import Adapter
from wg_dagster.quality.gate import gate
from wg_dagster.schemas.tables import RAW_TABLES, TABLES
from wg_dagster.stations import Reader, Reads, Station
from wg_dagster.strategies import Strategy
from wg_dagster.warehouse import Warehouse, code_version

RAW_STATION = "raw"


@dataclass
class Outcome:
    """What a station did: months built, unchanged, blocked by an earlier failure, and the verdicts of its tables."""

    station: str
    built: list[str] = field(default_factory=list)
    unchanged: list[str] = field(default_factory=list)
    blocked: list[str] = field(default_factory=list)
    rows: dict[str, int] = field(default_factory=dict)
    checks: pl.DataFrame = field(default_factory=TABLES["checks"].empty)
    quarantined: int = 0

    @property
    def failed_months(self) -> list[str]:
        """Months with a failed check of severity ERROR."""
        return sorted(set(errors(self.checks)["month"]))


def errors(checks: pl.DataFrame) -> pl.DataFrame:
    """Verdicts that stop a month."""
    return checks.filter(~pl.col("passed") & (pl.col("severity") == "ERROR"))


def scoped(station: str, strategy: Strategy | None) -> str:
    """Name of a station in `checks`, `quarantine` and the ledger."""
    return station.replace("/", ".") if strategy is None else f"{strategy.strategy_id}.{station.replace('/', '.')}"


def run_station(
    warehouse: Warehouse,
    station: Station,
    months: Sequence[str],
    *,
    strategy: Strategy | None = None,
    failed: Iterable[str] = (),
) -> Outcome:
    """Build the stale months of a station, month ranges in one call where the station allows it; `failed` months stay as they are."""
    outcome = Outcome(scoped(station.name, strategy), blocked=sorted(set(failed) & set(months)))
    wanted = [month for month in sorted(months) if month not in outcome.blocked]
    scope = strategy.strategy_id if strategy else None
    for batch in _batches(wanted, station.batch):
        inputs = {month: input_identity(warehouse, station, month, strategy) for month in batch}
        stale = [month for month in batch if not warehouse.is_fresh(outcome.station, month, inputs[month], station.writes, scope=scope)]
        outcome.unchanged += [month for month in batch if month not in stale]
        if not stale:
            continue
        if stale[-1] != batch[-1] or len(stale) != len(batch):
            stale = [month for month in batch if stale[0] <= month <= stale[-1]]
        reader = Reader(warehouse, station, stale, strategy)
        built = station.build(reader, stale, strategy) if strategy else station.build(reader, stale)
        _write(warehouse, station, outcome, built, stale, scope=scope)
        for month in stale:
            warehouse.record_fresh(outcome.station, month, inputs[month], station.writes, scope=scope)
        outcome.built += stale
    outcome.unchanged = [month for month in outcome.unchanged if month not in outcome.built]
    return finish(warehouse, outcome, station.writes, months, scope)


def finish(warehouse: Warehouse, outcome: Outcome, tables: Iterable[str], months: Sequence[str], scope: str | None) -> Outcome:
    """Add what the lake says of these months: rows a table, verdicts, rows held back."""
    outcome.rows = {table: _count(warehouse, table, months, scope) for table in tables}
    outcome.checks = warehouse.read("checks", months=months, scope=outcome.station)
    outcome.quarantined = warehouse.read("quarantine", months=months, scope=outcome.station, columns=["month"]).height
    return outcome


def input_identity(warehouse: Warehouse, station: Station, month: str, strategy: Strategy | None = None) -> str:
    """A hash of the code, the strategy and the stored rows that determine a month of a station."""
    parts = [code_version(*station.code), repr(strategy)]
    for reads in station.reads:
        partitions = TABLES[reads.table].partition_by
        if "month" not in partitions:
            parts.append(warehouse.identity(reads.table))
            continue
        parts.append(warehouse.identity(reads.table, months=_covered(warehouse, reads, month, strategy), scope=_scope_of(reads, strategy)))
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()


def land_raw(warehouse: Warehouse, adapter: Adapter, months: Sequence[str]) -> Outcome:
    """Append the raw rows of the months that this input has not landed yet."""
    outcome = Outcome(RAW_STATION)
    identity = adapter.identity()
    stale = [month for month in sorted(months) if not warehouse.is_fresh(RAW_STATION, month, identity, RAW_TABLES)]
    outcome.unchanged = [month for month in months if month not in stale]
    if stale:
        held: list[pl.DataFrame] = []
        parts: dict[str, list[pl.DataFrame]] = {}
        for table, rows in adapter.load(stale):
            (held if table == "quarantine" else parts.setdefault(table, [])).append(rows)
        for table in RAW_TABLES:
            gated = gate(RAW_STATION, table, pl.concat(parts.pop(table, [TABLES[table].empty()])), stale)
            warehouse.append_new(table, gated.rows)
            held.append(gated.quarantine)
            outcome.checks = pl.concat([outcome.checks, gated.checks])
        _write_control(warehouse, RAW_STATION, outcome.checks, held, stale)
        for month in stale:
            warehouse.record_fresh(RAW_STATION, month, identity, RAW_TABLES)
        outcome.built = stale
    return finish(warehouse, outcome, RAW_TABLES, months, None)


def _write(
    warehouse: Warehouse, station: Station, outcome: Outcome, built: dict[str, pl.DataFrame], months: list[str], *, scope: str | None
) -> None:
    held, verdicts = [], []
    for table in station.writes:
        rows = built.get(table, TABLES[table].empty())
        if "month" not in TABLES[table].partition_by:
            warehouse.replace(table, rows)
            continue
        gated = gate(outcome.station, table, rows, months, strategy=scope)
        warehouse.write_months(table, gated.rows, months, scope=scope)
        held.append(gated.quarantine)
        verdicts.append(gated.checks)
    held.append(_owned(built.get("quarantine"), "quarantine", outcome.station))
    verdicts.append(_owned(built.get("checks"), "checks", outcome.station))
    _write_control(warehouse, outcome.station, pl.concat(verdicts), held, months)


def _write_control(warehouse: Warehouse, station: str, checks: pl.DataFrame, held: list[pl.DataFrame], months: Sequence[str]) -> None:
    warehouse.write_months("checks", checks, months, scope=station)
    quarantine = pl.concat([_owned(rows, "quarantine", station) for rows in held])
    inside = quarantine.filter(pl.col("month").is_in(list(months)))
    warehouse.write_months("quarantine", inside, months, scope=station)


def _owned(rows: pl.DataFrame | None, table: str, station: str) -> pl.DataFrame:
    spec = TABLES[table]
    if rows is None:
        return spec.empty()
    return rows.with_columns(pl.lit(station).alias("station")).select(pl.col(name).cast(dtype) for name, dtype in spec.schema.items())


def _batches(months: Sequence[str], size: int) -> list[list[str]]:
    """Consecutive months in calls of at most `size`; a batch stays inside a calendar year, so that batches do not depend on the range."""
    batches: list[list[str]] = []
    for month in months:
        if batches and len(batches[-1]) < size and batches[-1][0][:4] == month[:4]:
            batches[-1].append(month)
        else:
            batches.append([month])
    return batches


def _covered(warehouse: Warehouse, reads: Reads, month: str, strategy: Strategy | None) -> list[str]:
    return reads.covers(month, month, warehouse.months(reads.table, scope=_scope_of(reads, strategy)))


def _scope_of(reads: Reads, strategy: Strategy | None) -> str | None:
    if strategy is None or "strategy" not in TABLES[reads.table].partition_by or reads.every_strategy:
        return None
    return strategy.strategy_id


def _count(warehouse: Warehouse, table: str, months: Sequence[str], scope: str | None) -> int:
    wanted = months if "month" in TABLES[table].partition_by else None
    return (
        warehouse.scan(table, months=wanted, scope=scope if "strategy" in TABLES[table].partition_by else None)
        .select(pl.len())
        .collect()
        .item()
    )


def run_factors(warehouse: Warehouse, station: Station, months: Sequence[str], *, failed: Iterable[str] = ()) -> Outcome:
    """Build the stale months of the factor tables in one dbt run; a range with holes is built as a whole."""
    from wg_dagster.factor_run import build_factors

    outcome = Outcome(scoped(station.name, None), blocked=sorted(set(failed) & set(months)))
    wanted = [month for month in sorted(months) if month not in outcome.blocked]
    inputs = {month: input_identity(warehouse, station, month) for month in wanted}
    stale = [month for month in wanted if not warehouse.is_fresh(outcome.station, month, inputs[month], station.writes)]
    if stale:
        build_factors(warehouse, stale)
        built = {table: warehouse.read(table, months=stale) for table in station.writes}
        _write(warehouse, station, outcome, built, stale, scope=None)
        for month in stale:
            warehouse.record_fresh(outcome.station, month, inputs[month], station.writes)
    outcome.built, outcome.unchanged = stale, [month for month in wanted if month not in stale]
    return finish(warehouse, outcome, station.writes, months, None)
