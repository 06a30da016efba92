"""A small home that the tests of commands, definitions, documents and UI share, built once for all workers."""

import fcntl
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

SMALL = ("--scale", "small", "--from", "2026-04", "--to", "2026-05")  # the source goes on to 2026-06: that month stays to be done


def pytest_addoption(parser):
    parser.addoption("--faults", type=int, default=200, help="how often the suite of faults kills a run")


def run_wg(*arguments, **options):
    """`wg` in a process of its own."""
    command = [sys.executable, "-m", "wg_dagster.cli", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, check=False, env=os.environ | {"OMP_NUM_THREADS": "1"}, **options)


@pytest.fixture(scope="session")
def wg():
    """Function that runs `wg` in a process of its own."""
    return run_wg


@pytest.fixture(scope="session")
def small_home(tmp_path_factory, worker_id):
    """A home of two months of the small market, with what `wg run` printed in `said.txt`; read only."""
    root = tmp_path_factory.getbasetemp()
    root = root if worker_id == "master" else root.parent
    home = root / "small_home"
    with (root / "small_home.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (home / "said.txt").exists():
            done = run_wg("run", "--home", home, *SMALL)
            assert done.returncode == 0, done.stdout + done.stderr
            (home / "said.txt").write_text(done.stdout)
    return home


@pytest.fixture
def own_home(small_home, tmp_path):
    """A copy of the small home that a test may change."""
    return Path(shutil.copytree(small_home, tmp_path / "home"))


@pytest.fixture
def main(capsys):
    """Function that runs `wg` in this process and gives (exit code, stdout, stderr)."""
    from wg_dagster.cli import main

    def run(*arguments):
        capsys.readouterr()
        try:
            code = main([str(argument) for argument in arguments])
        except SystemExit as ended:  # argparse ends the process itself
            code = ended.code
        said = capsys.readouterr()
        return code, said.out, said.err

    return run
