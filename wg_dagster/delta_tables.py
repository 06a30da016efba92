"""The Delta tables of a lake: made, opened once, committed to, and listed by version. No other file writes to them."""

import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any
from urllib.parse import unquote

from deltalake import CommitProperties, DeltaTable, Schema
from deltalake.exceptions import CommitFailedError
from deltalake.transaction import AddAction, RemoveAction

from wg_dagster.crash_points import crash_point
from wg_dagster.data_files import DataFile, partition_of
from wg_dagster.errors import WriteConflict
from wg_dagster.schemas.tables import TABLES, Table

Partitions = dict[tuple[str, str], list[str]]  # (scope, month) -> data files
Filters = list[tuple[str, str, Any]]  # which partitions: (column, "=" or "in", value)
_KEEP_LOG = {"delta.logRetentionDuration": "interval 36500 days"}  # the default of 30 days ends time travel
_ATTEMPTS = 200
_OVERTAKEN = CommitProperties(max_commit_retries=0)  # a commit by another run may change what this one has to remove: we look again


class DeltaTables:
    """The tables of one lake as this process knows them."""

    def __init__(self, lake: Path) -> None:
        self._lake = lake
        self._opened: dict[str, DeltaTable] = {}
        self._listed: dict[str, tuple[int, Partitions]] = {}  # of each table the version that was asked for last

    def exists(self, table: str) -> bool:
        """The table has been made, by whichever run."""
        return table in self._opened or DeltaTable.is_deltatable(self._uri(table))

    def newest(self, table: str) -> int:
        """Version of the newest commit, by whichever run; the table is made if it is not there."""
        return self._newest(table).version()

    def partitions(self, table: str, version: int) -> Partitions:
        """Data files of one version."""
        if table not in self._listed or self._listed[table][0] != version:
            newest = self._opened.get(table)
            delta = newest if newest is not None and newest.version() == version else DeltaTable(self._uri(table), version=version)
            grouped: Partitions = {}
            for uri in sorted(unquote(uri) for uri in delta.file_uris()):
                grouped.setdefault(partition_of(uri), []).append(uri)
            self._listed[table] = version, grouped
        return self._listed[table][1]

    def commit(self, table: str, files: Sequence[DataFile], *, replacing: Filters | None) -> int:
        """Add files to what is there, or put them in place of the partitions that the filters name (no filter: of all); the version."""
        crash_point("before_commit", table)
        adds: list[AddAction | RemoveAction] = [
            AddAction(file.path, file.size, file.partition, file.written_at, True, file.statistics) for file in files
        ]
        mode, names = "append" if replacing is None else "overwrite", list(TABLES[table].partition_by)
        for attempt in range(_ATTEMPTS):
            delta = self._newest(table)
            version = delta.version() + 1  # of our own commit and no other: an overtaken one is made again
            try:
                delta.create_write_transaction(adds, mode, delta.schema(), names, replacing or None, commit_properties=_OVERTAKEN)
            except CommitFailedError:
                time.sleep(0.01 * min(attempt + 1, 50))
                continue
            self._newest(table)  # sees what was written, and perhaps what another run has written since
            crash_point("after_commit", table)
            return version
        raise WriteConflict(f"table {table}: {_ATTEMPTS} commits were overtaken by another run; run again when it has ended")

    def _uri(self, table: str) -> str:
        return str(self._lake / table)

    def _newest(self, table: str) -> DeltaTable:
        if table not in self._opened:
            self._opened[table] = self._open(TABLES[table])
            return self._opened[table]
        delta = self._opened[table]
        if (self._lake / table / "_delta_log" / f"{delta.version() + 1:020d}.json").exists():  # cheaper than to ask delta
            delta.update_incremental()
        return delta

    def _open(self, spec: Table) -> DeltaTable:
        uri = self._uri(spec.name)
        if not DeltaTable.is_deltatable(uri):
            DeltaTable.create(
                uri,
                schema=spec.empty().to_arrow().schema,
                mode="ignore",
                partition_by=list(spec.partition_by) or None,
                configuration=_KEEP_LOG,
            )
        delta = DeltaTable(uri)
        self._add_columns(delta, spec)
        return delta

    def _add_columns(self, delta: DeltaTable, spec: Table) -> None:
        """Columns that the contract has gained since the home was made: null in its old rows."""
        there = {field.name for field in delta.schema().fields}
        if set(spec.columns) <= there:
            return
        wanted = Schema.from_arrow(spec.empty().to_arrow().schema).fields
        delta.alter.add_columns([field for field in wanted if field.name not in there])
        delta.update_incremental()
