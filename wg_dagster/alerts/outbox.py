"""The outbox: every alert is stored before it is sent and ticked off by sink afterwards, so that it reaches each sink at least once.

A sink that fails is tried again after 1, 2, 4, ... minutes, at most an hour; the other sinks do not wait for it. One process delivers at a time.
"""

import fcntl
import json
import sqlite3
from collections.abc import Generator, Iterable, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from pathlib import Path

from wg_dagster.alerts.alert import Alert
from wg_dagster.alerts.sinks import Sink
from wg_dagster.errors import OutsideData, SinkFailed

_LONGEST_WAIT = 60  # minutes
_GIVE_UP_AFTER = 3  # failures one after the other: the sink is down, the rest waits for the next flush

_SCHEMA = """
create table if not exists alert (
    alert_id text primary key, subject text not null, payload text not null,
    acknowledged_at text, acknowledged_by text, note text, resolved_at text, routed integer not null default 0
);
create table if not exists delivery (
    alert_id text not null, sink text not null, attempts integer not null default 0,
    delivered_at text, next_try_at text not null default '', error text, primary key (alert_id, sink)
);
create table if not exists mark (name text primary key, value text not null);
"""


@dataclass(frozen=True)
class Delivered:
    """What one flush did with one sink."""

    sink: str
    delivered: int
    waiting: int
    error: str  # of the last failure, "" if none


class Outbox:
    """The alerts of a home: who was told, who waits, what was acknowledged and what has passed."""

    def __init__(self, home: Path) -> None:
        self.folder = home / "alerts"
        self.folder.mkdir(parents=True, exist_ok=True)
        self._lock = self.folder / "outbox.lock"
        self._connection = sqlite3.connect(self.folder / "alerts.sqlite", timeout=60, isolation_level=None)
        self._connection.row_factory = sqlite3.Row
        with self._alone():
            self._connection.executescript(_SCHEMA)

    # -- what happened ---------------------------------------------------------------------------------------------------------

    def put(self, alerts: Iterable[Alert]) -> list[Alert]:
        """Store alerts that are not known yet, or that had passed and are back, and return them."""
        new = []
        for alert in alerts:
            payload = json.dumps(asdict(alert), ensure_ascii=False, sort_keys=True)
            row = (alert.alert_id, alert.subject, payload)
            with self._transaction():
                known = self._one("select resolved_at from alert where alert_id = ?", alert.alert_id)
                if known and not known["resolved_at"]:
                    continue
                self._connection.execute("delete from delivery where alert_id = ?", (alert.alert_id,))
                self._connection.execute("insert or replace into alert (alert_id, subject, payload) values (?, ?, ?)", row)
            new.append(alert)
        return new

    def resolve(self, subjects: Iterable[str], now: datetime) -> int:
        """Close the open alerts on what is mended; how many they were. One that was not delivered yet still will be."""
        change = "update alert set resolved_at = ? where subject = ? and subject != '' and resolved_at is null"
        return sum(self._connection.execute(change, (now.isoformat(), subject)).rowcount for subject in subjects)

    def acknowledge(self, beginning: str, *, by: str, note: str, now: datetime) -> Alert:
        """Somebody has seen it: the alert whose id begins with these letters; OutsideData if there is not exactly one."""
        found = self._connection.execute("select * from alert where substr(alert_id, 1, ?) = ?", (len(beginning), beginning)).fetchall()
        if len(found) != 1:
            raise OutsideData(f"{len(found)} alerts have an id that begins with {beginning!r}; `wg alerts --all` shows every id")
        change = "update alert set acknowledged_at = ?, acknowledged_by = ?, note = ? where alert_id = ?"
        self._connection.execute(change, (now.isoformat(), by, note, found[0]["alert_id"]))
        return _alert(found[0])

    # -- who is told -----------------------------------------------------------------------------------------------------------

    def flush(self, sinks: Sequence[Sink], now: datetime, *, at_once: bool = False) -> list[Delivered]:
        """Deliver what is due (`at_once`: whatever waits) and say what each sink did; sinks are told in the order given."""
        with self._alone():
            self._route(sinks)
            told = [self._tell(sink, now, at_once=at_once) for sink in sinks]
            return told + [gone for gone in self._without_a_sink({sink.name for sink in sinks}) if gone.waiting]

    def _route(self, sinks: Sequence[Sink]) -> None:
        for row in self._connection.execute("select * from alert where routed = 0 order by rowid").fetchall():
            with self._transaction():
                for sink in sinks:
                    if sink.wants(_alert(row)):
                        self._connection.execute(
                            "insert or ignore into delivery (alert_id, sink) values (?, ?)", (row["alert_id"], sink.name)
                        )
                self._connection.execute("update alert set routed = 1 where alert_id = ?", (row["alert_id"],))

    def _tell(self, sink: Sink, now: datetime, *, at_once: bool) -> Delivered:
        waiting = self._waiting(sink.name)
        delivered, failures, error = 0, 0, ""
        for row in waiting:
            if failures >= _GIVE_UP_AFTER:
                break
            if not at_once and row["next_try_at"] > now.isoformat():
                continue
            try:
                sink.deliver(_alert(row))
            except SinkFailed as failure:
                failures, error = failures + 1, str(failure)
                self._failed(row, error, now)
                continue
            self._connection.execute(
                "update delivery set delivered_at = ?, attempts = attempts + 1, error = null where alert_id = ? and sink = ?",
                (now.isoformat(), row["alert_id"], sink.name),
            )
            delivered, failures = delivered + 1, 0
        return Delivered(sink.name, delivered, len(waiting) - delivered, error)

    def _failed(self, row: sqlite3.Row, error: str, now: datetime) -> None:
        attempts = int(row["attempts"]) + 1
        again = now + timedelta(minutes=min(2 ** min(attempts - 1, 10), _LONGEST_WAIT))
        self._connection.execute(
            "update delivery set attempts = ?, next_try_at = ?, error = ? where alert_id = ? and sink = ?",
            (attempts, again.isoformat(), error, row["alert_id"], row["sink"]),
        )

    def _waiting(self, sink: str) -> list[sqlite3.Row]:
        query = "select * from delivery join alert using (alert_id) where sink = ? and delivered_at is null order by attempts, alert.rowid"
        return self._connection.execute(query, (sink,)).fetchall()

    def _without_a_sink(self, names: set[str]) -> list[Delivered]:
        query = (
            "select sink, count(*) as waiting from delivery join alert using (alert_id) "
            "where delivered_at is null and acknowledged_at is null group by sink order by sink"
        )
        error = "not configured any more: name it again in alerts.toml, or acknowledge its alerts"
        return [
            Delivered(row["sink"], 0, row["waiting"], error)
            for row in self._connection.execute(query).fetchall()
            if row["sink"] not in names
        ]

    # -- what a person sees ----------------------------------------------------------------------------------------------------

    def waiting(self) -> dict[str, tuple[int, str]]:
        """Sink -> (alerts that wait, last error)."""
        query = "select sink, count(*) as waiting, max(error) as error from delivery where delivered_at is null group by sink order by sink"
        return {row["sink"]: (row["waiting"], row["error"] or "") for row in self._connection.execute(query).fetchall()}

    def listing(self, *, closed: bool = False) -> list[tuple[Alert, str]]:
        """(alert, state) newest first; state: open, acknowledged by whom, or passed; `closed` shows the last two as well."""
        rows = self._connection.execute("select * from alert order by json_extract(payload, '$.raised_at') desc, rowid desc").fetchall()
        return [(_alert(row), _state(row)) for row in rows if closed or _state(row) == "open"]

    def mark(self, name: str) -> str:
        """A value kept beside the alerts, "" if there is none."""
        row = self._one("select value from mark where name = ?", name)
        return row["value"] if row else ""

    def set_mark(self, name: str, value: str) -> None:
        """Keep a value beside the alerts."""
        self._connection.execute("insert or replace into mark (name, value) values (?, ?)", (name, value))

    # -- inside ----------------------------------------------------------------------------------------------------------------

    def _one(self, query: str, *values: str) -> sqlite3.Row | None:
        return self._connection.execute(query, values).fetchone()

    @contextmanager
    def _transaction(self) -> Generator[None]:
        self._connection.execute("begin immediate")
        try:
            yield
        except BaseException:
            self._connection.execute("rollback")
            raise
        self._connection.execute("commit")

    @contextmanager
    def _alone(self) -> Generator[None]:
        with self._lock.open("w") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            yield


def _alert(row: sqlite3.Row) -> Alert:
    return Alert(**json.loads(row["payload"]))


def _state(row: sqlite3.Row) -> str:
    if row["resolved_at"]:
        return f"passed {row['resolved_at'][:16]}"
    if row["acknowledged_at"]:
        return f"seen by {row['acknowledged_by']}" + (f": {row['note']}" if row["note"] else "")
    return "open"
