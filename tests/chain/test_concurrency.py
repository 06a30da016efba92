"""Two runs write into one home at the same time: nothing is lost, and the tables are those of one run after the other."""

import polars as pl
import pytest
from chain_market import copy_of
from small_homes import AGAINST_THE_MONTH_BEFORE, FIRST, LAST, contents, different, ended, land_and_clean, run, run_both_months, wg

from wg_dagster.runner import run_station
from wg_dagster.schemas.tables import FACTOR_TABLES, STRATEGY_TABLES, TABLES
from wg_dagster.stations import Reads, Station
from wg_dagster.strategies import MAJOR_100
from wg_dagster.warehouse import Warehouse

BOTH = ("--from", FIRST, "--to", LAST)
DECIDED = [table for table in STRATEGY_TABLES if table not in {"report_facts", "letters"}]


@pytest.fixture(scope="module")
def undisturbed(shared):
    return shared("small_undisturbed", run_both_months)


@pytest.fixture(scope="module")
def cleaned(shared):
    return shared("small_cleaned", land_and_clean)


def test_a_month_that_was_built_without_the_month_before_is_built_again_when_that_is_there(tmp_path):
    """March and April are built by two runs that start from the same snapshot: April cannot see March, and must not pass for fresh."""
    march, april = Warehouse(tmp_path), Warehouse(tmp_path)
    assert run_station(march, COUNTING, [FIRST], strategy=MAJOR_100).built == [FIRST]
    assert run_station(april, COUNTING, [LAST], strategy=MAJOR_100).built == [LAST]
    for warehouse in (march, april):
        warehouse.settle()
        warehouse.publish()
    assert counted(tmp_path) == {FIRST: 1.0, LAST: 1.0}
    after = Warehouse(tmp_path)
    assert run_station(after, COUNTING, [FIRST, LAST], strategy=MAJOR_100).built == [LAST]
    after.settle()
    after.publish()
    assert counted(tmp_path) == {FIRST: 1.0, LAST: 2.0}
    assert run_station(Warehouse(tmp_path), COUNTING, [FIRST, LAST], strategy=MAJOR_100).built == []


def count_on(reader, months, strategy):
    """One more than the month before."""
    (month,) = months
    before = reader.read("factor_returns")["value"].sum()
    row = {"strategy": strategy.strategy_id, "month": month, "factor": "market", "value": before + 1.0, "t_stat": None}
    return {"factor_returns": pl.DataFrame([row], schema=TABLES["factor_returns"].schema)}


COUNTING = Station(
    name="counting",
    description="Rests on its own past",
    group="test",
    reads=(Reads("factor_returns", back=1, own=False),),
    writes=("factor_returns",),
    build=count_on,
    code=(),
    by_strategy=True,
)


def counted(home):
    return dict(Warehouse(home).read("factor_returns").select("month", "value").iter_rows())


def side_by_side(home, *runs):
    started = [wg(home, *options) for options in runs]
    for process in started:
        code, said = ended(process)
        assert code == 0, said


@pytest.mark.slow
def test_two_ranges_of_months_and_then_two_strategies_at_the_same_time_lose_nothing(undisturbed, cleaned, tmp_path):
    """What rests on no earlier month is there at once; a last run settles what does, and the letters, which compare all strategies."""
    home = copy_of(cleaned, tmp_path / "home").home
    one = ("--strategy", "next_major_100")
    side_by_side(home, ("--from", FIRST, "--to", FIRST, *one), ("--from", LAST, "--to", LAST, *one))
    assert not_the_same(home, undisturbed, FACTOR_TABLES) == []
    assert not_the_same(home, undisturbed, ("universe_members", "factor_scores", "candidates"), scope="next_major_100") == []
    others = ("major_100", "samurai_25")
    side_by_side(home, *((*BOTH, "--strategy", strategy) for strategy in others))
    for strategy in others:
        assert not_the_same(home, undisturbed, DECIDED, scope=strategy) == []
    run(home, *BOTH)
    assert_the_same(home, undisturbed)


@pytest.mark.slow
def test_two_strategies_that_build_the_same_factor_tables_at_the_same_time_lose_nothing(undisturbed, cleaned, tmp_path):
    home = copy_of(cleaned, tmp_path / "home").home
    strategies = ("major_100", "next_major_100")
    side_by_side(home, *((*BOTH, "--strategy", strategy) for strategy in strategies))
    assert not_the_same(home, undisturbed, FACTOR_TABLES) == []
    for strategy in strategies:
        assert not_the_same(home, undisturbed, DECIDED, scope=strategy) == []
    run(home, *BOTH)
    assert_the_same(home, undisturbed)


@pytest.mark.slow
def test_two_first_runs_of_a_home_at_the_same_time_lose_nothing(undisturbed, tmp_path):
    """Both make the folders, the configuration, the instance and the raw tables."""
    home = tmp_path / "home"
    side_by_side(home, ("--from", FIRST, "--to", FIRST), ("--from", FIRST, "--to", LAST))
    run(home, *BOTH)
    assert_the_same(home, undisturbed)


def assert_the_same(home, undisturbed):
    """All rows of all tables; verdicts that compare two months are given only where the earlier one was there."""
    here, there = (contents(one, without=AGAINST_THE_MONTH_BEFORE) for one in (home, undisturbed))
    assert different(here, there) == []


def not_the_same(home, other, tables, scope=None):
    there, here = Warehouse(other), Warehouse(home)
    return [table for table in tables if not here.read(table, scope=scope).equals(there.read(table, scope=scope))]
