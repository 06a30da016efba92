"""Run one station over a range of months: skip what is unchanged, hold back what fails, remember what was done.

A month is skipped where its inputs and code are those of the last time, and left as it is where an earlier station failed it.
"""

import hashlib
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field

import polars as pl

from wg_dagster.ingest.adapter import Adapter
from wg_dagster.quality.gate import gate, passes
from wg_dagster.schemas.tables import RAW_TABLES, TABLES
from wg_dagster.stations import Pending, Reader, Reads, Station
from wg_dagster.strategies import Strategy
from wg_dagster.warehouse import Warehouse, code_version
from wg_dagster.writing import Control, write_tables

RAW_STATION = "raw"
CHUNK = 12  # months of a station that builds month by month, written together
RAW_BATCH = 6  # months landed in one piece: bounds the memory of a long history, and what a cut landing has to do again


@dataclass
class Outcome:
    """What a station did: months built, unchanged, blocked by an earlier failure, and the verdicts of its tables."""

    station: str
    built: list[str] = field(default_factory=list)
    unchanged: list[str] = field(default_factory=list)
    blocked: list[str] = field(default_factory=list)
    rows: dict[str, int] = field(default_factory=dict)
    month_rows: dict[str, dict[str, int]] = field(default_factory=dict)  # table -> month -> rows; "" for tables without months
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
    control = Control(outcome.station)
    seen: dict[str, str] = {}
    for chunk in _batches(wanted, max(station.batch, CHUNK)):
        seen |= _run_chunk(warehouse, station, chunk, strategy, control)
    if seen:
        control.write(warehouse, list(seen))
        warehouse.record_fresh(outcome.station, seen, station.writes, scope=strategy.strategy_id if strategy else None)
    outcome.built = list(seen)
    outcome.unchanged = [month for month in wanted if month not in seen]
    return finish(warehouse, outcome, station.writes, months, strategy.strategy_id if strategy else None)


def _run_chunk(warehouse: Warehouse, station: Station, chunk: list[str], strategy: Strategy | None, control: Control) -> dict[str, str]:
    """Build the stale months of a chunk and write them in one commit a table; month -> identity of what was read.

    A station that reads its own past sees the chunk's earlier months before they are written. Where the gate holds rows of such a
    station back, its months are written one by one instead, so that each sees what the gate left of the ones before.
    """
    scope = strategy.strategy_id if strategy else None
    rests_on_itself = any(reads.table in station.writes and not reads.own for reads in station.reads)
    pending = Pending()
    seen: dict[str, str | None] = {}  # None: rests on months of this chunk, which have no identity before they are written
    for call in _batches(chunk, station.batch):
        inputs = {month: input_identity(warehouse, station, month, strategy) for month in call}
        name = scoped(station.name, strategy)
        stale = [month for month in call if not warehouse.is_fresh(name, month, inputs[month], station.writes, scope=scope)]
        if rests_on_itself and pending.months:
            stale = call
        if stale:
            stale = [month for month in call if stale[0] <= month <= stale[-1]]
            # Taken before the write: after it the view holds what other runs have committed meanwhile, which was not read.
            seen |= {month: None if rests_on_itself and pending.months else inputs[month] for month in stale}
            reader = Reader(warehouse, station, stale, strategy, pending=pending)
            pending.add(station.build(reader, stale, strategy) if strategy else station.build(reader, stale), stale)
    if not pending.months:
        return {}
    if rests_on_itself and len(chunk) > 1 and any(not passes(table, pending.rows(table)) for table in station.writes):
        return {month: value for one in chunk for month, value in _run_chunk(warehouse, station, [one], strategy, control).items()}
    write_tables(warehouse, station, pending.all_rows(), pending.months, control, scope=scope)
    return {month: identity or input_identity(warehouse, station, month, strategy) for month, identity in seen.items()}


def finish(warehouse: Warehouse, outcome: Outcome, tables: Iterable[str], months: Sequence[str], scope: str | None) -> Outcome:
    """Add what the lake says of these months: rows a table, verdicts, rows held back."""
    outcome.month_rows = {table: _counts(warehouse, table, months, scope) for table in tables}
    outcome.rows = {table: sum(counts.values()) for table, counts in outcome.month_rows.items()}
    outcome.checks = warehouse.read("checks", months=months, scope=outcome.station)
    outcome.quarantined = warehouse.read("quarantine", months=months, scope=outcome.station, columns=["month"]).height
    return outcome


def input_identity(warehouse: Warehouse, station: Station, month: str, strategy: Strategy | None = None) -> str:
    """A hash of the code, the strategy and the stored rows that determine a month of a station."""
    parts = [code_version(*station.code), repr(strategy), station.settings(warehouse.home) if station.settings else ""]
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
    for first in range(0, len(stale), RAW_BATCH):
        batch, control = stale[first : first + RAW_BATCH], Control(RAW_STATION)
        _land(warehouse, adapter, batch, control)
        control.write(warehouse, batch)
        warehouse.record_fresh(RAW_STATION, dict.fromkeys(batch, identity), RAW_TABLES)  # a landing that is cut goes on from here
    outcome.built = stale
    return finish(warehouse, outcome, RAW_TABLES, months, None)


def _land(warehouse: Warehouse, adapter: Adapter, months: list[str], control: Control) -> None:
    parts: dict[str, list[pl.DataFrame]] = {}
    for table, rows in adapter.load(months):
        if table == "quarantine":
            control.add(None, rows)
        else:
            parts.setdefault(table, []).append(rows)
    for table in RAW_TABLES:
        gated = gate(RAW_STATION, table, pl.concat(parts.pop(table, [TABLES[table].empty()])), months)
        warehouse.append_new(table, gated.rows)
        control.add(gated.checks, gated.quarantine)


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


def _counts(warehouse: Warehouse, table: str, months: Sequence[str], scope: str | None) -> dict[str, int]:
    by_month = "month" in TABLES[table].partition_by
    rows = warehouse.scan(table, months=months if by_month else None, scope=scope if "strategy" in TABLES[table].partition_by else None)
    if not by_month:
        return {"": rows.select(pl.len()).collect().item()}
    return dict(rows.group_by("month").len().collect().sort("month").iter_rows())


def run_factors(
    warehouse: Warehouse,
    station: Station,
    months: Sequence[str],
    *,
    failed: Iterable[str] = (),
    build: Callable[[Warehouse, Sequence[str]], object] | None = None,
) -> Outcome:
    """Build the stale months of the factor tables in one dbt run; a range with holes is built as a whole.

    `build` stands for `factor_run.build_factors`, where a proof builds with another project.
    """
    from wg_dagster.factor_run import build_factors

    outcome = Outcome(scoped(station.name, None), blocked=sorted(set(failed) & set(months)))
    wanted = [month for month in sorted(months) if month not in outcome.blocked]
    inputs = {month: input_identity(warehouse, station, month) for month in wanted}
    stale = [month for month in wanted if not warehouse.is_fresh(outcome.station, month, inputs[month], station.writes)]
    if stale:
        (build or build_factors)(warehouse, stale)
        control = Control(outcome.station)
        built = {table: warehouse.read(table, months=stale) for table in station.writes}
        write_tables(warehouse, station, built, stale, control, scope=None)
        control.write(warehouse, stale)
        warehouse.record_fresh(outcome.station, {month: inputs[month] for month in stale}, station.writes)
    outcome.built, outcome.unchanged = stale, [month for month in wanted if month not in stale]
    return finish(warehouse, outcome, station.writes, months, None)
