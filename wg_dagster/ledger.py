"""What was written from what: lets a run skip work and commits whose inputs and code are unchanged.

A ledger row is a hint that is checked before it is believed: it names the data files that its commit left, and holds only while
these are still the files of the partition. A lost or stale row costs a recomputation, never a wrong table.
"""

import fcntl
import sqlite3
from pathlib import Path

_SCHEMA = """
create table if not exists contents (
    "table" text, scope text, month text, content_hash text, files text, primary key ("table", scope, month)
);
create table if not exists stations (
    station text, scope text, month text, inputs text, outputs text, primary key (station, scope, month)
);
"""


class Ledger:
    """Small ACID store beside the lake; many processes may use it at once."""

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self._connection = sqlite3.connect(path, timeout=60, isolation_level=None, check_same_thread=False)
        with path.with_suffix(".lock").open("w") as file:
            fcntl.flock(file, fcntl.LOCK_EX)  # two processes that turn a new store to wal at once do not wait for each other but fail
            self._connection.execute("pragma journal_mode=wal")
            self._connection.executescript(_SCHEMA)

    def contents(self, table: str, scope: str) -> dict[str, tuple[str, str]]:
        """Month -> (content hash, files) of one table and scope."""
        rows = self._connection.execute('select month, content_hash, files from contents where "table" = ? and scope = ?', (table, scope))
        return {month: (content_hash, files) for month, content_hash, files in rows}

    def record_contents(self, table: str, scope: str, rows: list[tuple[str, str, str]]) -> None:
        """Remember (month, content hash, files)."""
        self._write("insert or replace into contents values (?, ?, ?, ?, ?)", [(table, scope, *row) for row in rows])

    def station(self, station: str, scope: str) -> dict[str, tuple[str, str]]:
        """Month -> (identity of inputs and code, identity of outputs) of one station and scope."""
        rows = self._connection.execute("select month, inputs, outputs from stations where station = ? and scope = ?", (station, scope))
        return {month: (inputs, outputs) for month, inputs, outputs in rows}

    def record_station(self, station: str, scope: str, rows: list[tuple[str, str, str]]) -> None:
        """Remember (month, inputs, outputs)."""
        self._write("insert or replace into stations values (?, ?, ?, ?, ?)", [(station, scope, *row) for row in rows])

    def forget_stations(self) -> None:
        """Forget what the stations were built from: all of them build again."""
        self._connection.execute("delete from stations")

    def _write(self, statement: str, rows: list[tuple[str, ...]]) -> None:
        self._connection.execute("begin immediate")
        self._connection.executemany(statement, rows)
        self._connection.execute("commit")
