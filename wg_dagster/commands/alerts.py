"""`wg alerts`: what is open and who was not reached; acknowledge, send again, try the sinks."""

import argparse
import getpass
from datetime import UTC, datetime
from pathlib import Path

from wg_dagster.alerts import Alert, Outbox, alert_id, deliver_alerts, load_routes
from wg_dagster.config import load_config
from wg_dagster.errors import SinkFailed
from wg_dagster.warehouse import Warehouse


def show(options: argparse.Namespace) -> int:
    """Do what was asked and print the alerts; 1 if an alert of severity ERROR is open or a sink is not reached."""
    load_config(options.home)
    warehouse, outbox = Warehouse(options.home), Outbox(options.home)
    now = datetime.now(UTC)
    if options.test:
        return _try_sinks(warehouse, now)
    for beginning in options.acknowledge or []:
        seen = outbox.acknowledge(beginning, by=options.by or getpass.getuser(), note=options.note, now=now)
        print(f"seen: {seen.alert_id} {seen.title}")
    if options.send:
        for told in deliver_alerts(warehouse, outbox, now, at_once=True):
            print(f"{told.sink}: {told.delivered} delivered, {told.waiting} waiting {told.error}".rstrip())
    return _print(outbox, closed=options.all, home=options.home)


def _print(outbox: Outbox, *, closed: bool, home: Path) -> int:
    rows = outbox.listing(closed=closed)
    for alert, state in rows:
        print(f"{alert.alert_id} {alert.severity:<5} {alert.raised_at[:16]} {alert.title}" + ("" if state == "open" else f"  [{state}]"))
    if not rows:
        print(f"{home}: no open alerts" + ("" if closed else "; --all shows those that were seen or have passed"))
    waiting = outbox.waiting()
    for sink, (count, error) in waiting.items():
        print(f"sink {sink}: {count} alerts wait" + (f": {error}" if error else ""))
    return 1 if waiting or any(alert.severity == "ERROR" and state == "open" for alert, state in rows) else 0


def _try_sinks(warehouse: Warehouse, now: datetime) -> int:
    words = "a test", f"sent by hand at {now.isoformat(timespec='seconds')}: nothing has happened"
    failed = 0
    for sink in load_routes(warehouse).sinks:
        if sink.name == "table":  # holds what happened, nothing else
            continue
        try:
            sink.deliver(Alert(alert_id(*words), "alerts", "", "INFO", *words, raised_at=now.isoformat()))
            print(f"{sink.name}: delivered")
        except SinkFailed as error:
            failed += 1
            print(f"{sink.name}: {error}")
    return 1 if failed else 0
