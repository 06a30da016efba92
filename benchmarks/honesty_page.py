"""The honesty page as text, from figures alone: every sentence that judges is chosen by the figure it judges."""

from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from benchmarks.honesty_memory import FOLLOWED, MEMORIES, summary
from optimizer.bias import bias_statistic, realised_over_forecast, tolerance
from optimizer.risk_model import USUAL

if TYPE_CHECKING:
    from benchmarks.honesty import Findings

_HEAD = """# What a small gap does not say

A certificate proves that no other portfolio has a better *forecast*. It says nothing of the forecast. This page measures that part, on
markets that are made from a seed and, where they were at hand, on real prices. It is written by `python -m benchmarks.honesty`; figures
and the words that judge them come from the same run. Losses stay in.

The made markets pay premia for the factors that the strategies use, so they favour the strategies; how much the real market pays is
another question, and a few months of real data do not answer it.
"""
_SHORT = "too few months"
_RULES = {"equal_25": "the best 25 by score, 4 % each", "skfolio": "skfolio's answer", "benchmark": "the benchmark, without costs"}


def page(sources: "list[Findings]") -> str:
    """The whole page."""
    parts = [_HEAD, _risk(sources), _values(sources), _twins(sources), _stability(sources), _outcome(sources), _memory(sources)]
    return "\n".join(parts)


def _table(header: str, rows: list[list[str]]) -> str:
    names = header.split("|")
    lines = ["| " + " | ".join(name.strip() for name in names) + " |", "|" + "---|" * len(names)]
    return "\n".join([*lines, *("| " + " | ".join(row) + " |" for row in rows), ""])


def _risk(sources: "list[Findings]") -> str:
    rows, misses = [], 0
    for source in sources:
        told = pl.concat(source.bias)
        kind = pl.col("item").str.replace(r"^(sector|drawn) .*", "$1")
        for (strategy, item), group in (
            told.with_columns(kind.alias("kind")).sort("strategy", "kind").group_by("strategy", "kind", maintain_order=True)
        ):
            ratio = realised_over_forecast(group["realised_volatility"].to_numpy(), group["forecast_volatility"].to_numpy())
            worst = _widest(group)
            misses += item in {"portfolio", "benchmark"} and not 0.9 <= ratio <= 1.1
            rows.append(
                [
                    source.source,
                    str(strategy),
                    str(item),
                    str(group.height),
                    f"{ratio:.2f}",
                    f"{bias_statistic(group['z'].to_numpy()):.2f}",
                    worst,
                ]
            )
    rolled = [row[-1] for row in rows if row[2] in {"portfolio", "benchmark"} and row[-1] != _SHORT]
    beyond = sum(not all(0.9 <= float(end) <= 1.1 for end in text.split(" to ")) for text in rolled)
    judged = (
        "All portfolios and benchmarks are inside"
        if not misses
        else f"{misses} of the portfolios and benchmarks are outside: the goal is missed there"
    )
    judged += f"; rolling, {beyond} of {len(rolled)} leave it in some month." if rolled else "."
    return (
        "## Risk: realised over forecast\n\n"
        "Volatility of the days of a month over what was forecast at the end of the month before, all months together (goal 0.9 to 1.1), and the\n"
        "bias statistic: the root mean square of monthly returns in units of their forecast deviation. The last column has the lowest and the\n"
        f"highest ratio over up to 24 months rolling, where there are 12 or more. `drawn` are ten portfolios of 25 names that nobody chose. {judged}\n"
        f"With 24 months a bias statistic between {1 - tolerance(24):.2f} and {1 + tolerance(24):.2f} is what right forecasts give in 19 of 20 cases.\n\n"
        + _table("source | strategy | portfolio | months | realised / forecast | bias | rolling", rows)
    )


def _widest(group: pl.DataFrame) -> str:
    long = group.filter(pl.col("months") >= 12)["realised_over_forecast_24m"]
    return f"{long.min():.2f} to {long.max():.2f}" if len(long) else _SHORT


def _values(sources: "list[Findings]") -> str:
    rows = []
    for source in sources:
        for strategy, found in sorted(source.values.items()):
            both = [one for one in found if len(one) == 4]
            mean = {name: np.mean([one[name] for one in both]) for name in ("F_by_F", "S_by_F", "F_by_S", "S_by_S")} if both else {}
            rows += [[source.source, strategy, str(len(both)), *(f"{value:.3f}" for value in mean.values())]] if mean else []
    return (
        "## The ratio by two definitions\n\n"
        "F measures the downside on factor scenarios and half of the specific variance, S on the names' own scenarios. Each picks its own best;\n"
        "both picks are measured by both. The pick of S looks better by S than anything does by F: part of that is noise it was fitted to.\n\n"
        + _table("source | strategy | portfolios | pick of F, by F | pick of S, by F | pick of F, by S | pick of S, by S", rows)
    )


def _twins(sources: "list[Findings]") -> str:
    rows = [
        [source.source, strategy, str(len(found)), f"{np.mean(found):.1%}", f"{np.min(found):.1%}"]
        for source in sources
        for strategy, found in sorted(source.twins.items())
        if found
    ]
    return (
        "## The twin with the greatest Sharpe ratio\n\n"
        "The same mandate with volatility in the place of downside deviation. Where the weight in common is near 100 %, the downside measure\n"
        "decides little that volatility would not: daily factor returns are nearly symmetric. Part of the rest is the gap: portfolios within a\n"
        "thousandth of the best differ by some weight.\n\n"
        + _table("source | strategy | portfolios | weight in common, mean | lowest", rows)
    )


def _stability(sources: "list[Findings]") -> str:
    rows = []
    for source in sources:
        for strategy, found in sorted(source.stability.items()):
            if found:
                names, weight = (np.mean([one[key] for one in found]) for key in ("names", "weight"))
                rows.append([source.source, strategy, str(len(found)), f"{names:.0%}", f"{weight:.0%}"])
    return (
        "## How much hangs on the expected returns\n\n"
        "Each expected return is drawn anew with a standard error of half of what one unit of score is worth (6 x IC x monthly volatility), and\n"
        "the portfolio solved again. What stays is what one may believe in; the rest is one of many portfolios that are as good.\n\n"
        + _table("source | strategy | portfolios | names that stay | weight that stays", rows)
    )


def _outcome(sources: "list[Findings]") -> str:
    text = [
        "## What came of it, net of costs\n",
        "Targets decided at a month's end, bought at the close of the first session, held to the next; commission and half a spread on what is",
        "traded. skfolio maximises mean over semi-deviation on the names' own scenarios with the same expected returns, largest weight and sector",
        "bands; it was not given counts, smallest weights or a cap on risk. Per year: mean of monthly returns less the rival's, and its standard",
        "error over seeds where there are several, else over months; won: seeds, or months, in which ours returned more.\n",
    ]
    rows, losses = [], []
    for source in sources:
        for strategy in sorted({key[1] for key in source.returns}):
            for rule, words in _RULES.items():
                row = _against(source, strategy, rule)
                if row is None:
                    continue
                edge, error, won, runs, months = row
                rows.append([source.source, strategy, words, f"{months}", f"{edge:+.2%}", f"{error:.2%}", f"{won} of {runs}"])
                losses += (
                    [f"{source.source}, {strategy}: {words} was better by {-edge:.2%} a year ({abs(edge / error):.1f} standard errors)"]
                    if edge < 0
                    else []
                )
    text.append(_table("source | strategy | rival | months | better by, a year | standard error | won", rows))
    text.append("Losses:\n\n" + "\n".join(f"- {loss}" for loss in losses) + "\n" if losses else "Losses: none in this run.\n")
    text.append(_levels(sources))
    return "\n".join(text)


def _against(source: "Findings", strategy: str, rule: str) -> tuple[float, float, int, int, int] | None:
    """Yearly edge over a rival, its standard error, and how often it was positive: over runs where there are many, else over months."""
    runs = sorted({run for run, owner, _ in source.returns if owner == strategy})
    edges = [
        np.array(list(source.returns[run, strategy, "ours"].values())) - np.array(list(source.returns[run, strategy, rule].values()))
        for run in runs
    ]
    edges = [edge for edge in edges if len(edge)]
    if not edges:
        return None
    units = np.array([edge.mean() for edge in edges]) if len(edges) > 1 else edges[0]
    error = 12 * units.std(ddof=1) / np.sqrt(len(units)) if len(units) > 1 else np.nan
    return 12 * float(np.mean(units)), float(error), int((units > 0).sum()), len(units), sum(map(len, edges))


def _levels(sources: "list[Findings]") -> str:
    rows = []
    for source in sources:
        for strategy in sorted({key[1] for key in source.returns}):
            for rule in ("ours", *_RULES):
                months = [
                    value
                    for (_, owner, who), found in source.returns.items()
                    if (owner, who) == (strategy, rule)
                    for value in found.values()
                ]
                if months:
                    names = np.median(source.names[strategy, rule])
                    rows.append(
                        [
                            source.source,
                            strategy,
                            rule,
                            f"{names:.0f}",
                            f"{12 * np.mean(months):.1%}",
                            f"{np.std(months) * np.sqrt(12):.1%}",
                            f"{_sortino(months):.2f}",
                        ]
                    )
    return _table("source | strategy | rule | names | return a year | volatility | return over downside deviation", rows)


def _sortino(months: list[float]) -> float:
    downside = np.sqrt(12 * np.mean(np.minimum(months, 0.0) ** 2))
    return float(12 * np.mean(months) / downside) if downside else float("nan")


def _memory(sources: "list[Findings]") -> str:
    told = [source for source in sources if source.memory]
    rows = [[source.source, memory, *_remembered(source, memory)] for source in told for memory in MEMORIES]
    return (
        "## How the risk model remembers\n\n"
        f"Chosen: correlations with a half-life of {USUAL.half_life:.0f} days, the factors' volatilities with {USUAL.volatility_half_life:.0f}, "
        f"{USUAL.lags} lag of serial correlation (Newey and\n"
        "West), correlations not shrunk. Others on the same months: realised over forecast volatility, and in brackets the mean distance of a\n"
        "month's from one. The choice was made on these very months and is not the best of each column: a shorter memory does better after a\n"
        "shock such as August 2015, and a few months of one shock are no reason. Specific variances of young names lean on their sector's median\n"
        "as if 60 days of it had been seen; with lags they keep at least half of their mean square, since bid and ask alternate.\n\n"
        + _table("source | memory | benchmark | drawn at random | sectors", rows)
    )


def _remembered(source: "Findings", memory: str) -> list[str]:
    return ["{:.3f} ({:.3f})".format(*summary(source.memory, memory, kind)) for kind in FOLLOWED]
