"""The stations after nav: performance, factor returns, attribution, exposures."""

from collections.abc import Sequence
from pathlib import Path

import polars as pl

from optimizer import cross_section, measures
from wg_dagster import calendars, strategies
from wg_dagster.calendars import month_shift
from wg_dagster.performance import attribution, book, brinson, explain, exposures, linking, measures_table, returns
from wg_dagster.performance.book import open_book
from wg_dagster.performance.explain import explain_month, with_scores
from wg_dagster.performance.exposures import exposure_rows
from wg_dagster.performance.measures_table import performance_rows
from wg_dagster.performance.returns import levels_of
from wg_dagster.schemas.tables import TABLES
from wg_dagster.stations import HISTORY, Reader, Reads, Station
from wg_dagster.strategies import Strategy

_BATCH = 12
_HERE = Path(__file__)


def _build_performance(reader: Reader, months: Sequence[str], strategy: Strategy) -> dict[str, pl.DataFrame]:
    rows = performance_rows(strategy, list(months), reader.read("nav"), reader.read("benchmark_nav"), reader.read("rates_clean"))
    return {"performance": rows}


def _build_attribution(reader: Reader, months: Sequence[str], strategy: Strategy) -> dict[str, pl.DataFrame]:
    universe, scores, nav = (reader.read(table) for table in ("universe_members", "factor_scores", "nav"))
    holdings, trades = reader.read("holdings"), reader.read("trades")
    levels = levels_of(reader.read("benchmark_nav"), strategy.benchmarks[0], strategy.currency)
    prices = reader.read("prices_clean", columns=["month", "market", "security_id", "session_date", "close", "return_1e9"])
    prices = prices.filter(pl.col("market") == strategy.market)
    parts: dict[str, list[pl.DataFrame]] = {"factor_returns": [], "attribution": []}
    verdicts = []
    for month in months:
        known = pl.col("month") == month_shift(month, -1)
        members = with_scores(universe.filter(known), scores.filter(known))
        opened = open_book(
            month,
            members,
            nav=nav,
            levels=levels,
            holdings=holdings,
            trades=trades.filter(pl.col("month") == month),
            prices=prices.filter(pl.col("month") == month),
        )
        if opened is None:
            continue
        built, row = explain_month(strategy, month, opened, members)
        for table, rows in built.items():
            parts[table].append(rows)
        verdicts.append(row)
    checks = pl.DataFrame(verdicts, schema=TABLES["checks"].schema)
    return {**{table: pl.concat([TABLES[table].empty(), *rows]) for table, rows in parts.items()}, "checks": checks}


def _build_exposures(reader: Reader, months: Sequence[str], _: Strategy) -> dict[str, pl.DataFrame]:
    portfolio, universe, scores = (reader.read(table) for table in ("model_portfolios", "universe_members", "factor_scores"))
    frames = [exposure_rows(*(rows.filter(pl.col("month") == month) for rows in (portfolio, universe, scores))) for month in months]
    return {"exposures": pl.concat([TABLES["exposures"].empty(), *frames])}


STATIONS = (
    Station(
        name="performance",
        description="Returns, risk and drawdowns in each window, against each benchmark over the same dates",
        group="performance",
        reads=(Reads("nav", back=HISTORY), Reads("benchmark_nav", back=HISTORY), Reads("rates_clean", back=HISTORY)),
        writes=("performance",),
        build=_build_performance,
        code=(_HERE, measures, measures_table, returns, strategies),
        by_strategy=True,
        batch=_BATCH,
    ),
    Station(
        name="attribution",
        description="The month's active return by factor, sector, name, trading and cost; and the factor returns themselves",
        group="performance",
        reads=(
            Reads("universe_members", back=1, own=False),
            Reads("factor_scores", back=1, own=False),
            Reads("nav", back=1),
            Reads("benchmark_nav", back=1),
            Reads("holdings", back=1),
            Reads("trades"),
            Reads("prices_clean"),
        ),
        writes=("factor_returns", "attribution"),
        build=_build_attribution,
        code=(_HERE, attribution, book, brinson, calendars, explain, cross_section, linking, returns, strategies),
        by_strategy=True,
        batch=_BATCH,
    ),
    Station(
        name="exposures",
        description="Scores and sector weights of the coming portfolio beside those of the benchmark or its proxy",
        group="performance",
        reads=(Reads("model_portfolios"), Reads("universe_members"), Reads("factor_scores")),
        writes=("exposures",),
        build=_build_exposures,
        code=(_HERE, exposures, strategies),
        by_strategy=True,
        batch=_BATCH,
    ),
)
