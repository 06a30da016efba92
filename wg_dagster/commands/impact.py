"""`wg impact`: which past figures would change with the raw rows of today, and by how much."""

import argparse

import polars as pl

from wg_dagster.config import load_config
from wg_dagster.errors import OutsideData
from wg_dagster.proof.impact import SCHEMA, impact
from wg_dagster.proof.report import refuse_ending, write_report
from wg_dagster.source import source_of
from wg_dagster.strategies import STRATEGIES, find_strategy
from wg_dagster.warehouse import Warehouse

_TITLES = {
    "reproduced": "as known at the time: rows of the past have arrived or were revised, the next `wg run` will change these figures",
    "hindsight": "with hindsight: as if restated figures had been known from the start; history stands",
}


def show(options: argparse.Namespace) -> int:
    """Print the news and the largest changes; 0 whether there are any or not."""
    config = load_config(options.home)
    refuse_ending(options.out)
    warehouse, number = _snapshot(options)
    strategies = [find_strategy(name).strategy_id for name in options.strategy or STRATEGIES]
    found = impact(warehouse, source_of(config), strategies=strategies, tolerance=options.tolerance)
    print(f"{options.home}, snapshot {number}: raw rows that have arrived since")
    for row in found.news.to_dicts():
        print(f"  {row['table']:<24} {row['kind']:<10} {row['rows']:>8} rows, known {row['first_month']} to {row['last_month']}")
    if found.news.is_empty():
        print("  none of the past")
    for event, title in _TITLES.items():
        rows = found.changes.filter(pl.col("event") == event)
        print(f"{title}: {rows.height} figures" if rows.height else f"{title}: nothing")
        _print_tables(rows, options.top)
    if options.out:
        write_report(found.changes.select(SCHEMA.names()), options.out)
    return 0


def _snapshot(options: argparse.Namespace) -> tuple[Warehouse, int]:
    newest = Warehouse(options.home)
    number, _ = newest.snapshots.latest()
    if options.since is None:
        return newest, number
    if not 1 <= options.since <= number:
        raise OutsideData(f"snapshot {options.since} is not there; the home has 1 to {number}")
    return Warehouse(options.home, versions=newest.snapshots.load(options.since)), options.since


def _print_tables(rows: pl.DataFrame, top: int) -> None:
    """One line a table and strategy, then its largest changes."""
    for (table, strategy), part in rows.partition_by("table", "strategy", as_dict=True, maintain_order=True).items():
        months = part["month"].unique().sort()
        print(f"  {table:<24} {strategy or '':<16} {part.height:>7} figures of {len(months)} months, {months[0]} to {months[-1]}")
        for row in part.head(top).to_dicts():
            print(
                f"      {row['month']} {row['security_id'] or '':<18} {row['item']}: {_text(row['before'])} -> {_text(row['after'])}{_size(row)}"
            )


def _text(value: float | None) -> str:
    return "absent" if value is None else f"{value:.6g}"


def _size(row: dict[str, object]) -> str:
    if row["basis_points"] is not None:
        return f"  ({row['basis_points']:+.2f} bp)"
    return f"  ({row['deviations']:+.3f} deviations)" if row["deviations"] is not None else ""
