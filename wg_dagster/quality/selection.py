"""Checks of what a strategy decides: its universe, scores, candidates and portfolio."""

from collections import defaultdict
from collections.abc import Sequence
from itertools import pairwise

import polars as pl

from wg_dagster.quality.figures import Figure, Finding, counted, figures_of
from wg_dagster.quality.looks import Stored
from wg_dagster.quality.thresholds import THRESHOLDS
from wg_dagster.selection.universe import UNKNOWN_SECTOR
from wg_dagster.strategies import find_strategy

_ISSUER_LIMIT = 0.10  # strictly under
_FEWEST_TOLD = 12  # months of forecasts
_UNDECIDED = ["kept_previous", "no_portfolio", "not_runnable"]
_MONTH = ("month", pl.lit("").alias("part"))


def check_universe(rows: pl.DataFrame, months: Sequence[str], stored: Stored) -> list[Finding]:
    """Size, turnover, sectors and benchmark weights of `universe_members`."""
    members = defaultdict(set)
    for month, name in (*stored("universe_members").iter_rows(), *rows.select("month", "security_id").iter_rows()):
        members[month].add(name)
    sizes, kept, lost = [], [], []
    for before, month in pairwise(sorted({*members, *months})):
        old, new = members[before], members[month]
        if month in months and old:
            sizes.append(Figure(month, "", abs(len(new) - len(old)) / len(old), abs(len(new) - len(old)), len(new)))
            kept.append(Figure(month, "", len(old & new) / len(old), len(old - new), len(old)))
            lost += [(month, name) for name in old - new]
    unknown = pl.col("sector").is_null() | (pl.col("sector") == UNKNOWN_SECTOR)
    return [
        Finding("universe_size", sizes),
        Finding("universe_kept", kept, lambda: pl.DataFrame(lost, schema=["month", "security_id"], orient="row")),
        Finding("sector_unknown", _by_month(rows, unknown.mean(), unknown.sum()), lambda: rows.filter(unknown)),
        Finding("benchmark_weights", _off(rows, "benchmark_weight", 1.0)),
    ]


def check_scores(rows: pl.DataFrame, strategy: str) -> list[Finding]:
    """Members that have enough of the strategy's factors."""
    few = pl.col("coverage") < find_strategy(strategy).minimum_factor_share - 1e-9
    return [Finding("scored_members", _by_month(rows, (~few).mean(), few.sum()), lambda: rows.filter(few))]


def check_candidates(rows: pl.DataFrame) -> list[Finding]:
    """The length of the list."""
    wanted = int(THRESHOLDS["candidate_count"].limit)
    figures = [Figure(month, "", float(count), wanted - count, count) for month, count in rows.group_by("month").len().iter_rows()]
    return [Finding("candidate_count", figures)]


def check_solutions(rows: pl.DataFrame) -> list[Finding]:
    """Whether each month has a portfolio of its own."""
    undecided = pl.col("status").is_in(_UNDECIDED)
    return [Finding("portfolio_decided", _by_month(rows, undecided.sum().cast(pl.Float64), undecided.sum()))]


def check_evidence(rows: pl.DataFrame) -> list[Finding]:
    """The gate of the factor search: where it fails, no challenger may be recommended."""

    def figures(statistic: str) -> list[Figure]:
        return _by_month(rows.filter(pl.col("statistic") == statistic), pl.col("value").max(), pl.len())

    return [Finding("search_overfitted", figures("pbo")), Finding("search_luck", figures("spa_p"))]


def check_risk(rows: pl.DataFrame) -> list[Finding]:
    """Whether the forecasts of the last months came true for the portfolio and its benchmark, where there are enough months."""
    told = rows.filter(pl.col("item").is_in(["portfolio", "benchmark"]) & (pl.col("months") >= _FEWEST_TOLD))
    away = told.select("month", "item", (pl.col("realised_over_forecast_24m") - 1.0).abs(), pl.lit(1, pl.Int64), "months")
    return [Finding("risk_came_true", figures_of(away.sort("month", "item")))]


def check_portfolio(rows: pl.DataFrame, stored: Stored, strategy: str) -> list[Finding]:
    """Names, weights and issuers of `model_portfolios` against the mandate; judged where there is a portfolio.

    A portfolio that was kept from the month before may have lost names and hold cash: `portfolio_decided` tells of it.
    """
    mandate = find_strategy(strategy).mandate
    fewest, most = mandate.names
    issuer_of = {(month, name): issuer for month, name, issuer in stored("universe_members").iter_rows()}
    names, issuers, heavy = defaultdict(int), defaultdict(float), []
    for month, name, weight in rows.sort("month", "security_id").select("month", "security_id", "weight").iter_rows():
        names[month] += 1
        issuers[month, issuer_of.get((month, name)) or name] += weight
    large = {month: sum(owner == month and weight >= _ISSUER_LIMIT for (owner, _), weight in issuers.items()) for month in names}
    kept = {month for month, status in stored("portfolio_solutions").iter_rows() if status == "kept_previous"}
    beyond = {month: 0 if month in kept else max(fewest - count, count - most, 0) for month, count in names.items()}
    heavy = [(month, issuer) for (month, issuer), weight in issuers.items() if weight >= _ISSUER_LIMIT]
    return [
        Finding("portfolio_names", [Figure(month, "", float(beyond[month]), beyond[month], count) for month, count in names.items()]),
        Finding("portfolio_weights", _off(rows.filter(~pl.col("month").is_in(kept)), "weight", 1.0 - mandate.cash)),
        Finding(
            "issuer_weight",
            [Figure(month, "", float(large[month]), large[month], count) for month, count in names.items()],
            lambda: pl.DataFrame(heavy, schema=["month", "security_id"], orient="row"),
        ),
    ]


def _by_month(rows: pl.DataFrame, value: pl.Expr, failed: pl.Expr) -> list[Figure]:
    return figures_of(rows.group_by(_MONTH).agg(counted(value, failed)))


def _off(rows: pl.DataFrame, column: str, whole: float) -> list[Figure]:
    """How far a month's weights are from what they should sum to."""
    ordered = rows.sort("month", "security_id")
    return figures_of(ordered.group_by(_MONTH, maintain_order=True).agg(counted((pl.col(column).sum() - whole).abs(), pl.len())))
