"""Random markets with factor structure, fat tails and clustered volatility, for the benchmarks of the optimiser."""

from dataclasses import replace

import numpy as np

from optimizer import Mandate, Universe, solve

STYLES, SECTORS = 10, 11
DEVIATION = np.r_[0.15, np.full(STYLES, 0.03), np.full(SECTORS, 0.07)]  # a year: market, styles, sectors
INFORMATION_COEFFICIENT = 0.04


def market(seed: int, n: int, periods: int) -> Universe:
    """n names of one index: mu = rf + beta x premium + 12 x IC x monthly volatility x score."""
    rng = np.random.default_rng(seed)
    sector = rng.integers(0, SECTORS, n)
    styles = rng.standard_normal((n, STYLES))
    exposures = np.column_stack([rng.uniform(0.6, 1.4, n), styles, np.eye(SECTORS)[sector]])
    factor_returns = _scenarios(rng, periods)
    idio_var = rng.lognormal(np.log(0.28), 0.35, n) ** 2
    caps = np.exp(rng.normal(0, 1.4, n))
    index = caps / caps.sum()
    covariance = 252 / periods * factor_returns.T @ factor_returns
    exposure = exposures.T @ index
    variance = exposure @ covariance @ exposure + idio_var @ index**2
    beta = (exposures @ covariance @ exposure + idio_var * index) / variance
    volatility = np.sqrt(np.einsum("ik,kl,il->i", exposures, covariance, exposures) + idio_var)
    score = (styles[:, :4].sum(axis=1) / 2 + rng.standard_normal(n)) / np.sqrt(2)
    mu = 0.03 + 0.045 * beta + 12 * INFORMATION_COEFFICIENT * volatility / np.sqrt(12) * np.clip(score, -3, 3)
    ids = [f"s{i:05d}" for i in range(n)]
    return Universe(
        ids=ids,
        issuers=ids,
        mu=mu,
        exposures=exposures,
        factor_returns=factor_returns,
        idio_var=idio_var,
        sector=sector,
        benchmark=index,
        benchmark_exposure=exposure,
        benchmark_vol=float(np.sqrt(variance)),
        beta=beta,
        sector_weights=np.bincount(sector, index, minlength=SECTORS),
        periods_per_year=252,
    )


def drifted_holdings(seed: int, universe: Universe) -> np.ndarray:
    """(n,) weights of last month's best portfolio, by expected returns that were a little different, a month later; 1 % is cash."""
    rng = np.random.default_rng(10_000 + seed)
    before = replace(universe, mu=universe.mu + 0.03 * rng.standard_normal(len(universe)))
    weights = solve(before, Mandate(), target_gap=0.01).weights * np.exp(0.08 * rng.standard_normal(len(universe)))
    return 0.99 * weights / weights.sum()


def _scenarios(rng: np.random.Generator, periods: int) -> np.ndarray:
    """(T, 22) days: Student t with 5 degrees of freedom, volatility in clusters, mean zero."""
    log_volatility = np.zeros(periods)
    for day in range(1, periods):
        log_volatility[day] = 0.97 * log_volatility[day - 1] + 0.1 * rng.standard_normal()
    shocks = rng.standard_t(5, (periods, len(DEVIATION))) / np.sqrt(5 / 3)
    days = shocks * np.exp(log_volatility)[:, None] * DEVIATION / np.sqrt(252)
    return days - days.mean(axis=0)
