"""The newest event that a month end knows of equals a search through all events."""

from datetime import UTC, datetime, timedelta

import polars as pl
from hypothesis import given, settings
from hypothesis import strategies as st

from wg_dagster.factor_windows.newest import newest_known

MONTHS = ["2022-01", "2022-02", "2022-03"]
CUTOFFS = {("US", month): datetime(2022, int(month[5:]), 28, 4, 59, 59, 999999, tzinfo=UTC) + timedelta(days=1) for month in MONTHS} | {
    ("JP", month): datetime(2022, int(month[5:]), 28, 14, 59, 59, 999999, tzinfo=UTC) for month in MONTHS
}
NAMES = {"A": "US", "B": "US", "J": "JP", "X": None}  # X is in no market
INSTANTS = st.one_of(
    st.sampled_from([cutoff + timedelta(microseconds=step) for cutoff in CUTOFFS.values() for step in (0, 1)]),
    st.integers(0, 100).map(lambda days: datetime(2022, 1, 1, tzinfo=UTC) + timedelta(days=days)),
)
EVENTS = st.lists(st.tuples(st.sampled_from(list(NAMES)), INSTANTS), max_size=20)
KEYS = st.lists(st.tuples(st.sampled_from(MONTHS), st.sampled_from(["A", "B", "J"])), unique=True, max_size=9)
SCHEMA = {"security_id": pl.String, "known_at": pl.Datetime("us", "UTC")}


@given(KEYS, EVENTS, EVENTS)
@settings(max_examples=200, deadline=None)
def test_newest_events_equal_a_search(keys, filings, splits):
    rows = pl.DataFrame(
        [(month, name, NAMES[name]) for month, name in keys],
        schema=dict.fromkeys(("month", "security_id", "market"), pl.String),
        orient="row",
    )
    month_ends = pl.DataFrame(
        [(month, market, at) for (market, month), at in CUTOFFS.items()], schema=["month", "market", "cutoff_at"], orient="row"
    )
    events = {kind: pl.DataFrame(seen, schema=SCHEMA, orient="row") for kind, seen in (("statements", filings), ("splits", splits))}
    found = newest_known(rows, month_ends.cast({"cutoff_at": pl.Datetime("us", "UTC")}), events)
    assert found.columns == ["month", "security_id", "statements_known_at", "splits_known_at"]
    assert set(found.rows()) == {
        (
            month,
            name,
            *(
                max((at for owner, at in seen if owner == name and at <= CUTOFFS[NAMES[name], month]), default=None)
                for seen in (filings, splits)
            ),
        )
        for month, name in keys
    }
