"""Homes of the `small` market made by the real command, in processes of their own that may be killed or run side by side."""

import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import polars as pl

from wg_dagster.calendars import months_between
from wg_dagster.config import Config, save_config
from wg_dagster.schemas.tables import TABLES
from wg_dagster.source import source_of
from wg_dagster.walk import walk
from wg_dagster.warehouse import Warehouse, content_hash

FIRST, LAST = "2026-03", "2026-04"  # the small market has portfolios of next_major_100 then
NOT_COMPARED = {"alerts", "runs"}  # say when something happened
AGAINST_THE_MONTH_BEFORE = ["universe_kept", "universe_size", "rank_drift", "level_drift"]  # not judged where that month is not there yet


def wg(home: Path, *options: str, crash_at: str = "") -> subprocess.Popen:
    """Start `wg run` of the small market; `crash_at` names the point at which it kills itself."""
    command = [sys.executable, "-m", "wg_dagster.cli", "run", "--scale", "small", "--home", str(home), *options]
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "POLARS_MAX_THREADS": "1", "DAGSTER_DISABLE_TELEMETRY": "1"}
    environment |= {"WG_CRASH_AT": crash_at} if crash_at else {}
    return subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def ended(process: subprocess.Popen) -> tuple[int, str]:
    """Exit code and everything that was said."""
    out, err = process.communicate()
    return process.returncode, out + err


def run(home: Path, *options: str) -> None:
    """A run that must succeed."""
    code, said = ended(wg(home, *options))
    assert code == 0, said


def run_both_months(home: Path) -> None:
    """The undisturbed run."""
    run(home, "--from", FIRST, "--to", LAST)


def land_and_clean(home: Path) -> None:
    """A home with its history cleaned, and nothing decided yet."""
    config = Config(scale="small")
    adapter = source_of(config)
    begin, end = adapter.span()
    save_config(home, Config(scale="small", history_from=begin, first_month=FIRST, last_month=end))
    warehouse = Warehouse(home)
    walk(warehouse, adapter, history=months_between(begin, LAST), months=[], until="clean")
    warehouse.publish()


def contents(home: Path, *, without: Sequence[str] = ()) -> dict[str, str]:
    """Hash of the rows of each table of the last snapshot (`without` some checks), in the order of its key; and each letter on the disk."""
    warehouse = Warehouse(home)
    hashes = {}
    for table, spec in TABLES.items():
        if table not in NOT_COMPARED:
            rows = warehouse.read(table)
            rows = rows.filter(~pl.col("check_name").is_in(without)) if table == "checks" else rows
            hashes[table] = content_hash(rows.sort(spec.key, nulls_last=True)) if rows.height else "no rows"
    letters = sorted((home / "letters").glob("*/*/letter_*.html"))
    return hashes | {str(path.relative_to(home)): path.read_text() for path in letters}


def different(one: dict[str, str], other: dict[str, str]) -> list[str]:
    """What is not the same."""
    return sorted(name for name in {*one, *other} if one.get(name) != other.get(name))
