"""How many processor seconds the fourteen factors and their scores cost, against decoding the prices once in the same run.

`python -m benchmarks factors`. Engine time is that of DuckDB's statements, of models in Python and of the tables written; what dbt
itself takes (parsing, compiling, logging) is a line of its own.
"""

import json
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import polars as pl

from benchmarks.factor_lake import LAST_YEAR, fill
from wg_dagster.factor_components import components
from wg_dagster.schemas.columns import FACTORS
from wg_dagster.selection.scores import score_matrix, with_scores
from wg_dagster.warehouse import Warehouse

PRICE_FACTORS = ("us_beta", "price_level", "momentum", "volatility", "liquidity")
PRICE_MODELS = ("stg_sessions", "stg_securities", "stg_benchmarks", "stg_rates", "int_month_ends", "int_members")
PRICE_WINDOWS = ("int_us_returns_60d", "int_price_windows", "int_returns_60d")
COLUMNS = ("security_id", "session_date", "market", "close", "traded_value", "log_return_1e9", "market_cap", "known_at")
Line = dict[str, object]


def lines(*, names: int = 5_000, years: int = 20, scratch: str | None = None, seeds: int = 1) -> Iterator[Line]:  # noqa: ARG001
    """Rows of results: name, value, unit, goal, met."""
    home = Path(tempfile.mkdtemp(prefix="factors_", dir=scratch))
    try:
        warehouse = Warehouse(home)
        fill(warehouse, names=names, years=years)
        warehouse.publish()
        yield from figures(home, names, years)
    finally:
        shutil.rmtree(home)


def figures(home: Path, names: int, years: int) -> Iterator[Line]:
    """Measure a lake that is filled already and holds no factors yet."""
    size = f"factors, {names} names, {years} years"
    one = min(decode_seconds(home) for _ in range(3))
    yield _line(f"{size}: reading the price columns once", one, "CPU s", None)
    whole = build(home, f"{LAST_YEAR - years + 1}-01", f"{LAST_YEAR}-12")
    statements, stores = whole["statements"], whole["stores"]
    prices = sum(statements.get(model, 0.0) for model in (*PRICE_MODELS, *PRICE_WINDOWS, *(f"factor_{name}" for name in PRICE_FACTORS)))
    price_stores = sum(stores[f"factor_{name}"] for name in PRICE_FACTORS)
    engine, written = sum(statements.values()), sum(stores.values())
    yield _line(f"{size}: price factors, without writing", prices / one, "x reading", None)
    yield _line(f"{size}: price factors", (prices + price_stores) / one, "x reading", 5.0)
    yield _line(f"{size}: all factors, without writing", engine / one, "x reading", None)
    scored, scores_written = score_seconds(home)
    yield _line(f"{size}: scores of all months", scored / one, "x reading", None)
    yield _line(f"{size}: all factors and scores", (engine + written + scored + scores_written) / one, "x reading", 10.0)
    yield _line(f"{size}: dbt itself", whole["total"] - engine - written, "CPU s", None)
    yield _line(f"{size}: peak memory", whole["peak_gb"], "GB", 0.6)
    again = build(home, f"{LAST_YEAR}-12", f"{LAST_YEAR}-12")
    yield _line(f"{size}: a month alone", sum(again["statements"].values()) + sum(again["stores"].values()), "CPU s", 0.5)
    yield _line(f"{size}: a month alone, peak memory", again["peak_gb"], "GB", 0.6)
    yield _line(f"{size}: tables that a month alone changes", float(sum(map(len, _changed(again)))), "months", 0.0)


def decode_seconds(home: Path) -> float:
    """CPU seconds to read the price columns that factors use."""
    files = Warehouse(home).files("prices_clean")
    wanted = ", ".join(f"max({column})" for column in COLUMNS)
    start = time.process_time()
    duckdb.connect().execute(f"select {wanted} from read_parquet(?, hive_partitioning = true)", [files]).fetchall()
    return time.process_time() - start


def score_seconds(home: Path) -> tuple[float, float]:
    """CPU seconds of the scores of every security in every month: computed, and written."""
    warehouse = Warehouse(home, versions=Warehouse(home, latest=True).versions())
    months, defined = warehouse.months("factor_size"), components()
    columns = {factor: ["month", "security_id", *defined.filter(factor=factor)["component"]] for factor in FACTORS}
    columns["size"].append("as_of_date")
    rows, start = [], time.process_time()
    for year in sorted({month[:4] for month in months}):
        own = [month for month in months if month[:4] == year]
        tables = pl.collect_all([warehouse.scan(f"factor_{factor}", months=own).select(names) for factor, names in columns.items()])
        parts = [_by_month(table) for table in tables]
        rows += [_scored({factor: part[month] for factor, part in zip(columns, parts, strict=True)}, defined) for month in own]
    computed = time.process_time() - start
    start = time.process_time()
    warehouse.write_months("factor_scores", pl.concat(rows), months, scope="next_major_100")
    return computed, time.process_time() - start


def _by_month(rows: pl.DataFrame) -> dict[str, pl.DataFrame]:
    """Slices, oldest month first as they are stored."""
    runs = rows["month"].rle().struct.unnest().with_columns(begin=pl.col("len").cum_sum() - pl.col("len"))
    return {month: rows.slice(begin, count) for month, count, begin in runs.select("value", "len", "begin").iter_rows()}


def _scored(factors: dict[str, pl.DataFrame], defined: pl.DataFrame) -> pl.DataFrame:
    members = factors["size"].select("month", "as_of_date", "security_id")
    matrix = score_matrix(members["security_id"], factors, defined, market="US")
    return with_scores(members.with_columns(strategy=pl.lit("next_major_100")), matrix, np.isfinite(matrix).mean(axis=1))


def build(home: Path, first: str, last: str) -> dict[str, Any]:
    command = [sys.executable, "-m", "benchmarks.factor_run", str(home), first, last]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    return json.loads(done.stdout.splitlines()[-1])


def _changed(run: dict[str, Any]) -> list[list[str]]:
    return list(run["changed"].values())


def _line(name: str, value: float, unit: str, goal: float | None) -> Line:
    return {"name": name, "value": round(float(value), 4), "unit": unit, "goal": goal, "met": None if goal is None else bool(value <= goal)}


def main() -> None:
    """Measure a lake at hand: `python -m benchmarks.factors HOME NAMES YEARS`."""
    for line in figures(Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3])):
        print(json.dumps(line), flush=True)


if __name__ == "__main__":
    main()
