"""Facts on where the excess return of the month came from: waterfall, factors, sectors, names, and what the market paid for."""

import math
from collections.abc import Iterator, Mapping
from typing import Protocol

import polars as pl

from wg_dagster.letters.book import Fact, figure, text
from wg_dagster.letters.words import EFFECT_WORDS, FACTOR_WORDS, SECTOR_WORDS, Words, words_of
from wg_dagster.schemas.columns import FACTORS
from wg_dagster.strategies import Strategy

SHOWN_FACTORS = 5  # bars of the waterfall; the others are one bar
SHOWN_NAMES = 5  # at each end
SHOWN_MARKET = 3  # factors whose month was extreme
HISTORY_NEEDED = 24  # months of factor returns before a month may be called extreme
EXTREME_SHARE = 0.8  # a factor return above this share of its past (or below one minus it) is extreme
_ORDER = ("market", "sector", "specific", "trading", "cost", "cash", "currency", "index_minus_proxy")
_LAST = "unexplained"
Bar = tuple[Words, float, dict[str, object]]  # name, value, where the value stands


class Explained(Protocol):
    """The tables that this module reads: rows of one strategy, of the month (`factor_returns`: up to the month)."""

    @property
    def attribution(self) -> pl.DataFrame: ...  # noqa: D102
    @property
    def exposures(self) -> pl.DataFrame: ...  # noqa: D102
    @property
    def factor_returns(self) -> pl.DataFrame: ...  # noqa: D102
    @property
    def securities_clean(self) -> pl.DataFrame: ...  # noqa: D102


def attribution_facts(tables: Explained, strategy: Strategy, month: str) -> Iterator[Fact]:
    """Facts of scheme `factor`."""
    key = {"strategy": strategy.strategy_id, "month": month}
    lines = tables.attribution.filter(pl.col("month") == month, pl.col("scheme") == "factor").drop_nulls("value").sort("effect", "item")
    paid = tables.factor_returns.filter(pl.col("month") == month)
    yield from _waterfall(lines, key)
    yield from _factors(lines, tables.exposures, paid, strategy, key)
    yield from _names(lines, tables.securities_clean, key)
    yield from _market(tables.factor_returns, month, key)
    yield from _sector_returns(paid, key)


def _waterfall(lines: pl.DataFrame, key: Mapping[str, object]) -> Iterator[Fact]:
    """Bars in order; together they are the excess return."""
    sums = {effect: math.fsum(lines.filter(pl.col("effect") == effect)["value"]) for effect in sorted(set(lines["effect"]))}
    total = sums.pop("total", None)
    sums.pop("factor", None)
    extra = [effect for effect in sums if effect not in (*_ORDER, _LAST)]
    bars: list[Bar] = []
    for effect in (*_ORDER, *extra, _LAST):
        if effect in sums:
            bars.append((words_of(EFFECT_WORDS, effect), sums[effect], {"effect": effect}))
        if effect == "market":
            bars += _factor_bars(lines)
    for number, (words, value, where) in enumerate(bars, start=1):
        source = {**key, "scheme": "factor", **where}
        yield from text(f"step.{number:02d}.name", "effect", words, ("attribution", source))
        yield from figure(f"step.{number:02d}.value", "effect", value, "points", ("attribution", source))
    yield from figure("effect.total", "effect", total, "points", ("attribution", {**key, "scheme": "factor", "effect": "total"}))
    yield from _extremes(bars, key)


def _factor_bars(lines: pl.DataFrame) -> Iterator[Bar]:
    rows = lines.filter(pl.col("effect") == "factor").select("item", "value").rows()
    rows.sort(key=lambda row: (-abs(row[1]), row[0]))
    for item, value in rows[:SHOWN_FACTORS]:
        yield words_of(FACTOR_WORDS, item), value, {"effect": "factor", "item": item}
    if rest := rows[SHOWN_FACTORS:]:
        items = sorted(item for item, _ in rest)
        yield Words("その他のファクター", "Other factors"), math.fsum(value for _, value in rest), {"effect": "factor", "items": items}


def _extremes(bars: list[Bar], key: Mapping[str, object]) -> Iterator[Fact]:
    named = [bar for bar in bars if bar[2]["effect"] != _LAST and "items" not in bar[2]]
    if not named:
        return
    for label, (words, value, where) in (("best", max(named, key=_value)), ("worst", min(named, key=_value))):
        source = {**key, "scheme": "factor", **where}
        yield from text(f"effect.{label}.name", "effect", words, ("attribution", source))
        yield from figure(f"effect.{label}.value", "effect", value, "points", ("attribution", source))


def _value(bar: Bar) -> float:
    return bar[1]


def _factors(
    lines: pl.DataFrame, exposures: pl.DataFrame, paid: pl.DataFrame, strategy: Strategy, key: Mapping[str, object]
) -> Iterator[Fact]:
    held = {row["factor"]: row for row in exposures.iter_rows(named=True)}
    returns = dict(paid.select("factor", "value").iter_rows())
    contributions = dict(lines.filter(pl.col("effect") == "factor").select("item", "value").iter_rows())
    for number, factor in enumerate(FACTORS, start=1):
        prefix = f"factor.{number:02d}"
        if factor not in held and factor not in returns:
            continue
        yield from text(f"{prefix}.name", "factor", FACTOR_WORDS[factor], ("exposures", {**key, "factor": factor}))
        if factor in strategy.factors:
            chosen = {"strategy": key["strategy"], "factor": factor}
            yield from text(f"{prefix}.chosen", "factor", Words("採用", "chosen"), ("strategies", chosen))
        for column in ("portfolio", "benchmark", "active"):
            value = held[factor][column] if factor in held else None
            yield from figure(f"{prefix}.{column}", column, value, "score", ("exposures", {**key, "factor": factor}))
        yield from figure(
            f"{prefix}.return", "factor_return", returns.get(factor), "fraction", ("factor_returns", {**key, "factor": factor})
        )
        source = {**key, "scheme": "factor", "effect": "factor", "item": factor}
        yield from figure(f"{prefix}.contribution", "effect", contributions.get(factor), "points", ("attribution", source))


def _names(lines: pl.DataFrame, securities: pl.DataFrame, key: Mapping[str, object]) -> Iterator[Fact]:
    names = dict(securities.select("security_id", "name").iter_rows())
    rows = lines.filter(pl.col("effect") == "specific", pl.col("item") != "").select("item", "value").rows()
    rows = sorted((row for row in rows if row[1]), key=lambda row: (-row[1], row[0]))
    gains = [row for row in rows if row[1] > 0][:SHOWN_NAMES]
    losses = [row for row in reversed(rows) if row[1] < 0][:SHOWN_NAMES]
    for group, chosen in (("gain", gains), ("loss", losses)):
        for number, (item, value) in enumerate(chosen, start=1):
            name = names.get(item) or item
            source = {**key, "scheme": "factor", "effect": "specific", "item": item}
            yield from text(f"{group}.{number:02d}.name", "name", Words(name, name), ("securities_clean", {"security_id": item}))
            yield from figure(f"{group}.{number:02d}.value", "effect", value, "points", ("attribution", source))


def _market(factor_returns: pl.DataFrame, month: str, key: Mapping[str, object]) -> Iterator[Fact]:
    """Factors whose return of the month was extreme against their own past."""
    found = []
    for factor in FACTORS:
        past = factor_returns.filter(pl.col("factor") == factor, pl.col("month") < month)["value"].drop_nulls()
        now = factor_returns.filter(pl.col("factor") == factor, pl.col("month") == month)["value"].drop_nulls()
        if now.len() and past.len() >= HISTORY_NEEDED:
            below, above = (past < now[0]).sum() / past.len(), (past > now[0]).sum() / past.len()
            found.append((-max(below, above), factor, now[0], below, above))
    for number, (_, factor, value, below, above) in enumerate(sorted(found)[:SHOWN_MARKET], start=1):
        source = {**key, "factor": factor}
        yield from text(f"market.{number:02d}.name", "factor", FACTOR_WORDS[factor], ("factor_returns", source))
        yield from figure(f"market.{number:02d}.return", "factor_return", value, "fraction", ("factor_returns", source))
        for side, share in (("below", below), ("above", above)):
            key_of_share = {**source, "statistic": f"share of earlier months {side} this return"}
            yield from figure(f"market.{number:02d}.share_{side}", f"share_{side}", share, "share", ("factor_returns", key_of_share))
    yield from figure("setting.extreme_share", "setting", EXTREME_SHARE, "share", ("settings", {"name": "EXTREME_SHARE"}))


def _sector_returns(paid: pl.DataFrame, key: Mapping[str, object]) -> Iterator[Fact]:
    rows = paid.filter(pl.col("factor").str.starts_with("sector:")).drop_nulls("value").sort("value", "factor")
    if rows.height < 2:
        return
    for label, row in (("best", rows.row(-1, named=True)), ("worst", rows.row(0, named=True))):
        source = {**key, "factor": row["factor"]}
        yield from text(f"sector_return.{label}.name", "sector", sector_words(row["factor"]), ("factor_returns", source))
        yield from figure(f"sector_return.{label}.value", "factor_return", row["value"], "fraction", ("factor_returns", source))


def sector_words(sector: str | None) -> Words:
    """Name of a sector, as in `exposures` and `factor_returns` (`sector:<name>`) or by itself; null = unknown."""
    return words_of(SECTOR_WORDS, sector.removeprefix("sector:") if sector else None)
