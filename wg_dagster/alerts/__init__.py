"""Who must hear of what: alerts of failed checks and runs, an outbox that loses nothing, and the sinks that it is delivered to."""

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta

import polars as pl

from wg_dagster.alerts.alert import Alert, alert_id, alerts_of, subject_of_check
from wg_dagster.alerts.outbox import Delivered, Outbox
from wg_dagster.alerts.routes import Routes, load_routes
from wg_dagster.warehouse import Warehouse

_LAST_BEAT = "last heartbeat"


def raise_alerts(
    warehouse: Warehouse, checks: pl.DataFrame, *, more: Iterable[Alert] = (), now: datetime | None = None, at_once: bool = False
) -> list[Delivered]:
    """Store what failed and is not known yet, close what has passed since, and deliver what is due; what each sink did.

    Everything is stored before `alerts.toml` is read: a file that cannot be used raises BadInput and loses nothing.
    """
    moment = now or datetime.now(UTC)
    outbox = Outbox(warehouse.home)
    outbox.put([*alerts_of(checks, raised_at=moment), *more])
    outbox.resolve((subject_of_check(check) for check in checks.filter("passed").to_dicts()), moment)
    return deliver_alerts(warehouse, outbox, moment, at_once=at_once)


def deliver_alerts(warehouse: Warehouse, outbox: Outbox, now: datetime, *, at_once: bool = False) -> list[Delivered]:
    """Deliver what is due, with a sign of life where one is due, and tell the living sinks of a dead one."""
    routes = load_routes(warehouse)
    outbox.put(_heartbeat(outbox, routes, now))
    told = outbox.flush(routes.sinks, now, at_once=at_once)
    outbox.resolve((f"sink/{one.sink}" for one in told if one.delivered and not one.error), now)
    if outbox.put(_dead(one, now) for one in told if one.error):
        again = {one.sink: one for one in outbox.flush([sink for sink in routes.sinks if not _failed(sink.name, told)], now)}
        told = [_both(one, again.get(one.sink)) for one in told]
    if any(one.delivered for one in told if one.sink == "table"):
        warehouse.settle()
        warehouse.publish()
    return told


def _failed(name: str, told: list[Delivered]) -> bool:
    return any(one.sink == name and one.error for one in told)


def _both(first: Delivered, second: Delivered | None) -> Delivered:
    return (
        first if second is None or first.error else Delivered(first.sink, first.delivered + second.delivered, second.waiting, second.error)
    )


def _dead(one: Delivered, now: datetime) -> Alert:
    subject = f"sink/{one.sink}"
    return Alert(
        alert_id=alert_id(subject),
        station="alerts",
        month="",
        severity="ERROR",
        title=f"alerts do not reach the sink {one.sink}",
        body=f"{one.waiting} alerts wait and are sent when it answers again. Its last words: {one.error}",
        raised_at=now.isoformat(),
        subject=subject,
    )


def _heartbeat(outbox: Outbox, routes: Routes, now: datetime) -> list[Alert]:
    last = outbox.mark(_LAST_BEAT)
    if not routes.heartbeat_hours or (last and now < datetime.fromisoformat(last) + timedelta(hours=routes.heartbeat_hours)):
        return []
    outbox.set_mark(_LAST_BEAT, now.isoformat())
    outbox.resolve(["heartbeat"], now)
    count = len(outbox.listing())
    return [
        Alert(
            alert_id=alert_id("heartbeat", now.isoformat()),
            station="alerts",
            month="",
            severity="INFO",
            title="sign of life",
            body=f"{count} alerts are open. The next sign comes in {routes.heartbeat_hours:g} hours; if it does not, look at the platform",
            raised_at=now.isoformat(),
            subject="heartbeat",
        )
    ]
