"""Alerts: once each, at least once delivered, nothing lost when a sink is dead, and the dead sink is told of."""

import json
from datetime import UTC, datetime, timedelta

import polars as pl
import pytest

from wg_dagster.alerts import Alert, Outbox, alerts_of, load_routes, raise_alerts
from wg_dagster.alerts.alert import alert_rows
from wg_dagster.alerts.sinks import Sink, to_json_lines
from wg_dagster.errors import BadInput, OutsideData, SinkFailed
from wg_dagster.quality.gate import verdict
from wg_dagster.schemas.tables import TABLES
from wg_dagster.warehouse import Warehouse

NOW = datetime(2026, 2, 1, tzinfo=UTC)


def checks(*passed):
    rows = [
        verdict("clean.prices", f"2026-{number:02d}", "prices_clean", "gate", passed=ok, failed_rows=0 if ok else 3, total_rows=100)
        for number, ok in enumerate(passed, start=1)
    ]
    return pl.DataFrame(rows, schema=TABLES["checks"].schema)


def lines(path):
    return [json.loads(line) for line in path.read_text().splitlines()]


def dead(_):
    raise SinkFailed("nobody answers")


def test_only_failed_checks_raise_alerts():
    alerts = alerts_of(checks(True, False, True), raised_at=NOW)
    assert [alert.month for alert in alerts] == ["2026-02"]
    assert "3 of 100 rows" in alerts[0].title
    assert "wg sql" in alerts[0].body


def test_the_same_failure_is_told_once(tmp_path):
    outbox = Outbox(tmp_path)
    assert len(outbox.put(alerts_of(checks(False), raised_at=NOW))) == 1
    assert outbox.put(alerts_of(checks(False), raised_at=datetime(2026, 3, 1, tzinfo=UTC))) == []


def test_a_dead_sink_keeps_its_alerts_and_the_others_are_told(tmp_path):
    outbox = Outbox(tmp_path)
    outbox.put(alerts_of(checks(False, False), raised_at=NOW))
    path = tmp_path / "alerts.jsonl"
    told = outbox.flush([Sink("mail", dead), Sink("file", to_json_lines(path))], NOW)
    assert [(one.sink, one.delivered, one.waiting, one.error) for one in told] == [("mail", 0, 2, "nobody answers"), ("file", 2, 0, "")]
    told = Outbox(tmp_path).flush([Sink("mail", to_json_lines(tmp_path / "mail")), Sink("file", to_json_lines(path))], NOW, at_once=True)
    assert [(one.sink, one.delivered, one.waiting) for one in told] == [("mail", 2, 0), ("file", 0, 0)]
    assert [line["month"] for line in lines(path)] == ["2026-01", "2026-02"] == [line["month"] for line in lines(tmp_path / "mail")]


def test_a_process_that_dies_after_a_delivery_delivers_again_rather_than_never(tmp_path):
    outbox = Outbox(tmp_path)
    outbox.put(alerts_of(checks(False), raised_at=NOW))
    path = tmp_path / "alerts.jsonl"

    def deliver(alert):
        to_json_lines(path)(alert)
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        outbox.flush([Sink("file", deliver)], NOW)
    Outbox(tmp_path).flush([Sink("file", to_json_lines(path))], NOW)
    assert [line["month"] for line in lines(path)] == ["2026-01", "2026-01"]


def test_a_file_that_cannot_be_written_is_a_dead_sink(tmp_path):
    with pytest.raises(SinkFailed, match="cannot be written: No such file"):
        to_json_lines(tmp_path / "no" / "folder")(alerts_of(checks(False), raised_at=NOW)[0])


def test_a_dead_sink_is_tried_again_after_1_2_4_minutes_and_at_most_an_hour(tmp_path):
    outbox = Outbox(tmp_path)
    outbox.put(alerts_of(checks(False), raised_at=NOW))
    tries = []

    def deliver(_):
        tries.append(minute)
        raise SinkFailed("down")

    for minute in range(200):
        outbox.flush([Sink("mail", deliver)], NOW + timedelta(minutes=minute))
    assert tries == [0, 1, 3, 7, 15, 31, 63, 123, 183]


def test_a_sink_that_is_down_is_left_alone_after_three_failures_of_one_flush(tmp_path):
    outbox = Outbox(tmp_path)
    outbox.put(alerts_of(checks(*[False] * 9), raised_at=NOW))
    tries = []

    def deliver(alert):
        tries.append(alert.month)
        raise SinkFailed("down")

    outbox.flush([Sink("mail", deliver)], NOW)
    assert tries == ["2026-01", "2026-02", "2026-03"]


def test_an_alert_that_a_sink_refuses_does_not_hold_up_the_others(tmp_path):
    outbox = Outbox(tmp_path)
    outbox.put(alerts_of(checks(*[False] * 9), raised_at=NOW))
    taken = []

    def deliver(alert):
        if alert.month in {"2026-01", "2026-02", "2026-03", "2026-04"}:
            raise SinkFailed("too long")
        taken.append(alert.month)

    for minute in range(3):
        outbox.flush([Sink("mail", deliver)], NOW + timedelta(minutes=minute))
    assert taken == [f"2026-0{month}" for month in range(5, 10)]


def test_severity_and_station_decide_who_is_told():
    error, info = (Alert("1", station, "", severity, "", "", "") for station, severity in (("clean.prices", "ERROR"), ("alerts", "INFO")))
    assert Sink("all", dead).wants(error)
    assert Sink("all", dead).wants(info)
    loud = Sink("loud", dead, severities=("ERROR",), stations=("clean.*",))
    assert loud.wants(error)
    assert not loud.wants(info)
    assert not Sink("loud", dead, not_stations=("clean.*",)).wants(error)


def test_what_has_passed_is_closed_and_told_again_when_it_is_back(tmp_path):
    warehouse = Warehouse(tmp_path)
    raise_alerts(warehouse, checks(False), now=NOW)
    raise_alerts(warehouse, checks(True), now=NOW + timedelta(days=1))
    assert Outbox(tmp_path).listing() == []
    assert [state for _, state in Outbox(tmp_path).listing(closed=True)] == ["passed 2026-02-02T00:00"]
    raise_alerts(warehouse, checks(False), now=NOW + timedelta(days=2))
    assert [line["raised_at"][:10] for line in lines(tmp_path / "alerts" / "alerts.jsonl")] == ["2026-02-01", "2026-02-03"]
    assert Warehouse(tmp_path).read("alerts")["raised_at"].dt.day().sort().to_list() == [1, 3]


def test_a_verdict_of_another_month_closes_nothing(tmp_path):
    warehouse = Warehouse(tmp_path)
    raise_alerts(warehouse, checks(False), now=NOW)
    raise_alerts(warehouse, checks(False, True).tail(1), now=NOW)
    assert len(Outbox(tmp_path).listing()) == 1


def test_an_alert_is_acknowledged_by_the_beginning_of_its_id(tmp_path):
    outbox = Outbox(tmp_path)
    (alert,) = outbox.put(alerts_of(checks(False), raised_at=NOW))
    outbox.acknowledge(alert.alert_id[:6], by="operations", note="vendor was asked", now=NOW)
    assert outbox.listing() == []
    assert [state for _, state in outbox.listing(closed=True)] == ["seen by operations: vendor was asked"]
    with pytest.raises(OutsideData, match="0 alerts have an id that begins with 'zzz'"):
        outbox.acknowledge("zzz", by="operations", note="", now=NOW)


def routes(home, text):
    (home / "alerts.toml").write_text(text)
    return load_routes(Warehouse(home))


def test_a_sink_that_dies_is_told_of_in_the_living_ones_once_and_closed_when_it_is_back(tmp_path, monkeypatch):
    (tmp_path / "alerts.toml").write_text('[[sink]]\nname = "desk"\nkind = "apprise"\naddress_from = "WG_TEST_DESK"\n')
    warehouse = Warehouse(tmp_path)
    for day in range(3):
        raise_alerts(warehouse, checks(False), now=NOW + timedelta(days=day))
    titles = [line["title"] for line in lines(tmp_path / "alerts" / "alerts.jsonl")]
    assert titles == ["clean.prices 2026-01: prices_clean gate failed (3 of 100 rows)", "alerts do not reach the sink desk"]
    assert "WG_TEST_DESK is not set" in lines(tmp_path / "alerts" / "alerts.jsonl")[1]["body"]
    (tmp_path / "alerts.toml").write_text('[[sink]]\nname = "desk"\nkind = "json_lines"\npath = "desk.jsonl"\n')
    raise_alerts(warehouse, checks(False), now=NOW + timedelta(days=4))
    assert [line["month"] for line in lines(tmp_path / "desk.jsonl")] == ["2026-01"]
    assert [alert.station for alert, _ in Outbox(tmp_path).listing()] == ["clean.prices"]


def test_alerts_of_a_sink_that_is_no_longer_named_wait_and_are_told_of(tmp_path):
    (tmp_path / "alerts.toml").write_text('[[sink]]\nname = "desk"\nkind = "json_lines"\npath = "no/folder"\n')
    warehouse = Warehouse(tmp_path)
    raise_alerts(warehouse, checks(False), now=NOW)
    (tmp_path / "alerts.toml").unlink()
    raise_alerts(warehouse, checks(False), now=NOW + timedelta(days=1))
    assert Outbox(tmp_path).waiting()["desk"][0] == 1
    assert "do not reach the sink desk" in lines(tmp_path / "alerts" / "alerts.jsonl")[-1]["title"]


def test_a_broken_file_of_routes_loses_nothing(tmp_path):
    warehouse = Warehouse(tmp_path)
    (tmp_path / "alerts.toml").write_text("[[sink")
    with pytest.raises(BadInput, match="the alerts wait in the outbox"):
        raise_alerts(warehouse, checks(False), now=NOW)
    (tmp_path / "alerts.toml").unlink()
    raise_alerts(warehouse, checks(), now=NOW)
    assert len(lines(tmp_path / "alerts" / "alerts.jsonl")) == 1


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            '[[sink]]\nname = "x"\nkind = "pigeon"',
            "sink 'x' of kind 'pigeon': each needs a name and one of the kinds json_lines, smtp, apprise",
        ),
        ('[[sink]]\nname = "x"\nkind = "smtp"\nhost = "h"', "sink x: recipients, sender is missing"),
        ('[[sink]]\nname = "x"\nkind = "json_lines"\npath = "p"\ncolour = 1', "sink x: unknown entries colour"),
        ('[[sink]]\nname = "x"\nkind = "json_lines"\npath = "p"\nseverities = ["BAD"]', "severities BAD; there are INFO, WARN, ERROR"),
        ('[[sink]]\nname = "x"\nkind = "json_lines"\npath = "p"\n' * 2, "two sinks are named x"),
        ("heartbeat = 3", "unknown entries heartbeat"),
    ],
)
def test_what_cannot_be_used_in_the_file_of_routes_is_named(tmp_path, text, message):
    with pytest.raises(BadInput, match=message):
        routes(tmp_path, text)


def test_a_sign_of_life_comes_every_so_many_hours(tmp_path):
    (tmp_path / "alerts.toml").write_text("heartbeat_hours = 24")
    warehouse = Warehouse(tmp_path)
    for hour in range(60):
        raise_alerts(warehouse, checks(), now=NOW + timedelta(hours=hour))
    beats = lines(tmp_path / "alerts" / "alerts.jsonl")
    assert [beat["raised_at"][:13] for beat in beats] == ["2026-02-01T00", "2026-02-02T00", "2026-02-03T00"]
    assert "0 alerts are open" in beats[-1]["body"]
    assert len(Outbox(tmp_path).listing()) == 1  # the last one


def test_alerts_become_rows_of_their_table():
    assert alert_rows(alerts_of(checks(False), raised_at=NOW)).schema == TABLES["alerts"].schema
    assert alert_rows([]).is_empty()
