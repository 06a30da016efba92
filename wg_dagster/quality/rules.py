"""Which checks each table has, and their verdicts for some months."""

from collections.abc import Callable, Sequence

import polars as pl

from wg_dagster.quality.benchmarks import check_benchmarks
from wg_dagster.quality.books import check_attribution, check_nav, check_trades
from wg_dagster.quality.factors import check_factor
from wg_dagster.quality.figures import Finding, verdicts
from wg_dagster.quality.fundamentals import check_fundamentals
from wg_dagster.quality.labels import check_labels
from wg_dagster.quality.looks import Stored
from wg_dagster.quality.overdue import check_announcements
from wg_dagster.quality.price_breaks import check_breaks
from wg_dagster.quality.prices import check_prices
from wg_dagster.quality.rates import check_rates
from wg_dagster.quality.selection import (
    check_candidates,
    check_evidence,
    check_portfolio,
    check_risk,
    check_scores,
    check_solutions,
    check_universe,
)
from wg_dagster.quality.statement_breaks import check_statements
from wg_dagster.quality.survivorship import check_securities
from wg_dagster.quality.usual import as_usual
from wg_dagster.schemas.tables import FACTOR_TABLES, TABLES

Rule = Callable[[pl.DataFrame, Sequence[str], Stored, str], list[Finding]]

RULES: dict[str, Rule] = {
    "securities_clean": lambda rows, months, stored, _: check_securities(rows, months, stored),
    "prices_clean": lambda rows, months, stored, _: as_usual(
        check_prices(rows, months, stored) + check_breaks(rows, months, stored), stored("prices")
    ),
    "fundamentals_clean": lambda rows, months, stored, _: as_usual(
        check_fundamentals(rows, months, stored) + check_statements(rows, months, stored) + check_labels(rows, months, stored),
        stored("fundamentals"),
    ),
    "announcements_clean": lambda rows, months, stored, _: as_usual(
        check_announcements(rows, months, stored), stored("earnings_announcements")
    ),
    "rates_clean": lambda rows, months, stored, _: check_rates(rows, months, stored),
    "benchmark_nav": lambda rows, months, stored, _: check_benchmarks(rows, months, stored),
    "universe_members": lambda rows, months, stored, _: check_universe(rows, months, stored),
    "factor_scores": lambda rows, _months, _stored, strategy: check_scores(rows, strategy),
    "candidates": lambda rows, _months, _stored, _: check_candidates(rows),
    "search_evidence": lambda rows, _months, _stored, _: check_evidence(rows),
    "portfolio_solutions": lambda rows, _months, _stored, _: check_solutions(rows),
    "risk_bias": lambda rows, _months, _stored, _: check_risk(rows),
    "model_portfolios": lambda rows, _, stored, strategy: check_portfolio(rows, stored, strategy),
    "trades": lambda rows, _months, stored, _: check_trades(rows, stored),
    "nav": check_nav,
    "attribution": lambda rows, _months, _stored, _: check_attribution(rows),
    **{table: (lambda rows, months, stored, _, table=table: check_factor(table, rows, months, stored)) for table in FACTOR_TABLES},
}


def judge(station: str, table: str, rows: pl.DataFrame, months: Sequence[str], *, stored: Stored, strategy: str | None) -> pl.DataFrame:
    """Verdicts on the rows of some months of a table, beyond the gate's: rows of `checks`.

    Parameters
    ----------
    rows
        What passed the gate, all columns of the table's contract.
    months
        The months that were built. A month in which a check has nothing to compare gets no verdict of it.
    stored
        Gives the stored rows that `quality/looks.py` declares for the table.
    """
    if table not in RULES:
        return TABLES["checks"].empty()
    findings = RULES[table](rows, months, stored, strategy or "")
    found = [row for finding in findings for row in verdicts(finding, station, table, strategy)]
    return pl.DataFrame(found, schema=TABLES["checks"].schema) if found else TABLES["checks"].empty()
