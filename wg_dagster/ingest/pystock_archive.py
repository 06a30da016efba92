"""One daily archive of pystock: a tar.gz with prices.csv, reports.csv and symbols.txt, with or without header lines."""

import io
import tarfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path

import polars as pl

from wg_dagster.calendars import LAST_DAY
from wg_dagster.errors import BadInput, MissingColumn, UnreadableFile
from wg_dagster.ingest.files import LINE
from wg_dagster.ingest.raw_rows import FILE, GIVEN_FAULT
from wg_dagster.ingest.repeats import DAY

PRICE_COLUMNS = ("symbol", "date", "open", "high", "low", "close", "volume", "adj_close")
REPORT_COLUMNS = (
    "symbol",
    "end_date",
    "amend",
    "period_focus",
    "fiscal_year",
    "doc_type",
    "revenues",
    "op_income",
    "net_income",
    "eps_basic",
    "eps_diluted",
    "dividend",
    "assets",
    "cur_assets",
    "cur_liab",
    "cash",
    "equity",
    "cash_flow_op",
    "cash_flow_inv",
    "cash_flow_fin",
)
SYMBOL_COLUMNS = ("symbol", "name")
MEMBERS = {"prices.csv": PRICE_COLUMNS, "reports.csv": REPORT_COLUMNS, "symbols.txt": SYMBOL_COLUMNS}
MOST_BYTES = 200_000_000  # of one member: fifty times the largest day published; more is no archive but a bomb
_CUT = (tarfile.TarError, EOFError, zlib.error, OSError)


@dataclass(frozen=True)
class Archive:
    """The three tables of a day as text, with `_line`, `_file`, `_known_day` and `_given_fault`."""

    day: date
    prices: pl.DataFrame
    reports: pl.DataFrame
    symbols: pl.DataFrame


def archive_day(path: Path) -> date:
    """The day in the name of an archive; BadInput if there is none."""
    try:
        day = datetime.strptime(path.name.removesuffix(".tar.gz"), "%Y%m%d").date()  # noqa: DTZ007 (a day in New York, no instant)
    except ValueError:
        raise BadInput(f"{path.name} is not named after its day (YYYYMMDD.tar.gz); rename it or take it out of the folder") from None
    if day > LAST_DAY:
        raise BadInput(f"{path.name} is named after a day in the future ({day}); rename it or take it out of the folder")
    return day


def read_archive(path: Path) -> Archive:
    """All rows of an archive; UnreadableFile naming it if it is empty, cut, or lacks one of its three files."""
    day = archive_day(path)
    frames = {member: _rows(content, member, path.name, day) for member, content in _members(path).items()}
    return Archive(day, frames["prices.csv"], frames["reports.csv"], frames["symbols.txt"])


def _members(path: Path) -> dict[str, bytes]:
    if path.stat().st_size == 0:
        raise UnreadableFile(f"{path.name} is empty (0 bytes); fetch it again")
    try:
        with tarfile.open(path, "r:gz") as archive:
            content = dict(_read(archive, path.name))
    except _CUT as error:
        raise UnreadableFile(f"{path.name} is cut or not a tar.gz ({error}); fetch it again") from error
    missing = sorted(set(MEMBERS) - set(content))
    if missing:
        raise UnreadableFile(f"{path.name} lacks {', '.join(missing)}; it holds {', '.join(sorted(content)) or 'nothing'}; fetch it again")
    return {member: content[member] for member in MEMBERS}


def _read(archive: tarfile.TarFile, name: str) -> Iterator[tuple[str, bytes]]:
    """The members by their last name, wherever the archive says that they belong; none is written to disk."""
    seen: set[str] = set()
    for each in archive:
        member = Path(each.name).name
        if each.size > MOST_BYTES:
            raise UnreadableFile(f"{name} holds {member} of {each.size:,} bytes unpacked, more than {MOST_BYTES:,}; fetch it again")
        if member in seen:
            raise UnreadableFile(f"{name} holds {member} twice; fetch it again")
        if each.isfile():
            seen.add(member)
            yield member, (archive.extractfile(each) or io.BytesIO()).read()


def _rows(content: bytes, member: str, archive: str, day: date) -> pl.DataFrame:
    """The lines of a member under the published column names; header lines after the first line are marked."""
    columns = MEMBERS[member]
    name = f"{archive}/{member}"
    names = _header(content, columns, name)
    rows = _text(content, names or columns, name, separator="\t" if member == "symbols.txt" else ",")
    header = pl.col("symbol") == "symbol" if member != "symbols.txt" else pl.lit(value=False)
    return rows.filter((pl.col(LINE) > 1) | ~header).select(
        *columns,
        LINE,
        pl.lit(name).alias(FILE),
        pl.lit(day).alias("archive_date"),
        pl.lit(day).alias(DAY),
        pl.when(header).then(pl.lit("stray_header")).alias(GIVEN_FAULT),
    )


def _header(content: bytes, columns: tuple[str, ...], name: str) -> tuple[str, ...] | None:
    """The column names of the first line, where it is a header: some archives have none."""
    first = content.split(b"\n", 1)[0].decode("utf-8", errors="replace").strip()
    names = tuple(first.split(","))
    if names[0] != "symbol" and len(set(names) & set(columns)) < len(columns) / 2:
        return None
    missing = [column for column in columns if column not in names]
    if missing:
        raise MissingColumn(f"{name}: column {', '.join(map(repr, missing))} is not there; there are {', '.join(names)}. Fetch it again")
    return names


def _text(content: bytes, names: tuple[str, ...], name: str, *, separator: str) -> pl.DataFrame:
    if not content.strip():
        return pl.DataFrame(schema={**dict.fromkeys(names, pl.String), LINE: pl.Int64})
    try:
        rows = pl.read_csv(
            io.BytesIO(content),
            has_header=False,
            schema=dict.fromkeys(names, pl.String),
            separator=separator,
            quote_char=None,
            row_index_name=LINE,
            row_index_offset=1,
        )
    except (pl.exceptions.ComputeError, pl.exceptions.NoDataError) as error:
        raise UnreadableFile(f"{name} is not the published format: {str(error).splitlines()[0]}; fetch it again") from error
    return rows.with_columns(pl.col(LINE).cast(pl.Int64))
