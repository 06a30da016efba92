"""Measures of a series of returns or values: return, risk, drawdown, and the ratios between them.

Each convention is stated once, here. Annualised measures need a year of returns, for a shorter series says nothing about a year.
"""

from dataclasses import dataclass

import numpy as np

from optimizer.errors import TooFewReturns

_ROUNDING = 1e-14  # a spread or a loss below this is rounding, and a ratio over it would be noise


@dataclass(frozen=True)
class Drawdown:
    """A fall below an earlier peak: depth as a negative fraction; start, trough and recovery as positions in the series of values."""

    depth: float
    start: int
    trough: int
    recovery: int | None  # first value at or above the peak; None while still below


def total_return(returns: np.ndarray) -> float:
    """Compounded return of all periods (期間リターン)."""
    return float(np.prod(1.0 + returns) - 1.0)


def relative_wealth(portfolio_return: float, benchmark_return: float) -> float:
    """How much richer the portfolio made its owner than the benchmark would have: the geometric excess return."""
    return (1.0 + portfolio_return) / (1.0 + benchmark_return) - 1.0


def annualised_return(returns: np.ndarray, *, periods_per_year: int) -> float:
    """Geometric mean return per year; TooFewReturns for less than a year."""
    _need_a_year(returns, periods_per_year)
    return float(np.prod(1.0 + returns) ** (periods_per_year / len(returns)) - 1.0)


def volatility(returns: np.ndarray, *, periods_per_year: int) -> float:
    """Annualised standard deviation (n - 1); TooFewReturns for less than a year."""
    _need_a_year(returns, periods_per_year)
    return float(np.std(returns, ddof=1) * np.sqrt(periods_per_year))


def downside_deviation(returns: np.ndarray, *, periods_per_year: int, target: float = 0.0) -> float:
    """Annualised root of the mean squared shortfall below `target`, over all periods (下方リスク).

    Periods above the target count as zero shortfall; dividing by the losing periods alone would make a rare loss look like a
    frequent one. TooFewReturns for less than a year; `periods_per_year=1` leaves the figure per period.
    """
    _need_a_year(returns, periods_per_year)
    shortfall = np.minimum(returns - target, 0.0)
    return float(np.sqrt(np.mean(shortfall**2) * periods_per_year))


def sortino_ratio(returns: np.ndarray, *, periods_per_year: int, target: float = 0.0) -> float:
    """Annualised return over annualised downside deviation (ソルティノ・レシオ).

    Only returns below `target` count as risk, so a portfolio is not punished for its gains.

    Parameters
    ----------
    returns : (n_periods,)
        Simple returns, oldest first; 0.01 is one percent. No NaN.
    periods_per_year
        252 for daily returns, 12 for monthly.
    target
        Return per period below which a period counts as a loss.

    Returns
    -------
    Ratio per year, no unit; `nan` if no return is below `target` (the caller states why, never infinity).

    Raises
    ------
    TooFewReturns
        If there is less than one year of returns.

    Notes
    -----
    The numerator is the geometric annualised return less the annualised target. The downside deviation averages over all periods,
    not over the losing ones alone (Sortino and Price, 1994).

    Examples
    --------
    >>> monthly = np.array([0.03, -0.02, 0.02, 0.01, -0.01, 0.04, 0.00, 0.01, -0.03, 0.02, 0.02, 0.01])
    >>> round(sortino_ratio(monthly, periods_per_year=12), 2)
    2.73
    """
    reward = annualised_return(returns, periods_per_year=periods_per_year) - ((1.0 + target) ** periods_per_year - 1.0)
    return _ratio(reward, downside_deviation(returns, periods_per_year=periods_per_year, target=target))


def sortino_arithmetic(returns: np.ndarray, *, periods_per_year: int, target: float = 0.0) -> float:
    """Arithmetic mean excess over the target, annualised, over the downside deviation: what an optimiser can use.

    Not the published ratio (that is `sortino_ratio`); equal to the figure of common libraries. `nan` if no return is below `target`.
    """
    reward = float(np.mean(returns) - target) * periods_per_year
    return _ratio(reward, downside_deviation(returns, periods_per_year=periods_per_year, target=target))


def sharpe_ratio(returns: np.ndarray, *, periods_per_year: int, risk_free: np.ndarray | float = 0.0) -> float:
    """Annualised mean excess return over its volatility; `risk_free` per period, one value or one a period. `nan` without spread."""
    excess = returns - risk_free
    return _ratio(float(np.mean(excess)) * periods_per_year, volatility(excess, periods_per_year=periods_per_year))


def tracking_error(returns: np.ndarray, benchmark: np.ndarray, *, periods_per_year: int) -> float:
    """Annualised standard deviation of the arithmetic excess return."""
    return volatility(returns - benchmark, periods_per_year=periods_per_year)


def information_ratio(returns: np.ndarray, benchmark: np.ndarray, *, periods_per_year: int) -> float:
    """Annualised mean excess return over the tracking error; `nan` without tracking error."""
    return sharpe_ratio(returns, periods_per_year=periods_per_year, risk_free=benchmark)


def beta(returns: np.ndarray, benchmark: np.ndarray) -> float:
    """Slope of the returns on the benchmark's; `nan` if the benchmark does not move or there are fewer than two returns."""
    if len(returns) < 2:
        return float("nan")
    moves = benchmark - np.mean(benchmark)
    return _ratio(float(moves @ (returns - np.mean(returns))), float(moves @ moves))


def hit_rate(returns: np.ndarray, benchmark: np.ndarray) -> float:
    """Share of periods in which the portfolio beat the benchmark; a tie is no hit. `nan` without periods."""
    return float(np.mean(returns > benchmark)) if len(returns) else float("nan")


def running_drawdown(values: np.ndarray) -> np.ndarray:
    """Distance of each value from the highest one so far, as a fraction <= 0; same shape."""
    return values / np.maximum.accumulate(values) - 1.0


def drawdowns(values: np.ndarray) -> list[Drawdown]:
    """All falls below an earlier peak, oldest first (下落率と損失回復).

    Parameters
    ----------
    values : (n,)
        Positive values, oldest first: a nav, not returns.

    Returns
    -------
    One `Drawdown` an episode; only the last one can lack a recovery.

    Examples
    --------
    >>> drawdowns(np.array([100.0, 80.0, 90.0, 100.0, 110.0, 99.0]))  # doctest: +ELLIPSIS
    [Drawdown(depth=-0.19..., start=0, trough=1, recovery=3), Drawdown(depth=-0.09..., start=4, trough=5, recovery=None)]
    """
    depths = running_drawdown(values)
    below = np.concatenate([[False], depths < 0.0, [False]])
    starts = np.flatnonzero(below[1:] & ~below[:-1]) - 1  # the peak before the first value below it
    ends = np.flatnonzero(~below[1:] & below[:-1])
    episodes = []
    for start, end in zip(starts, ends, strict=True):
        trough = int(start + np.argmin(depths[start:end]))
        episodes.append(Drawdown(float(depths[trough]), int(start), trough, int(end) if end < len(values) else None))
    return episodes


def max_drawdown(values: np.ndarray) -> float:
    """Deepest fall below an earlier peak, as a fraction <= 0; 0 where the values never fell."""
    return float(np.min(running_drawdown(values), initial=0.0))


def gain_needed_to_recover(drawdown: float) -> float:
    """Gain that brings a value back to its peak; infinite after a total loss.

    >>> round(gain_needed_to_recover(-0.1361), 4)
    0.1575
    """
    return 1.0 / (1.0 + drawdown) - 1.0 if drawdown > -1.0 else float("inf")


def volatility_implied(sharpe: float, total: float, *, years: float = 1.0) -> float:
    """Volatility per year that a Sharpe ratio and a total return need to be of the same series, at a cash rate of zero.

    With lognormal values the arithmetic mean is ln(1 + total)/years + s^2/2, and Sharpe x s equals it: the larger root s of
    s^2 - 2 Sharpe s + 2 ln(1 + total)/years = 0. A high figure says that the two cannot belong together. `nan` if there is no root.
    """
    under_root = sharpe**2 - 2.0 * np.log1p(total) / years
    return float(sharpe + np.sqrt(under_root)) if under_root >= 0.0 else float("nan")


def _need_a_year(returns: np.ndarray, periods_per_year: int) -> None:
    needed = max(periods_per_year, 1)
    if len(returns) < needed:
        raise TooFewReturns(f"an annualised measure needs {needed} returns (one year), got {len(returns)}; use a longer window")


def _ratio(reward: float, risk: float) -> float:
    return reward / risk if risk > _ROUNDING else float("nan")
