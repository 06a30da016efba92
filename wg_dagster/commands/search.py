"""`wg search`: search all sets of factors of a strategy, judge what was found, print a short table and write a page."""

import argparse
import sys
from pathlib import Path

import polars as pl

from wg_dagster.config import Config, load_config
from wg_dagster.errors import OutsideData
from wg_dagster.research import research
from wg_dagster.runner import errors
from wg_dagster.search_page import write_page
from wg_dagster.search_report import Report
from wg_dagster.strategies import Strategy, find_strategy
from wg_dagster.warehouse import Warehouse

_WIDTH = 30
_WORDS = {
    "factors": "factor tables",
    "universe": "who may be bought",
    "scores": "scores",
    "search": "all sets of factors",
    "trials": "real portfolios of the challengers",
    "evidence": "evidence",
}


def search(options: argparse.Namespace) -> int:
    """Search up to a month; 0 unless a check of severity ERROR failed or there is no evidence."""
    strategy, config = find_strategy(options.strategy), load_config(options.home)
    last = _last_month(config, options.last)
    warehouse = Warehouse(options.home)
    bar = Bar()
    outcomes = list(research(warehouse, config, strategy, last, bar))
    bar.close()
    warehouse.settle()
    warehouse.publish()
    broken = pl.concat([errors(outcome.checks) for outcome in outcomes])
    for row in broken.head(10).to_dicts():
        print(
            f"FAILED {row['station']} {row['month']} {row['table']} {row['check_name']}: {row['failed_rows']} of {row['total_rows']} rows"
        )
    return _show(warehouse, options.home, strategy, last) or int(broken.height > 0)


class Bar:
    """A bar a station that fills month by month; it moves on a terminal only, elsewhere each station is one line when it is done."""

    def __init__(self) -> None:
        self._moves = sys.stdout.isatty()

    def __call__(self, station: str, done: int, of: int) -> None:
        """Show how far a station is."""
        full = _WIDTH * done // max(of, 1)
        line = f"{_WORDS.get(station, station):<36} {'█' * full}{'░' * (_WIDTH - full)} {done:>4} of {of} months"
        if self._moves:
            print(f"\r\033[K{line}", end="\n" if done == of else "", flush=True)
        elif done == of:
            print(line, flush=True)

    def close(self) -> None:
        """Leave room for what follows."""
        print(flush=True)


def _last_month(config: Config, wanted: str | None) -> str:
    if wanted is None:
        return config.last_month
    if not config.history_from <= wanted <= config.last_month:
        raise OutsideData(f"--to {wanted} is not within the data, which go from {config.history_from} to {config.last_month}")
    return wanted


def _show(warehouse: Warehouse, home: Path, strategy: Strategy, month: str) -> int:
    evidence = warehouse.read("search_evidence", months=[month], scope=strategy.strategy_id)
    if evidence.is_empty():
        checks = warehouse.read("checks", months=[month], scope=f"{strategy.strategy_id}.evidence")
        said = checks.filter(pl.col("check_name") == "enough_months")["details"].to_list()
        print(f"no evidence of {strategy.strategy_id} at the end of {month}: {said[0] if said else 'an earlier station failed'}")
        return 1
    print("\n".join(Report.of(strategy, evidence).lines()))
    print(f"\npage: {write_page(home, strategy, evidence)}")
    print(f"rows: wg sql \"select * from search_evidence where strategy = '{strategy.strategy_id}' and month = '{month}'\"")  # noqa: S608 (shown, not run)
    return 0
