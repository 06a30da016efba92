"""Dagster's SQLite event log with one open engine a file: the stock one compiles each statement anew and reopens the file for it.

A range run of the whole chain writes about 3,000 events. Named in dagster.yaml; figures in docs/decisions/0003-event-log.md.
"""

from collections.abc import Generator, Mapping
from contextlib import contextmanager

from dagster._core.storage.event_log import SqliteEventLogStorage
from dagster._serdes import ConfigurableClassData
from sqlalchemy import Connection, Engine, create_engine
from sqlalchemy.event import listen

_BUSY_SECONDS = 60


class SqliteEventLog(SqliteEventLogStorage):
    """The stock storage, same files, with engines kept while the process lives."""

    @classmethod
    def from_config_value(cls, inst_data: ConfigurableClassData | None, config_value: Mapping[str, str]) -> "SqliteEventLog":  # ty: ignore[incompatible-method-override]
        """Called by the instance with the `config` block of dagster.yaml."""
        return cls(inst_data=inst_data, **config_value)

    @contextmanager
    def _connect(self, shard: str) -> Generator[Connection]:
        with self._db_lock:
            engine = self._engine(shard)
            if shard not in self._initialized_dbs:
                self._initdb(engine)
                self._initialized_dbs.add(shard)
            with engine.connect() as connection, connection.begin():
                yield connection

    def _engine(self, shard: str) -> Engine:
        engines: dict[str, Engine] = self.__dict__.setdefault("_engines", {})
        if shard not in engines:
            engines[shard] = create_engine(self.conn_string_for_shard(shard), pool_size=1, connect_args={"timeout": _BUSY_SECONDS})
            # In write-ahead mode this keeps the file whole through a crash and saves a disk flush an event.
            listen(engines[shard], "connect", lambda connection, _record: connection.execute("pragma synchronous = normal"))
        return engines[shard]
