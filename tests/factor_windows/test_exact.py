"""Sums of products equal those of Python's whole numbers, of any size that a return can have."""

import duckdb
import numpy as np
import pyarrow as pa
from hypothesis import given, settings
from hypothesis import strategies as st

from wg_dagster.factor_windows.exact import LARGEST, as_hugeint, as_int64, minus, plus, products, split

NUMBERS = st.integers(-LARGEST + 1, LARGEST - 1)


def whole(digits):
    return sum(int(digit[0]) << (16 * place) for place, digit in enumerate(digits))


@given(NUMBERS)
def test_high_and_low_make_the_number(value):
    high, low = split(np.array([value]))
    assert 0 <= low[0] < 2**16
    assert whole([low, high]) == value


@given(st.lists(st.tuples(NUMBERS, NUMBERS), min_size=1, max_size=64))
def test_sums_of_products_are_exact(pairs):
    left, right = (split(np.array(values)) for values in zip(*pairs, strict=True))
    sums = [digit.sum(keepdims=True) for digit in products(left, right)]
    expected = sum(a * b for a, b in pairs)
    assert whole(sums) == expected
    assert whole(minus(plus(sums, sums), sums, sums[:2])) == expected - whole(sums[:2])


@given(st.integers(-(2**52) + 1, 2**52 - 1), st.integers(-(2**40), 2**40), st.integers(-(2**40), 2**40))
@settings(max_examples=25, deadline=None)
def test_digits_reach_the_database_as_whole_numbers(low, middle, high):
    digits = [np.array([float(part), 0.0]) for part in (low, middle, high)]
    table = pa.table({"value": as_hugeint(digits, np.array([True, False]))})
    with duckdb.connect() as connection:
        found = connection.register("numbers", table).execute("select value, typeof(value) from numbers").fetchall()
    assert found == [(low + (middle << 16) + (high << 32), "HUGEINT"), (None, "HUGEINT")]


def test_small_numbers_fit_into_64_bits():
    assert as_int64([np.array([3.0, -1.0]), np.array([2.0, -5.0])]).tolist() == [3 + 2 * 65536, -1 - 5 * 65536]
