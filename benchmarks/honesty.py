"""Write docs/honesty.md: what a small gap does not say. `python -m benchmarks.honesty [--home wg_home] [--seeds 20] [--real FOLDER]`.

Three sources: twenty small markets from twenty seeds, the embedded market as `wg run` left it in a home, and real data where
WG_REAL_DATA names a folder and `--real` a home that was made from it. Figures are the script's; the page is written anew each time.
"""

import argparse
import os
import tempfile
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import polars as pl

from benchmarks.honesty_measures import RULES, Weights, month_of, monthly_returns, resampled, rivals, sharpe_twin, two_values
from benchmarks.honesty_memory import Ratios, forecasts
from benchmarks.honesty_page import page
from wg_dagster.calendars import months_between
from wg_dagster.dbt_inside import DbtInside
from wg_dagster.factor_run import build_factors
from wg_dagster.ingest.synthetic import SyntheticMarket
from wg_dagster.runner import land_raw
from wg_dagster.strategies import STRATEGIES, Strategy
from wg_dagster.walk import rebuild
from wg_dagster.warehouse import Warehouse

PAGE = Path(__file__).parent.parent / "docs" / "honesty.md"
HISTORY = months_between("2024-01", "2025-11")
DECIDED = months_between("2025-04", "2025-09")  # statements of six quarters lie before them
NAMES_US, NAMES_JP = 140, 12
SMALL = "next_major_100"  # its universe is the larger part of a small market
DRAWS = 4


@dataclass
class Findings:
    """What was measured of one source: lists of figures by strategy, returns by (run, strategy, rule)."""

    source: str
    values: dict[str, list[dict[str, float]]] = field(default_factory=dict)
    twins: dict[str, list[float]] = field(default_factory=dict)
    stability: dict[str, list[dict[str, float]]] = field(default_factory=dict)
    returns: dict[tuple[str, str, str], dict[str, float]] = field(default_factory=dict)
    names: dict[tuple[str, str], list[int]] = field(default_factory=dict)
    bias: list[pl.DataFrame] = field(default_factory=list)
    gaps: list[float] = field(default_factory=list)
    memory: Ratios = field(default_factory=dict)


def measure(found: Findings, run: str, warehouse: Warehouse, strategies: Iterable[str], *, every: int, draws: int) -> None:
    """Measure the portfolios of a home; twins and draws only of every so-manieth month."""
    found.bias.append(warehouse.read("risk_bias").with_columns(pl.lit(run).alias("run")))
    found.gaps += warehouse.read("portfolio_solutions")["gap"].drop_nulls().to_list()
    for strategy in (STRATEGIES[name] for name in strategies):
        decided: dict[str, dict[str, Weights]] = {rule: {} for rule in RULES}
        for number, month in enumerate(warehouse.months("portfolio_solutions", scope=strategy.strategy_id)):
            case = month_of(warehouse, strategy, month)
            if case is None:
                continue
            for rule, weights in rivals(case).items():
                decided[rule][month] = weights
                found.names.setdefault((strategy.strategy_id, rule), []).append(sum(weight > 0 for weight in weights.values()))
            if number % every == 0:
                name = strategy.strategy_id
                found.values.setdefault(name, []).append(two_values(case))
                twin, stable = sharpe_twin(case), resampled(case, draws=draws, seed=number)
                found.twins.setdefault(name, []).extend([] if twin is None else [twin])
                found.stability.setdefault(name, []).extend([stable] if stable else [])
        _add_returns(found, run, warehouse, strategy, decided)


def _add_returns(found: Findings, run: str, warehouse: Warehouse, strategy: Strategy, decided: dict[str, dict[str, Weights]]) -> None:
    columns = ["market", "security_id", "session_date", "return_1e9"]
    prices = warehouse.read("prices_clean", columns=columns).filter(pl.col("market") == strategy.market).sort("security_id", "session_date")
    earned = {rule: monthly_returns(strategy, weights, prices, cost=rule != "benchmark") for rule, weights in decided.items()}
    shared = set.intersection(*(set(months) for months in earned.values()))
    for rule, months in earned.items():
        found.returns[run, strategy.strategy_id, rule] = {month: months[month] for month in sorted(shared)}


def small_markets(seeds: int, say: Callable[[str], None]) -> Findings:
    """One strategy on a small market of each seed, from raw rows to portfolios."""
    found = Findings(f"{seeds} small markets")
    build = partial(build_factors, dbt=DbtInside())
    for seed in range(seeds):
        with tempfile.TemporaryDirectory() as folder:
            warehouse = Warehouse(folder)
            market = SyntheticMarket(seed, n_us=NAMES_US, n_jp=NAMES_JP, first=HISTORY[0], last=HISTORY[-1])
            land_raw(warehouse, market, HISTORY)
            rebuild(warehouse, history=HISTORY, months=DECIDED, strategies=[SMALL], until="risk_bias", build=build)
            measure(found, f"seed {seed}", warehouse, [SMALL], every=4, draws=2)
        say(f"seed {seed}")
    return found


def of_home(home: Path, source: str, *, draws: int) -> Findings:
    """All strategies of a home that `wg run` has made."""
    found = Findings(source)
    warehouse = Warehouse(home)
    measure(found, source, warehouse, STRATEGIES, every=3, draws=draws)
    decided = [strategy for strategy in STRATEGIES.values() if warehouse.months("risk_forecasts", scope=strategy.strategy_id)]
    found.memory = forecasts(warehouse, [strategy for strategy in decided if strategy.strategy_id != SMALL])
    return found


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--home", type=Path, default=Path("wg_home"), help="the embedded market, made by `wg run`")
    options.add_argument("--seeds", type=int, default=20)
    options.add_argument("--real", type=Path, help="a home made from the files of WG_REAL_DATA")
    given = options.parse_args()
    started = time.process_time()

    def say(what: str) -> None:
        print(f"{time.process_time() - started:6.1f} CPU s  {what}", flush=True)

    sources = [small_markets(given.seeds, say)] if given.seeds else []
    sources.append(of_home(given.home, "embedded market", draws=DRAWS))
    say("embedded market")
    if given.real and os.environ.get("WG_REAL_DATA"):
        sources.append(of_home(given.real, "real data", draws=DRAWS))
        say("real data")
    PAGE.write_text(page(sources), encoding="utf-8")
    say(f"written: {PAGE.name}")


if __name__ == "__main__":
    main()
