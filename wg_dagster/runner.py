"""Run one station over a range of months: skip what is unchanged, hold back what fails, remember what was done.

A month is skipped where its inputs and code are those of the last time, and left as it is where an earlier station failed it.
"""

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

import polars as pl

from wg_dagster.ingest.adapter import Adapter
from wg_dagster.quality.gate import gate, verdict
from wg_dagster.quality.looks import stored_rows
from wg_dagster.quality.rules import judge
from wg_dagster.schemas.tables import RAW_TABLES, TABLES
from wg_dagster.stations import Reader, Reads, Station
from wg_dagster.strategies import Strategy
from wg_dagster.warehouse import Warehouse, code_version

RAW_STATION = "raw"
RAW_BATCH = 36  # months landed in one piece: bounds the memory of a long history


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
    control = Control(outcome.station)
    seen: dict[str, str] = {}
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
        _write(warehouse, station, built, stale, control, scope=scope)
        seen |= {month: inputs[month] for month in stale}
    if seen:
        control.write(warehouse, list(seen))
        warehouse.record_fresh(outcome.station, seen, station.writes, scope=scope)
        outcome.built = list(seen)
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
    control = Control(RAW_STATION)
    for first in range(0, len(stale), RAW_BATCH):
        _land(warehouse, adapter, stale[first : first + RAW_BATCH], control)
    if stale:
        control.write(warehouse, stale)
        warehouse.record_fresh(RAW_STATION, dict.fromkeys(stale, identity), RAW_TABLES)
        outcome.built = stale
    return finish(warehouse, outcome, RAW_TABLES, months, None)


def _land(warehouse: Warehouse, adapter: Adapter, months: list[str], control: "Control") -> None:
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


@dataclass
class Control:
    """Verdicts and held-back rows of a station, written once when its tables are."""

    station: str
    checks: list[pl.DataFrame] = field(default_factory=lambda: [TABLES["checks"].empty()])
    held: list[pl.DataFrame] = field(default_factory=lambda: [TABLES["quarantine"].empty()])

    def add(self, checks: pl.DataFrame | None, held: pl.DataFrame | None) -> None:
        """Take over rows, in this station's name."""
        self.checks += [_owned(checks, "checks", self.station)] if checks is not None else []
        self.held += [_owned(held, "quarantine", self.station)] if held is not None else []

    def write(self, warehouse: Warehouse, months: Sequence[str]) -> None:
        """Replace the station's verdicts and held-back rows of these months."""
        warehouse.write_months("checks", pl.concat(self.checks), months, scope=self.station)
        held = pl.concat(self.held).filter(pl.col("month").is_in(list(months)))
        warehouse.write_months("quarantine", held, months, scope=self.station)


def _write(
    warehouse: Warehouse, station: Station, built: dict[str, pl.DataFrame], months: list[str], control: Control, *, scope: str | None
) -> None:
    for table in station.writes:
        rows = built.get(table, TABLES[table].empty())
        if "month" not in TABLES[table].partition_by:
            warehouse.replace(table, rows)
            continue
        gated = gate(control.station, table, rows, months, strategy=scope)
        warehouse.write_months(table, gated.rows, months, scope=scope)
        control.add(gated.checks, gated.quarantine)
        stored = stored_rows(warehouse, table, months, scope)
        control.add(judge(control.station, table, gated.rows, months, stored=stored, strategy=scope), None)
    control.add(built.get("checks"), built.get("quarantine"))
    control.add(held_back_verdicts(control.station, built.get("quarantine"), months), None)


def held_back_verdicts(station: str, held: pl.DataFrame | None, months: Sequence[str]) -> pl.DataFrame | None:
    """A WARN for each month and table of which a station itself held rows back."""
    if held is None or held.is_empty():
        return None
    groups = held.filter(pl.col("month").is_in(list(months))).group_by("month", "table").agg(pl.len(), pl.col("rule").unique().sort())
    rows = [
        verdict(station, month, table, "rows_held_back", passed=False, severity="WARN", failed_rows=count, details={"rules": rules})
        for month, table, count, rules in groups.sort("month", "table").iter_rows()
    ]
    return pl.DataFrame(rows, schema=TABLES["checks"].schema) if rows else None


def _owned(rows: pl.DataFrame, table: str, station: str) -> pl.DataFrame:
    return rows.with_columns(pl.lit(station).alias("station")).select(pl.col(name).cast(dtype) for name, dtype in TABLES[table].schema.items())


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
        control = Control(outcome.station)
        _write(warehouse, station, {table: warehouse.read(table, months=stale) for table in station.writes}, stale, control, scope=None)
        control.write(warehouse, stale)
        warehouse.record_fresh(outcome.station, {month: inputs[month] for month in stale}, station.writes)
    outcome.built, outcome.unchanged = stale, [month for month in wanted if month not in stale]
    return finish(warehouse, outcome, station.writes, months, None)
