"""The lake: whole months are replaced, nothing is lost between writers, unchanged work makes no commit."""

import os
import signal
import subprocess
import sys
from dataclasses import replace
from datetime import date
from pathlib import Path

import polars as pl
import pytest

from wg_dagster import data_files, delta_tables
from wg_dagster.errors import BadHome, OutsideData
from wg_dagster.schemas.tables import TABLES
from wg_dagster.warehouse import Warehouse, content_hash


def nav(strategy, months, value=1.0):
    """One session a month."""
    days = [date(int(month[:4]), int(month[5:]), 15) for month in months]
    return pl.DataFrame(
        {"strategy": strategy, "month": months, "session_date": days, "currency": "USD", "nav": value, "cash_weight": 0.0},
        schema=TABLES["nav"].schema,
    )


def rates(months, value=0.01):
    days = [date(int(month[:4]), int(month[5:]), 15) for month in months]
    known = [pl.datetime(day.year, day.month, day.day, time_zone="UTC") for day in days]
    frame = pl.DataFrame(
        {"month": months, "source": "bank", "source_file": "f", "source_line": 1, "rate_id": "us_bill", "date": days, "value": value}
    )
    return (
        frame.with_columns(known_at=pl.coalesce(*[pl.when(pl.col("date") == d).then(k) for d, k in zip(days, known, strict=True)]))
        .with_columns(known_at_rule=pl.lit("reported"), quality=pl.lit(""))
        .select(pl.col(name).cast(kind) for name, kind in TABLES["rates"].schema.items())
    )


def test_a_write_replaces_exactly_the_named_months(tmp_path):
    lake = Warehouse(tmp_path)
    lake.write_months("nav", nav("a", ["2025-12", "2026-01", "2026-02"]), ["2025-12", "2026-01", "2026-02"], scope="a")
    lake.write_months("nav", nav("a", ["2026-02"], 2.0), ["2026-01", "2026-02"], scope="a")
    assert lake.read("nav").select("month", "nav").rows() == [("2025-12", 1.0), ("2026-02", 2.0)]


def test_two_strategies_share_a_table_without_touching_each_other(tmp_path):
    lake = Warehouse(tmp_path)
    for strategy, value in (("a", 1.0), ("b", 2.0)):
        lake.write_months("nav", nav(strategy, ["2026-01"], value), ["2026-01"], scope=strategy)
    lake.write_months("nav", nav("a", ["2026-01"], 3.0), ["2026-01"], scope="a")
    assert dict(lake.read("nav").select("strategy", "nav").iter_rows()) == {"a": 3.0, "b": 2.0}


def test_the_same_rows_make_no_commit(tmp_path):
    lake = Warehouse(tmp_path)
    months = ["2026-01", "2026-02"]
    assert lake.write_months("nav", nav("a", months), months, scope="a") == months
    version = lake.version("nav")
    assert lake.write_months("nav", nav("a", months), months, scope="a") == []
    assert lake.write_months("nav", nav("a", ["2026-01"]).vstack(nav("a", ["2026-02"], 5.0)), months, scope="a") == ["2026-02"]
    assert lake.version("nav") == version + 1


def test_rows_outside_of_the_named_months_are_refused(tmp_path):
    with pytest.raises(OutsideData, match="2026-03"):
        Warehouse(tmp_path).write_months("nav", nav("a", ["2026-03"]), ["2026-01"], scope="a")
    with pytest.raises(OutsideData, match="'b'"):
        Warehouse(tmp_path).write_months("nav", nav("b", ["2026-01"]), ["2026-01"], scope="a")


def test_a_frame_that_breaks_the_contract_is_refused_by_column(tmp_path):
    with pytest.raises(OutsideData, match="cash_weight"):
        Warehouse(tmp_path).write_months("nav", nav("a", ["2026-01"]).drop("cash_weight"), ["2026-01"], scope="a")


def test_raw_rows_are_appended_once(tmp_path):
    lake = Warehouse(tmp_path)
    assert lake.append_new("rates", rates(["2026-01", "2026-02"])) == 2
    assert lake.append_new("rates", rates(["2026-01", "2026-02"])) == 0
    assert lake.append_new("rates", rates(["2026-02"], 0.02)) == 1  # a restatement is a new row
    assert lake.read("rates").height == 3


def test_readers_see_a_run_only_after_it_has_published(tmp_path):
    run = Warehouse(tmp_path)
    run.write_months("nav", nav("a", ["2026-01"]), ["2026-01"], scope="a")
    assert Warehouse(tmp_path).read("nav").is_empty()
    assert Warehouse(tmp_path, latest=True).read("nav").height == 1
    run.settle()
    run.publish()
    assert Warehouse(tmp_path).read("nav").height == 1


def test_a_snapshot_can_be_read_after_later_writes(tmp_path):
    run = Warehouse(tmp_path)
    run.write_months("nav", nav("a", ["2026-01"]), ["2026-01"], scope="a")
    pinned = run.versions()
    run.write_months("nav", nav("a", ["2026-01"], 9.0), ["2026-01"], scope="a")
    assert Warehouse(tmp_path, versions=pinned).read("nav")["nav"].to_list() == [1.0]


def test_publishing_twice_makes_one_snapshot(tmp_path):
    run = Warehouse(tmp_path)
    run.write_months("nav", nav("a", ["2026-01"]), ["2026-01"], scope="a")
    run.settle()
    assert run.publish() == run.publish() == 1


def test_publishing_merges_what_another_run_has_published(tmp_path):
    one, other = Warehouse(tmp_path), Warehouse(tmp_path)
    one.write_months("nav", nav("a", ["2026-01"]), ["2026-01"], scope="a")
    other.append_new("rates", rates(["2026-01"]))
    for run in (one, other):
        run.settle()
        run.publish()
    assert set(Warehouse(tmp_path).versions()) == {"nav", "rates"}


def test_what_failed_half_way_is_not_published(tmp_path):
    run = Warehouse(tmp_path)
    run.write_months("nav", nav("a", ["2026-01"]), ["2026-01"], scope="a")
    run.settle()
    run.append_new("rates", rates(["2026-01"]))  # belongs to a station that never ends
    run.publish()
    assert set(Warehouse(tmp_path).versions()) == {"nav"}


def test_an_identity_changes_with_its_months_only(tmp_path):
    lake = Warehouse(tmp_path)
    months = ["2026-01", "2026-02"]
    lake.write_months("nav", nav("a", months), months, scope="a")
    january = lake.identity("nav", months=["2026-01"], scope="a")
    february = lake.identity("nav", months=["2026-02"], scope="a")
    lake.write_months("nav", nav("a", ["2026-02"], 4.0), ["2026-02"], scope="a")
    assert lake.identity("nav", months=["2026-01"], scope="a") == january
    assert lake.identity("nav", months=["2026-02"], scope="a") != february


def test_freshness_ends_when_an_output_is_overwritten(tmp_path):
    lake = Warehouse(tmp_path)
    lake.write_months("nav", nav("a", ["2026-01"]), ["2026-01"], scope="a")
    lake.record_fresh("trading", {"2026-01": "inputs"}, ["nav"], scope="a")
    assert lake.is_fresh("trading", "2026-01", "inputs", ["nav"], scope="a")
    assert not lake.is_fresh("trading", "2026-01", "other inputs", ["nav"], scope="a")
    lake.write_months("nav", nav("a", ["2026-01"], 7.0), ["2026-01"], scope="a")
    assert not lake.is_fresh("trading", "2026-01", "inputs", ["nav"], scope="a")


def test_a_content_hash_depends_on_values_and_their_order():
    frame = nav("a", ["2026-01", "2026-02"])
    assert content_hash(frame) == content_hash(frame.clone())
    assert content_hash(frame) != content_hash(frame.reverse())


def test_a_home_below_a_file_is_refused(tmp_path):
    (tmp_path / "file").write_text("not a folder")
    with pytest.raises(BadHome, match="cannot be written"):
        Warehouse(tmp_path / "file" / "home")


def test_an_empty_table_reads_as_no_rows_with_its_columns(tmp_path):
    lake = Warehouse(tmp_path)
    assert lake.read("nav").schema == TABLES["nav"].schema
    assert pl.read_parquet(lake.files("nav")[0]).is_empty()


def test_a_writer_who_is_followed_at_once_does_not_take_the_other_s_rows_for_its_own(tmp_path, monkeypatch):
    """Between the first one's commit and its note in the ledger the second one replaces the month."""
    first, second = Warehouse(tmp_path), Warehouse(tmp_path)
    left = [lambda: second.write_months("nav", nav("a", ["2026-01"], 2.0), ["2026-01"], scope="a")]

    def followed(point, table):
        if point == "after_commit" and left:
            left.pop()()

    monkeypatch.setattr(delta_tables, "crash_point", followed)
    first.write_months("nav", nav("a", ["2026-01"], 1.0), ["2026-01"], scope="a")
    assert Warehouse(tmp_path, latest=True).read("nav")["nav"].to_list() == [2.0]
    assert Warehouse(tmp_path).write_months("nav", nav("a", ["2026-01"], 1.0), ["2026-01"], scope="a") == ["2026-01"]
    assert Warehouse(tmp_path, latest=True).read("nav")["nav"].to_list() == [1.0]


def test_data_files_are_on_the_disk_before_the_log_names_them(tmp_path, monkeypatch):
    flushed, at_commit = [], []
    flush = os.fsync

    def fsync(descriptor):
        flushed.append(str(Path(f"/proc/self/fd/{descriptor}").readlink()))
        flush(descriptor)

    monkeypatch.setattr(data_files.os, "fsync", fsync)
    monkeypatch.setattr(delta_tables, "crash_point", lambda point, _: at_commit.extend(flushed) if point == "before_commit" else None)
    lake = Warehouse(tmp_path)
    lake.write_months("nav", nav("a", ["2026-01", "2026-02"]), ["2026-01", "2026-02"], scope="a")
    assert sorted(at_commit) == sorted(lake.files("nav"))


@pytest.mark.parametrize("jobs", [["a 2020", "b 2020"], ["a 2020", "a 2021"]])
def test_writers_at_the_same_time_lose_nothing(tmp_path, jobs):
    script = (
        "for number in range(1, 13):\n"
        "    month = f'{sys.argv[4]}-{number:02d}'\n"
        "    run.write_months('nav', nav(sys.argv[3], [month], 3.0), [month], scope=sys.argv[3])\n"
        "run.settle()\nrun.publish()\n"
    )
    writers = [subprocess.Popen(_command(script, tmp_path, *job.split())) for job in jobs]
    assert [writer.wait() for writer in writers] == [0, 0]
    assert Warehouse(tmp_path).read("nav").height == 24


def _command(script, home, *arguments):
    """A fresh process that has `run`, a warehouse of the home, and the helpers of this file."""
    start = (
        "import sys; sys.path.insert(0, sys.argv[2])\n"
        "from test_warehouse import nav\nfrom wg_dagster.warehouse import Warehouse\nrun = Warehouse(sys.argv[1])\n"
    )
    return [sys.executable, "-c", start + script, str(home), str(Path(__file__).parent), *arguments]


@pytest.mark.parametrize("point", ["before_commit:nav", "after_commit:nav", "before_publish:snapshot", "after_publish:snapshot"])
def test_a_killed_writer_leaves_old_or_new_rows_and_a_rerun_completes(tmp_path, point):
    lake = Warehouse(tmp_path)
    lake.write_months("nav", nav("a", ["2026-01"]), ["2026-01"], scope="a")
    lake.settle()
    lake.publish()
    script = (
        "run.write_months('nav', nav('a', ['2026-01', '2026-02'], 2.0), ['2026-01', '2026-02'], scope='a')\nrun.settle()\nrun.publish()\n"
    )
    command = _command(script, tmp_path)
    killed = subprocess.run(command, env=os.environ | {"WG_CRASH_AT": point}, check=False)
    assert killed.returncode == -signal.SIGKILL
    seen = Warehouse(tmp_path).read("nav")["nav"].to_list()
    assert seen in ([1.0], [2.0, 2.0])
    subprocess.run(command, check=True)
    assert Warehouse(tmp_path).read("nav")["nav"].to_list() == [2.0, 2.0]


def test_the_hash_of_a_month_does_not_depend_on_gaps_in_other_months():
    """A filter keeps the mask of a column's gaps where none is left."""
    whole = pl.DataFrame({"month": ["2026-01", "2026-02"] * 20, "value": [1.0, 2.0] * 20, "text": ["a", "b"] * 20})
    gaps = whole.with_columns(pl.when(pl.col("month") == "2026-01").then(pl.col("value", "text")))
    hashes = {content_hash(part) for frame in (whole, gaps) for part in (frame.filter(month="2026-01"), frame.partition_by("month")[0])}
    assert len(hashes) == 1
    assert content_hash(gaps) != content_hash(whole)


def test_a_home_from_before_a_table_gained_a_column_is_read_and_written(tmp_path, monkeypatch):
    """Old rows have null there; new months stand beside them."""
    spec = TABLES["nav"]
    old = replace(spec, columns=tuple(name for name in spec.columns if name != "cash_weight"))
    rows = nav("a", ["2026-01"]).drop("cash_weight")
    with monkeypatch.context() as before:
        before.setitem(TABLES, "nav", old)
        lake = Warehouse(tmp_path)
        lake.write_months("nav", rows, ["2026-01"], scope="a")
        lake.settle()
        lake.publish()
    lake = Warehouse(tmp_path)
    assert lake.read("nav")["cash_weight"].to_list() == [None]
    lake.write_months("nav", nav("a", ["2026-02"]), ["2026-02"], scope="a")
    assert lake.read("nav").sort("month")["cash_weight"].to_list() == [None, 0.0]
