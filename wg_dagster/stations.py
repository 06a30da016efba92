"""What a station is: the tables it reads and how far back, the tables it writes, and the function between them."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType

import polars as pl

from wg_dagster.calendars import month_shift
from wg_dagster.errors import OutsideData
from wg_dagster.schemas.tables import TABLES
from wg_dagster.strategies import Strategy
from wg_dagster.warehouse import Warehouse

HISTORY = 10_000  # months back: everything up to the month itself


@dataclass(frozen=True)
class Reads:
    """A table that a station reads: the month itself and `back` months before it (`own=False`: only those before)."""

    table: str
    back: int = 0
    own: bool = True
    every_strategy: bool = False  # of strategy tables: those of all strategies, not only the station's own
    ahead: bool = False  # all stored months, also later ones: only for reference tables whose rows do not change with what comes later

    def covers(self, first: str, last: str, stored: Sequence[str]) -> list[str]:
        """Stored months that a build of the months first..last may see."""
        if self.ahead:
            return list(stored)
        start = month_shift(first, -self.back) if self.back < HISTORY else "0000-00"
        return [month for month in stored if start <= month and (month <= last if self.own else month < last)]


@dataclass(frozen=True)
class Station:
    """One step of the chain.

    `build(reader, months)` or, where `by_strategy`, `build(reader, months, strategy)` returns {table: rows} for exactly these
    months. `batch` is how many months one call may take (1 = month by month, for stations that read their own past).
    """

    name: str
    description: str
    group: str
    reads: tuple[Reads, ...]
    writes: tuple[str, ...]
    build: Callable[..., dict[str, pl.DataFrame]]
    code: tuple[ModuleType | Path, ...]
    by_strategy: bool = False
    batch: int = 1
    settings: Callable[[Path], str] | None = None  # what else in the home decides the rows, e.g. the issuer of letters


class Pending:
    """What a station has built and not written yet: a station that reads its own past sees it."""

    def __init__(self) -> None:
        self.months: list[str] = []
        self._built: dict[str, list[pl.DataFrame]] = {}

    def add(self, built: dict[str, pl.DataFrame], months: Sequence[str]) -> None:
        """Take over the rows of some months."""
        self.months += months
        for table, rows in built.items():
            self._built.setdefault(table, []).append(rows.select(pl.col(name).cast(dtype) for name, dtype in TABLES[table].schema.items()))

    def rows(self, table: str) -> pl.DataFrame:
        """All rows of a table."""
        return pl.concat([TABLES[table].empty(), *self._built.get(table, [])])

    def all_rows(self) -> dict[str, pl.DataFrame]:
        """All tables that were built."""
        return {table: self.rows(table) for table in self._built}


class Reader:
    """What a station sees: only the tables that it declared, and no month after the ones it builds."""

    def __init__(
        self,
        warehouse: Warehouse,
        station: Station,
        months: Sequence[str],
        strategy: Strategy | None = None,
        *,
        pending: Pending | None = None,
    ) -> None:
        self._warehouse = warehouse
        self._pending = pending or Pending()
        self._reads = {reads.table: reads for reads in station.reads}
        self._station = station
        self._first, self._last = min(months), max(months)
        self._scope = strategy.strategy_id if strategy else None
        self.home = warehouse.home

    def read(self, table: str, *, columns: Sequence[str] | None = None, every_strategy: bool = False) -> pl.DataFrame:
        """Rows of the declared months; strategy tables give the station's own strategy unless declared for `every_strategy`."""
        reads = self._declared(table)
        partitions = TABLES[table].partition_by
        if every_strategy and not reads.every_strategy:
            raise OutsideData(f"station {self._station.name} reads {table} of every strategy without declaring it; set every_strategy")
        scope = self._scope if "strategy" in partitions and not reads.every_strategy else None
        if "month" not in partitions:
            return self._warehouse.read(table, columns=columns)
        months = reads.covers(self._first, self._last, self._warehouse.months(table, scope=scope))
        if not self._pending.months or table not in self._station.writes:
            return self._warehouse.read(table, months=months, scope=scope, columns=columns)
        wanted = reads.covers(self._first, self._last, self._pending.months)
        stored = self._warehouse.read(table, months=[month for month in months if month not in wanted], scope=scope)
        rows = pl.concat([stored, self._pending.rows(table).filter(pl.col("month").is_in(wanted))])
        return rows.select(columns) if columns else rows

    def monthly(self, table: str) -> Iterator[pl.DataFrame]:
        """The rows of `read`, month by month: for raw tables too large to be held at once."""
        for month in self._declared(table).covers(self._first, self._last, self._warehouse.months(table)):
            yield self._warehouse.read(table, months=[month])

    def _declared(self, table: str) -> Reads:
        if table not in self._reads:
            raise OutsideData(f"station {self._station.name} reads {table} without declaring it; add it to the station's reads")
        return self._reads[table]
