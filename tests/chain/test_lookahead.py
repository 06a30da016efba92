"""What became known after a month's cut-off changes nothing that was decided at it.

Rows known later are removed, given to other names, or poisoned (wrong figures, dates of last year, known one microsecond after the
cut-off); the year is landed, cleaned and decided again, and what was decided must be the same byte for byte.
"""

from datetime import date

import polars as pl
import pytest
from chain_market import FIRST, LAST, MONTHS, SINCE, copy_of, decide_again, decided, different, raw
from tampered import WAYS, Tampered, cutoffs_of

from wg_dagster.calendars import month_end, month_shift, months_between
from wg_dagster.chain import strategy_stations
from wg_dagster.runner import run_station
from wg_dagster.schemas.tables import FACTOR_TABLES
from wg_dagster.strategies import STRATEGIES
from wg_dagster.walk import walk
from wg_dagster.warehouse import Warehouse


def ways_by_turns():
    """Poison falls on months that end on a Friday: rows of the weekend lie between the cut-off and the next session."""
    return [(month, WAYS[k % len(WAYS)]) for k, month in enumerate(MONTHS)]


def test_the_poisoned_months_end_on_a_friday():
    ends = [month_end("XNYS", month) for month, how in ways_by_turns() if how == "poisoned"]
    assert ends == [date(2025, 2, 28), date(2025, 5, 30), date(2025, 8, 29), date(2025, 11, 28)]


QUICK = {"2025-02"}  # poisoned; the other months and ways are among the slow tests


@pytest.mark.parametrize(
    ("month", "how"), [pytest.param(*turn, marks=() if turn[0] in QUICK else pytest.mark.slow) for turn in ways_by_turns()]
)
def test_rows_known_after_the_cutoff_change_nothing_that_was_decided(month, how, homes, tmp_path):
    undisturbed = Warehouse(homes / "undisturbed")
    copy_of(homes / "before", tmp_path / "home")
    adapter = Tampered(raw(), cutoffs_of(month), how)
    again = decide_again(tmp_path / "home", adapter, month, undisturbed)
    assert_says_something(undisturbed, month)
    assert adapter.changed_rows > 1000
    after = [month_shift(month, 1)]
    assert not again.read("prices_clean", months=after).equals(undisturbed.read("prices_clean", months=after))
    assert different(decided(undisturbed, month), decided(again, month)) == []


def assert_says_something(undisturbed, month):
    """Equal tables prove nothing where they are empty."""
    rows = decided(undisturbed, month)
    assert all(rows[table].height > 200 for table in FACTOR_TABLES)
    assert rows["portfolio_solutions"]["status"].is_in(["solved", "widened"]).sum() >= 2
    assert rows["model_portfolios"].height >= 40


def test_all_three_strategies_are_solved_in_nearly_all_months(homes):
    solved = Warehouse(homes / "undisturbed").read("portfolio_solutions").filter(pl.col("status") == "solved")
    assert {strategy: count >= 10 for strategy, count in solved.group_by("strategy").len().iter_rows()} == dict.fromkeys(STRATEGIES, True)


@pytest.mark.parametrize("month", [pytest.param(month, marks=() if month == "2025-12" else pytest.mark.slow) for month in MONTHS])
def test_tokyo_sees_nothing_that_new_york_knew_after_tokyo_s_day(month, homes, tmp_path):
    """New York's last session of the month closes hours after Tokyo's day is over; in December that of the 31st is still to come too."""
    undisturbed = Warehouse(homes / "undisturbed")
    copy_of(homes / "before", tmp_path / "home")
    tokyo = cutoffs_of(month)["JP"]
    adapter = Tampered(raw(), {"US": tokyo, "JP": tokyo}, "shuffled")
    again = decide_again(tmp_path / "home", adapter, month, undisturbed)
    there, here = decided(undisturbed, month), decided(again, month)
    assert "factor_us_beta" in different(there, here)
    assert different(of_tokyo(there), of_tokyo(here)) == []


def of_tokyo(tables):
    kept = {table: (pl.col("market") == "JP") if table in FACTOR_TABLES else (pl.col("strategy") == "samurai_25") for table in tables}
    rows = {table: frame.filter(kept[table]) for table, frame in tables.items()}
    assert all(frame.height for frame in rows.values())
    return rows


def test_a_factor_that_looks_a_month_ahead_is_found(homes, tmp_path):
    """The comparison itself is tested: momentum is replaced by next month's return, in the undisturbed home and in the tampered one."""
    month = "2025-03"
    undisturbed = copy_of(homes / "undisturbed", tmp_path / "undisturbed")
    again = copy_of(homes / "before", tmp_path / "home")
    walk(
        again,
        Tampered(raw(), cutoffs_of(month), "shuffled"),
        history=months_between(SINCE[0], month_shift(month, 1)),
        months=[],
        until="clean",
    )
    for table in (*FACTOR_TABLES, "universe_members"):
        again.write_months(table, undisturbed.read(table, months=[month]), [month])
    assert found_after_scoring(undisturbed, again, month) == []
    for warehouse in (undisturbed, again):
        look_ahead(warehouse, month)
    assert found_after_scoring(undisturbed, again, month) == ["factor_momentum", "factor_scores"]


def look_ahead(warehouse, month):
    nextmonth = warehouse.read("prices_clean", months=[month_shift(month, 1)])
    grown = (
        nextmonth.sort("session_date")
        .group_by("security_id")
        .agg(((1 + pl.col("return_1e9").fill_null(0) / 1e9).product() - 1).alias("ahead"))
    )
    momentum = warehouse.read("factor_momentum", months=[month]).join(grown, on="security_id", how="left")
    warehouse.write_months("factor_momentum", momentum.with_columns(return_60d="ahead").drop("ahead"), [month])


def found_after_scoring(undisturbed, again, month):
    scores = next(station for station in strategy_stations() if station.name == "scores")
    for warehouse in (undisturbed, again):
        for strategy in STRATEGIES.values():
            run_station(warehouse, scores, [month], strategy=strategy)
    looked_at = (*FACTOR_TABLES, "universe_members", "factor_scores")
    there, here = decided(undisturbed, month), decided(again, month)
    return different({table: there[table] for table in looked_at}, {table: here[table] for table in looked_at})


@pytest.mark.slow
@pytest.mark.parametrize("how", WAYS)
@pytest.mark.parametrize("month", MONTHS)
def test_each_month_and_way_from_the_first_row_on(month, how, homes, tmp_path):
    """Nothing is taken over but last month's portfolio: all of the history is landed and cleaned again."""
    undisturbed = Warehouse(homes / "undisturbed")
    adapter = Tampered(raw(), cutoffs_of(month), how)
    again = decide_again(tmp_path / "home", adapter, month, undisturbed, history=months_between(FIRST, LAST))
    assert different(decided(undisturbed, month), decided(again, month)) == []
