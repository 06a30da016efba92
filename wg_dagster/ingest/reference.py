"""Exchange rates, bill rates and index levels from public files: ECB, FRED, Kenneth French's library, and a plain table of levels."""

import csv
import io
import re
from collections.abc import Iterator
from datetime import date
from functools import cached_property
from pathlib import Path
from xml.etree import ElementTree as ET

import polars as pl

from wg_dagster.calendars import FIRST_DAY, LAST_DAY
from wg_dagster.errors import BadInput, UnreadableFile
from wg_dagster.ingest.drop_map import FileMap
from wg_dagster.ingest.feed import Batch, Feed
from wg_dagster.ingest.files import LINE
from wg_dagster.ingest.raw_rows import FILE
from wg_dagster.ingest.reference_maps import ECB, FACTORS, FRED, LEVELS, MAPS, Series
from wg_dagster.ingest.repeats import DAY
from wg_dagster.ingest.zip_files import member_names, taken_out

_SUFFIXES = (".csv", ".zip", ".xml")
_LEVEL_COLUMNS = ("index_id", "date", "level", "currency", "is_total_return", "is_net", "is_proxy")
_NO_OBSERVATION = ("", ".")  # a holiday
_DATE_COLUMNS = ("observation_date", "DATE")


class Reference(Feed):
    """The adapter of a folder of reference files; each file is known by its first line, not by its name."""

    name = "reference"
    text = repr(MAPS)

    def __init__(self, folder: Path) -> None:
        if not folder.is_dir():
            raise BadInput(f"input {folder} is not there or not a folder; give an existing folder with --input")
        super().__init__(folder, [path for path in folder.iterdir() if path.is_file() and path.suffix.lower() in _SUFFIXES])
        if not self.files:
            raise BadInput(f"{folder.name}/ holds no .csv, .zip or .xml file; fetch them or give another --input")

    def days(self) -> tuple[date, date]:
        """First and last day that the files speak of, within the calendar."""
        days = pl.concat([batch.rows.select(DAY) for batch in self._read])[DAY].drop_nulls()
        inside = days.filter(days.is_between(FIRST_DAY, LAST_DAY))
        first, last = inside.min(), inside.max()
        if not isinstance(first, date) or not isinstance(last, date):
            raise BadInput(f"{self.folder.name}/ holds no day between {FIRST_DAY} and {LAST_DAY}")
        return first, last

    def batches(self, start: date, end: date) -> Iterator[Batch]:  # noqa: ARG002 (the files are small: all of them)
        """All rows of all files."""
        yield from self._read

    @cached_property
    def _read(self) -> list[Batch]:
        read = []
        for path in self.files:
            for name, text in _texts(path):
                batch = _recognised(text, name)
                known = batch.rows.filter(pl.col(DAY).is_null() | (pl.col(DAY) >= FIRST_DAY))
                read.append(Batch(batch.file_map, known))
        return read


def _texts(path: Path) -> Iterator[tuple[str, str]]:
    """The text of a file, or of each table in a zip."""
    if path.suffix.lower() != ".zip":
        yield path.name, _decoded(path.read_bytes(), path.name)
        return
    for member in member_names(path):
        with taken_out(path, member) as file:
            yield f"{path.name}/{member}", _decoded(file.read_bytes(), f"{path.name}/{member}")


def _decoded(content: bytes, name: str) -> str:
    if not content.strip():
        raise UnreadableFile(f"{name} is empty; fetch it again")
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise UnreadableFile(f"{name} is no text ({error}); fetch it again") from error


def _recognised(text: str, name: str) -> Batch:
    """Rows and map of one table; BadInput where it is none of those that are known."""
    if text.lstrip().startswith("<"):
        return _dated(ECB, _ecb_xml(text, name), name)
    lines = list(csv.reader(io.StringIO(text)))
    header = [cell.strip() for cell in lines[0]] or [""]
    if header[0] == "Date" and {"USD", "JPY"} <= set(header):
        return _dated(ECB, _table(lines, header, ("Date", "USD", "JPY")), name)
    if header[0] in _DATE_COLUMNS and len(header) > 1:
        return _fred(lines, header, name)
    if set(_LEVEL_COLUMNS) <= set(header):
        return _dated(LEVELS, _table(lines, header, _LEVEL_COLUMNS, first="date"), name)
    factors = _factor_rows(lines)
    if factors:
        return _dated(FACTORS, factors, name)
    known = "ECB reference rates, a FRED series, daily Fama-French factors, or a table with " + ", ".join(_LEVEL_COLUMNS)
    raise BadInput(f"{name} begins with {','.join(header)[:80]!r}, which is none of: {known}; take it out of the folder")


def _table(lines: list[list[str]], header: list[str], wanted: tuple[str, ...], *, first: str = "") -> list[dict[str, object]]:
    """Rows of a table with a header; `Date` is the first wanted column, or the one named."""
    at = {name: header.index(name) for name in wanted}
    rows: list[dict[str, object]] = []
    for line, cells in enumerate(lines[1:], start=2):
        if any(cell.strip() for cell in cells):
            row: dict[str, object] = {name: cells[place].strip() if place < len(cells) else None for name, place in at.items()}
            rows.append({**row, "Date": row[first or wanted[0]], LINE: line})
    return rows


def _fred(lines: list[list[str]], header: list[str], name: str) -> Batch:
    """One series of FRED; its meaning and its delay stand in `reference_maps.FRED`."""
    found = [(place, series) for place, series in enumerate(header[1:], start=1) if series in FRED]
    if not found:
        raise BadInput(f"{name} holds series {', '.join(header[1:])}; known: {', '.join(FRED)}. Take it out of the folder")
    place, code = found[0]
    if len(header) > 2:
        raise BadInput(f"{name} holds several series; download them one by one")
    series: Series = FRED[code]
    rows: list[dict[str, object]] = [
        {"Date": cells[0], "value": cells[place], LINE: line}
        for line, cells in enumerate(lines[1:], start=2)
        if len(cells) > place and cells[place].strip() not in _NO_OBSERVATION
    ]
    return _dated(series.file_map, rows, name, delay=series.delay, scale=series.scaled)


def _factor_rows(lines: list[list[str]]) -> list[dict[str, object]]:
    """Rows of the daily factors: below a foreword and a header that names RF, above a copyright; anything else has none."""
    rf: int | None = None
    rows: list[dict[str, object]] = []
    for line, cells in enumerate(lines, start=1):
        stripped = [cell.strip() for cell in cells]
        if rf is None and stripped and stripped[0] == "" and "RF" in stripped:
            rf = stripped.index("RF")
        elif rf is not None and stripped and re.fullmatch(r"\d{8}", stripped[0]):
            rows.append(
                {
                    "Date": f"{stripped[0][:4]}-{stripped[0][4:6]}-{stripped[0][6:]}",
                    "RF": stripped[rf] if rf < len(stripped) else None,
                    LINE: line,
                }
            )
    return rows


def _ecb_xml(text: str, name: str) -> list[dict[str, object]]:
    """Rows of the XML form; a document with definitions of its own is refused, since it may swell."""
    if "<!" in text.replace("<!--", ""):
        raise UnreadableFile(f"{name} holds declarations that reference rates do not need; fetch it from the vendor")
    try:
        root = ET.fromstring(text)  # noqa: S314 (no declarations: nothing can be expanded)
    except ET.ParseError as error:
        raise UnreadableFile(f"{name} cannot be read as XML: {error}; fetch it again") from error
    days = [cube for cube in root.iter() if cube.get("time")]
    rows: list[dict[str, object]] = []
    for line, day in enumerate(days, start=1):
        rates = {cube.get("currency"): cube.get("rate") for cube in day}
        rows.append({"Date": day.get("time"), "USD": rates.get("USD"), "JPY": rates.get("JPY"), LINE: line})
    if not rows:
        raise UnreadableFile(f"{name} holds no day of reference rates; fetch it again")
    return rows


def _dated(file_map: FileMap, rows: list[dict[str, object]], name: str, *, delay: str = "", scale: pl.Expr | None = None) -> Batch:
    """The rows as a frame with the day on which each became known."""
    if not rows:
        raise UnreadableFile(f"{name} holds no row below its header; fetch it again or take it out of the folder")
    frame = pl.DataFrame(rows, infer_schema_length=None).with_columns(pl.lit(name).alias(FILE), pl.col(LINE).cast(pl.Int64))
    day = pl.col("Date").str.strptime(pl.Date, "%Y-%m-%d", strict=False)
    frame = frame.with_columns((day.dt.offset_by(delay) if delay else day).alias(DAY))
    return Batch(file_map, frame.with_columns(scale) if scale is not None else frame)
