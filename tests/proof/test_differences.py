"""Every value that is not the same is told, with its row, its column and both values."""

from datetime import date

import polars as pl

from wg_dagster.proof.differences import ROW, differences

DAY = date(2025, 3, 31)


def momentum(rows, values):
    told = [
        {"month": "2025-03", "security_id": name, "as_of_date": DAY, "market": "US", "return_60d": value, "coverage": 1.0}
        for name, value in values.items()
    ]
    return rows("factor_momentum", *told)


def test_equal_tables_have_none_whatever_their_order(rows):
    one = momentum(rows, {"s1": 0.1, "s2": None, "s3": float("nan")})
    assert differences("factor_momentum", one, one.reverse()).is_empty()


def test_a_value_is_told_with_both_sides(rows):
    found = differences("factor_momentum", momentum(rows, {"s1": 0.1, "s2": None}), momentum(rows, {"s1": 0.1, "s2": -0.25}))
    assert found.select("table", "month", "security_id", "column", "stored", "rebuilt").rows() == [
        ("factor_momentum", "2025-03", "s2", "return_60d", None, "-0.25")
    ]


def test_the_last_bit_counts(rows):
    found = differences("factor_momentum", momentum(rows, {"s1": 0.1 + 0.2}), momentum(rows, {"s1": 0.3}))
    assert found["column"].to_list() == ["return_60d"]


def test_rows_on_one_side_are_told_as_rows(rows):
    found = differences("factor_momentum", momentum(rows, {"s1": 0.1, "s2": 0.2}), momentum(rows, {"s2": 0.2, "s3": 0.3}))
    assert found.select("security_id", "column", "stored", "rebuilt").rows() == [
        ("s1", ROW, "present", "absent"),
        ("s3", ROW, "absent", "present"),
    ]


def test_a_row_that_is_there_twice_is_told_once(rows):
    one = momentum(rows, {"s1": 0.1})
    found = differences("factor_momentum", one, pl.concat([one, one]))
    assert found.select("security_id", "column", "rebuilt").rows() == [("s1", ROW, "present")]
