"""How much of a portfolio hangs on the two chosen numbers of expected returns: the table of docs/method.md.

`python -m benchmarks.sensitivity HOME [--month 2026-10]`; the home is only read.
"""

import argparse
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import polars as pl

from wg_dagster.chain import strategy_stations
from wg_dagster.proof.scratch import branch, scratch_folder
from wg_dagster.stations import Reader
from wg_dagster.strategies import STRATEGIES, Strategy
from wg_dagster.warehouse import Warehouse

# Information coefficient and equity premium, the default first.
CHOICES = ((0.03, 0.045), (0.02, 0.045), (0.05, 0.045), (0.03, 0.03), (0.03, 0.06))
_HEAD = "| strategy | coefficient, premium | ratio | names | of them also in the default | overlap |\n|---|---|---|---|---|---|"


def rows(home: Path, month: str) -> Iterator[str]:
    """Lines of the table: candidates and portfolio of a month decided again under each choice."""
    with scratch_folder(home) as folder:
        scratch = branch(Warehouse(home), folder / "home")
        for strategy in STRATEGIES.values():
            default = None
            for coefficient, premium in CHOICES:
                chosen = replace(strategy, information_coefficient=coefficient, equity_premium=premium)
                weights, ratio = _decided(scratch, chosen, month)
                default = weights if default is None else default
                yield _line(strategy, coefficient, premium, ratio, weights, default)


def _decided(scratch: Warehouse, strategy: Strategy, month: str) -> tuple[pl.DataFrame, float]:
    """Weights by `security_id`, and the ratio that the optimizer prints."""
    stations = {station.name: station for station in strategy_stations()}
    ranked = stations["candidates"].build(Reader(scratch, stations["candidates"], [month], strategy), [month], strategy)
    scratch.write_months("candidates", ranked["candidates"], [month], scope=strategy.strategy_id)
    built = stations["portfolio"].build(Reader(scratch, stations["portfolio"], [month], strategy), [month], strategy)
    return built["model_portfolios"].select("security_id", "weight"), built["portfolio_solutions"]["ratio"].item()


def _line(strategy: Strategy, coefficient: float, premium: float, ratio: float, weights: pl.DataFrame, default: pl.DataFrame) -> str:
    both = weights.join(default, on="security_id", how="inner", suffix="_default", validate="1:1")
    overlap = both.select(pl.min_horizontal("weight", "weight_default").sum()).item()
    is_default = (coefficient, premium) == CHOICES[0]
    return (
        f"| {strategy.name_en if is_default else ''} | {coefficient:g}, {premium:.1%}{' (default)' if is_default else ''} "
        f"| {ratio:.2f} | {weights.height} | {both.height} | {overlap:.0%} |"
    )


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("home", type=Path)
    options.add_argument("--month", default="2026-10")
    given = options.parse_args()
    print(_HEAD)
    for line in rows(given.home, given.month):
        print(line.replace("%", " %"))


if __name__ == "__main__":
    main()
