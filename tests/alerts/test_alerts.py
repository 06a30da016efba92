"""Alerts: once each, at least once delivered, nothing lost when a sink is dead."""

import json
from datetime import UTC, datetime

import polars as pl

from wg_dagster.alerts import Outbox, alert_rows, alerts_of, json_lines_sink
from wg_dagster.quality.gate import verdict
from wg_dagster.schemas.tables import TABLES

NOW = datetime(2026, 2, 1, tzinfo=UTC)


def checks(*passed):
    rows = [
        verdict("clean.prices", f"2026-{number:02d}", "prices_clean", "gate", passed=ok, failed_rows=0 if ok else 3, total_rows=100)
        for number, ok in enumerate(passed, start=1)
    ]
    return pl.DataFrame(rows, schema=TABLES["checks"].schema)


def test_only_failed_checks_raise_alerts():
    alerts = alerts_of(checks(True, False, True), raised_at=NOW)
    assert [alert.month for alert in alerts] == ["2026-02"]
    assert "3 of 100 rows" in alerts[0].title
    assert "wg sql" in alerts[0].body


def test_the_same_failure_is_told_once(tmp_path):
    outbox = Outbox(tmp_path)
    assert len(outbox.put(alerts_of(checks(False), raised_at=NOW))) == 1
    assert outbox.put(alerts_of(checks(False), raised_at=datetime(2026, 3, 1, tzinfo=UTC))) == []


def test_a_dead_sink_keeps_its_alerts_for_the_next_flush(tmp_path):
    outbox = Outbox(tmp_path)
    outbox.put(alerts_of(checks(False, False), raised_at=NOW))
    assert outbox.flush(json_lines_sink(tmp_path / "no" / "folder" / "alerts.jsonl")) == (0, 2)
    path = tmp_path / "alerts.jsonl"
    assert Outbox(tmp_path).flush(json_lines_sink(path)) == (2, 0)
    assert outbox.flush(json_lines_sink(path)) == (0, 0)
    assert [json.loads(line)["month"] for line in path.read_text().splitlines()] == ["2026-01", "2026-02"]


def test_alerts_become_rows_of_their_table():
    assert alert_rows(alerts_of(checks(False), raised_at=NOW)).schema == TABLES["alerts"].schema
    assert alert_rows([]).is_empty()
