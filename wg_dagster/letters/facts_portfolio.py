"""Facts on the portfolio: sectors against the market, the mandate with pass or fail, the coming change, last month's trades."""

import math
from collections.abc import Iterator, Mapping
from datetime import date
from typing import Protocol

import polars as pl

from wg_dagster.letters.book import Fact, figure, text
from wg_dagster.letters.display import date_value
from wg_dagster.letters.facts_attribution import sector_words
from wg_dagster.letters.words import BENCHMARK_WORDS, STATUS_WORDS, Words, words_of
from wg_dagster.strategies import Strategy

WEIGHT_LIMIT = 0.10  # no name at ten percent or more: strictly below
_SLACK = 1e-6  # solvers meet a limit to about this
_HELD_FROM = 1e-9  # a smaller weight is a rounding of zero


class Portfolio(Protocol):
    """The tables that this module reads: rows of one strategy, of the month (`nav`: up to the month)."""

    @property
    def nav(self) -> pl.DataFrame: ...  # noqa: D102
    @property
    def holdings(self) -> pl.DataFrame: ...  # noqa: D102
    @property
    def trades(self) -> pl.DataFrame: ...  # noqa: D102
    @property
    def model_portfolios(self) -> pl.DataFrame: ...  # noqa: D102
    @property
    def portfolio_solutions(self) -> pl.DataFrame: ...  # noqa: D102
    @property
    def exposures(self) -> pl.DataFrame: ...  # noqa: D102
    @property
    def securities_clean(self) -> pl.DataFrame: ...  # noqa: D102


def portfolio_facts(tables: Portfolio, strategy: Strategy, month: str) -> Iterator[Fact]:
    """Facts on what is held, what was decided and what was traded."""
    key = {"strategy": strategy.strategy_id, "month": month}
    held = _closing_weights(tables.holdings)
    gaps = _sector_gaps(tables.exposures)
    yield from _limits(strategy)
    yield from _sectors(gaps, key)
    yield from _model(tables.portfolio_solutions, gaps, strategy, key)
    yield from _held(held, key)
    yield from _coming(tables, held, key)
    yield from _done(tables, key)


def _closing_weights(holdings: pl.DataFrame) -> pl.DataFrame:
    last = holdings.filter(pl.col("session_date") == pl.col("session_date").max(), pl.col("weight") > _HELD_FROM)
    return last.select("security_id", "weight").sort("security_id")


def _sector_gaps(exposures: pl.DataFrame) -> pl.DataFrame:
    """Sector weights of the model portfolio beside the market's; largest sector of the market first."""
    rows = exposures.filter(pl.col("factor").str.starts_with("sector:"))
    return rows.sort("benchmark", "factor", descending=[True, False])


def _sectors(gaps: pl.DataFrame, key: Mapping[str, object]) -> Iterator[Fact]:
    for number, row in enumerate(gaps.iter_rows(named=True), start=1):
        prefix, source = f"sector.{number:02d}", {**key, "factor": row["factor"]}
        yield from text(f"{prefix}.name", "sector", sector_words(row["factor"]), ("exposures", source))
        for column, unit in (("portfolio", "weight"), ("benchmark", "weight"), ("active", "points")):
            yield from figure(f"{prefix}.{column}", column, row[column], unit, ("exposures", source))


def _limits(strategy: Strategy) -> Iterator[Fact]:
    mandate = strategy.mandate
    limits = {
        "names_low": (mandate.names[0], "count"),
        "names_high": (mandate.names[1], "count"),
        "weight": (WEIGHT_LIMIT, "weight"),
        "sector": (mandate.sector_band, "band"),
        "risk_low": (mandate.risk_band[0], "ratio"),
        "risk_high": (mandate.risk_band[1], "ratio"),
    }
    for name, (value, unit) in limits.items():
        yield from figure(f"limit.{name}", "limit", value, unit, ("strategies", {"strategy": strategy.strategy_id, "mandate": name}))


def _model(solutions: pl.DataFrame, gaps: pl.DataFrame, strategy: Strategy, key: Mapping[str, object]) -> Iterator[Fact]:
    if solutions.is_empty():
        return
    solution = solutions.row(0, named=True)
    yield from text("model.status", "status", words_of(STATUS_WORDS, solution["status"] or ""), ("portfolio_solutions", key))
    if solution["status"] != "solved":
        yield from text("model.exception", "status", words_of(STATUS_WORDS, solution["status"] or ""), ("portfolio_solutions", key))
    if not solution["names"]:
        return
    units = {"names": "count", "max_weight": "weight", "risk_ratio": "ratio", "beta": "ratio", "risk_ratio_sp500": "ratio"}
    for column, unit in {**units, "turnover": "weight"}.items():
        yield from figure(f"model.{column}", column, solution[column], unit, ("portfolio_solutions", key))
    if solution["risk_ratio_sp500"] is not None:
        yield from text("sp500.name", "name", BENCHMARK_WORDS["sp500"], ("benchmark_nav", {"benchmark_id": "sp500"}))
    widest = max(gaps["active"].abs().to_list(), default=None)
    source = {**key, "statistic": "largest absolute sector gap"}
    yield from figure("model.sector_gap", "gap", widest, "band", ("exposures", source))
    yield from _verdicts(solution, widest, strategy, key)


def _verdicts(solution: Mapping[str, float | None], widest: float | None, strategy: Strategy, key: Mapping[str, object]) -> Iterator[Fact]:
    """Pass or fail of each rule, as far as its figure is known."""
    mandate = strategy.mandate
    low, high = mandate.risk_band
    floor = solution["beta"] if mandate.risk_floor == "beta" else solution["risk_ratio"]
    risk, largest, names, sp500 = (solution[column] for column in ("risk_ratio", "max_weight", "names", "risk_ratio_sp500"))
    verdicts = {
        "names": None if names is None else mandate.names[0] <= names <= mandate.names[1],
        "max_weight": None if largest is None else largest < WEIGHT_LIMIT,
        "sector_gap": None if widest is None else widest <= mandate.sector_band + _SLACK,
        "risk_ceiling": None if risk is None else risk <= high + _SLACK,
        "risk_floor": None if floor is None else floor >= low - _SLACK,
        "risk_ratio_sp500": None if sp500 is None else low - _SLACK <= sp500 <= high + _SLACK,
    }
    for rule, passed in verdicts.items():
        value = None if passed is None else float(passed)
        yield from figure(f"verdict.{rule}", "verdict", value, "verdict", ("portfolio_solutions", {**key, "rule": rule}))
    known = [passed for rule, passed in verdicts.items() if passed is not None and rule != "risk_ratio_sp500"]
    failed = {**key, "statistic": "rules of the mandate that fail"}
    yield from figure("verdict.failed", "verdict", float(known.count(False)) if known else None, "count", ("portfolio_solutions", failed))


def _held(held: pl.DataFrame, key: Mapping[str, object]) -> Iterator[Fact]:
    """Between rebalances weights drift: month end is held against the same limit."""
    if held.is_empty():
        return
    largest = max(held["weight"].to_list())
    yield from figure("held.names", "names", held.height, "count", ("holdings", {**key, "statistic": "names"}))
    yield from figure("held.max_weight", "max_weight", largest, "weight", ("holdings", {**key, "statistic": "largest weight"}))
    passed = float(largest < WEIGHT_LIMIT)
    yield from figure("verdict.held_max_weight", "verdict", passed, "verdict", ("holdings", {**key, "rule": "held_max_weight"}))


def _coming(tables: Portfolio, held: pl.DataFrame, key: Mapping[str, object]) -> Iterator[Fact]:
    """Names in, kept and out at the rebalance that was decided at month end; `now` is missing for new names, `target` for sold ones."""
    model = tables.model_portfolios
    if model.is_empty():
        return
    both = held.rename({"weight": "now"}).join(
        model.select("security_id", target="weight"), on="security_id", how="full", coalesce=True, validate="1:1"
    )
    kind = pl.when(pl.col("now").is_null()).then(0).when(pl.col("target").is_null()).then(2).otherwise(1)
    largest = pl.coalesce("target", "now")
    rows = both.with_columns(kind=kind, largest=largest).sort("kind", "largest", "security_id", descending=[False, True, False])
    described = _described(rows, tables.securities_clean)
    day = model["as_of_date"][0]
    yield from figure("coming.date", "as_of_date", date_value(day), "date", ("model_portfolios", {**key, "as_of_date": day.isoformat()}))
    for code, label in ((0, "in"), (1, "kept"), (2, "out")):
        count = rows.filter(pl.col("kind") == code).height
        yield from figure(f"coming.{label}", "names", count, "count", ("model_portfolios", {**key, "statistic": f"names {label}"}))
    for number, row in enumerate(described.iter_rows(named=True), start=1):
        prefix, source = f"name.{number:02d}", {**key, "security_id": row["security_id"]}
        yield from _who(prefix, row)
        yield from figure(f"{prefix}.now", "weight", row["now"], "weight", ("holdings", source))
        yield from figure(f"{prefix}.target", "weight", row["target"], "weight", ("model_portfolios", source))
        change = (row["target"] or 0.0) - (row["now"] or 0.0)
        table = "holdings" if row["target"] is None else "model_portfolios"
        yield from figure(f"{prefix}.change", "change", change, "points", (table, {**source, "statistic": "target less weight now"}))


def _described(rows: pl.DataFrame, securities: pl.DataFrame) -> pl.DataFrame:
    named = securities.select("security_id", "name", "sector").unique("security_id", keep="first", maintain_order=True)
    return rows.join(named, on="security_id", how="left", maintain_order="left")


def _who(prefix: str, row: Mapping[str, str | None]) -> Iterator[Fact]:
    name, source = row["name"] or str(row["security_id"]), {"security_id": row["security_id"]}
    yield from text(f"{prefix}.name", "name", Words(name, name), ("securities_clean", source))
    yield from text(f"{prefix}.sector", "sector", sector_words(row["sector"]), ("securities_clean", source))


def _done(tables: Portfolio, key: Mapping[str, object]) -> Iterator[Fact]:
    """What was filled at the month's first session: last month's decision; and what was sold because it was delisted later."""
    first = tables.nav.filter(pl.col("month") == key["month"])["session_date"].min()
    if not isinstance(first, date):
        return
    trades = tables.trades.filter(pl.col("trade_date") == first).sort("security_id")
    later = tables.trades.filter(pl.col("trade_date") > first)
    yield from figure("done.delisted", "names", later.height or None, "count", ("trades", {**key, "statistic": "names sold later on"}))
    if trades.is_empty():
        return
    turnover = math.fsum((trades["weight_after"] - trades["weight_before"]).abs()) / 2
    yield from figure("done.date", "trade_date", date_value(first), "date", ("trades", {**key, "trade_date": first.isoformat()}))
    yield from figure("done.turnover", "turnover", turnover, "weight", ("trades", {**key, "statistic": "half the sum of weight changes"}))
    yield from figure("done.cost", "cost", math.fsum(trades["cost"]), "cost", ("trades", {**key, "statistic": "sum of cost"}))
    bought = trades.filter(pl.col("weight_before") <= _HELD_FROM, pl.col("weight_after") > _HELD_FROM)
    sold = trades.filter(pl.col("weight_after") <= _HELD_FROM, pl.col("weight_before") > _HELD_FROM)
    for group, rows, column in (("bought", bought, "weight_after"), ("sold", sold, "weight_before")):
        yield from figure(f"done.{group}", "names", rows.height, "count", ("trades", {**key, "statistic": f"names {group}"}))
        listed = _described(rows.sort(column, "security_id", descending=[True, False]), tables.securities_clean)
        for number, row in enumerate(listed.iter_rows(named=True), start=1):
            yield from _who(f"{group}.{number:02d}", row)
            source = {**key, "security_id": row["security_id"]}
            yield from figure(f"{group}.{number:02d}.weight", column, row[column], "weight", ("trades", source))
