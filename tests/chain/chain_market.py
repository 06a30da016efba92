"""The market that the tests of the whole chain share: the smallest in which all three strategies hold portfolios each month of 2025."""

import shutil
from collections.abc import Sequence
from functools import cache
from pathlib import Path

import polars as pl
from chain_dbt import in_process
from tampered import raw_rows

from wg_dagster.calendars import month_shift, months_between
from wg_dagster.ingest.adapter import Adapter
from wg_dagster.ingest.synthetic import SyntheticMarket
from wg_dagster.schemas.tables import FACTOR_TABLES, TABLES
from wg_dagster.strategies import STRATEGIES
from wg_dagster.walk import walk
from wg_dagster.warehouse import Warehouse, content_hash

FIRST, LAST = "2023-07", "2026-01"
MONTHS = months_between("2025-01", "2025-12")  # with portfolios: statements of six quarters lie before them, a month after them
TOLD = MONTHS[:4]  # with letters
BEFORE = months_between(FIRST, "2024-12")  # cleaned in batches of their own, so that they never see 2025
SINCE = months_between("2025-01", LAST)
DECIDED = (*FACTOR_TABLES, "universe_members", "factor_scores", "candidates", "model_portfolios", "portfolio_solutions")


def market(world: str = "base") -> SyntheticMarket:
    """180 US and 80 Japanese names."""
    return SyntheticMarket(7, n_us=180, n_jp=80, first=FIRST, last=LAST, world=world)


@cache
def raw() -> dict[str, pl.DataFrame]:
    """All raw rows of the market, made once a process."""
    return raw_rows(market(), months_between(FIRST, LAST))


def build_homes(folder: Path) -> None:
    """`before`: history up to 2024, cleaned. `undisturbed`: everything, portfolios of 2025, letters of its first months."""
    before = Warehouse(folder / "before")
    adapter = market()
    walk(before, adapter, history=BEFORE, months=[], until="clean")
    before.publish()
    undisturbed = copy_of(folder / "before", folder / "undisturbed")
    with in_process():
        walk(undisturbed, adapter, history=SINCE, months=MONTHS, until="portfolio")
        undisturbed.publish()
        walk(undisturbed, adapter, history=SINCE, months=TOLD, until="letter")
        undisturbed.publish()


def copy_of(home: Path, to: Path) -> Warehouse:
    """A home of its own with the same tables."""
    shutil.copytree(home, to)
    return Warehouse(to)


def decided(warehouse: Warehouse, month: str) -> dict[str, pl.DataFrame]:
    """What is decided at a month's cut-off: factors, universe, scores, candidates, portfolio."""
    return {table: warehouse.read(table, months=[month]).sort(TABLES[table].key) for table in DECIDED}


def different(one: dict[str, pl.DataFrame], other: dict[str, pl.DataFrame]) -> list[str]:
    """Tables that are not the same byte for byte."""
    return [table for table in one if content_hash(one[table]) != content_hash(other[table])]


def decide_again(home: Path, adapter: Adapter, month: str, undisturbed: Warehouse, *, history: Sequence[str] = ()) -> Warehouse:
    """Land and clean `history` (default: 2025 up to the month after) from `adapter`, and decide one month; last month's portfolio is given."""
    history = history or months_between(SINCE[0], month_shift(month, 1))
    warehouse = Warehouse(home)
    for strategy in STRATEGIES:
        last = month_shift(month, -1)
        warehouse.write_months(
            "model_portfolios", undisturbed.read("model_portfolios", months=[last], scope=strategy), [last], scope=strategy
        )
    with in_process():
        walk(warehouse, adapter, history=history, months=[month], until="portfolio")
    return warehouse
