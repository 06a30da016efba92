"""`wg alerts`: what is open, acknowledged, sent again."""

import json
import re
from datetime import UTC, datetime
from pathlib import Path

import polars as pl
import pytest

from wg_dagster.alerts import Outbox, load_routes, raise_alerts
from wg_dagster.config import Config, save_config
from wg_dagster.quality.gate import verdict
from wg_dagster.schemas.tables import TABLES
from wg_dagster.warehouse import Warehouse

DOCS = Path(__file__).parents[2] / "docs"


@pytest.fixture
def home(tmp_path):
    save_config(tmp_path, Config(history_from="2026-01", first_month="2026-01", last_month="2026-01"))
    rows = [verdict("clean.prices", "2026-01", "prices_clean", "gate", passed=False, failed_rows=3, total_rows=100)]
    raise_alerts(Warehouse(tmp_path), pl.DataFrame(rows, schema=TABLES["checks"].schema), now=datetime(2026, 2, 1, tzinfo=UTC))
    return tmp_path


def test_an_open_error_ends_with_1_until_it_is_acknowledged(main, home):
    (alert, _), *_ = Outbox(home).listing()
    code, out, _ = main("alerts", "--home", str(home))
    assert code == 1
    assert f"{alert.alert_id} ERROR 2026-02-01T00:00 clean.prices 2026-01: prices_clean gate failed (3 of 100 rows)" in out
    code, out, _ = main("alerts", "--home", str(home), "--acknowledge", alert.alert_id[:5], "--by", "operations", "--note", "asked")
    assert code == 0
    assert "no open alerts" in out
    assert "[seen by operations: asked]" in main("alerts", "--home", str(home), "--all")[1]


def test_a_test_reaches_every_sink_and_is_no_alert(main, home):
    (home / "alerts.toml").write_text('[[sink]]\nname = "desk"\nkind = "json_lines"\npath = "no/folder"\n')
    code, out, _ = main("alerts", "--home", str(home), "--test")
    assert code == 1
    assert re.search(r"^desk: .*cannot be written", out, re.MULTILINE)
    assert "file: delivered" in out
    lines = (home / "alerts" / "alerts.jsonl").read_text().splitlines()
    assert [json.loads(line)["title"] for line in lines][1:] == ["a test"]
    assert Warehouse(home).read("alerts").height == 1


def test_what_waits_is_sent_by_hand(main, home):
    (home / "alerts" / "alerts.sqlite").unlink()
    (home / "alerts.toml").write_text('[[sink]]\nname = "desk"\nkind = "json_lines"\npath = "desk/alerts"\n')
    raise_alerts(Warehouse(home), Warehouse(home).read("checks"), now=datetime(2026, 2, 1, tzinfo=UTC))
    rows = [verdict("clean.prices", "2026-01", "prices_clean", "gate", passed=False, failed_rows=3, total_rows=100)]
    raise_alerts(Warehouse(home), pl.DataFrame(rows, schema=TABLES["checks"].schema), now=datetime(2026, 2, 1, tzinfo=UTC))
    assert "sink desk: 1 alerts wait" in main("alerts", "--home", str(home))[1]
    (home / "desk").mkdir()
    assert "desk: 1 delivered, 0 waiting" in main("alerts", "--home", str(home), "--send")[1]


def test_the_routes_in_the_docs_can_be_read(tmp_path, monkeypatch):
    text = re.search(r"```toml\n(heartbeat_hours.*?)```", (DOCS / "operations.md").read_text(), re.DOTALL)[1]
    (tmp_path / "alerts.toml").write_text(text)
    for variable in ("WG_MAIL_USER", "WG_MAIL_PASSWORD"):
        monkeypatch.setenv(variable, "x")
    monkeypatch.setenv("WG_DESK_ADDRESS", "json://127.0.0.1:1/")
    routes = load_routes(Warehouse(tmp_path))
    assert [sink.name for sink in routes.sinks] == ["file", "table", "operations", "desk"]
    assert routes.heartbeat_hours == 24
