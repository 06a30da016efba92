"""What would happen to a file or folder: read, counted and judged without loading it into a home."""

from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import Path

import polars as pl

from wg_dagster.calendars import months_between
from wg_dagster.errors import BadInput
from wg_dagster.ingest.drop import Drop, Part
from wg_dagster.ingest.drop_map import DropMap, FileMap, load_map
from wg_dagster.ingest.files import data_files, refuse_copies, scan_vendor
from wg_dagster.ingest.pystock import MERGED, archive_parts
from wg_dagster.ingest.registry import open_adapter

FINDINGS = pl.Schema(
    {"file": pl.String, "table": pl.String, "rule": pl.String, "rows": pl.Int64, "sample": pl.String, "severity": pl.String}
)
_RULES = {"MissingColumn": "missing_column", "UnreadableFile": "unreadable_file", "UnknownValue": "unknown_value"}
_SAMPLE_LENGTH = 300


def inspect_path(path: Path, map: Path | None = None) -> pl.DataFrame:  # noqa: A002 (named like the option --map)
    """Findings on a file, or on each file of a folder.

    Parameters
    ----------
    path
        A CSV or parquet file, a daily archive, or a folder of them.
    map
        The map of the folder; without it, files are known by the names of the merged pystock files.

    Returns
    -------
    | file | table | rule | rows | sample | severity |, one row a file, table and rule: INFO says what was read, WARN counts the rows
    that would be set aside, ERROR says why a file cannot be used. By file, in the order of reading.
    """
    if not path.exists():
        return _frame([_finding(path.name, "", "bad_input", 0, f"{path} is not there", severity="ERROR")])
    folder = path if path.is_dir() else path.parent
    files = data_files(folder) if path.is_dir() else [path]
    try:
        drop_map = load_map(map) if map else MERGED
    except BadInput as error:
        return _frame([_failure(str(map), "", error)])
    found = list(_copies(files))
    for file in files:
        found += _of_file(file, folder, drop_map)
    if path.is_dir() and map:
        found += _absent(drop_map, folder)
    if not files:
        found.append(_finding(path.name, "", "bad_input", 0, "no CSV, parquet or tar.gz file there", severity="ERROR"))
    return _frame(found)


def inspect_source(source: str, folder: Path) -> pl.DataFrame:
    """Findings, as above, on a folder that a source reads without a map; `file` is the folder."""
    return _frame(list(_judged(folder.name, "", _source_parts, source, folder)))


def _source_parts(source: str, folder: Path) -> Iterator[Part]:
    adapter = open_adapter(source, input=folder)
    yield from adapter.load(months_between(*adapter.span()))


def _of_file(file: Path, folder: Path, drop_map: DropMap) -> Iterator[dict[str, object]]:
    if file.name.endswith(".tar.gz"):
        yield from _judged(file.name, "", archive_parts, file)
        return
    named = [file_map for file_map in drop_map.files if file in folder.glob(file_map.path)]
    for file_map in named:
        yield from _judged(file.name, file_map.table, _drop_parts, file, file_map, folder, drop_map)
    lookups = {file_map.lookup.path for file_map in drop_map.files if file_map.lookup}
    if not named and file.name not in lookups:
        yield from _unnamed(file, drop_map)


def _drop_parts(file: Path, file_map: FileMap, folder: Path, drop_map: DropMap) -> Iterator[Part]:
    only = replace(file_map, path=file.name)
    drop = Drop(DropMap(drop_map.name, (only,), drop_map.text), folder)
    yield from drop.load_file(only, file, months_between(*(drop.months_of(only, file) or drop.span())))


def _judged(file_name: str, table: str, read, *arguments: object) -> Iterator[dict[str, object]]:  # noqa: ANN001 (any reader of parts)
    """Findings of one reader: its rows by table, its quarantine by rule, or the error that ended it."""
    rows: dict[str, int] = {}
    months: dict[str, set[str]] = {}
    broken: list[pl.DataFrame] = []
    failed: list[dict[str, object]] = []
    try:
        for name, part in read(*arguments):
            if name == "quarantine":
                broken.append(part)
            else:
                rows[name] = rows.get(name, 0) + part.height
                months.setdefault(name, set()).update(part["month"].drop_nulls().unique())
    except BadInput as error:
        failed.append(_failure(file_name, table, error))
    for name, count in rows.items():
        sample = f"known in {min(months[name])} to {max(months[name])}"
        yield _finding(file_name, name, "read", count, sample, severity="INFO")
    yield from _set_aside(file_name, broken)
    yield from failed


def _set_aside(file_name: str, broken: Iterable[pl.DataFrame]) -> Iterator[dict[str, object]]:
    parts = [part for part in broken if part.height]
    if not parts:
        return
    counted = (
        pl.concat(parts).group_by("table", "rule", maintain_order=True).agg(pl.len().alias("rows"), pl.first("source_line", "row_json"))
    )
    for row in counted.iter_rows(named=True):
        line = f"row {row['source_line']}: " if row["source_line"] else ""
        yield _finding(file_name, row["table"], row["rule"], row["rows"], f"{line}{row['row_json']}"[:_SAMPLE_LENGTH], severity="WARN")


def _unnamed(file: Path, drop_map: DropMap) -> Iterator[dict[str, object]]:
    """A file that no map speaks of: whether it can be read, and its columns."""
    try:
        columns = [name for name in scan_vendor(file).collect_schema() if not name.startswith("_")]
    except BadInput as error:
        yield _failure(file.name, "", error)
        return
    sample = f"not named in map {drop_map.name}; its columns are {', '.join(columns)}. Give a map with --map that names it"
    yield _finding(file.name, "", "not_in_map", 0, sample[:_SAMPLE_LENGTH], severity="INFO")


def _absent(drop_map: DropMap, folder: Path) -> list[dict[str, object]]:
    return [
        _finding(
            file_map.path, file_map.table, "missing_file", 0, f"named in map {drop_map.name} and not in {folder.name}/", severity="ERROR"
        )
        for file_map in drop_map.files
        if not file_map.optional and not any(folder.glob(file_map.path))
    ]


def _copies(files: list[Path]) -> Iterator[dict[str, object]]:
    try:
        refuse_copies(files)
    except BadInput as error:
        yield _finding(files[0].parent.name, "", "same_content", 0, str(error), severity="ERROR")


def _failure(file_name: str, table: str, error: BadInput) -> dict[str, object]:
    return _finding(file_name, table, _RULES.get(type(error).__name__, "bad_input"), 0, str(error), severity="ERROR")


def _finding(file: str, table: str, rule: str, rows: int, sample: str, *, severity: str) -> dict[str, object]:
    return {"file": file, "table": table, "rule": rule, "rows": rows, "sample": sample, "severity": severity}


def _frame(found: list[dict[str, object]]) -> pl.DataFrame:
    return pl.DataFrame(found, schema=FINDINGS)
