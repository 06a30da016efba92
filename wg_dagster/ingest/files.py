"""Vendor files on disk: opened lazily with row numbers, hashed, and compared with each other."""

import hashlib
from collections.abc import Iterable, Sequence
from pathlib import Path

import polars as pl

from wg_dagster.errors import BadInput, UnreadableFile

_UNREADABLE = (pl.exceptions.ComputeError, pl.exceptions.NoDataError, OSError)
DATA_SUFFIXES = (".csv", ".parquet", ".tar.gz")
LINE = "_line"  # row number in a parquet file, line number in a text file, from 1


def data_files(folder: Path) -> list[Path]:
    """CSV, parquet and tar.gz files of a folder, by name; BadInput if it is not there."""
    if not folder.is_dir():
        raise BadInput(f"input {folder} is not there or not a folder; give an existing folder with --input")
    return sorted(file for file in folder.iterdir() if file.is_file() and file.name.endswith(DATA_SUFFIXES))


def scan_vendor(path: Path) -> pl.LazyFrame:
    """All rows as the vendor wrote them, with their line; text files stay text. UnreadableFile if there is nothing to read."""
    if path.stat().st_size == 0:
        raise UnreadableFile(f"{path.name} is empty (0 bytes); fetch it again or take it out of the folder")
    try:
        if path.name.endswith(".parquet"):
            scanned = pl.scan_parquet(path, row_index_name=LINE, row_index_offset=1, glob=False)
        else:
            scanned = pl.scan_csv(path, infer_schema=False, row_index_name=LINE, row_index_offset=2, glob=False)
        scanned.collect_schema()
    except _UNREADABLE as error:
        raise UnreadableFile(f"{path.name} cannot be read as {_kind(path)}: {_first_line(error)}; fetch it again") from error
    return scanned.with_columns(pl.col(LINE).cast(pl.Int64))


def collect(scanned: pl.LazyFrame, path: Path) -> pl.DataFrame:
    """The rows of a scan; UnreadableFile where the file breaks off or a line has too many fields."""
    try:
        return scanned.collect()
    except _UNREADABLE as error:
        raise UnreadableFile(f"{path.name} cannot be read to its end as {_kind(path)}: {_first_line(error)}; fetch it again") from error


def file_hash(path: Path) -> str:
    """sha256 of the content."""
    with path.open("rb") as handle:
        return hashlib.file_digest(handle, "sha256").hexdigest()


def refuse_copies(files: Sequence[Path]) -> None:
    """BadInput naming both, where two files have the same content: their rows would count twice."""
    by_size: dict[int, list[Path]] = {}
    for file in files:
        by_size.setdefault(file.stat().st_size, []).append(file)
    for size, alike in by_size.items():
        seen: dict[str, Path] = {}
        for file in alike if size and len(alike) > 1 else []:
            first = seen.setdefault(file_hash(file), file)
            if first != file:
                raise BadInput(f"{first.name} and {file.name} have the same content; take one of them out of {file.parent.name}/")


def folder_identity(files: Iterable[Path], *parameters: str) -> str:
    """Hash of names, sizes and contents of files and of everything else that decides the rows."""
    digest = hashlib.sha256("\n".join(parameters).encode())
    for file in sorted(files):
        digest.update(f"\n{file.name} {file.stat().st_size} {file_hash(file)}".encode())
    return digest.hexdigest()


def _kind(path: Path) -> str:
    return "parquet" if path.name.endswith(".parquet") else "CSV"


def _first_line(error: Exception) -> str:
    return str(error).split("\n", 1)[0]
