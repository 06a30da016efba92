"""A landing of daily archives that is killed: run again, it makes the tables of one that never was."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT))  # the benchmarks are no installed package
ARCHIVES, NAMES = 45, 80  # two months and a bit


@pytest.fixture(scope="module")
def archives(tmp_path_factory):
    from benchmarks.archives import write_archives

    folder = tmp_path_factory.mktemp("archives") / "daily"
    write_archives(folder, seed=3, archives=ARCHIVES, names=NAMES)
    return folder


def landed(archives, home, crash_at=""):
    command = [sys.executable, "-m", "benchmarks.archives", str(archives), str(home)]
    return subprocess.run(command, cwd=ROOT, env=os.environ | {"WG_CRASH_AT": crash_at}, capture_output=True, text=True, check=False)


@pytest.mark.slow
@pytest.mark.parametrize("point", ["before_commit:prices", "after_commit:prices", "after_commit:fundamentals", "after_commit:checks"])
def test_a_killed_landing_goes_on_to_the_same_tables(archives, tmp_path, point):
    """80 names on 45 sessions and the one before, each captured twice but the first and the last: 80 * 2 * 45 rows."""
    whole = json.loads(landed(archives, tmp_path / "whole").stdout)
    assert whole["rows"] == 2 * ARCHIVES * NAMES
    cut = landed(archives, tmp_path / "cut", crash_at=point)
    assert cut.returncode == -signal.SIGKILL
    assert json.loads(landed(archives, tmp_path / "cut").stdout)["hash"] == whole["hash"]
