"""Adapters whose vendor files are not tables by themselves: each is read into a frame, then made raw rows by a file map."""

import json
from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import polars as pl

from wg_dagster.calendars import LAST_DAY
from wg_dagster.errors import BadInput, UnreadableFile
from wg_dagster.ingest.drop import Part, days_of
from wg_dagster.ingest.drop_map import FileMap
from wg_dagster.ingest.files import LINE, folder_identity
from wg_dagster.ingest.raw_rows import FILE, raw_rows, refuse_text, unreadable_text
from wg_dagster.ingest.repeats import DAY


@dataclass(frozen=True)
class Batch:
    """Vendor rows (with `_line`, `_file`, `_known_day`, and `_known_at` where instants are given) and the map that they follow."""

    file_map: FileMap
    rows: pl.DataFrame


class Feed(ABC):
    """The adapter of a folder of files that only its own reader understands; a subclass gives `batches` and `days`."""

    name = ""
    text = ""  # what decides the rows besides the files: maps and tables

    def __init__(self, folder: Path, files: Sequence[Path]) -> None:
        self.folder, self.files = folder, sorted(files)

    @abstractmethod
    def batches(self, start: date, end: date) -> Iterator[Batch]:
        """All rows that became known from `start` to `end`; more do no harm."""

    @abstractmethod
    def days(self) -> tuple[date, date]:
        """First and last day on which rows became known."""

    def span(self) -> tuple[str, str]:
        """Months of the first and the last day."""
        first, last = self.days()
        return f"{first:%Y-%m}", f"{last:%Y-%m}"

    def identity(self) -> str:
        """Hash of the files and of the maps."""
        return folder_identity(self.files, self.name, self.text)

    def load(self, months: Sequence[str]) -> Iterator[Part]:
        """Raw rows and quarantine rows of the months."""
        if not months:
            return
        start, end = days_of(months)
        first = self.span()[0]
        day = pl.col(DAY)
        for batch in self.batches(start - timedelta(days=2), end + timedelta(days=2)):
            undated = day.is_null() | (day > LAST_DAY) if first in months else pl.lit(value=False)
            vendor = batch.rows.filter(undated | day.is_between(start - timedelta(days=2), end + timedelta(days=2)))
            yield from _raw(vendor, batch.file_map, first, months)


def _raw(vendor: pl.DataFrame, file_map: FileMap, first_month: str, months: Sequence[str]) -> Iterator[Part]:
    _refuse_text(vendor, file_map)
    rows, broken = raw_rows(vendor, file_map, first_month=first_month, latest=LAST_DAY)
    for table, found in ((file_map.table, rows), ("quarantine", broken)):
        inside = found.filter(pl.col("month").is_in(list(months)))
        if inside.height:
            yield table, inside


def _refuse_text(vendor: pl.DataFrame, file_map: FileMap) -> None:
    """BadInput where more than one row in a hundred of all files together cannot be read; names the first file that is so.

    Files of a day are small: one odd row in one of them is no reason to refuse the history.
    """
    try:
        refuse_text(unreadable_text(vendor.lazy(), file_map, vendor.schema).collect(), "", file_map.table)
    except BadInput:
        for (name,), rows in vendor.group_by(FILE, maintain_order=True):
            refuse_text(unreadable_text(rows.lazy(), file_map, rows.schema).collect(), str(name), file_map.table)


def read_json(content: bytes, name: str) -> Any:
    """What a JSON file says; UnreadableFile if it is cut, empty or no JSON."""
    try:
        return json.loads(content)
    except (ValueError, RecursionError) as error:
        raise UnreadableFile(f"{name} cannot be read as JSON: {error}; fetch it again") from error


def data_rows(content: bytes, name: str) -> list[dict[str, Any]]:
    """The rows under `data` of a saved answer; UnreadableFile if there is no such list."""
    said = read_json(content, name)
    rows = said.get("data") if isinstance(said, dict) else None
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        raise UnreadableFile(f"{name} holds no list of rows under 'data'; fetch it again")
    return rows


def text_frame(rows: Iterable[dict[str, Any]], columns: Sequence[str], name: str) -> pl.DataFrame:
    """The wanted columns of rows as text, with `_line` (position from 1) and `_file`; what is absent is null."""
    listed = list(rows)
    made = {column: pl.Series([row.get(column) for row in listed], dtype=pl.String, strict=False) for column in columns}
    return pl.DataFrame(made).with_columns(pl.int_range(1, len(listed) + 1, dtype=pl.Int64).alias(LINE), pl.lit(name).alias(FILE))


def named_day(path: Path) -> date:
    """The day in a file name (2024-01-04.json); BadInput if there is none."""
    try:
        return date.fromisoformat(path.stem)
    except ValueError:
        raise BadInput(f"{path.name} is not named after its day (YYYY-MM-DD); rename it or take it out of {path.parent.name}/") from None
