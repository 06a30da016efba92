"""The versions that stood at a look, against lists of rows; calendar months against DuckDB."""

from datetime import UTC, datetime, timedelta

import duckdb
import hypothesis.strategies as st
import numpy as np
from hypothesis import given, settings

from wg_dagster.factor_windows.looks import DAY, NEVER, NO_DAY, is_between, months_before, newest_first, versions_of

SECOND = 1_000_000
# instants that share a second and some that do not, before 1970 and far away
INSTANTS = (-5 * DAY, -1, 0, 1, SECOND - 1, SECOND, SECOND + 1, 7 * SECOND, 10**15, 10**15 + 1, 2**33 * SECOND + 5)
rows = st.lists(st.tuples(st.integers(0, 2), st.integers(-1, 3), st.sampled_from(INSTANTS)), unique=True, max_size=30)
looks = st.lists(
    st.tuples(st.integers(-1, 4), st.sampled_from(INSTANTS), st.integers(-2, 4), st.sampled_from((NEVER, *INSTANTS))),
    min_size=1,
    max_size=30,
)


def standing(rows, look):
    """Row numbers of the newest known version of each period, newest period first: the law, word by word."""
    group, seen_at, ends_after, known_after = look
    known = {}
    for number in sorted(range(len(rows)), key=lambda number: rows[number][2]):
        if rows[number][0] == group and rows[number][2] <= seen_at:
            known[rows[number][1]] = number
    inside = (end for end, number in known.items() if end > ends_after and rows[number][2] > known_after)
    return [known[end] for end in sorted(inside, reverse=True)]


def arrays(tuples, width):
    return (np.array([row[k] for row in tuples], np.int64) for k in range(width))


def found(rows, looks, **options):
    versions = versions_of(*arrays(rows, 3))
    groups, seen_at, ends_after, known_after = arrays(looks, 4)
    places = newest_first(versions, groups, seen_at, ends_after=ends_after, known_after=known_after, **options)
    return versions, places


@settings(max_examples=250, deadline=None)
@given(rows, looks)
def test_each_look_sees_the_newest_known_version_of_each_period_in_its_window(rows, looks):
    versions, places = found(rows, looks)
    for look, column in zip(looks, places.T, strict=True):
        assert [int(versions.order[place]) for place in column if place >= 0] == standing(rows, look)
        seen = [place >= 0 for place in column]
        assert seen == sorted(seen, reverse=True), "empty slots come last"


@settings(max_examples=50, deadline=None)
@given(rows, looks, st.integers(0, 5))
def test_a_number_of_slots_cuts_or_fills_the_window(rows, looks, slots):
    _, places = found(rows, looks)
    _, cut = found(rows, looks, slots=slots)
    assert cut.shape == (slots, len(looks))
    shared = min(slots, len(places))
    np.testing.assert_array_equal(cut[:shared], places[:shared])
    assert (cut[shared:] == -1).all()


@settings(max_examples=50, deadline=None)
@given(rows, looks)
def test_places_tell_their_period_and_when_it_was_first_known(rows, looks):
    versions, places = found(rows, looks)
    for place in set(places.ravel().tolist()) - {-1}:
        group, end, known_at = rows[versions.order[place]]
        same = [row[2] for row in rows if row[:2] == (group, end)]
        assert (versions.ends[place], versions.known_at[place], versions.known_at[versions.first[place]]) == (end, known_at, min(same))


def test_of_two_versions_at_one_instant_the_one_with_the_larger_tie_stands():
    one = np.zeros(2, np.int64)
    for tie, newer in (([1, 2], 1), ([2, 1], 0)):
        versions = versions_of(one, one, one, tie=np.array(tie))
        assert versions.order[newest_first(versions, one[:1], one[:1])[0, 0]] == newer


def test_the_last_place_of_a_column_is_no_value():
    versions = versions_of(np.array([1, 0]), np.array([5, 6]), np.array([7, 8]))
    np.testing.assert_array_equal(versions.column(np.array([1.5, 2.5])), [2.5, 1.5, np.nan])
    np.testing.assert_array_equal(versions.column(np.array([True, False])), [False, True, False])
    assert (versions.ends[-1], versions.known_at[-1]) == (NO_DAY, NEVER)


def test_calendar_months_are_those_of_the_database():
    """Ends of months, leap days and random instants; the date of an instant and the instant itself."""
    rng = np.random.default_rng(3)
    odd = [
        datetime(year, month, day, 23, 59, 59, 999_999, UTC)
        for year in (1969, 2000, 2024)
        for month, day in ((3, 31), (5, 31), (12, 31), (2, 28))
    ]
    instants = [*odd, *(datetime(1965, 1, 1, tzinfo=UTC) + timedelta(seconds=int(s)) for s in rng.integers(0, 3 * 10**9, 500))]
    micros = np.array([round((instant - datetime(1970, 1, 1, tzinfo=UTC)) / timedelta(microseconds=1)) for instant in instants])
    connection = duckdb.connect()
    connection.execute("set timezone = 'UTC'")
    for months in (29, 40, 48, 72):
        expected = connection.execute(
            f"select epoch_us(instant - interval {months} month), (cast(instant as date) - interval {months} month)::date - date '1970-01-01'"
            " from (select unnest(?::timestamptz[]) as instant)",
            [instants],
        ).fetchall()
        found = months_before(micros, months)
        assert found.tolist() == [instant for instant, _ in expected]
        assert (found // DAY).tolist() == [day for _, day in expected]


def test_both_ends_of_a_range_of_days_belong_to_it():
    assert is_between(np.array([349, 350, 380, 381]), 350, 380).tolist() == [False, True, True, False]
