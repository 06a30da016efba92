"""The factor search on real US data of 2009-2015: `python -m benchmarks search_real`, with WG_REAL_DATA naming the folder of vendor files.

The companies are the S&P 500 of September 2015, so nobody ever leaves: the survivorship check says so, and every return is too good.
What can be looked at is whether the search runs and how it judges, not what it would have earned.
"""

import os
import shutil
import tempfile
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import polars as pl

from wg_dagster.calendars import months_between
from wg_dagster.chain import clean_stations
from wg_dagster.config import Config, save_config
from wg_dagster.research import research
from wg_dagster.runner import land_raw, run_station
from wg_dagster.search_page import write_page
from wg_dagster.search_report import Report
from wg_dagster.source import source_of
from wg_dagster.strategies import MAJOR_100, Strategy, UniverseRule
from wg_dagster.verdicts import blocked_months
from wg_dagster.warehouse import Warehouse

MAP = Path(__file__).parent / "us_2009.toml"
LAST = "2015-12"
# All of them, not the largest 40 %: few names are few names either way.
STRATEGY = replace(MAJOR_100, universe=UniverseRule("US", 1, 1000))
_AS_THEY_ARE = (
    "sp500_gics_20150922",
    "us_fundamentals_stockpup",
    "us_earnings_surprises",
    "benchmark_etfs_stooq",
    "sp500_membership",
    "fx_ecb_eur",
    "fama_french_5_daily",
)
_SHOWN = ("months", "trials", "effective_trials", "pbo", "spa_p", "deflated_sharpe_best", "walk_forward_months", "construction_months")
_RULES = ("best", "top_1_percent", "premia", "all", "incumbent")


def prepared(data: Path, folder: Path) -> Path:
    """The folder that the map reads: prices of the companies of the list alone, the other files as they are."""
    folder.mkdir(parents=True, exist_ok=True)
    for name in _AS_THEY_ARE:
        shutil.copyfile(data / f"{name}.parquet", folder / f"{name}.parquet")
    listed = pl.read_parquet(data / "sp500_gics_20150922.parquet")["Symbol"].str.replace("-", ".", literal=True)
    symbol = pl.col("ticker").str.strip_suffix(".us").str.replace("-", ".", literal=True).str.to_uppercase()
    prices = pl.scan_parquet(data / "us_prices_stooq.parquet").with_columns(symbol.alias("symbol"))
    prices.filter(pl.col("symbol").is_in(listed.implode())).drop("ticker").collect().write_parquet(folder / "prices.parquet")
    return folder


def run(data: Path, home: Path, strategy: Strategy = STRATEGY) -> Report:
    """Land, clean, score and search; the report of the evidence, whose page is below `home`."""
    config = Config(source="drop", map=str(MAP), input=str(prepared(data, home / "input")))
    first, last = source_of(config).span()[0], LAST
    config = save_config(home, replace(config, history_from=first, first_month=first, last_month=last))
    warehouse, history = Warehouse(home), months_between(first, last)
    land_raw(warehouse, source_of(config), history)
    for station in clean_stations():
        run_station(warehouse, station, history, failed=blocked_months(warehouse, station, history))
    for _ in research(warehouse, config, strategy, last, lambda *_: None):
        pass
    warehouse.settle()
    warehouse.publish()
    evidence = warehouse.read("search_evidence", months=[last], scope=strategy.strategy_id)
    write_page(home, strategy, evidence)
    return Report.of(strategy, evidence)


def is_flagged(home: Path) -> bool:
    """Whether the survivorship check has warned."""
    checks = Warehouse(home).read("checks").filter(pl.col("check_name") == "survivorship")
    return bool((~checks["passed"]).any())


def lines(seeds: int = 0) -> Iterator[dict[str, object]]:  # noqa: ARG001 - real data have no seeds
    """Rows of results: name, value, unit, goal, met."""
    data = os.environ.get("WG_REAL_DATA")
    if not data:
        yield {"name": "search, real data: WG_REAL_DATA is not set", "value": 0, "unit": "", "goal": None, "met": None}
        return
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder) / "home"
        started = time.process_time()
        report = run(Path(data), home)
        yield _line("run and evidence, CPU", time.process_time() - started, "s", None)
        yield _line("flagged as survivors only", float(is_flagged(home)), "0 or 1", 1.0)
        print("\n".join(report.lines()))
    for name in (*_SHOWN, *(f"{kind}_{rule}" for kind in ("walk_forward", "construction_sortino") for rule in _RULES)):
        value = report.value(name)
        if value is not None:
            yield _line(name, value, "", None)


def _line(name: str, value: float, unit: str, goal: float | None) -> dict[str, object]:
    met = None if goal is None else bool(value >= goal)
    return {"name": f"search, real US data 2009-2015: {name}", "value": round(float(value), 4), "unit": unit, "goal": goal, "met": met}
