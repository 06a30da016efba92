"""Vendor files made by the tests, in the format that the vendor publishes."""

import io
import tarfile
from collections.abc import Callable, Iterable
from datetime import date
from pathlib import Path

import polars as pl
import pytest

PRICE_HEADER = "symbol,date,open,high,low,close,volume,adj_close"
REPORT_HEADER = (
    "symbol,end_date,amend,period_focus,fiscal_year,doc_type,revenues,op_income,net_income,eps_basic,eps_diluted,dividend,"
    "assets,cur_assets,cur_liab,cash,equity,cash_flow_op,cash_flow_inv,cash_flow_fin"
)
Rows = dict[str, pl.DataFrame]


@pytest.fixture
def archive(tmp_path: Path) -> Callable[..., Path]:
    """Write one daily archive into `archives/` and return its path."""

    def write(
        day: str,
        prices: Iterable[str] = (),
        reports: Iterable[str] = (),
        symbols: Iterable[str] = (),
        *,
        headers: bool = True,
        members: Iterable[str] = ("symbols.txt", "prices.csv", "reports.csv"),
    ) -> Path:
        folder = tmp_path / "archives"
        folder.mkdir(exist_ok=True)
        lines = {
            "prices.csv": [*([PRICE_HEADER] if headers and prices else []), *prices],
            "reports.csv": [*([REPORT_HEADER] if headers and reports else []), *reports],
            "symbols.txt": list(symbols),
        }
        path = folder / f"{day}.tar.gz"
        with tarfile.open(path, "w:gz") as tar:
            for member in members:
                content = "".join(f"{line}\n" for line in lines[member]).encode()
                entry = tarfile.TarInfo(member)
                entry.size = len(content)
                tar.addfile(entry, io.BytesIO(content))
        return path

    return write


@pytest.fixture
def report() -> Callable[..., str]:
    """One line of reports.csv; figures that do not matter stand at round values."""

    def line(symbol: str, end_date: str, period: str = "Q1", *, amend: bool = False, year: str = "2015", revenue: str = "100.0") -> str:
        form = "10-K" if period == "FY" else "10-Q"
        figures = f"{revenue},20.0,10.0,0.5,0.4,0.0,400.0,200.0,100.0,50.0,150.0,30.0,-20.0,-5.0"
        return f"{symbol},{end_date},{amend},{period},{year},{form},{figures}"

    return line


@pytest.fixture
def gather() -> Callable[..., Rows]:
    """All rows of an adapter by table, in the order in which they came."""

    def collect(adapter, months: list[str]) -> Rows:
        parts: dict[str, list[pl.DataFrame]] = {}
        for table, rows in adapter.load(months):
            parts.setdefault(table, []).append(rows)
        return {table: pl.concat(frames) for table, frames in parts.items()}

    return collect


@pytest.fixture
def day() -> Callable[[str], date]:
    return date.fromisoformat
