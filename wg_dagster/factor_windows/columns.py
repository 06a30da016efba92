"""Columns of frames to arrays and back to arrow: NaN, NEVER and place -1 stand for no value.

Arrow's own compute functions are left alone: to load them takes longer than a month's windows.
"""

from collections.abc import Iterator

import numpy as np
import polars as pl
import pyarrow as pa

from wg_dagster.factor_windows.looks import NEVER

UTC, TEXT = pa.timestamp("us", "UTC"), pa.large_string()
CODED = pa.dictionary(pa.int32(), TEXT)


def numbers(column: pl.Series) -> np.ndarray:
    """NaN where null."""
    return column.cast(pl.Float64).to_numpy()


def flags(column: pl.Series) -> np.ndarray:
    """False where null."""
    return column.fill_null(value=False).to_numpy()


def days(column: pl.Series) -> np.ndarray:
    """Dates without nulls, as days since 1970."""
    return column.to_physical().cast(pl.Int64).to_numpy()


def instants(column: pl.Series) -> np.ndarray:
    """Microseconds, NEVER where null."""
    return column.to_physical().fill_null(NEVER).to_numpy()


def codes(*columns: pl.Series) -> list[np.ndarray]:
    """Number each distinct text of some columns together, from 0."""
    numbered = pl.concat([column.rename("text") for column in columns]).cast(pl.Categorical).to_physical().cast(pl.Int64).to_numpy()
    return np.split(numbered, np.cumsum([len(column) for column in columns])[:-1])


def coded(column: pl.Series) -> tuple[np.ndarray, pa.Array]:
    """Number each of a few distinct texts, -1 for null; the texts by number."""
    texts = column.unique().drop_nulls().sort()
    return column.cast(pl.Enum(texts)).to_physical().cast(pl.Int32).fill_null(-1).to_numpy(), texts.to_arrow()


def as_texts(values: np.ndarray, texts: pa.Array) -> pa.Array:
    """The texts of `coded` numbers, null where -1."""
    return pa.DictionaryArray.from_arrays(_masked(pa.int32(), values, values >= 0), texts)


def as_numbers(values: np.ndarray) -> pa.Array:
    """Null where NaN."""
    return _masked(pa.float64(), values, ~np.isnan(values))


def as_instants(values: np.ndarray) -> pa.Array:
    """Null where NEVER."""
    return _masked(UTC, values, values != NEVER)


def as_dates(values: np.ndarray, valid: np.ndarray) -> pa.Array:
    """Days as dates, null where not `valid`."""
    return _masked(pa.date32(), values.astype(np.int32), valid)


def as_counts(values: np.ndarray) -> pa.Array:
    """Whole numbers."""
    return _masked(pa.int32(), values.astype(np.int32), np.ones(len(values), bool))


def as_wholes(values: np.ndarray, valid: np.ndarray | None = None) -> pa.Array:
    """Whole numbers of 64 bits, null where not `valid`."""
    return _masked(pa.int64(), values.astype(np.int64), np.ones(len(values), bool) if valid is None else valid)


def as_flags(values: np.ndarray, valid: np.ndarray | None = None) -> pa.Array:
    """True and false, null where not `valid`."""
    return _masked(pa.bool_(), np.packbits(values, bitorder="little"), np.ones(len(values), bool) if valid is None else valid)


def as_lists(values: np.ndarray) -> pa.Array:
    """The columns of (items, rows) as one list of numbers a row."""
    items, rows = values.shape
    ends = as_counts(np.arange(rows + 1) * items)
    return pa.ListArray.from_arrays(ends, as_numbers(values.T.ravel()))


def chunks(start: int, stop: int, size: int) -> Iterator[slice]:
    """Rows in parts of a size."""
    return (slice(first, min(first + size, stop)) for first in range(start, stop, size))


def _masked(kind: pa.DataType, values: np.ndarray, valid: np.ndarray) -> pa.Array:
    bitmap = None if valid.all() else pa.py_buffer(np.packbits(valid, bitorder="little"))
    return pa.Array.from_buffers(kind, len(valid), [bitmap, pa.py_buffer(np.ascontiguousarray(values))])
