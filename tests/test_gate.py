"""The gate between stations: bad rows are held back, each month has a verdict of its own."""

import json
from datetime import date

import polars as pl

from wg_dagster.quality.gate import gate
from wg_dagster.schemas.tables import TABLES


def weights(*rows):
    columns = {"strategy": "a", "as_of_date": date(2026, 1, 30)}
    frame = pl.DataFrame([{"month": month, "security_id": name, "weight": weight} for month, name, weight in rows])
    return frame.with_columns(**{name: pl.lit(value) for name, value in columns.items()}).select(
        pl.col(name).cast(kind) for name, kind in TABLES["model_portfolios"].schema.items()
    )


def verdicts(gated):
    return {row["month"]: (row["passed"], row["severity"], row["failed_rows"]) for row in gated.checks.to_dicts()}


def test_good_rows_pass_as_they_are():
    rows = weights(("2026-01", "x", 0.05), ("2026-01", "y", 0.06))
    gated = gate("portfolio", "model_portfolios", rows, ["2026-01"], strategy="a")
    assert gated.rows.equals(rows)
    assert gated.quarantine.is_empty()
    assert verdicts(gated) == {"2026-01": (True, "ERROR", 0)}


def test_a_bad_row_is_held_back_with_its_rule_and_content():
    good = [("2026-01", f"name{number:03d}", 0.01) for number in range(99)]
    gated = gate("portfolio", "model_portfolios", weights(*good, ("2026-01", "big", 0.10)), ["2026-01"])
    assert gated.rows.height == 99
    held = gated.quarantine.row(0, named=True)
    assert held["security_id"] == "big"
    assert held["rule"].startswith("weight")
    assert json.loads(held["row_json"])["weight"] == 0.10
    assert verdicts(gated) == {"2026-01": (False, "WARN", 1)}  # 1 of 100: under the 2 % that fail a month


def test_too_many_bad_rows_fail_their_month_and_no_other():
    rows = weights(("2026-01", "x", 0.05), ("2026-01", "y", -0.05), ("2026-02", "x", 0.05))
    gated = gate("portfolio", "model_portfolios", rows, ["2026-01", "2026-02"])
    assert verdicts(gated) == {"2026-01": (False, "ERROR", 1), "2026-02": (True, "ERROR", 0)}


def test_a_row_that_comes_twice_fails_its_month():
    gated = gate("portfolio", "model_portfolios", weights(*[("2026-01", "x", 0.05)] * 2), ["2026-01"])
    assert verdicts(gated)["2026-01"][:2] == (False, "ERROR")


def test_a_missing_key_is_held_back():
    rows = weights(("2026-01", "x", 0.05)).with_columns(as_of_date=pl.lit(None, dtype=pl.Date))
    gated = gate("portfolio", "model_portfolios", rows.with_columns(security_id=pl.lit(None, dtype=pl.String)), ["2026-01"])
    assert gated.rows.is_empty()
    assert set(gated.quarantine["rule"]) == {"security_id not_nullable"}


def test_a_month_without_rows_has_a_verdict_too():
    gated = gate("portfolio", "model_portfolios", TABLES["model_portfolios"].empty(), ["2026-01"])
    assert verdicts(gated) == {"2026-01": (True, "ERROR", 0)}
