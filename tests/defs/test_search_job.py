"""The job `search` run by Dagster: the whole grid of the small market, and checks that say what cannot be had."""

import shutil

import dagster as dg
import pytest

from wg_dagster.definitions import build_definitions
from wg_dagster.defs.checks import GATE
from wg_dagster.defs.jobs import SEARCH_JOB
from wg_dagster.defs.launch import open_instance
from wg_dagster.schemas.tables import SEARCH_TABLES
from wg_dagster.strategies import STRATEGIES
from wg_dagster.warehouse import Warehouse

pytestmark = pytest.mark.slow
MONTH, US = "2026-05", ("major_100", "next_major_100")
QUIET = {"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}}


@pytest.fixture(scope="module")
def searched(small_home, tmp_path_factory):
    """A copy of the small home on which the job was run for one month; the home, and the result of the run."""
    home = tmp_path_factory.mktemp("searched") / "home"
    shutil.copytree(small_home, home)
    job = build_definitions(home).resolve_job_def(SEARCH_JOB)
    with open_instance(home) as instance:
        result = job.execute_in_process(instance=instance, partition_key=MONTH, run_config=QUIET)
    return home, result


@pytest.fixture(scope="module")
def checks(searched):
    """Asset -> what its check said of the month."""
    return {one.asset_key.to_user_string(): one for one in searched[1].get_asset_check_evaluations()}


def test_the_job_ends_and_judges_every_table_of_every_strategy(searched, checks):
    assert searched[1].success
    assert set(checks) == {f"{strategy}/{table}" for strategy in STRATEGIES for table in SEARCH_TABLES}
    assert all((one.check_name, one.partition) == (GATE, MONTH) for one in checks.values())


def test_a_month_has_a_row_for_every_set_of_the_factors_that_rank_its_members(searched, checks):
    lake = Warehouse(searched[0])
    for strategy in US:
        factors = lake.read("search_premia", months=[MONTH], scope=strategy).height
        rows = lake.read("search_results", months=[MONTH], scope=strategy)
        assert rows["subset"].n_unique() == rows.height == 2**factors - 1
        assert factors >= 10
        assert checks[f"{strategy}/search_results"].metadata["rows judged"].value == rows.height


def test_months_before_the_first_portfolio_are_searched_too(searched):
    months = Warehouse(searched[0]).read("search_premia", scope="next_major_100")["month"].unique().sort().to_list()
    assert months[-1] == MONTH
    assert months[0] < "2026-04"
    assert len(months) >= 12


def test_a_history_too_short_for_evidence_is_a_warning_that_says_how_short(checks):
    for strategy in US:
        check = checks[f"{strategy}/search_evidence"]
        (failed,) = [record.data for record in check.metadata["failed checks"].records]
        assert (check.passed, check.severity, failed["check"]) == (False, dg.AssetCheckSeverity.WARN, "enough_months")
        assert "months in a row" in failed["why"]


def test_a_market_with_too_few_members_is_a_warning_that_names_month_and_number(checks):
    check = checks["samurai_25/search_results"]
    (failed,) = [record.data for record in check.metadata["failed checks"].records]
    assert (check.passed, check.severity, failed["check"]) == (False, dg.AssetCheckSeverity.WARN, "month_searched")
    assert MONTH in failed["why"]
