"""A run that is killed leaves nothing half-made to readers, and running again gives the tables of an undisturbed run."""

import signal

import pytest
from small_homes import FIRST, LAST, contents, different, ended, run, run_both_months, wg

from wg_dagster.schemas.tables import FACTOR_TABLES, SEARCH_TABLES, STRATEGY_TABLES, TABLES
from wg_dagster.warehouse import Warehouse

BOTH = ("--from", FIRST, "--to", LAST)
POINTS = (
    "before_commit:securities",
    "before_commit:prices",
    "after_commit:fundamentals",
    "before_commit:security_map",
    "after_commit:symbol_spans",
    "after_commit:prices_clean",
    "before_commit:benchmark_nav",
    "after_commit:checks",
    "after_commit:quarantine",
    "after_commit:factor_size",
    "before_commit:factor_us_beta",
    "after_commit:universe_members",
    "after_commit:factor_scores",
    "before_commit:candidates",
    "after_commit:model_portfolios",
    "before_commit:portfolio_solutions",
    "before_commit:holdings",
    "after_commit:attribution",
    "after_commit:report_facts",
    "before_publish:snapshot",
    "after_publish:snapshot",
)


@pytest.fixture(scope="module")
def undisturbed(shared):
    return contents(shared("small_undisturbed", run_both_months))


def killed(home, point):
    """Run until the point; the commits of factor tables are made by dbt, whose death ends the run with a message."""
    code, said = ended(wg(home, *BOTH, crash_at=point))
    if "factor_" in point and "scores" not in point:
        assert code == 1
        assert "ended with -9" in said
    else:
        assert code == -signal.SIGKILL, said


def test_three_kills_in_a_row_lose_nothing(undisturbed, tmp_path):
    """In raw, inside dbt, in trades: each run goes on where the one before died.

    Readers see only stations that have ended: nothing after the first kill; raw and clean after the death of dbt, which the run
    survives to say so; no more after the third.
    """
    seen = []
    for point in ("after_commit:prices", "after_commit:factor_value", "after_commit:trades"):
        killed(tmp_path / "home", point)
        seen.append(set(Warehouse(tmp_path / "home").versions()))
    assert seen[0] == set()
    assert seen[1] == seen[2] >= {"prices", "prices_clean"}
    assert seen[2] & {*FACTOR_TABLES, *STRATEGY_TABLES} <= {"factor_weights"}  # rests on no factor
    run(tmp_path / "home", *BOTH)
    assert different(contents(tmp_path / "home"), undisturbed) == []


def test_the_undisturbed_run_reaches_every_station(undisturbed):
    """Else equal tables would prove little."""
    empty = {table for table in TABLES if undisturbed.get(table) == "no rows"}
    assert empty == {"adjusted_prices", "risk_returns", *SEARCH_TABLES}


@pytest.mark.slow
@pytest.mark.parametrize("point", POINTS)
def test_a_kill_at_any_station_loses_nothing(point, undisturbed, tmp_path):
    killed(tmp_path / "home", point)
    run(tmp_path / "home", *BOTH)
    assert different(contents(tmp_path / "home"), undisturbed) == []


@pytest.mark.slow
def test_a_home_that_had_a_snapshot_keeps_it_until_the_next_one(undisturbed, tmp_path):
    """The first month is published; the run of both months dies: readers still see the first one alone, as it was."""
    home = tmp_path / "home"
    run(home, "--from", FIRST, "--to", FIRST)
    first = contents(home)
    killed(home, "after_commit:trades")
    assert different(contents(home), first) == []
    run(home, *BOTH)
    assert different(contents(home), undisturbed) == []
