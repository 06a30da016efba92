"""The table `performance`: measures of a strategy in each window, against each of its benchmarks.

A row is absent where its window is longer than the history, or where it would annualise less than twelve months; its value is null
where the measure is not defined (no losing month, no bill rate, a fall without recovery). docs/performance.md lists the metrics.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import polars as pl

from optimizer import measures
from wg_dagster.performance.returns import changes, levels_of, month_ends, same_dates, with_rate
from wg_dagster.schemas.tables import TABLES
from wg_dagster.strategies import Strategy

WINDOWS = {"1m": 1, "3m": 3, "6m": 6, "1y": 12, "3y": 36, "5y": 60}  # months; besides: ytd, since_inception
BILL_OF = {"USD": "us_bill", "JPY": "jp_bill"}
SESSIONS_PER_YEAR = {"US": 252, "JP": 245}
_A_YEAR = 12
_HIT_RATE_FROM = 3  # months: a share of fewer says nothing

Row = tuple[str, str, str, float]  # metric, window, basis, value


@dataclass(frozen=True)
class Series:
    """A strategy and one benchmark on the same dates, from inception to the end of a month; arrays oldest first.

    months (m,) labels of the monthly returns; ends: the m + 1 dates' values of nav, level and usdjpy, and the bill rate per month at
    the start of each month; daily: nav and level of every session.
    """

    months: list[str]
    nav: np.ndarray
    level: np.ndarray
    usdjpy: np.ndarray
    bill: np.ndarray
    bill_id: str
    daily_nav: np.ndarray
    daily_level: np.ndarray
    benchmark_flags: str  # '', ' benchmark_proxy', ' benchmark_price_return' or both


def performance_rows(
    strategy: Strategy, months: list[str], nav: pl.DataFrame, benchmark_nav: pl.DataFrame, rates: pl.DataFrame
) -> pl.DataFrame:
    """Rows of `performance` for the months that have a nav; no row of a month uses a later one."""
    frames = [TABLES["performance"].empty()]
    for benchmark_id in strategy.benchmarks:
        levels = levels_of(benchmark_nav, benchmark_id, strategy.currency)
        dated = with_rate(with_rate(same_dates(nav, levels), rates, BILL_OF[strategy.currency]), rates, "usdjpy")
        present = set(dated["month"])
        for month in (month for month in months if month in present):
            series = _series(dated.filter(pl.col("month") <= month), levels.filter(pl.col("month") <= month), strategy)
            frames.append(_frame(strategy, month, benchmark_id, list(_measures(series, strategy))))
    return pl.concat(frames)


def _series(dated: pl.DataFrame, levels: pl.DataFrame, strategy: Strategy) -> Series:
    ends = month_ends(dated)
    column = {name: ends[name].cast(pl.Float64).fill_null(float("nan")).to_numpy() for name in ends.columns[2:]}
    used = levels.filter(pl.col("session_date") >= dated["session_date"][0])
    proxy = " benchmark_proxy" if used["is_proxy"].any() else ""
    price_return = "" if used["is_total_return"].all() else " benchmark_price_return"
    return Series(
        months=ends["month"].to_list()[1:],
        nav=column["nav"],
        level=column["level"],
        usdjpy=column["usdjpy"],
        bill=column[BILL_OF[strategy.currency]][:-1] / 12,
        bill_id=BILL_OF[strategy.currency],
        daily_nav=dated["nav"].to_numpy(),
        daily_level=dated["level"].cast(pl.Float64).fill_null(float("nan")).to_numpy(),
        benchmark_flags=proxy + price_return,
    )


def _measures(series: Series, strategy: Strategy) -> Iterator[Row]:
    gross = f"{strategy.currency} gross_of_fees net_of_costs simulated"
    for window, count in _windows(series.months).items():
        own, benchmark, bill = changes(series.nav)[-count:], changes(series.level)[-count:], series.bill[-count:]
        monthly = f"{gross} monthly"
        yield "months", window, monthly, float(count)
        yield "return", window, monthly, measures.total_return(own)
        if count >= _A_YEAR:
            yield from _of_one(own, "", window, monthly)
            yield from _over_bills(own, bill, "", window, f"{monthly} {series.bill_id}")
        if not np.isnan(benchmark).any():
            relative = monthly + series.benchmark_flags
            yield from _against(own, benchmark, window, relative)
            if count >= _A_YEAR:
                yield from _of_one(benchmark, "benchmark_", window, relative)
                yield from _over_bills(benchmark, bill, "benchmark_", window, f"{monthly} {series.bill_id}{series.benchmark_flags}")
        if strategy.currency != "JPY":
            yield from _in_yen(series, count, window)
    # Both series start at the close of the first trade, so what that trade cost stands beside the returns, not in them.
    yield "inception_cost", "since_inception", f"{gross} daily", 1.0 - float(series.daily_nav[0])
    yield from _drawdown_measures(series.daily_nav, "", f"{gross} daily")
    if not np.isnan(series.daily_level).any():
        yield from _drawdown_measures(series.daily_level, "benchmark_", f"{gross} daily{series.benchmark_flags}")
    yield from _daily(series, f"{gross} daily", SESSIONS_PER_YEAR[strategy.market])


def _windows(months: list[str]) -> dict[str, int]:
    """Windows that the history fills, as numbers of months back from the last one."""
    fixed = {window: count for window, count in WINDOWS.items() if count <= len(months)}
    this_year = sum(month[:4] == months[-1][:4] for month in months)
    return {**fixed, "ytd": this_year, "since_inception": len(months)}


def _of_one(returns: np.ndarray, prefix: str, window: str, basis: str) -> Iterator[Row]:
    """Annualised measures of one series (prefix '' or 'benchmark_'), from monthly returns."""
    yield f"{prefix}annualised_return", window, basis, measures.annualised_return(returns, periods_per_year=12)
    yield f"{prefix}volatility", window, basis, measures.volatility(returns, periods_per_year=12)
    yield f"{prefix}downside_deviation", window, basis, measures.downside_deviation(returns, periods_per_year=12)
    yield f"{prefix}sortino", window, basis, measures.sortino_ratio(returns, periods_per_year=12)


def _over_bills(returns: np.ndarray, bill: np.ndarray, prefix: str, window: str, basis: str) -> Iterator[Row]:
    """Ratios over the bill rate of each month; the Sortino ratio's target is their mean."""
    yield f"{prefix}sortino_over_bills", window, basis, measures.sortino_ratio(returns, periods_per_year=12, target=float(np.mean(bill)))
    yield f"{prefix}sharpe", window, basis, measures.sharpe_ratio(returns, periods_per_year=12, risk_free=bill)


def _against(own: np.ndarray, benchmark: np.ndarray, window: str, basis: str) -> Iterator[Row]:
    total, of_benchmark = measures.total_return(own), measures.total_return(benchmark)
    yield "benchmark_return", window, basis, of_benchmark
    yield "excess_return", window, basis, total - of_benchmark
    yield "relative_wealth", window, basis, measures.relative_wealth(total, of_benchmark)
    if len(own) >= _HIT_RATE_FROM:
        yield "hit_rate", window, basis, measures.hit_rate(own, benchmark)
    if len(own) >= _A_YEAR:
        yield "tracking_error", window, basis, measures.tracking_error(own, benchmark, periods_per_year=12)
        yield "information_ratio", window, basis, measures.information_ratio(own, benchmark, periods_per_year=12)
        yield "beta", window, basis, measures.beta(own, benchmark)


def _in_yen(series: Series, count: int, window: str) -> Iterator[Row]:
    """Local return, exchange rate and their cross term: (1 + local)(1 + fx) - 1, at the rate of the same dates."""
    fx = series.usdjpy[-1] / series.usdjpy[-1 - count] - 1.0
    if np.isnan(fx):
        return
    basis = "JPY gross_of_fees net_of_costs simulated monthly"
    local, of_benchmark = (values[-1] / values[-1 - count] - 1.0 for values in (series.nav, series.level))
    yield "return_jpy", window, basis, (1.0 + local) * (1.0 + fx) - 1.0
    yield "fx_return", window, basis, fx
    yield "fx_cross_term", window, basis, local * fx
    if not np.isnan(of_benchmark):
        yield "benchmark_return_jpy", window, basis + series.benchmark_flags, (1.0 + of_benchmark) * (1.0 + fx) - 1.0
        yield "excess_return_jpy", window, basis + series.benchmark_flags, (local - of_benchmark) * (1.0 + fx)


def _drawdown_measures(values: np.ndarray, prefix: str, basis: str) -> Iterator[Row]:
    window = "since_inception"
    episodes = measures.drawdowns(values)
    current = float(measures.running_drawdown(values)[-1])
    healed = [episode.recovery - episode.start for episode in episodes if episode.recovery is not None]
    yield f"{prefix}max_drawdown", window, basis, measures.max_drawdown(values)
    yield f"{prefix}current_drawdown", window, basis, current
    yield f"{prefix}gain_to_recover", window, basis, measures.gain_needed_to_recover(current)
    yield f"{prefix}drawdown_sessions", window, basis, float(len(values) - 1 - episodes[-1].start if current < 0.0 else 0)
    yield f"{prefix}longest_recovery_sessions", window, basis, float(max(healed)) if healed else float("nan")
    if episodes:
        worst = min(episodes, key=lambda episode: episode.depth)
        yield f"{prefix}max_drawdown_fall_sessions", window, basis, float(worst.trough - worst.start)
        recovery = float("nan") if worst.recovery is None else float(worst.recovery - worst.trough)
        yield f"{prefix}max_drawdown_recovery_sessions", window, basis, recovery


def _daily(series: Series, basis: str, per_year: int) -> Iterator[Row]:
    """For monitoring: never mixed with the monthly figures of the letter."""
    own, benchmark = changes(series.daily_nav), changes(series.daily_level)
    window = "since_inception"
    if len(own) < per_year:
        return
    yield "volatility", window, basis, measures.volatility(own, periods_per_year=per_year)
    yield "downside_deviation", window, basis, measures.downside_deviation(own, periods_per_year=per_year)
    yield "sortino", window, basis, measures.sortino_ratio(own, periods_per_year=per_year)
    if not np.isnan(benchmark).any():
        relative = basis + series.benchmark_flags
        yield "benchmark_volatility", window, relative, measures.volatility(benchmark, periods_per_year=per_year)
        yield "benchmark_sortino", window, relative, measures.sortino_ratio(benchmark, periods_per_year=per_year)
        yield "tracking_error", window, relative, measures.tracking_error(own, benchmark, periods_per_year=per_year)
        yield "beta", window, relative, measures.beta(own, benchmark)


def _frame(strategy: Strategy, month: str, benchmark_id: str, rows: list[Row]) -> pl.DataFrame:
    spec = TABLES["performance"]
    metric, window, basis, value = zip(*rows, strict=True)
    frame = pl.DataFrame({"metric": metric, "window": window, "basis": basis, "value": value})
    keys = {"strategy": strategy.strategy_id, "month": month, "benchmark_id": benchmark_id}
    named = frame.with_columns(pl.lit(text).alias(name) for name, text in keys.items())
    return named.with_columns(pl.col("value").fill_nan(None)).select(pl.col(name).cast(dtype) for name, dtype in spec.schema.items())
