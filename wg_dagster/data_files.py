"""The data files of the lake: one parquet file a partition, and what a commit says of it.

Text is stored as a dictionary, numbers as they are: a dictionary of prices or ratios is as long as the column, and costs time twice.
"""

import json
import os
import time
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote, unquote

import pyarrow as pa
from pyarrow import parquet

_PARTITIONS = ("month=", "strategy=", "station=")


@dataclass(frozen=True)
class DataFile:
    """A file that is written and not yet part of its table; `path` is relative to the folder of the table."""

    path: str
    size: int
    partition: dict[str, str]
    written_at: int
    rows: int

    @property
    def statistics(self) -> str:
        """What the log says of the rows; least and greatest values are in the file."""
        return json.dumps({"numRecords": self.rows})


def write_file(table: Path, rows: pa.Table, partition: Mapping[str, str]) -> DataFile:
    """Write the rows of one partition under a name of their own."""
    folder = table.joinpath(*(f"{name}={quote(value, safe='')}" for name, value in partition.items()))
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"part-00000-{uuid.uuid4()}-c000.lz4.parquet"
    stored = rows.drop_columns([name for name in partition if name in rows.column_names])
    text = [field.name for field in stored.schema if pa.types.is_large_string(field.type)]
    with pa.OSFile(str(path), "wb") as file:
        parquet.write_table(stored, file, compression="lz4", use_dictionary=text or False)
    with path.open("rb") as written:
        os.fsync(written.fileno())  # on the disk before the log names it: a power cut must not leave the name of an empty file
    name = quote(str(path.relative_to(table)), safe="/=")
    return DataFile(name, path.stat().st_size, dict(partition), time.time_ns() // 1_000_000, rows.num_rows)


def partition_of(uri: str) -> tuple[str, str]:
    """(scope, month) of a data file; "" for what the table is not partitioned by."""
    parts = dict(part.split("=", 1) for part in uri.split("/") if part.startswith(_PARTITIONS))
    return unquote(parts.get("strategy", parts.get("station", ""))), parts.get("month", "")


def file_name(uri: str) -> str:
    """The name of a data file, which no other file of the lake has."""
    return uri.rsplit("/", 1)[-1]
