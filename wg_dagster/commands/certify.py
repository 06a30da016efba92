"""`wg certify`: is the stored portfolio of a month as good as it says? Replays the proof without a solver."""

import argparse

from optimizer.room import NO_ROOM
from wg_dagster.config import load_config
from wg_dagster.selection.certified import Verdict, bands, certify
from wg_dagster.strategies import find_strategy
from wg_dagster.warehouse import Warehouse


def show(options: argparse.Namespace) -> int:
    """Print figures and rules; 0 if the portfolio is what its row says it is."""
    load_config(options.home)
    strategy = find_strategy(options.strategy)
    verdict = certify(Warehouse(options.home), strategy, options.month)
    print(f"{strategy.strategy_id} {options.month}: {verdict.status}" + (f", objective {verdict.objective}" if verdict.objective else ""))
    _print_tables(verdict)
    for failure in verdict.failures:
        print(f"FAILED {failure}")
    if not verdict.failures:
        gap = next(figure.again for figure in verdict.figures if figure.name == "gap")
        print(f"certified: no portfolio of this mandate is better by more than {gap:.3%}, proven again from the stored tables")
    return 1 if verdict.failures else 0


def _print_tables(verdict: Verdict) -> None:
    if verdict.figures:
        print(f"{'figure':<44} {'stored':>12} {'again':>12}")
    for figure in verdict.figures:
        print(f"{figure.name:<44} {figure.stored:>12.6g} {figure.again:>12.6g}")
    if verdict.rooms:
        print(f"{'rule':<44} {'least':>9} {'value':>9} {'most':>9} {'room':>9}")
    for row in bands(verdict.rooms).to_dicts():
        least, value, most = (f"{row[side]:9.4g}" if row[side] is not None else " " * 9 for side in ("least", "value", "most"))
        room = "binds" if row["room"] <= NO_ROOM else f"{row['room']:.4f}".rstrip("0").rstrip(".")
        print(f"{row['rule']:<44} {least} {value} {most} {room:>9}")
