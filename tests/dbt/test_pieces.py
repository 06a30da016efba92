"""A long range is built in pieces that fit into the memory, and the pieces do not decide the values."""

from pathlib import Path

import lake_rows
import numpy as np
import pytest
from polars.testing import assert_frame_equal

from wg_dagster import dbt_pieces
from wg_dagster.calendars import months_between
from wg_dagster.dbt_inside import DbtInside
from wg_dagster.dbt_pieces import LARGEST, LONGEST, month_bytes, pieces
from wg_dagster.dbt_view import VIEW
from wg_dagster.factor_run import build_factors
from wg_dagster.schemas.tables import FACTOR_TABLES
from wg_dagster.warehouse import Warehouse

YEARS = months_between("2015-01", "2024-12")


@pytest.mark.parametrize("size", [0, LARGEST // 100, LARGEST // 7, LARGEST, 10 * LARGEST])
def test_pieces_follow_each_other_and_cover_the_range(size):
    found = list(pieces(YEARS, size))
    assert [month for first, last in found for month in months_between(first, last)] == YEARS


def test_large_months_make_short_pieces_and_small_ones_are_at_most_five_years():
    """Seven months of a seventh of the limit fit; a month above the limit is a piece of its own."""
    assert next(pieces(YEARS, LARGEST // 7)) == ("2015-01", "2015-07")
    assert next(pieces(YEARS, 10 * LARGEST)) == ("2015-01", "2015-01")
    assert next(pieces(YEARS, 0)) == ("2015-01", "2019-12")
    assert LONGEST == 60


def test_the_largest_month_decides(tmp_path):
    warehouse = Warehouse(tmp_path)
    assert month_bytes(warehouse) == 0
    rows = lake_rows.price_rows("US", 5, "2022-01", "2022-02", np.random.default_rng(1))
    warehouse.write_months("prices_clean", rows, ["2022-01", "2022-02"])
    sizes = [sum(Path(file).stat().st_size for file in warehouse.files("prices_clean", months=[month])) for month in ("2022-01", "2022-02")]
    assert month_bytes(warehouse) == max(sizes) > 0


@pytest.mark.slow
def test_three_pieces_equal_the_range_in_one_and_tell_all_changes(tmp_path, monkeypatch):
    """Bit by bit, with months that look back across the borders of the pieces."""
    tables = lake_rows.clean_rows(names=8, first="2020-11", last="2022-05", messy=True)
    homes = {name: Warehouse(tmp_path / name) for name in ("whole", "pieces")}
    for warehouse in homes.values():
        lake_rows.write_lake(warehouse, tables)
    months = ["2022-01", "2022-02", "2022-03"]
    monkeypatch.setattr(dbt_pieces, "LONGEST", 1)

    def in_pieces(arguments, view):
        monkeypatch.setenv(VIEW, str(view))
        return "" if dbt_pieces.main(arguments) == 0 else "failed"

    build_factors(homes["whole"], months, dbt=DbtInside())
    assert build_factors(homes["pieces"], months, dbt=in_pieces) == dict.fromkeys(FACTOR_TABLES, months)
    for table in FACTOR_TABLES:
        assert_frame_equal(homes["pieces"].read(table), homes["whole"].read(table), check_exact=True)
