"""The facts of a letter, read from the tables of the chain: header, summary of all strategies, performance, series of the charts."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import polars as pl

from wg_dagster.calendars import CALENDAR_OF_MARKET, cutoff
from wg_dagster.letters.book import Fact, FactBook, Points, figure, series, text
from wg_dagster.letters.display import date_value, month_value
from wg_dagster.letters.facts_attribution import attribution_facts
from wg_dagster.letters.facts_portfolio import portfolio_facts
from wg_dagster.letters.words import BENCHMARK_WORDS, WINDOWS, Words, basis_words, words_of
from wg_dagster.performance.returns import drawdown_series, same_dates
from wg_dagster.strategies import STRATEGIES, Strategy

# Settings of the rules, each printed in the letter's notes.
LARGE_GAP = 0.05  # from five points on, an excess return counts as large
MATCHED_WITHIN = 0.0005  # below five basis points, strategy and benchmark count as equal
LONGEST_SERIES = 400  # more points than a chart of this width can show; longer series keep month ends and lows

METRIC_UNITS = {
    "return": "fraction",
    "benchmark_return": "fraction",
    "excess_return": "points",
    "volatility": "weight",
    "benchmark_volatility": "weight",
    "downside_deviation": "weight",
    "tracking_error": "weight",
    "sharpe": "ratio",
    "sortino": "ratio",
    "information_ratio": "ratio",
    "beta": "ratio",
    "max_drawdown": "fraction",
    "current_drawdown": "fraction",
    "gain_to_recover": "fraction",
    "hit_rate": "weight",
    "months": "count",
    "return_jpy": "fraction",
    "fx_return": "fraction",
    "fx_cross_term": "fraction",
    "benchmark_return_jpy": "fraction",
    "excess_return_jpy": "points",
    "benchmark_max_drawdown": "fraction",
    "drawdown_sessions": "count",
    "longest_recovery_sessions": "count",
}
_SUMMARY = (
    ("return", "1m"),
    ("benchmark_return", "1m"),
    ("excess_return", "1m"),
    ("return", "since_inception"),
    ("benchmark_return", "since_inception"),
    ("current_drawdown", "since_inception"),
    ("gain_to_recover", "since_inception"),
)
_PREFERRED_BASIS = ("gross_of_fees", "net_of_costs", "monthly")


@dataclass(frozen=True)
class Sources:
    """Rows that the facts of one letter are read from, by table.

    `performance` of all strategies and the month; `nav`, `benchmark_nav` and `factor_returns` up to the month; the others of the month.
    """

    performance: pl.DataFrame
    nav: pl.DataFrame
    benchmark_nav: pl.DataFrame
    holdings: pl.DataFrame
    attribution: pl.DataFrame
    exposures: pl.DataFrame
    factor_returns: pl.DataFrame
    trades: pl.DataFrame
    model_portfolios: pl.DataFrame
    portfolio_solutions: pl.DataFrame
    securities_clean: pl.DataFrame


def letter_facts(sources: Sources, strategy: Strategy, month: str) -> FactBook:
    """All facts of one strategy's letter; there must be a nav in the month."""
    return FactBook(
        [
            *_header(sources, strategy, month),
            *_benchmark(sources, strategy),
            *_own_performance(sources, strategy, month),
            *_summary(sources, month),
            *_series(sources, strategy),
            *attribution_facts(sources, strategy, month),
            *portfolio_facts(sources, strategy, month),
        ]
    )


def _header(sources: Sources, strategy: Strategy, month: str) -> Iterator[Fact]:
    key = {"strategy": strategy.strategy_id}
    nav = sources.nav.sort("session_date")
    yield from text("strategy.name", "name", Words(strategy.name_ja, strategy.name_en), ("strategies", key))
    yield from text("strategy.currency", "currency", Words(strategy.currency, strategy.currency), ("strategies", key))
    if strategy.factors_assumed:
        yield from text("strategy.assumed", "factors_assumed", Words("仮定を含む", "assumed"), ("strategies", key))
    yield from figure("letter.month", "month", month_value(month), "month", ("nav", {**key, "month": month}))
    for fact_id, day in (("letter.as_of", nav["session_date"][-1]), ("letter.inception", nav["session_date"][0])):
        yield from figure(fact_id, "session_date", date_value(day), "date", ("nav", {**key, "session_date": day.isoformat()}))
    calendar = CALENDAR_OF_MARKET[strategy.market]
    at = cutoff(calendar, month).timestamp() // 60 * 60  # the last minute of the day: seconds are not printed
    yield from figure("letter.known_until", "cutoff_at", at, "instant", ("sessions", {"exchange": calendar, "month": month}))
    last = {**key, "session_date": nav["session_date"][-1].isoformat()}
    yield from figure("letter.nav", "nav", nav["nav"][-1], "level", ("nav", last))
    yield from figure("letter.cash", "cash_weight", nav["cash_weight"][-1], "weight", ("nav", last))
    yield from figure("setting.large_gap", "setting", LARGE_GAP, "band", ("settings", {"name": "LARGE_GAP"}))
    yield from figure("setting.matched_within", "setting", MATCHED_WITHIN, "band", ("settings", {"name": "MATCHED_WITHIN"}))


def _benchmark(sources: Sources, strategy: Strategy) -> Iterator[Fact]:
    for group, benchmark_id in zip(("benchmark", "second"), strategy.benchmarks[:2], strict=False):
        rows = sources.benchmark_nav.filter(pl.col("benchmark_id") == benchmark_id).sort("session_date")
        key = {"benchmark_id": benchmark_id}
        yield from text(f"{group}.name", "name", words_of(BENCHMARK_WORDS, benchmark_id), ("benchmark_nav", key))
        if rows.height:
            last = rows.row(-1, named=True)
            kind = basis_words(" ".join(_benchmark_tokens(last)))
            yield from text(f"{group}.kind", "kind", kind, ("benchmark_nav", {**key, "session_date": last["session_date"].isoformat()}))


def _benchmark_tokens(row: dict[str, object]) -> list[str]:
    tokens = [str(row["currency"]), "total_return" if row["is_total_return"] else "price_return"]
    return [*tokens, "proxy"] if row["is_proxy"] else tokens


def _own_performance(sources: Sources, strategy: Strategy, month: str) -> Iterator[Fact]:
    bases: set[str] = set()
    for group, benchmark_id in zip(("own", "second"), strategy.benchmarks[:2], strict=False):
        found = _measures(sources.performance, strategy.strategy_id, benchmark_id, month)
        for (metric, window), row in sorted(found.items()):
            if metric in METRIC_UNITS and window in WINDOWS:
                facts = figure(f"{group}.{metric}.{window}", metric, row["value"], METRIC_UNITS[metric], ("performance", _key(row)))
                yield from facts
                bases |= {str(row["basis"])} if facts else set()
    ordered = sorted(bases, key=lambda basis: (strategy.currency not in basis.split(), _distance_of_basis({"basis": basis})))
    for mark, basis in zip("abcdefghijklmnopqrstuvwxyz", ordered, strict=False):
        yield from text(f"basis.{mark}", "basis", basis_words(basis), ("performance", {"basis": basis}))


def _summary(sources: Sources, month: str) -> Iterator[Fact]:
    present = set(sources.performance.filter(pl.col("month") == month)["strategy"])
    for number, strategy in enumerate((one for one in STRATEGIES.values() if one.strategy_id in present), start=1):
        prefix = f"all.{number:02d}"
        own = strategy.benchmarks[0]
        key = {"strategy": strategy.strategy_id}
        yield from text(f"{prefix}.name", "name", Words(strategy.name_ja, strategy.name_en), ("strategies", key))
        yield from text(f"{prefix}.benchmark", "name", words_of(BENCHMARK_WORDS, own), ("strategies", key))
        found = _measures(sources.performance, strategy.strategy_id, own, month)
        for metric, window in _SUMMARY:
            if (metric, window) in found:
                row = found[metric, window]
                yield from figure(f"{prefix}.{metric}.{window}", metric, row["value"], METRIC_UNITS[metric], ("performance", _key(row)))
        if ("return", "1m") in found:
            basis = str(found["return", "1m"]["basis"])
            yield from text(f"{prefix}.basis", "basis", basis_words(basis), ("performance", _key(found["return", "1m"])))


def _series(sources: Sources, strategy: Strategy) -> Iterator[Fact]:
    """Lines of the charts: strategy and benchmark start at the close of the same first session."""
    levels = sources.benchmark_nav.filter(pl.col("benchmark_id") == strategy.benchmarks[0])
    dated = same_dates(sources.nav, levels)
    grown = dated.with_columns(value=pl.col("nav") / pl.col("nav").first() - 1.0)
    index = dated.with_columns(value=pl.col("level") / pl.col("level").first() - 1.0)
    fallen = drawdown_series(sources.nav).rename({"drawdown": "value"})
    key = {"strategy": strategy.strategy_id}
    yield from series("series.portfolio", "cumulative_return", _points(grown), ("nav", key))
    yield from series("series.benchmark", "cumulative_return", _points(index), ("benchmark_nav", {"benchmark_id": strategy.benchmarks[0]}))
    yield from series("series.drawdown", "drawdown", _points(fallen, keep_lows=True), ("nav", key))


def _points(rows: pl.DataFrame, *, keep_lows: bool = False) -> Points:
    """(day, value), oldest first; a long series keeps its first point, its month ends, and on wish the low of each month."""
    rows = rows.select("session_date", "value").drop_nulls()
    if rows.height > LONGEST_SERIES:
        month = pl.col("session_date").dt.strftime("%Y-%m")
        kept = pl.col("session_date") == pl.col("session_date").max().over(month)
        if keep_lows:
            kept |= pl.col("session_date") == pl.col("session_date").sort_by("value", "session_date").first().over(month)
        rows = rows.filter(kept | (pl.int_range(pl.len()) == 0))
    return [(day, round(value, 8)) for day, value in rows.iter_rows()]


def _measures(performance: pl.DataFrame, strategy_id: str, benchmark_id: str, month: str) -> dict[tuple[str, str], dict[str, Any]]:
    """(metric, window) -> row; where a figure is given on several bases, the one nearest to the preferred basis."""
    rows = performance.filter(pl.col("strategy") == strategy_id, pl.col("benchmark_id") == benchmark_id, pl.col("month") == month)
    ordered = sorted(rows.iter_rows(named=True), key=_distance_of_basis, reverse=True)
    return {(str(row["metric"]), str(row["window"])): row for row in ordered}


def _distance_of_basis(row: dict[str, object]) -> tuple[int, int, str]:
    tokens = str(row["basis"]).split()
    return (sum(token not in tokens for token in _PREFERRED_BASIS), len(tokens), " ".join(tokens))


def _key(row: dict[str, object]) -> dict[str, object]:
    names: Iterable[str] = ("strategy", "month", "benchmark_id", "metric", "window", "basis")
    return {name: row[name] for name in names}
