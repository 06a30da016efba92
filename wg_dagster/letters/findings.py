"""The gate before a letter is issued: what its facts say against each other, against arithmetic and against common sense."""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import combinations
from typing import Literal

import polars as pl

from wg_dagster.letters.book import FactBook
from wg_dagster.letters.display import rounded
from wg_dagster.letters.words import WINDOWS

_HALF_BASIS_POINT = 0.00005
_LARGE_UNEXPLAINED = 0.001  # ten basis points of a month that no effect explains
_YEARS = {"1y": 1.0, "3y": 3.0, "5y": 5.0}
_TOLERATED_VOLATILITY = 0.75  # a month of -50 % among good ones lowers the bound by 15 %
_NEEDED = ("letter.as_of", "own.return.1m", "own.return.since_inception", "own.benchmark_return.1m", "own.excess_return.1m")


@dataclass(frozen=True)
class Finding:
    """One contradiction: ERROR stops the letter, WARN asks a person to look."""

    rule: str
    severity: Literal["ERROR", "WARN"]
    message: str
    fact_ids: tuple[str, ...]


def letter_findings(facts: pl.DataFrame) -> list[Finding]:
    """All findings on one letter's rows of `report_facts`; empty = nothing to say."""
    book = FactBook.from_rows(facts)
    checks = (_missing, _excess, _recovery, _attribution, _sharpe, _copy_errors, _series_ends, _weights)
    return [finding for check in checks for finding in check(book)]


def volatility_needed(total_return: float, sharpe: float, years: float) -> float:
    """Lowest annual volatility at which a Sharpe ratio (over a zero rate) and a total return can belong to one window.

    Log growth is the arithmetic mean less half the variance, so s solves s^2 / 2 - sharpe s + ln(1 + total_return) / years = 0.

    >>> round(volatility_needed(-0.1361, 0.28, 1.0), 3)
    0.889
    """
    growth = math.log1p(total_return) / years
    return sharpe + math.sqrt(sharpe * sharpe - 2.0 * growth)


def _missing(book: FactBook) -> Iterator[Finding]:
    absent = tuple(fact_id for fact_id in _NEEDED if fact_id not in book)
    if absent:
        yield Finding("fact_missing", "WARN", f"not known: {', '.join(absent)}; the letter leaves out what depends on them", absent)


def _excess(book: FactBook) -> Iterator[Finding]:
    """Excess is the arithmetic difference, in every window."""
    for group in ("own", "second"):
        for window in WINDOWS:
            ids = tuple(f"{group}.{metric}.{window}" for metric in ("return", "benchmark_return", "excess_return"))
            values = [book.value(fact_id) for fact_id in ids]
            if None not in values and abs(values[0] - values[1] - values[2]) > 1e-9:  # ty: ignore[unsupported-operator]
                yield Finding("excess_is_not_the_difference", "ERROR", f"{values[0]} - {values[1]} is not {values[2]} ({window})", ids)


def _recovery(book: FactBook) -> Iterator[Finding]:
    ids = ("own.current_drawdown.since_inception", "own.gain_to_recover.since_inception")
    fall, gain = (book.value(fact_id) for fact_id in ids)
    if fall is not None and gain is not None and abs(1.0 / (1.0 + fall) - 1.0 - gain) > 1e-9:
        yield Finding("gain_does_not_recover", "ERROR", f"after a fall of {fall} a gain of {gain} does not lead back to the high", ids)


def _attribution(book: FactBook) -> Iterator[Finding]:
    steps = [f"{prefix}.value" for prefix in book.numbered("step")]
    total, excess = book.value("effect.total"), book.value("own.excess_return.1m")
    whole = total if total is not None else excess
    added = math.fsum(book.value(step) or 0.0 for step in steps)
    if steps and whole is not None and abs(added - whole) > _HALF_BASIS_POINT:
        yield Finding("attribution_does_not_add_up", "ERROR", f"effects add up to {added}, not to {whole}", (*steps, "effect.total"))
    if total is not None and excess is not None and abs(total - excess) > _HALF_BASIS_POINT:
        message = f"attribution explains {total}, performance booked {excess}"
        yield Finding("attribution_of_another_excess", "ERROR", message, ("effect.total", "own.excess_return.1m"))
    for prefix in book.numbered("step"):
        value = book.value(f"{prefix}.value")
        is_rest = '"unexplained"' in book[f"{prefix}.name"].source_key
        if is_rest and value is not None and abs(value) > _LARGE_UNEXPLAINED:
            yield Finding("large_unexplained", "WARN", f"{value} of the excess return is explained by no effect", (f"{prefix}.value",))


def _sharpe(book: FactBook) -> Iterator[Finding]:
    """O-1: a positive Sharpe ratio with a negative total return needs a high volatility."""
    months = book.value("own.months.since_inception")
    for window, years in {**_YEARS, "since_inception": months / 12 if months else None}.items():
        ids = tuple(f"own.{metric}.{window}" for metric in ("return", "sharpe", "volatility"))
        total, sharpe, volatility = (book.value(fact_id) for fact_id in ids)
        if years is None or total is None or sharpe is None or not (total < 0.0 < sharpe):
            continue
        needed = volatility_needed(total, sharpe, years)
        if volatility is None or volatility < needed * _TOLERATED_VOLATILITY:
            message = f"a Sharpe ratio of {sharpe} with a total return of {total} needs a volatility of {needed:.3f}, not {volatility}"
            yield Finding("sharpe_contradicts_return", "ERROR", f"{message} ({window})", ids)


def _copy_errors(book: FactBook) -> Iterator[Finding]:
    """O-14: figures of equal size in the rows of two strategies may be one figure copied twice."""
    columns = ("return.1m", "excess_return.1m", "return.since_inception")
    ids = [f"{prefix}.{column}" for prefix in book.numbered("all") for column in columns]
    sizes = {fact_id: abs(rounded(value, 2, scale=100)) for fact_id in ids if (value := book.value(fact_id))}
    for one, other in combinations(sizes, 2):
        if sizes[one] == sizes[other] != 0 and one.split(".")[1] != other.split(".")[1]:
            message = f"{one} and {other} both have the size {sizes[one]} %; check for a copy"
            yield Finding("equal_magnitudes", "WARN", message, (one, other))


def _series_ends(book: FactBook) -> Iterator[Finding]:
    """Charts end where the figures say."""
    ends = {
        "series.portfolio": "own.return.since_inception",
        "series.benchmark": "own.benchmark_return.since_inception",
        "series.drawdown": "own.current_drawdown.since_inception",
    }
    for series_id, fact_id in ends.items():
        points, value = book.points(series_id), book.value(fact_id)
        if points and value is not None and abs(points[-1][1] - value) > _HALF_BASIS_POINT:
            message = f"the chart ends at {points[-1][1]}, the figure is {value}"
            yield Finding("chart_ends_elsewhere", "WARN", message, (series_id, fact_id))


def _weights(book: FactBook) -> Iterator[Finding]:
    ids = [f"{prefix}.target" for prefix in book.numbered("name")]
    weights = [value for fact_id in ids if (value := book.value(fact_id)) is not None]
    if weights and abs(math.fsum(weights) - 1.0) > 1e-6:
        yield Finding("weights_do_not_sum_to_one", "WARN", f"target weights add up to {math.fsum(weights)}", tuple(ids))
