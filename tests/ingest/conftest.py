"""Vendor files made by the tests, in the format that the vendor publishes."""

import io
import sys
import tarfile
import threading
from collections.abc import Callable, Iterable
from datetime import date
from http.server import ThreadingHTTPServer
from pathlib import Path

import polars as pl
import pytest

from wg_dagster.ingest.http_client import Patience, Server

sys.path.insert(0, str(Path(__file__).parent))  # tests are no package: lets them import their neighbours
from vendor_server import KEY, Handler

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


@pytest.fixture
def vendor():
    """A server whose answers are scripted; the last answer stays. `waits` are the seconds that the client wanted to wait."""

    class Own(Handler):
        script, seen, released = [], [], threading.Event()

    server = ThreadingHTTPServer(("127.0.0.1", 0), Own)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    yield Own, f"http://127.0.0.1:{server.server_port}"
    Own.released.set()
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.fixture
def client(vendor):
    made, waits = [], []

    def open_client(**patience) -> tuple[Server, list[float]]:
        settings = Patience(**{"timeout": 5.0, "tries": 4, "per_minute": 1e6, **patience})
        made.append(Server(vendor[1], {"x-api-key": KEY}, "SOME_KEY", settings, sleep=waits.append, seed=1))
        return made[-1], waits

    yield open_client
    for server in made:
        server.close()
