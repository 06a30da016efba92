"""Small lakes of raw rows, written by hand."""

import polars as pl
import pytest

from wg_dagster.schemas.tables import TABLES
from wg_dagster.warehouse import Warehouse


def rows_of(table, *rows):
    """Rows of a table; columns that are not given are null, texts of quality empty."""
    spec = TABLES[table]
    filled = [{"quality": "", "source_line": k + 1, "source_file": "file"} | row for k, row in enumerate(rows)]
    return pl.DataFrame([{name: row.get(name) for name in spec.columns} for row in filled], schema=spec.schema)


@pytest.fixture
def rows():
    """Function `rows(table, {...}, ...)`."""
    return rows_of


@pytest.fixture
def lake(tmp_path):
    """An empty home."""
    return Warehouse(tmp_path / "home")
