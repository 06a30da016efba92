"""A scratch lake holds what the home held at its snapshot; what is done in it never reaches the home."""

import hashlib
from datetime import UTC, date, datetime

import pytest

from wg_dagster.proof.scratch import branch, scratch_folder
from wg_dagster.warehouse import Warehouse


def rate(rows, month, value):
    day = date(int(month[:4]), int(month[5:]), 5)
    known = datetime(day.year, day.month, day.day, 12, tzinfo=UTC)
    return rows("rates_clean", {"month": month, "rate_id": "us_bill", "date": day, "value": value, "known_at": known})


@pytest.fixture
def home(lake, rows):
    """Two months of rates, published; a third one is committed and not published."""
    for month, value in (("2025-01", 0.04), ("2025-02", 0.05)):
        lake.write_months("rates_clean", rate(rows, month, value), [month])
    lake.settle()
    lake.publish()
    lake.write_months("rates_clean", rate(rows, "2025-03", 0.06), ["2025-03"])
    return lake.home


def fingerprint(folder):
    return {
        path.relative_to(folder): hashlib.sha256(path.read_bytes()).hexdigest() for path in sorted(folder.rglob("*.*")) if path.is_file()
    }


def test_it_holds_the_snapshot_and_no_later_commit(home, tmp_path):
    scratch = branch(Warehouse(home), tmp_path / "scratch")
    assert scratch.read("rates_clean")["value"].to_list() == [0.04, 0.05]
    assert Warehouse(tmp_path / "scratch", latest=True).read("rates_clean")["value"].to_list() == [0.04, 0.05]
    assert Warehouse(home, latest=True).read("rates_clean").height == 3


def test_writing_and_emptying_it_leaves_the_home_as_it_is(home, rows, tmp_path):
    before = fingerprint(home / "lake" / "rates_clean")
    scratch = branch(Warehouse(home), tmp_path / "scratch")
    scratch.write_months("rates_clean", rate(rows, "2025-01", 9.0), ["2025-01", "2025-02"])
    assert scratch.read("rates_clean")["value"].to_list() == [9.0]
    assert Warehouse(home).read("rates_clean")["value"].to_list() == [0.04, 0.05]
    assert fingerprint(home / "lake" / "rates_clean") == before


def test_tables_can_be_left_out(home, tmp_path):
    assert branch(Warehouse(home), tmp_path / "scratch", without=("rates_clean",)).read("rates_clean").is_empty()


def test_its_folder_is_gone_afterwards_also_when_something_failed(home):
    with pytest.raises(ZeroDivisionError), scratch_folder(home) as folder:  # noqa: PT012
        assert folder.is_dir()
        _ = 1 / 0
    assert not folder.exists()
    assert not (home / "scratch").exists()


def test_the_ledger_comes_along_only_where_it_is_wanted(home, tmp_path):
    """With it a write of the same rows makes no commit."""
    rows = Warehouse(home).read("rates_clean")
    months = ["2025-01", "2025-02"]
    assert branch(Warehouse(home), tmp_path / "with", with_ledger=True).write_months("rates_clean", rows, months) == []
    assert branch(Warehouse(home), tmp_path / "without").write_months("rates_clean", rows, months) == months
