"""What a station built becomes rows of the lake: gated, judged, and with its verdicts and held-back rows beside it."""

from collections.abc import Sequence
from dataclasses import dataclass, field

import polars as pl

from wg_dagster.quality.gate import gate, verdict
from wg_dagster.quality.looks import stored_rows
from wg_dagster.quality.rules import judge
from wg_dagster.schemas.tables import TABLES
from wg_dagster.stations import Station
from wg_dagster.warehouse import Warehouse


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


def write_tables(
    warehouse: Warehouse, station: Station, built: dict[str, pl.DataFrame], months: list[str], control: Control, *, scope: str | None
) -> None:
    """Hold each table's rows against its schema and its checks, and replace the months with what passed."""
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
    return rows.with_columns(pl.lit(station).alias("station")).select(
        pl.col(name).cast(dtype) for name, dtype in TABLES[table].schema.items()
    )
