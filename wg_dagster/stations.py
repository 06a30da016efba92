"""What a station is: the tables it reads and how far back, the tables it writes, and the function between them."""

from collections.abc import Callable, Sequence
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


class Reader:
    """What a station sees: only the tables that it declared, and no month after the ones it builds."""

    def __init__(self, warehouse: Warehouse, station: Station, months: Sequence[str], strategy: Strategy | None = None) -> None:
        self._warehouse = warehouse
        self._reads = {reads.table: reads for reads in station.reads}
        self._station = station.name
        self._first, self._last = min(months), max(months)
        self._scope = strategy.strategy_id if strategy else None
        self.home = warehouse.home

    def read(self, table: str, *, columns: Sequence[str] | None = None, every_strategy: bool = False) -> pl.DataFrame:
        """Rows of the declared months; strategy tables give the station's own strategy unless declared for `every_strategy`."""
        if table not in self._reads:
            raise OutsideData(f"station {self._station} reads {table} without declaring it; add it to the station's reads")
        reads = self._reads[table]
        partitions = TABLES[table].partition_by
        if every_strategy and not reads.every_strategy:
            raise OutsideData(f"station {self._station} reads {table} of every strategy without declaring it; set every_strategy")
        scope = self._scope if "strategy" in partitions and not reads.every_strategy else None
        if "month" not in partitions:
            return self._warehouse.read(table, columns=columns)
        months = reads.covers(self._first, self._last, self._warehouse.months(table, scope=scope))
        return self._warehouse.read(table, months=months, scope=scope, columns=columns)
