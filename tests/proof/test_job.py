"""The job `verify_lookahead` of the UI, and the examples of the page on point in time."""

import re
import shlex
from pathlib import Path

import dagster as dg
import polars as pl
import pytest

from wg_dagster.definitions import build_definitions
from wg_dagster.warehouse import Warehouse

MONTH = "2026-04"
PAGE = (Path(__file__).parents[2] / "docs" / "point-in-time.md").read_text()
EXAMPLES = re.findall(r"^wg (.+)$", PAGE, flags=re.MULTILINE)


def run(home):
    job = build_definitions(home).resolve_job_def("verify_lookahead")
    with dg.DagsterInstance.ephemeral() as instance:
        config = {"ops": {"decide_again": {"config": {"months": [MONTH]}}}, "loggers": {"console": {"config": {"log_level": "CRITICAL"}}}}
        return job.execute_in_process(run_config=config, instance=instance, raise_on_error=False)


@pytest.mark.slow
def test_the_job_ends_well_where_nothing_looked_ahead_and_fails_where_a_row_differs(own_home):
    assert run(own_home).success
    lake = Warehouse(own_home)
    rows = lake.read("factor_size", months=[MONTH])
    lake.write_months("factor_size", rows.with_columns(pl.col("log_market_cap") + 1e-9), [MONTH])
    lake.settle()
    lake.publish()
    done = run(own_home)
    assert not done.success
    said = done.failure_data_for_node("decide_again").user_failure_data
    assert said.description.startswith("factor_size of 2026-04 looked ahead")
    assert said.metadata["column"].value == "log_market_cap"


@pytest.mark.slow
@pytest.mark.parametrize("line", EXAMPLES)
def test_each_example_of_the_page_runs(line, main, small_home, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    code, out, err = main(*shlex.split(line), "--home", small_home.resolve())
    assert (code, err) == (0, "")
    assert out


def test_the_page_shows_all_three_commands():
    assert {tuple(line.split()[:2])[: 1 + (line.split()[0] == "verify")] for line in EXAMPLES} == {
        ("verify", "lookahead"),
        ("verify", "dates"),
        ("impact",),
    }
