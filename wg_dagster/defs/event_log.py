"""Dagster's SQLite event log with one open engine a file: the stock one compiles each statement anew and reopens the file for it.

A range run of the whole chain writes about 3,000 events. Named in dagster.yaml; figures in docs/decisions/0003-event-log.md.
"""

from collections.abc import Generator, Mapping, Sequence
from contextlib import contextmanager

from dagster._core.events.log import EventLogEntry
from dagster._core.storage.event_log import SqliteEventLogStorage
from dagster._serdes import ConfigurableClassData
from sqlalchemy import Connection, Engine, create_engine
from sqlalchemy.event import listen

_BUSY_SECONDS = 60
BATCHES = {"DAGSTER_EVENT_BATCH_SIZE": "1000"}  # environment of a process that runs ranges of months


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

    def store_event_batch(self, events: Sequence[EventLogEntry]) -> None:
        """The months of an asset (and what a run plans) in one transaction; called where DAGSTER_EVENT_BATCH_SIZE is set.

        The stock class stores one by one and writes the asset's newest event anew with each.
        """
        of_assets: list[EventLogEntry] = []
        others: list[EventLogEntry] = []
        for event in events:
            (of_assets if event.dagster_event and event.dagster_event.asset_key else others).append(event)
        statements = [self.prepare_insert_event(event) for event in of_assets]
        with self.run_connection(events[0].run_id) as connection:
            for statement in statements:
                connection.execute(statement)
        with self.index_transaction() as connection:
            ids = [connection.execute(statement).inserted_primary_key[0] for statement in statements]  # ty: ignore[not-subscriptable]
            self._store_asset_event_tags(connection, of_assets, ids)
            newest = {event.get_dagster_event().asset_key: (event, event_id) for event, event_id in zip(of_assets, ids, strict=True)}
            for event, event_id in newest.values():
                self._store_asset_event(connection, event, event_id)
        for event in others:
            self.store_event(event)

    def _engine(self, shard: str) -> Engine:
        engines: dict[str, Engine] = self.__dict__.setdefault("_engines", {})
        if shard not in engines:
            engines[shard] = create_engine(self.conn_string_for_shard(shard), pool_size=1, connect_args={"timeout": _BUSY_SECONDS})
            # In write-ahead mode this keeps the file whole through a crash and saves a disk flush an event.
            listen(engines[shard], "connect", lambda connection, _record: connection.execute("pragma synchronous = normal"))
        return engines[shard]
