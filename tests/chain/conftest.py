"""Homes that the tests of the whole chain share, built once for all workers."""

import fcntl
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))  # tests are no package: lets them import their neighbours


@pytest.fixture(scope="session")
def shared(tmp_path_factory, worker_id):
    """Function that gives a folder of the session, built by whichever worker comes first; the others wait for it."""
    root = tmp_path_factory.getbasetemp()
    root = root if worker_id == "master" else root.parent

    def folder(name, build):
        with (root / f"{name}.lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            done = root / f"{name}.done"
            if not done.exists():
                build(root / name)
                done.touch()
        return root / name

    return folder


@pytest.fixture(scope="session")
def homes(shared):
    """Folder with the homes `before` and `undisturbed` of `chain_market`; read only."""
    from chain_market import build_homes

    return shared("chain_homes", build_homes)
