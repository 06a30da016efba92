"""Link effects of single periods so that they add up to the active return of the whole span.

Arithmetic effects of days do not add up over a month, because returns compound. Each method gives every period a coefficient; the
linked effect is the sum of coefficient x effect, and linked effects sum to P - B exactly (up to rounding).
Returns are simple; arrays run over periods, oldest first: portfolio (T,), benchmark (T,).
"""

import numpy as np


def carino(portfolio: np.ndarray, benchmark: np.ndarray) -> np.ndarray:
    """Coefficients (T,) after Carino (1999): the logarithmic share of each period; the default."""
    whole = _log_share(np.prod(1.0 + portfolio) - 1.0, np.prod(1.0 + benchmark) - 1.0)
    return _log_share(portfolio, benchmark) / whole


def menchero(portfolio: np.ndarray, benchmark: np.ndarray) -> np.ndarray:
    """Coefficients (T,) after Menchero (2000): one scale for all periods plus the smallest correction that closes the sum."""
    periods = len(portfolio)
    wealth, benchmark_wealth = np.prod(1.0 + portfolio), np.prod(1.0 + benchmark)
    spread = wealth ** (1.0 / periods) - benchmark_wealth ** (1.0 / periods)
    total = wealth - benchmark_wealth
    scale = total / periods / spread if abs(spread) > 1e-12 else wealth ** ((periods - 1) / periods)
    active = portfolio - benchmark
    squares = active @ active
    correction = (total - scale * active.sum()) / squares * active if squares > 0.0 else np.zeros(periods)
    return scale + correction


def grap(portfolio: np.ndarray, benchmark: np.ndarray) -> np.ndarray:
    """Coefficients (T,) of the GRAP (1997): earlier periods grow with the portfolio, later ones with the benchmark."""
    before = np.concatenate([[1.0], np.cumprod(1.0 + portfolio)[:-1]])
    after = np.concatenate([np.cumprod((1.0 + benchmark)[::-1])[::-1][1:], [1.0]])
    return before * after


def frongello(effects: np.ndarray, portfolio: np.ndarray, benchmark: np.ndarray) -> np.ndarray:
    """Linked effects (K,) after Frongello (2002), period by period: the same totals as GRAP, without looking ahead.

    Each period's effect is scaled by the portfolio's growth so far, and what was won before earns the benchmark's return.
    """
    linked = np.zeros(effects.shape[1])
    growth = 1.0
    for effect, own, of_benchmark in zip(effects, portfolio, benchmark, strict=True):
        linked = linked * (1.0 + of_benchmark) + effect * growth
        growth *= 1.0 + own
    return linked


def link(effects: np.ndarray, coefficients: np.ndarray) -> np.ndarray:
    """Effects (T, K) of the periods as effects (K,) of the whole span."""
    return coefficients @ effects


def _log_share(portfolio: np.ndarray | float, benchmark: np.ndarray | float) -> np.ndarray:
    """ln((1+p)/(1+b)) / (p - b), and its limit 1/(1+p) where both are equal."""
    ratio = (np.asarray(portfolio) - benchmark) / (1.0 + np.asarray(benchmark))
    share = np.divide(np.log1p(ratio), ratio, out=np.ones_like(ratio), where=ratio != 0.0)
    return share / (1.0 + np.asarray(benchmark))
