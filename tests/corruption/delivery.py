"""A month of a small market as the files of a vendor, and the map that reads them."""

import io
from collections.abc import Mapping
from functools import cache

import polars as pl

from wg_dagster.calendars import months_between
from wg_dagster.ingest.synthetic import SyntheticMarket
from wg_dagster.schemas.tables import TABLES

Files = dict[str, bytes]  # file name -> content

FIRST, MONTH = "2023-07", "2025-05"
BEFORE = months_between(FIRST, "2025-04")
STRATEGIES = ("major_100", "next_major_100")
_FILES = {
    "prices.csv": ("prices", "US"),
    "prices_jp.csv": ("prices", "JP"),
    "statements.csv": ("fundamentals", "US"),
    "statements_jp.csv": ("fundamentals", "JP"),
    "securities.csv": ("securities", ""),
    "announcements.csv": ("earnings_announcements", ""),
    "forecasts.csv": ("forecasts", ""),
    "index_levels.csv": ("index_levels", ""),
    "rates.csv": ("rates", ""),
}
_OURS = ("month", "source", "source_file", "source_line", "known_at_rule", "quality")


@cache
def market() -> SyntheticMarket:
    """180 US names in which two strategies hold portfolios, and the few Japanese ones that a market must have."""
    return SyntheticMarket(7, n_us=180, n_jp=12, first=FIRST, last="2025-06")


@cache
def clean_files() -> Mapping[str, bytes]:
    """The files of the month as a careful vendor sends them."""
    parts: dict[str, list[pl.DataFrame]] = {}
    for table, rows in market().load([MONTH]):
        parts.setdefault(table, []).append(rows)
    return {name: text_of(_of_market(pl.concat(parts[table]), place), table) for name, (table, place) in _FILES.items()}


def text_of(rows: pl.DataFrame, table: str) -> bytes:
    """Rows of a raw table as CSV, in the order of the vendor: by date, then by symbol."""
    columns = [name for name in TABLES[table].columns if name not in _OURS]
    instant = pl.col("known_at").dt.strftime("%Y-%m-%dT%H:%M:%S%.6fZ")
    return rows.sort(TABLES[table].key).sort("known_at", maintain_order=True).select(columns).with_columns(instant).write_csv().encode()


def map_text() -> str:
    """The map of these files."""
    lines = ['name = "vendor"', 'source = "synthetic"', "received = 2025-06-02"]
    for name, (table, _) in _FILES.items():
        columns = [column for column in TABLES[table].columns if column not in (*_OURS, "known_at")]
        lines += ["", "[[file]]", f'path = "{name}"', f'table = "{table}"', 'known_at = { column = "known_at", at = "instant" }']
        lines += ["", "[file.columns]", *(f'{column} = "{column}"' for column in columns)]
    return "\n".join(lines) + "\n"


def frame_of(files: Files, name: str) -> pl.DataFrame:
    """A file as a table of text."""
    return pl.read_csv(io.BytesIO(files[name]), infer_schema=False)


def with_frame(files: Files, name: str, rows: pl.DataFrame) -> Files:
    """The files with one of them replaced."""
    return {**files, name: rows.write_csv().encode()}


def _of_market(rows: pl.DataFrame, place: str) -> pl.DataFrame:
    if not place:
        return rows
    return rows.filter(pl.col("vendor_symbol").str.contains(r"^\d") == (place == "JP"))
