"""Rows as the lake stores them: the contract's columns and types, each month in the order of the table's key."""

from collections.abc import Sequence

import numpy as np
import polars as pl

from wg_dagster.errors import OutsideData
from wg_dagster.schemas.tables import Table

_MANY = 10_000  # rows from which numbering the keys is worth it
_TOO_MANY = 2**62


def conform(spec: Table, rows: pl.DataFrame) -> pl.DataFrame:
    """The contract's columns and types."""
    missing = [name for name in spec.columns if name not in rows.columns]
    extra = [name for name in rows.columns if name not in spec.columns]
    if missing or extra:
        raise OutsideData(f"table {spec.name}: missing columns {missing}, unknown columns {extra}")
    return rows.select(pl.col(name).cast(dtype) for name, dtype in spec.schema.items())


def in_order(spec: Table, rows: pl.DataFrame) -> pl.DataFrame:
    """The rows by the table's key."""
    return _sorted(rows, list(spec.key))


def by_month(spec: Table, rows: pl.DataFrame, scope: str | None) -> dict[str, pl.DataFrame]:
    """The rows of each month by the table's key, without the columns that are the same in all of them."""
    same = same_in_a_month(spec, scope)
    key = [name for name in spec.key if name not in same]
    is_grouped = rows["month"].is_sorted()
    rows = rows if is_grouped else _sorted(rows, ["month", *key])
    runs = rows["month"].rle().struct.unnest()
    ends = runs["len"].cum_sum()
    rows = rows.drop(same)
    parts = {month: rows.slice(end - count, count) for month, count, end in zip(runs["value"], runs["len"], ends, strict=True)}
    if is_grouped:
        return {month: _sorted(part, key) for month, part in parts.items()}
    return parts


def same_in_a_month(spec: Table, scope: str | None) -> list[str]:
    """Columns that the folder of a month (of one scope) says."""
    return ["month"] if scope is None else [*spec.partition_by]


def check_inside(spec: Table, rows: pl.DataFrame, months: Sequence[str], scope: str | None) -> None:
    """Refuse rows of other months or of another scope."""
    if outside := set(rows["month"].unique()) - set(months):
        raise OutsideData(f"table {spec.name}: rows of {sorted(outside)} in a write of {sorted(set(months))}")
    if scope is not None and (others := set(rows[scope_column(spec)].unique()) - {scope}):
        raise OutsideData(f"table {spec.name}: rows of {sorted(others)} in a write of {scope}")


def scope_column(spec: Table) -> str:
    """The partition beside the month: the strategy or the station."""
    return next(name for name in spec.partition_by if name != "month")


def _sorted(rows: pl.DataFrame, key: list[str]) -> pl.DataFrame:
    """The rows by some columns, equal ones in the order they came in."""
    if not key or (len(key) == 1 and rows[key[0]].is_sorted()):
        return rows
    places = _places(rows, key) if rows.height >= _MANY else None
    if places is None:
        return rows.sort(key, maintain_order=True)
    return rows if (places[1:] > places[:-1]).all() else rows[np.argsort(places)]


def _places(rows: pl.DataFrame, key: list[str]) -> np.ndarray | None:
    """A number a row that sorts as the key does, then by the order of the rows; None where such numbers would be too large.

    Each name is compared with others once, not once a row: the sort of names takes three times as long.
    """
    places, count = np.zeros(rows.height, dtype=np.int64), 1
    for values in (*(rows[name] for name in key), pl.Series(np.arange(rows.height))):
        if values.null_count() or not (values.dtype == pl.String or values.dtype.is_temporal() or values.dtype.is_integer()):
            return None
        numbers = values.cast(pl.Enum(values.unique().sort())) if values.dtype == pl.String else values
        numbers = numbers.to_physical().cast(pl.Int64).to_numpy()
        least, most = int(numbers.min()), int(numbers.max())
        count *= most - least + 1
        if count >= _TOO_MANY:
            return None
        places = places * (most - least + 1) + (numbers - least)
    return places
