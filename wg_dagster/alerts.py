"""Who must hear of a failed check: an outbox that loses nothing, and the sinks that it is delivered to.

An alert is stored before it is sent and is marked as sent afterwards, so that it reaches every sink at least once.
"""

import hashlib
import json
import os
import sqlite3
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path

import polars as pl

from wg_dagster.schemas.tables import TABLES
from wg_dagster.warehouse import Warehouse

Sink = Callable[["Alert"], None]
SINK = "alerts.jsonl"  # the default sink, beside the outbox

_SCHEMA = """
create table if not exists outbox (alert_id text primary key, payload text not null, delivered integer not null default 0, error text)
"""


@dataclass(frozen=True)
class Alert:
    """One thing that happened, once; `alert_id` is its hash, so the same failure is not told twice."""

    alert_id: str
    station: str
    month: str
    severity: str
    title: str
    body: str
    raised_at: str

    @classmethod
    def of_check(cls, check: dict[str, object], raised_at: datetime) -> "Alert":
        """The alert of a failed row of `checks`."""
        words = [str(check[name]) for name in ("station", "month", "table", "check_name", "severity", "failed_rows", "details")]
        return cls(
            alert_id=hashlib.sha256("\n".join(words).encode()).hexdigest()[:16],
            station=str(check["station"]),
            month=str(check["month"]),
            severity=str(check["severity"]),
            title=f"{check['station']} {check['month']}: {check['table']} {check['check_name']} failed "
            f"({check['failed_rows']} of {check['total_rows']} rows)",
            body=f"{check['details']} The rows are in the table quarantine, station {check['station']}, month {check['month']}; "
            "read them with wg sql",
            raised_at=raised_at.isoformat(),
        )


class Outbox:
    """The alerts of a home and whether they were delivered."""

    def __init__(self, home: Path) -> None:
        self.folder = home / "alerts"
        self.folder.mkdir(parents=True, exist_ok=True)
        self._connection = sqlite3.connect(self.folder / "outbox.sqlite", timeout=60, isolation_level=None)
        self._connection.execute(_SCHEMA)

    def put(self, alerts: Iterable[Alert]) -> list[Alert]:
        """Store alerts that are not known yet and return them."""
        new = []
        for alert in alerts:
            row = (alert.alert_id, json.dumps(asdict(alert), ensure_ascii=False, sort_keys=True))
            if self._connection.execute("insert or ignore into outbox (alert_id, payload) values (?, ?)", row).rowcount:
                new.append(alert)
        return new

    def flush(self, sink: Sink) -> tuple[int, int]:
        """Deliver what is waiting; (delivered, still waiting). A sink that cannot be reached keeps its alerts for the next flush."""
        waiting = self._connection.execute("select alert_id, payload from outbox where delivered = 0 order by rowid").fetchall()
        delivered = 0
        for alert_id, payload in waiting:
            try:
                sink(Alert(**json.loads(payload)))
            except OSError as error:
                self._connection.execute("update outbox set error = ? where alert_id = ?", (str(error), alert_id))
                continue
            self._connection.execute("update outbox set delivered = 1, error = null where alert_id = ?", (alert_id,))
            delivered += 1
        return delivered, len(waiting) - delivered


def json_lines_sink(path: Path) -> Sink:
    """Append each alert as a line of JSON."""

    def deliver(alert: Alert) -> None:
        with path.open("a") as file:
            file.write(json.dumps(asdict(alert), ensure_ascii=False, sort_keys=True) + "\n")
            file.flush()
            os.fsync(file.fileno())

    return deliver


def alerts_of(checks: pl.DataFrame, *, raised_at: datetime | None = None) -> list[Alert]:
    """An alert for each failed check, in the order of the chain."""
    moment = raised_at or datetime.now(UTC)
    return [Alert.of_check(check, moment) for check in checks.filter(~pl.col("passed")).sort("station", "month", "table").to_dicts()]


def alert_rows(alerts: list[Alert]) -> pl.DataFrame:
    """Alerts as rows of the table `alerts`."""
    if not alerts:
        return TABLES["alerts"].empty()
    rows = pl.DataFrame([asdict(alert) for alert in alerts])
    return rows.with_columns(pl.col("raised_at").str.to_datetime(time_zone="UTC", time_unit="us")).select(TABLES["alerts"].columns)


def raise_alerts(warehouse: Warehouse, checks: pl.DataFrame, *, more: Iterable[Alert] = ()) -> tuple[int, int]:
    """Store what failed and is not known yet, deliver what waits to the default sink; (delivered, still waiting)."""
    outbox = Outbox(warehouse.home)
    new = outbox.put([*alerts_of(checks), *more])
    if new:
        warehouse.append_new("alerts", alert_rows(new))
        warehouse.settle()
        warehouse.publish()
    return outbox.flush(json_lines_sink(outbox.folder / SINK))
