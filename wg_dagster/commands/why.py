"""`wg why`: why a name is in a portfolio or is not, in plain words."""

import argparse

import polars as pl

from wg_dagster.config import load_config
from wg_dagster.errors import OutsideData
from wg_dagster.selection.decisions_words import find_security, outside_words, sentences
from wg_dagster.strategies import find_strategy
from wg_dagster.warehouse import Warehouse


def explain(options: argparse.Namespace) -> int:
    """Print the decision on one name."""
    load_config(options.home)
    strategy, warehouse, month = find_strategy(options.strategy), Warehouse(options.home), options.month
    scope = strategy.strategy_id
    solutions = warehouse.read("portfolio_solutions", months=[month], scope=scope)
    if solutions.is_empty():
        raise OutsideData(f"{scope} has no portfolio of {month}; `wg status` lists the months that are there")
    decisions = warehouse.read("decisions", months=[month], scope=scope)
    if decisions.is_empty():
        raise OutsideData(f"{scope} decided nothing in {month}: {solutions['status'][0]}, {solutions['message'][0]}")
    columns = ["security_id", "vendor_symbol", "name", "market"]
    securities = warehouse.read("securities_clean", months=[month], columns=columns).filter(pl.col("market") == strategy.market)
    security = find_security(options.security, securities, decisions)
    names = {row["security_id"]: f"{row['name'] or row['security_id']} ({row['vendor_symbol']})" for row in securities.to_dicts()}
    print(f"{scope} {month}, decided at the close of {solutions['as_of_date'][0]}")
    found = decisions.filter(pl.col("security_id") == security)
    if found.height:
        lines = list(sentences(found.row(0, named=True), names, count=solutions["names"][0]))
    else:
        scores = warehouse.read("factor_scores", months=[month], scope=scope).filter(pl.col("security_id") == security)
        lines = [outside_words(scores.row(0, named=True) if scores.height else None, names[security])]
    print("\n".join(f"  {line}" for line in lines))
    return 0
