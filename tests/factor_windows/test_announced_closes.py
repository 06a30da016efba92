"""The price of an announcement is the last close of the fifteen days before it."""

from datetime import date, timedelta

import polars as pl
from hypothesis import given, settings
from hypothesis import strategies as st

from wg_dagster.factor_windows.announced_closes import announced_closes

FIRST = date(2021, 11, 20)
DAYS = st.integers(0, 80).map(lambda days: FIRST + timedelta(days=days))
NAMES = st.sampled_from(["A", "B", "C"])
CLOSES = st.dictionaries(st.tuples(NAMES, DAYS), st.sampled_from([None, 0.0, 1.5, 2.0, 3.25]), max_size=60)


def found_closes(closes, asked):
    rows = pl.DataFrame(
        [(name, day, close) for (name, day), close in closes.items()],
        schema={"security_id": pl.String, "session_date": pl.Date, "close": pl.Float64},
        orient="row",
    )
    wanted = pl.DataFrame(asked, schema={"security_id": pl.String, "announcement_date": pl.Date}, orient="row")
    found = announced_closes(lambda month: rows.filter(pl.col("session_date").dt.strftime("%Y-%m") == month), wanted)
    return {(name, day): close for name, day, close in found.iter_rows()}


@given(CLOSES, st.lists(st.tuples(NAMES, DAYS), max_size=12))
@settings(max_examples=300, deadline=None)
def test_closes_equal_a_search_through_all_rows(closes, asked):
    expected = {}
    for name, day in asked:
        before = [(at, close) for (owner, at), close in closes.items() if owner == name and close and 1 <= (day - at).days <= 15]
        if before:
            expected[name, day] = max(before)[1]
    assert found_closes(closes, asked) == expected


def test_the_close_of_the_day_itself_is_not_used_and_the_month_before_is():
    closes = {("A", date(2022, 1, 3)): 9.0, ("A", date(2021, 12, 31)): 5.0}
    assert found_closes(closes, [("A", date(2022, 1, 3)), ("A", date(2022, 1, 4))]) == {
        ("A", date(2022, 1, 3)): 5.0,
        ("A", date(2022, 1, 4)): 9.0,
    }
