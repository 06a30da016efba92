"""The hash of rows follows their values alone; what is written can be read by anyone."""

from dataclasses import replace
from datetime import UTC, date, datetime

import duckdb
import polars as pl
import pyarrow as pa
import pytest
from deltalake import DeltaTable
from hypothesis import given, settings
from hypothesis import strategies as st

from wg_dagster import content
from wg_dagster.content import content_hash
from wg_dagster.schemas.tables import TABLES
from wg_dagster.warehouse import Warehouse

SCHEMA = {
    "text": pl.String,
    "number": pl.Float64,
    "count": pl.Int32,
    "is_known": pl.Boolean,
    "day": pl.Date,
    "known_at": pl.Datetime("us", "UTC"),
}
ROW = st.tuples(
    st.none() | st.text(max_size=4),
    st.none() | st.floats(allow_nan=False),
    st.none() | st.integers(-5, 5),
    st.none() | st.booleans(),
    st.none() | st.dates(date(1990, 1, 1), date(2030, 1, 1)),
    st.none() | st.datetimes(datetime(1990, 1, 1), datetime(2030, 1, 1)).map(lambda moment: moment.replace(tzinfo=UTC)),  # noqa: DTZ001
)


def nav(strategy, months, value=1.0):
    """One session a month."""
    days = [date(int(month[:4]), int(month[5:]), 15) for month in months]
    return pl.DataFrame(
        {"strategy": strategy, "month": months, "session_date": days, "currency": "USD", "nav": value, "cash_weight": 0.0},
        schema=TABLES["nav"].schema,
    )


def frame(rows):
    return pl.DataFrame(rows, schema=SCHEMA, orient="row")


@settings(deadline=None, max_examples=60)
@given(st.lists(ROW, max_size=12), st.integers(0, 12), st.integers(0, 3))
def test_rows_have_one_hash_however_they_lie_in_memory(rows, place, before):
    """In one piece or two, at the start of their memory or further on."""
    whole = frame(rows)
    later = frame([("x" * 9, 1.5, 1, True, None, None)] * before + rows)[before:]
    pieces = pl.concat([whole[:place], whole[place:]], rechunk=False)
    assert {content_hash(one) for one in (whole, later, pieces)} == {content_hash(whole.clone())}


@settings(deadline=None, max_examples=60)
@given(st.lists(ROW, max_size=6), st.lists(ROW, max_size=6))
def test_two_frames_have_one_hash_only_if_they_are_equal(rows, others):
    """-0.0 is written otherwise than 0.0, and so counts as another value."""
    one, other = frame(rows), frame(others)
    equal = one.equals(other) and repr(one.rows()) == repr(other.rows())
    assert (content_hash(one) == content_hash(other)) == equal


@pytest.mark.parametrize(("full", "other"), [([1.0, 2.0, 3.0], [1.0, 9.0, 3.0]), (["a", "b", "c"], ["a", "xyz", "c"])])
def test_what_lies_below_a_gap_does_not_count(full, other):
    """The second of three values is masked; its memory holds whatever was there."""
    hashes = set()
    for values in (full, other):
        column = pa.array(values, type=pa.large_string() if isinstance(values[0], str) else pa.float64())
        masked = pa.Array.from_buffers(column.type, 3, [pa.py_buffer(bytes([0b101])), *column.buffers()[1:]])
        hashes.add(content.arrow_hash(pa.table({"a": masked})))
    assert len(hashes) == 1
    assert hashes == {content_hash(pl.DataFrame({"a": [full[0], None, full[2]]}))}


def test_text_is_not_what_its_parts_run_together_are():
    assert content_hash(pl.DataFrame({"a": ["xy", "z"]})) != content_hash(pl.DataFrame({"a": ["x", "yz"]}))
    assert content_hash(pl.DataFrame({"a": ["", None]})) != content_hash(pl.DataFrame({"a": [None, ""]}))


def test_names_and_types_count():
    rows = pl.DataFrame({"a": [1, 2]})
    hashes = {content_hash(one) for one in (rows, rows.rename({"a": "b"}), rows.cast(pl.Int32), rows.clear(), rows.cast(pl.Int32).clear())}
    assert len(hashes) == 5


def test_months_that_were_hashed_in_another_way_are_known_by_their_rows(tmp_path, monkeypatch):
    """As in a home of before: the same rows make no commit, and from then on their hash is known."""
    months = ["2026-01", "2026-02"]
    with monkeypatch.context() as before:
        before.setattr(content, "_KIND", "")
        Warehouse(tmp_path).write_months("nav", nav("a", months), months, scope="a")
    lake = Warehouse(tmp_path, latest=True)
    version = lake.versions()["nav"]
    changed = nav("a", ["2026-01"]).vstack(nav("a", ["2026-02"], 5.0))
    assert lake.write_months("nav", changed, months, scope="a") == ["2026-02"]
    assert lake.versions()["nav"] == version + 1
    assert all(content.is_comparable(known) for known, _ in lake.ledger.contents("nav", "a").values())


@pytest.mark.parametrize("strategy", ["major 100", "a=b", "50%20", "年金", "it's"])
def test_a_strategy_may_have_any_name(tmp_path, strategy):
    lake = Warehouse(tmp_path)
    for name, value in (("other", 1.0), (strategy, 2.0), (strategy, 3.0)):
        lake.write_months("nav", nav(name, ["2026-01"], value), ["2026-01"], scope=name)
    assert dict(lake.read("nav").select("strategy", "nav").iter_rows()) == {"other": 1.0, strategy: 3.0}
    assert lake.read("nav", scope=strategy).height == 1


def test_other_programs_can_read_what_is_written(tmp_path):
    """The same rows through our view, through the log of the table alone, and from the files without either."""
    lake = Warehouse(tmp_path)
    months = ["2025-12", "2026-01"]
    lake.write_months("nav", nav("a", months), months, scope="a")
    lake.write_months("nav", nav("b", months, 2.0), months, scope="b")
    lake.write_months("nav", nav("a", ["2026-01"], 3.0), ["2026-01"], scope="a")
    ours = lake.read("nav").sort("strategy", "month")
    log = pl.DataFrame(DeltaTable(str(lake.lake / "nav")).to_pyarrow_table()).select(ours.columns).sort("strategy", "month")
    query = "select * from read_parquet(?, hive_partitioning = true, hive_types_autocast = false)"
    files = duckdb.connect().sql(query, params=[lake.files("nav")]).pl()
    assert ours["nav"].to_list() == [1.0, 3.0, 2.0, 2.0]
    assert log.equals(ours)
    assert files.select(ours.columns).sort("strategy", "month").equals(ours)


def test_rows_of_several_strategies_are_written_at_once_in_the_order_of_the_key(tmp_path):
    rows = pl.concat([nav("b", ["2026-02", "2026-01"], 2.0), nav("a", ["2026-01", "2026-02"])])
    lake = Warehouse(tmp_path)
    lake.write_months("nav", rows, ["2026-01", "2026-02"])
    assert lake.read("nav").select("month", "strategy").rows() == [(m, s) for m in ("2026-01", "2026-02") for s in "ab"]
    assert lake.write_months("nav", rows.reverse(), ["2026-01", "2026-02"]) == []


def test_a_month_is_stored_by_its_key_whatever_the_order_of_the_rows(tmp_path):
    days = [date(2026, 1, day) for day in (7, 5, 6)]
    january = pl.concat([nav("a", ["2026-01"], float(day.day)).with_columns(session_date=pl.lit(day)) for day in days])
    lake = Warehouse(tmp_path)
    lake.write_months("nav", pl.concat([nav("a", ["2026-02"]), january]), ["2026-01", "2026-02"], scope="a")
    assert lake.read("nav")["nav"].to_list() == [5.0, 6.0, 7.0, 1.0]


def test_a_table_keyed_by_its_partitions_alone_is_written(tmp_path, monkeypatch):
    monkeypatch.setitem(TABLES, "nav", replace(TABLES["nav"], key=("strategy", "month")))
    lake = Warehouse(tmp_path)
    assert lake.write_months("nav", nav("a", ["2026-01"]), ["2026-01"], scope="a") == ["2026-01"]
