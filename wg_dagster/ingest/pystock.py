"""Prices, statements and listings of pystock: daily archives as published, or the same rows merged as parquet.

What an archive of day D holds became known at the end of day D in New York: the crawler ran and published it that day.
"""

from collections.abc import Iterator, Sequence
from datetime import date, timedelta
from itertools import groupby
from pathlib import Path

import polars as pl

from wg_dagster.calendars import LAST_DAY
from wg_dagster.errors import BadInput
from wg_dagster.ingest.drop import Drop, Part, days_of
from wg_dagster.ingest.drop_map import DropMap, FileMap, parse_file_map
from wg_dagster.ingest.files import LINE, data_files, folder_identity, refuse_copies
from wg_dagster.ingest.pystock_archive import Archive, archive_day, read_archive
from wg_dagster.ingest.raw_rows import FILE, GIVEN_FAULT, empty_file, raw_rows, refuse_text, unreadable_text
from wg_dagster.ingest.repeats import DAY, first_sightings, listing_changes

_FUNDS = r"(?i)\b(ETF|ETN|iShares|PowerShares|ProShares|WisdomTree|AlphaDEX|funds?|municipal|nuveen|eaton vance|pimco|income trust|index|portfolio)\b"
REPEAT_DAYS = 14  # the same filing stands in two to five archives in a row
GONE_AFTER = 10  # lists without a name before it has left: some drop out for a day or two
_SHARED = {"source": "pystock", "currency": "USD", "calendar": "XNYS", "known_at": {"column": "archive_date", "rule": "first_seen"}}
_SYMBOL = {"column": "symbol", "upper": True}
# A 10-Q that calls its quarter a fiscal year: which quarter it was, nobody told, so the clean station sets it aside (`unknown_period`).
_PERIOD = {
    "column": "period_focus",
    "values": {period: period for period in ("Q1", "Q2", "Q3", "FY")},
    "cases": [
        {
            "value": "FY of a 10-Q",
            "when": {"all": [{"column": "doc_type", "matches": "^10-Q"}, {"column": "period_focus", "equals": "FY"}]},
        }
    ],
}


def _case(value: str, column: str, matches: str) -> dict[str, object]:
    return {"value": value, "when": {"column": column, "matches": matches}}


PRICES = parse_file_map(
    {
        **_SHARED,
        "path": "*prices_pystock.parquet",
        "table": "prices",
        "columns": {
            "vendor_symbol": _SYMBOL,
            "session_date": "date",
            **{name: name for name in ("open", "high", "low", "close", "volume")},
            "vendor_adjusted_close": "adj_close",
        },
    },
    "pystock prices",
)
# Income is of the quarter alone, cash flow runs from the start of the fiscal year; a dividend of 0 may mean that none was found.
REPORTS = parse_file_map(
    {
        **_SHARED,
        "path": "*reports_pystock.parquet",
        "table": "fundamentals",
        "optional": True,
        "repeat_days": REPEAT_DAYS,
        "flags": [{"flag": "dividend_zero_or_unknown", "when": {"column": "dividend", "matches": r"^-?0(\.0*)?$"}}],
        "columns": {
            "vendor_symbol": _SYMBOL,
            "period_end_date": "end_date",
            "fiscal_period": _PERIOD,
            "fiscal_year": {"column": "fiscal_year", "at_least": 1990, "at_most": 2100},
            "accounting_standard": {"value": "usgaap"},
            "is_consolidated": True,
            "income_is_cumulative": False,
            "cash_flow_is_cumulative": True,
            "filing_type": {"column": "amend", "values": {"True": "amendment", "False": "original"}},
            "revenue": "revenues",
            "operating_profit": "op_income",
            "dividend_per_share": "dividend",
            "current_assets": "cur_assets",
            "current_liabilities": "cur_liab",
            "operating_cash_flow": "cash_flow_op",
            "investing_cash_flow": "cash_flow_inv",
            "financing_cash_flow": "cash_flow_fin",
            **{name: name for name in ("net_income", "eps_basic", "eps_diluted", "assets", "cash", "equity")},
        },
    },
    "pystock reports",
)
# The list says symbol and name only: exchange and type are guessed, the sector is unknown, and the row says so.
SYMBOLS = parse_file_map(
    {
        **_SHARED,
        "path": "*symbols_pystock.parquet",
        "table": "securities",
        "optional": True,
        "gone_after": GONE_AFTER,
        "quality": ["exchange_assumed", "sector_unknown", "type_assumed"],
        "columns": {
            "vendor_symbol": _SYMBOL,
            "name": {"column": "name", "replace": {"&#39;": "'", "&amp;": "&"}},
            "exchange": {"value": "XNYS"},
            "issuer": "name",
            "share_class": {"column": "symbol", "extract": "^[A-Z]{4}([ABK])$"},
            "lot_size": 1,
            "is_financial": False,
            "security_type": {
                "otherwise": "common",
                "cases": [
                    _case("preferred", "symbol", "^[A-Z]{4}[MNOP]$"),
                    _case("unit", "symbol", "^[A-Z]{4}U$"),
                    _case("adr", "symbol", "^[A-Z]{4}Y$"),
                    _case("other", "symbol", "^[A-Z]{4}[WRLZIVS]$"),
                    _case("fund", "name", _FUNDS),
                    _case("unit", "name", r"\b(L\.P\.|LP\b|Royalty Trust)|(Energy|Midstream|Resource|Pipeline|Gas|Oil) Partners$"),
                ],
            },
        },
    },
    "pystock symbols",
)
MERGED = DropMap("pystock", (SYMBOLS, PRICES, REPORTS), "pystock 1")


def open_pystock(folder: Path) -> "Archives | Drop":
    """The adapter of a folder: daily archives where there are any, else the merged parquet files."""
    files = data_files(folder)
    refuse_copies(files)
    if any(file.name.endswith(".tar.gz") for file in files):
        return Archives(folder)
    if any(file.match(PRICES.path) for file in files):
        return Drop(MERGED, folder)
    there = ", ".join(file.name for file in files) or "no data file"
    raise BadInput(f"{folder.name}/ holds neither YYYYMMDD.tar.gz archives nor {PRICES.path}; there is {there}. Give another --input")


class Archives:
    """The adapter of a folder of daily archives."""

    name = "pystock"

    def __init__(self, folder: Path) -> None:
        self.paths = [file for file in data_files(folder) if file.name.endswith(".tar.gz")]
        if not self.paths:
            raise BadInput(f"{folder.name}/ holds no YYYYMMDD.tar.gz archive; give another folder with --input")
        self.days = {path: archive_day(path) for path in self.paths}

    def span(self) -> tuple[str, str]:
        """Months of the first and the last archive."""
        return f"{min(self.days.values()):%Y-%m}", f"{max(self.days.values()):%Y-%m}"

    def identity(self) -> str:
        """Hash of the archives."""
        return folder_identity(self.paths, MERGED.text)

    def load(self, months: Sequence[str]) -> Iterator[Part]:
        """Prices month by month, then the changes of the listing, then the filings that are seen for the first time."""
        if not months:
            return
        start, end = days_of(months)
        read: list[Archive] = []
        for _, group in groupby(self._needed(start, end), key=lambda path: f"{self.days[path]:%Y-%m}"):
            archives = [read_archive(path) for path in group]
            inside = [archive for archive in archives if f"{archive.day:%Y-%m}" in months]
            if inside:
                yield from _raw([archive.prices for archive in inside], PRICES, self.span()[0])
                yield from _empty(inside)
            read += archives
        if read:
            yield from self._events(read, start, end, months)

    def _events(self, read: list[Archive], start: date, end: date, months: Sequence[str]) -> Iterator[Part]:
        listed = pl.concat([archive.symbols for archive in read])
        changes = listing_changes(listed, key="symbol", content=["name"], gone_after=GONE_AFTER, line=LINE)
        filed = pl.concat([archive.reports for archive in read])
        content = [name for name in filed.columns if not name.startswith("_") and name != "archive_date"]
        news = first_sightings(filed, content=content, within_days=REPEAT_DAYS, line=LINE)
        for rows, file_map in ((changes, SYMBOLS), (news, REPORTS)):
            inside = rows.filter(pl.col(DAY).is_between(start, end) & pl.col(DAY).dt.strftime("%Y-%m").is_in(list(months)))
            yield from _raw([inside], file_map, self.span()[0])

    def _needed(self, start: date, end: date) -> list[Path]:
        """Archives of the days, and as many before them as tell what is new: twice ten lists, and the days of a repeat."""
        ordered = sorted((path for path, day in self.days.items() if day <= end), key=lambda path: self.days[path])
        inside = sum(self.days[path] >= start for path in ordered)
        recent = sum(self.days[path] >= start - timedelta(days=REPEAT_DAYS) for path in ordered)
        return ordered[-max(recent, inside + 2 * GONE_AFTER) :]


def archive_parts(path: Path) -> Iterator[Part]:
    """All rows of one archive alone, repeats of earlier days included."""
    archive = read_archive(path)
    yield from _empty([archive])
    for rows, file_map in ((archive.prices, PRICES), (archive.symbols, SYMBOLS), (archive.reports, REPORTS)):
        yield from _raw([rows], file_map, f"{archive.day:%Y-%m}")


def _raw(frames: Sequence[pl.DataFrame], file_map: FileMap, first_month: str) -> Iterator[Part]:
    vendor = pl.concat(frames)
    for (name,), rows in vendor.filter(pl.col(GIVEN_FAULT).is_null()).group_by(FILE, maintain_order=True):
        refuse_text(unreadable_text(rows.lazy(), file_map, rows.schema).collect(), str(name), file_map.table)
    rows, broken = raw_rows(vendor, file_map, first_month=first_month, latest=LAST_DAY)
    for table, found in ((file_map.table, rows), ("quarantine", broken)):
        if found.height:
            yield table, found


def _empty(archives: Sequence[Archive]) -> Iterator[Part]:
    """A note for each archive without prices or listing; a day without filings is nothing special."""
    for archive in archives:
        for rows, file_map, member in ((archive.prices, PRICES, "prices.csv"), (archive.symbols, SYMBOLS, "symbols.txt")):
            if rows.is_empty():
                yield "quarantine", empty_file(file_map, f"{archive.day:%Y%m%d}.tar.gz/{member}", f"{archive.day:%Y-%m}")
