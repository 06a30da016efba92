"""Lets the tests of the embedded market import their neighbours, and build what is dear once for all workers."""

import fcntl
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))


@pytest.fixture(scope="session")
def shared(tmp_path_factory, worker_id):
    """Function that gives a folder of the session, filled by whichever worker comes first; the others wait for it."""
    root = tmp_path_factory.getbasetemp()
    root = (root if worker_id == "master" else root.parent) / "market"
    root.mkdir(exist_ok=True)

    def folder(name, build):
        with (root / f"{name}.lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            done = root / f"{name}.done"
            if not done.exists():
                (root / name).mkdir()
                build(root / name)
                done.touch()
        return root / name

    return folder
