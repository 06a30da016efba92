"""Hundreds of kills at named points and at any moment, and processes that backfill the same months: never lost, never half-written.

`pytest tests/chain/test_faults.py -m slow --faults 1000` kills more often than the 200 times of `make test-all`.
"""

import random
import signal
from collections import Counter

import pytest
from chain_market import copy_of
from small_homes import AGAINST_THE_MONTH_BEFORE, FIRST, LAST, contents, different
from workers import NOWHERE, ended, seconds_of, start

from wg_dagster.calendars import months_between
from wg_dagster.schemas.tables import FACTOR_TABLES, TABLES
from wg_dagster.warehouse import Warehouse

BY_THE_CLOCK = 0.25  # share of the kills that come at any moment, in the middle of a write too
ROUNDS, PROCESSES = 20, 4


@pytest.fixture(scope="module")
def undisturbed(shared):
    return shared("faults_undisturbed", lambda home: seconds_of(start(home, crash_at=NOWHERE)))


@pytest.mark.slow
def test_no_kill_loses_doubles_or_bends_a_row(undisturbed, tmp_path, request):
    """Home by home: killed again and again on its way through the chain until a run comes through, then compared as a whole."""
    chance = random.Random(20260)
    points = (undisturbed / "points.txt").read_text().splitlines()
    wanted = contents(undisturbed)
    whole = seconds_of(start(tmp_path / "how_long"))
    kills, homes = Counter(), 0
    while kills.total() < request.config.getoption("faults"):
        home = tmp_path / f"home_{homes}"
        kills += kill_until_it_is_through(home, points, chance, whole)
        homes += 1
        assert different(contents(home), wanted) == [], f"home {homes} after {kills}"
        print(f"{kills.total()} kills in {homes} homes: {dict(sorted(kills.items()))}", flush=True)
    assert kills["clock"]
    assert kills["point"] > len(points) / 4


def kill_until_it_is_through(home, points, chance, whole):
    """How often a home was killed at a point and by the clock. The points go along the chain; a reader looks after each kill."""
    kills = Counter()
    place = chance.randrange(4)
    while place < len(points):
        if chance.random() < BY_THE_CLOCK:
            how, code = "clock", ended(start(home), kill_after=chance.uniform(0.1, whole / 4))
        else:
            how, code = "point", ended(start(home, crash_at=",".join(points[place:])))
            place += chance.randint(1, 5)
        if code == 0:
            return kills
        assert code == -signal.SIGKILL
        kills[how] += 1
        readable(home)
    assert ended(start(home)) == 0
    return kills


def readable(home):
    """Every table of the snapshot that readers see can be read, with one row a key."""
    warehouse = Warehouse(home)
    for table in warehouse.versions():
        rows = warehouse.read(table, columns=TABLES[table].key)
        assert rows.height == rows.unique().height, table


@pytest.mark.slow
def test_processes_that_backfill_overlapping_months_give_the_tables_of_one(undisturbed, tmp_path):
    """Four at a time, twenty rounds: each ends well, and what they wrote together is what one process writes."""
    chance = random.Random(4)
    months = months_between(FIRST, LAST)
    reference = Warehouse(undisturbed)
    wanted = contents(undisturbed, without=AGAINST_THE_MONTH_BEFORE)
    seconds_of(start(tmp_path / "cleaned", until="clean"))
    for number in range(ROUNDS):
        home = tmp_path / f"round_{number}"
        if number % 4:  # each fourth round begins with nothing
            copy_of(tmp_path / "cleaned", home)
        ranges = [months, *(chance.choice((months, months[:1], months[1:])) for _ in range(PROCESSES - 1))]
        processes = [start(home, part, until=chance.choice(("factors", "candidates", "portfolio"))) for part in ranges]
        assert [ended(process) for process in processes] == [0] * PROCESSES
        together = Warehouse(home)
        assert [table for table in FACTOR_TABLES if not together.read(table).equals(reference.read(table))] == []
        seconds_of(start(home))
        assert different(contents(home, without=AGAINST_THE_MONTH_BEFORE), wanted) == [], f"round {number}"
