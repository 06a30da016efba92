"""Processes that walk the chain of one home, to be killed or to run side by side; started from a server that has imported everything."""

import multiprocessing
import os
import time
from collections.abc import Sequence
from pathlib import Path

from small_homes import FIRST, LAST

from wg_dagster.calendars import months_between
from wg_dagster.config import Config
from wg_dagster.dbt_inside import DbtInside
from wg_dagster.runner import land_raw
from wg_dagster.source import source_of
from wg_dagster.walk import rebuild
from wg_dagster.warehouse import Warehouse

BOTH = (FIRST, LAST)
NOWHERE = "nowhere"  # no point to die at; the points on the way are written down
_LONGEST = 300  # seconds of a walk that does not end

_server = multiprocessing.get_context("forkserver")
_server.set_forkserver_preload(
    ["workers", "wg_dagster.selection.stations", "wg_dagster.performance.stations", "wg_dagster.letters.stations"]
)


def walk_home(home: Path, months: Sequence[str], until: str, crash_at: str) -> None:
    """Land and clean the small market and build `months`: one process, which may kill itself at a point."""
    from functools import partial

    from wg_dagster import crash_points, factor_run

    if crash_at:
        os.environ["WG_CRASH_AT"] = crash_at
    adapter = source_of(Config(scale="small"))
    history = months_between(adapter.span()[0], LAST)
    warehouse = Warehouse(home)
    land_raw(warehouse, adapter, history)
    build = partial(factor_run.build_factors, dbt=DbtInside())
    rebuild(warehouse, history=history, months=months, until=until, build=build)
    warehouse.publish()
    if crash_at == NOWHERE:
        (home / "points.txt").write_text("\n".join(dict.fromkeys(crash_points.PASSED)))


def start(home: Path, months: Sequence[str] = BOTH, *, until: str = "letter", crash_at: str = "") -> multiprocessing.process.BaseProcess:
    """A process that walks."""
    process = _server.Process(target=walk_home, args=(home, months, until, crash_at))
    process.start()
    return process


def ended(process: multiprocessing.process.BaseProcess, *, kill_after: float | None = None) -> int:
    """Exit code, -9 if it was killed: by itself, or here after so many seconds."""
    process.join(kill_after if kill_after is not None else _LONGEST)
    if process.is_alive():
        assert kill_after is not None, f"a walk did not end within {_LONGEST} s"
        process.kill()
        process.join()
    return process.exitcode


def seconds_of(process: multiprocessing.process.BaseProcess) -> float:
    """How long it takes to end."""
    started = time.monotonic()
    assert ended(process) == 0
    return time.monotonic() - started
