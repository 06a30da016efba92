"""A year and a half of daily archives, made from a seed: how much processor time and memory their landing takes, and after a kill.

The archives have the layout of pystock (two sessions of prices, the day's filings, the list of symbols). Every filing stands in two
archives in a row; every session is captured twice. Nothing is measured but the landing, in a process of its own.
"""

import io
import json
import os
import resource
import signal
import subprocess
import sys
import tarfile
import tempfile
import time
from collections.abc import Iterator
from datetime import date
from pathlib import Path

import numpy as np
import polars as pl

from wg_dagster.calendars import months_between, session_dates
from wg_dagster.ingest.pystock import open_pystock
from wg_dagster.ingest.pystock_archive import PRICE_COLUMNS, REPORT_COLUMNS
from wg_dagster.runner import land_raw
from wg_dagster.schemas.tables import RAW_TABLES
from wg_dagster.warehouse import Warehouse, content_hash

ARCHIVES, NAMES, FILINGS = 515, 5_830, 63  # 6.0 M price rows; filings that are new each day
GOAL_CPU, GOAL_BYTES = 120.0, 2e9
_KILL_AFTER = 25.0  # seconds of processor time


def lines(*, seeds: int) -> Iterator[dict[str, object]]:
    """Figures of one seed: generating the archives takes longer than landing them."""
    del seeds
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        write_archives(folder / "archives", seed=1)
        whole = _landed(folder, "whole")
        cut = _landed(folder, "cut", kill_after=_KILL_AFTER)
        rest = _landed(folder, "cut")
        same = float(whole["hash"] == rest["hash"])
    rows = f"{whole['rows']:,} rows of {ARCHIVES} archives"
    yield _line(f"landing of {rows}, processor time", whole["cpu"], "s", GOAL_CPU)
    yield _line("landing, largest memory", whole["peak"] / 1e9, "GB", GOAL_BYTES / 1e9)
    yield _line(
        f"landing resumed after a kill ({'done before it' if cut else 'killed in the middle'}), processor time", rest["cpu"], "s", GOAL_CPU
    )
    yield {"name": "tables after the resumed landing equal", "value": same, "unit": "1 = yes", "goal": 1.0, "met": same == 1.0}


def write_archives(folder: Path, *, seed: int, archives: int = ARCHIVES, names: int = NAMES) -> None:
    """Daily archives from 2015-03-20 on."""
    folder.mkdir(parents=True)
    draw = np.random.default_rng(seed)
    symbols = [_symbol(number) for number in range(names)]
    sessions = [day for day in session_dates("XNYS") if day >= date(2015, 3, 19)][: archives + 1]
    closes = np.round(np.exp(draw.normal(3.2, 1.0, names)), 2)
    listing = "".join(f"{symbol}\t{symbol.title()} Corp\n" for symbol in symbols).encode()
    before, filed = _bars(draw, symbols, sessions[0], closes), _filings(draw, symbols, sessions[0])
    for day in sessions[1:]:
        closes = np.maximum(np.round(closes * np.exp(draw.normal(0.0, 0.02, names)), 2), 0.5)
        now, news = _bars(draw, symbols, day, closes), _filings(draw, symbols, day)
        prices = pl.concat([before, now]).sort("symbol", "date").select(PRICE_COLUMNS).write_csv().encode()
        reports = pl.concat([filed, news]).write_csv().encode()
        _write(folder / f"{day:%Y%m%d}.tar.gz", {"prices.csv": prices, "reports.csv": reports, "symbols.txt": listing})
        before, filed = now, news


def _symbol(number: int) -> str:
    letters = [chr(65 + number // 26**place % 26) for place in range(3, -1, -1)]
    return "".join(letters)


def _bars(draw: np.random.Generator, symbols: list[str], day: date, closes: np.ndarray) -> pl.DataFrame:
    span = np.round(closes * draw.uniform(0.0, 0.02, len(closes)), 2)
    volume = np.exp(draw.normal(12.0, 2.0, len(closes))).astype(int)
    return pl.DataFrame(
        {
            "symbol": symbols,
            "date": [day] * len(symbols),
            "open": closes,
            "high": closes + span,
            "low": closes - span,
            "close": closes,
            "volume": volume,
            "adj_close": closes,
        }
    )


def _filings(draw: np.random.Generator, symbols: list[str], day: date) -> pl.DataFrame:
    who = draw.choice(len(symbols), FILINGS, replace=False)
    figures = {name: np.round(np.exp(draw.normal(18.0, 2.0, FILINGS)), 0) for name in REPORT_COLUMNS[6:]}
    texts = {
        "symbol": [symbols[place] for place in who],
        "end_date": [f"{day.replace(day=1):%Y-%m-%d}"] * FILINGS,
        "amend": ["False"] * FILINGS,
        "period_focus": ["Q1"] * FILINGS,
        "fiscal_year": [str(day.year)] * FILINGS,
        "doc_type": ["10-Q"] * FILINGS,
    }
    return pl.DataFrame(texts | figures).select(REPORT_COLUMNS)


def _write(path: Path, members: dict[str, bytes]) -> None:
    with tarfile.open(path, "w:gz", compresslevel=1) as archive:
        for name, content in members.items():
            entry = tarfile.TarInfo(name)
            entry.size = len(content)
            archive.addfile(entry, io.BytesIO(content))


def _landed(folder: Path, home: str, *, kill_after: float | None = None) -> dict:
    """What a landing process said of itself; {} where it was killed first."""
    command = [sys.executable, "-m", "benchmarks.archives", str(folder / "archives"), str(folder / home)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    while kill_after is not None and process.poll() is None:
        if _cpu_of(process.pid) >= kill_after:
            process.send_signal(signal.SIGKILL)
        time.sleep(0.2)
    said, _ = process.communicate()
    return json.loads(said) if said else {}


def _cpu_of(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def _line(name: str, value: float, unit: str, goal: float) -> dict[str, object]:
    return {"name": name, "value": round(value, 2), "unit": unit, "goal": goal, "met": value <= goal}


def land(folder: Path, home: Path) -> dict[str, object]:
    """Land all archives of a folder; figures of this process, and a hash of the raw tables that knows no order of writing."""
    warehouse, adapter = Warehouse(home), open_pystock(folder)
    outcome = land_raw(warehouse, adapter, months_between(*adapter.span()))
    warehouse.settle()
    used = resource.getrusage(resource.RUSAGE_SELF)
    figures = {"cpu": used.ru_utime + used.ru_stime, "peak": used.ru_maxrss * 1024, "rows": outcome.rows["prices"]}
    hashes = [
        content_hash(warehouse.read(table, months=[month]).sort("source_file", "source_line"))
        for table in RAW_TABLES
        for month in warehouse.months(table)
    ]
    return figures | {"hash": " ".join(map(str, hashes))}


if __name__ == "__main__":
    print(json.dumps(land(Path(sys.argv[1]), Path(sys.argv[2]))))
