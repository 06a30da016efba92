"""A hash of rows that changes exactly when a value, a gap, a type, a name or the order does: how a write knows what is stored already."""

import hashlib
from collections.abc import Iterator
from typing import Any

import numpy as np
import polars as pl
import pyarrow as pa

_KIND = "arrow1:"  # of this way to hash: a hash made in another way says nothing about rows


def content_hash(rows: pl.DataFrame) -> str:
    """Hash of the values in stored order."""
    return arrow_hash(to_arrow(rows))


def is_comparable(stored: str) -> bool:
    """The hash was made by this function, so that another one means other rows."""
    return stored.startswith(_KIND)


def to_arrow(rows: pl.DataFrame) -> pa.Table:
    """The rows as they are hashed and written: each column in one piece."""
    return rows.rechunk().to_arrow(compat_level=pl.CompatLevel.oldest())


def arrow_hash(rows: pa.Table) -> str:
    """Hash of the values of a table whose columns are in one piece each."""
    digest = hashlib.sha256()
    for name, column in zip(rows.column_names, rows.columns, strict=True):
        values = column.combine_chunks() if column.num_chunks != 1 else column.chunk(0)
        digest.update(f"{name}:{values.type}:{len(values)}:{values.null_count};".encode())
        if len(values):
            for part in _memory(values):
                digest.update(part)
    return _KIND + digest.hexdigest()


def _memory(values: pa.Array) -> Iterator[Any]:
    """Where the values lie, and the gaps if there are any; what lies under a gap is arbitrary and left out."""
    if pa.types.is_dictionary(values.type):
        raise TypeError("a dictionary has codes where its values should be: cast it to text first")
    begin, end = values.offset, values.offset + len(values)
    gaps = None
    if values.null_count:
        gaps = ~_bits(values.buffers()[0], begin, end)
        yield gaps
    if pa.types.is_large_string(values.type):
        yield from _text(values, gaps)
        return
    if pa.types.is_boolean(values.type):
        numbers = _bits(values.buffers()[1], begin, end)
    else:
        width = values.type.bit_width // 8
        numbers = np.frombuffer(values.buffers()[1], dtype=f"u{width}")[begin:end]
    yield numbers if gaps is None else numbers[~gaps]


def _text(values: pa.Array, gaps: np.ndarray | None) -> Iterator[Any]:
    _, buffer, text = values.buffers()
    places = np.frombuffer(buffer, dtype=np.int64)[values.offset : values.offset + len(values) + 1]
    if gaps is not None and np.diff(places)[gaps].any():
        yield from _text(values.fill_null(""), None)
        return
    yield places - places[0]
    if text is not None:
        yield text[places[0] : places[-1]]


def _bits(buffer: pa.Buffer, begin: int, end: int) -> np.ndarray:
    """A truth value for each of the values: their memory may begin and end within a byte."""
    return np.unpackbits(np.frombuffer(buffer, dtype=np.uint8), bitorder="little")[begin:end].astype(bool)
