"""`wg run`: settle what the home is for, run the chain over a range of months, say what came out."""

import argparse
import re
import time
from dataclasses import replace
from pathlib import Path

import polars as pl

from wg_dagster.alerts import raise_alerts
from wg_dagster.calendars import month_shift, months_between
from wg_dagster.config import Config, load_config, save_config
from wg_dagster.errors import OutsideData
from wg_dagster.freshness import is_up_to_date
from wg_dagster.letters.restore import restore_letters
from wg_dagster.runner import errors
from wg_dagster.source import source_of
from wg_dagster.strategies import STRATEGIES, find_strategy
from wg_dagster.warehouse import Warehouse

DEFAULT_MONTHS = 24
_SHOWN_ALERTS = 5


def run_chain(options: argparse.Namespace) -> int:
    """Run the range; 0 unless a check of severity ERROR failed."""
    started = time.monotonic()
    home: Path = options.home
    config, first, last = settle(options)
    strategies = [find_strategy(strategy).strategy_id for strategy in options.strategy or STRATEGIES]
    months = months_between(first, last)
    warehouse = Warehouse(home)
    config = save_config(home, config)
    print(f"{config.source} into {home}: {first} to {last}, {len(months)} months, {len(strategies)} strategies", flush=True)
    if is_up_to_date(warehouse, config, months, strategies):
        print("nothing has changed since the last run: no work, no commit")
    else:
        from wg_dagster.defs.launch import run_range

        run_range(home, first, last, strategies)
    return _conclude(home, months, strategies, time.monotonic() - started)


def settle(options: argparse.Namespace) -> tuple[Config, str, str]:
    """Configuration and range of months of a run: what the command says, else what the home says, else the defaults."""
    given = load_config(options.home) if (options.home / "config.toml").exists() else Config()
    said = {
        "source": options.source,
        "map": str(options.map) if options.map else None,
        "input": str(options.input) if options.input else None,
        "scale": options.scale,
        "seed": options.seed,
        "world": options.world,
    }
    wanted = replace(given, **{name: value for name, value in said.items() if value is not None})
    begin, end = source_of(wanted).span()
    last = _month(options.last, "--to") or end
    first = _month(options.first, "--from") or given.first_month or max(begin, month_shift(last, 1 - DEFAULT_MONTHS))
    if not begin <= first <= last <= end:
        raise OutsideData(
            f"months {first} to {last} are not within the data, which go from {begin} to {end}; choose --from and --to inside"
        )
    return replace(wanted, history_from=begin, first_month=first, last_month=end), first, last


def _month(text: str | None, option: str) -> str | None:
    if text is not None and not re.fullmatch(r"\d{4}-(0[1-9]|1[0-2])", text):
        raise OutsideData(f"{option} {text!r} is not a month; write it as YYYY-MM, e.g. 2026-01")
    return text


def _conclude(home: Path, months: list[str], strategies: list[str], seconds: float) -> int:
    warehouse = Warehouse(home)
    if restored := restore_letters(home, warehouse.read("letters"), warehouse.read("report_facts")):
        print(f"  {restored} letters were missing on disk and were written again from their facts")
    checks = warehouse.read("checks", months=months)
    broken = errors(checks)
    for told in raise_alerts(warehouse, checks, at_once=True):
        if told.waiting:
            print(f"  alerts: {told.waiting} wait for the sink {told.sink}: {told.error}")
        if told.delivered and told.sink == "file":
            print(f"  alerts: {told.delivered} new, see `wg alerts`")
    solutions = warehouse.read("portfolio_solutions", months=months).filter(pl.col("strategy").is_in(strategies))
    for strategy, status, count in solutions.group_by("strategy", "status").len().sort("strategy", "status").iter_rows():
        print(f"  {strategy}: {count} months {status}")
    for row in solutions.filter(pl.col("status").is_in(["not_runnable", "no_portfolio", "kept_previous"])).head(6).to_dicts():
        print(f"    {row['strategy']} {row['month']}: {row['message']}")
    held = warehouse.read("quarantine", columns=["rule"]).group_by("rule").len().sort("len", "rule", descending=[True, False])
    if held.height:
        print(f"  quarantine: {held['len'].sum()} rows; " + ", ".join(f"{rule} {count}" for rule, count in held.head(6).iter_rows()))
    for row in broken.head(10).to_dicts():
        print(
            f"  FAILED {row['station']} {row['month']} {row['table']} {row['check_name']}: {row['failed_rows']} of {row['total_rows']} rows"
        )
    print(
        f'{"FAILED" if broken.height else "done"} in {seconds:.1f} s. Letters: {home}/letters/index.html. Tables: wg sql "show tables". UI: wg ui'
    )
    return 1 if broken.height else 0
