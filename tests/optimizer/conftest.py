"""Markets made of random numbers, for the optimiser."""

from collections.abc import Callable

import numpy as np
import pytest

from optimizer.universe import Universe


def _random_universe(seed: int, n: int, *, periods: int = 250, sectors: int = 6, styles: int = 4, benchmark_of: int = 200) -> Universe:
    """Candidates of an index of `benchmark_of` other names: market, sector and style factors with fat tails."""
    rng = np.random.default_rng(seed)
    total = n + benchmark_of
    sector = np.arange(total) % sectors
    exposures = np.column_stack([np.ones(total), np.eye(sectors)[sector], rng.standard_normal((total, styles))])
    scale = np.r_[0.16, np.full(sectors, 0.08), np.full(styles, 0.03)] / np.sqrt(252)
    factor_returns = rng.standard_t(6, (periods, len(scale))) * scale
    factor_returns -= factor_returns.mean(axis=0)
    idio_var = rng.uniform(0.15, 0.40, total) ** 2
    index = np.exp(rng.normal(0, 1.2, total))
    index /= index.sum()
    exposure = exposures.T @ index
    covariance = 252 / periods * factor_returns.T @ factor_returns
    variance = exposure @ covariance @ exposure + idio_var @ index**2
    beta = (exposures @ covariance @ exposure + idio_var * index) / variance
    mu = 0.03 + 0.045 * beta + 0.03 * rng.standard_normal(total)
    ids = [f"s{i:05d}" for i in range(n)]
    return Universe(
        ids=ids,
        issuers=ids,
        mu=mu[:n],
        exposures=exposures[:n],
        factor_returns=factor_returns,
        idio_var=idio_var[:n],
        sector=sector[:n],
        benchmark=index[:n],
        benchmark_exposure=exposure,
        benchmark_vol=float(np.sqrt(variance)),
        beta=beta[:n],
        sector_weights=np.bincount(sector, index),
        periods_per_year=252,
    )


@pytest.fixture(scope="session")
def random_universe() -> Callable[..., Universe]:
    return _random_universe
