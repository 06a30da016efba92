"""Other libraries on the same prices in the same run: qlib and pandas beside our chain in processor seconds, alphalens beside our IC.

Not like for like, and said so in docs/benchmarks.md: qlib and pandas give a value every day, ours at month ends, from returns that
the clean stations have made; qlib's fourteen expressions are of price and volume alone, our fourteen factors read statements too.
"""

import json
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.factor_lake import LAST_YEAR, fill
from benchmarks.factors import PRICE_FACTORS, PRICE_MODELS, PRICE_WINDOWS, build
from wg_dagster.selection.diagnostics import rank_correlation
from wg_dagster.warehouse import Warehouse

ROOT = Path(__file__).resolve().parents[1]
PYTHON = ROOT / ".venv-peers" / "bin" / "python"
NAMES, YEARS = 800, 14
IC_MONTHS, IC_NAMES = 36, 400
TOLERANCE = 1e-10
Line = dict[str, object]


def lines(*, seeds: int = 1, scratch: str | None = None, names: int = NAMES) -> Iterator[Line]:
    """Rows of results: name, value, unit, goal, met."""
    folder = Path(tempfile.mkdtemp(prefix="peers_", dir=scratch))
    try:
        yield _ic_difference(folder, seeds)
        warehouse = Warehouse(folder / "home")
        fill(warehouse, names=names, years=YEARS)
        warehouse.publish()
        columns = ["security_id", "session_date", "close", "volume", "log_return_1e9"]
        prices = warehouse.read("prices_clean", columns=columns).sort("security_id", "session_date")
        days = prices["session_date"].n_unique()
        size = f"peers, {names} names, {days} days"
        prices.write_parquet(folder / "prices.parquet")
        yield _line(f"{size}: rows", prices.height, "rows", None)
        yield from _ours(folder / "home", size)
        for work in ("pandas", "qlib"):
            for what, seconds in _asked(work, folder).items():
                yield _line(f"{size}: {what}", seconds, "CPU s", None)
    finally:
        shutil.rmtree(folder)


def _ours(home: Path, size: str) -> Iterator[Line]:
    run = build(home, f"{LAST_YEAR - YEARS + 1}-01", f"{LAST_YEAR}-12")
    statements, stores = run["statements"], run["stores"]
    models = (*PRICE_MODELS, *PRICE_WINDOWS, *(f"factor_{name}" for name in PRICE_FACTORS))
    yield _line(f"{size}: ours, 5 price factors at month ends", sum(statements.get(model, 0.0) for model in models), "CPU s", None)
    yield _line(f"{size}: ours, 14 factors at month ends", sum(statements.values()), "CPU s", None)
    yield _line(f"{size}: ours, 14 factors with tables written", sum(statements.values()) + sum(stores.values()), "CPU s", None)
    yield _line(f"{size}: ours, whole process with dbt", run["total"], "CPU s", None)


def _ic_difference(folder: Path, seed: int) -> Line:
    """Largest difference of a month's rank IC; all values are distinct, as alphalens drops names whose bins tie."""
    rng = np.random.default_rng(seed)
    scores = rng.normal(size=(IC_MONTHS, IC_NAMES))
    returns = rng.normal(0.01, 0.1, (IC_MONTHS, IC_NAMES)) + 0.01 * scores
    np.savez(folder / "panel.npz", scores=scores, returns=returns)
    theirs = _asked("alphalens", folder)
    ours = [rank_correlation(*pair) for pair in zip(scores, returns, strict=True)]
    difference = float(np.abs(np.array(ours) - np.array(theirs["ic"])).max())
    return _line(f"peers, rank IC of {IC_MONTHS} months: largest difference from alphalens", difference, "", TOLERANCE)


def _asked(work: str, folder: Path) -> dict[str, Any]:
    command = [str(PYTHON), str(Path(__file__).with_name("peers_run.py")), work, str(folder)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"{work} ended with {done.returncode}:\n{done.stderr[-3000:]}")
    return json.loads(done.stdout.splitlines()[-1])


def _line(name: str, value: float, unit: str, goal: float | None) -> Line:
    return {"name": name, "value": float(value), "unit": unit, "goal": goal, "met": None if goal is None else bool(value <= goal)}


if __name__ == "__main__":
    for line in lines():
        print(json.dumps(line), flush=True)
