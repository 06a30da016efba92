"""A scratch lake with the tables of a home, in which anything may be built: the home itself is never changed.

Data files and commits of a lake never change once they are written, so the scratch lake links to those of the view and adds its own.
"""

import os
import shutil
import sqlite3
import tempfile
from collections.abc import Collection, Generator
from contextlib import closing, contextmanager
from pathlib import Path

from wg_dagster.warehouse import Warehouse

_LOG = "_delta_log"
_LEDGER = "ledger.sqlite"


@contextmanager
def scratch_folder(beside: Path) -> Generator[Path]:
    """A folder for scratch lakes, on the same disk as the home so that files can be linked, and gone afterwards."""
    parent = beside.resolve() / "scratch"
    parent.mkdir(exist_ok=True)
    folder = Path(tempfile.mkdtemp(dir=parent))
    try:
        yield folder
    finally:
        shutil.rmtree(folder)
        if not any(parent.iterdir()):
            parent.rmdir()


def branch(warehouse: Warehouse, home: Path, *, without: Collection[str] = (), with_ledger: bool = False) -> Warehouse:
    """A home of its own that holds what `warehouse` sees but the tables `without`, and nothing that was committed later.

    Without the ledger every station builds again; with it only those whose inputs or code have changed.
    """
    versions = {table: version for table, version in warehouse.versions().items() if table not in without}
    for table, version in versions.items():
        source, target = warehouse.lake.resolve() / table, home.resolve() / "lake" / table
        wanted = [Path(file).resolve() for file in warehouse.files(table)]
        wanted = [file for file in wanted if file.is_relative_to(source)]  # a table without rows has no file of its own
        for file in [*wanted, *(source / _LOG / f"{number:020d}.json" for number in range(version + 1))]:
            _link(file, target / file.relative_to(source))
    if with_ledger:
        with closing(sqlite3.connect(warehouse.lake / _LEDGER)) as ours, closing(sqlite3.connect(home / "lake" / _LEDGER)) as theirs:
            ours.backup(theirs)
    return Warehouse(home, versions=versions)


def _link(file: Path, to: Path) -> None:
    to.parent.mkdir(parents=True, exist_ok=True)
    try:
        os.link(file, to)
    except OSError:  # a disk without links
        shutil.copyfile(file, to)
