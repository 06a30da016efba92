"""A factor risk model from daily returns: today's exposures, the factor returns they imply, specific variances.

Scenarios of a portfolio w are f_t' B' w with the specific part left to its variance, so a name listed last month
needs exposures only. Volatility is that of total return per year.
"""

from dataclasses import dataclass

import numpy as np

from optimizer.cross_section import CrossSection, Design, fit
from optimizer.errors import BadUniverse, TooFewReturns

MINIMUM_PERIODS = 60
PRIOR_PERIODS = 60.0  # a specific variance is one part own for each day seen, one part its sector's for 60 days
SETTLED_PERIODS = 250  # names seen for as long make up their sector's median
LEAST_WITH_LAGS = 0.5  # of the mean square: bid and ask alternate, but half of the noise is taken as real whatever the lags say


@dataclass(frozen=True, eq=False)
class RiskModel:
    """Risk of n names through K factors over T periods.

    Attributes
    ----------
    exposures : (n, K)
        B, as of today.
    factor_returns : (T, K)
        F, oldest first, with mean zero: the mean of two years of days is noise, expected returns come from elsewhere.
        Scaled by the root of their decay weights and bent, so that `periods_per_year` x F'F / T is `factor_covariance`.
    factor_covariance : (K, K)
        Per year.
    idio_var : (n,)
        D, specific variance per year.
    """

    columns: tuple[str, ...]
    exposures: np.ndarray
    factor_returns: np.ndarray
    factor_covariance: np.ndarray
    idio_var: np.ndarray
    periods_per_year: int

    def covariance(self, left: np.ndarray, right: np.ndarray) -> float:
        """Covariance per year of the portfolios `left` and `right` (n,)."""
        factor_part = (left @ self.exposures) @ self.factor_covariance @ (self.exposures.T @ right)
        return float(factor_part + (left * self.idio_var) @ right)

    def volatility(self, weights: np.ndarray) -> float:
        """Forecast standard deviation per year of the portfolio `weights` (n,)."""
        return float(np.sqrt(self.covariance(weights, weights)))

    def beta(self, weights: np.ndarray, benchmark: np.ndarray) -> float:
        """Forecast beta of the portfolio `weights` (n,) on the portfolio `benchmark` (n,)."""
        return self.covariance(weights, benchmark) / self.covariance(benchmark, benchmark)

    def betas(self, benchmark: np.ndarray) -> np.ndarray:
        """Forecast beta of each name on the portfolio `benchmark` (n,)."""
        factor_part = self.exposures @ (self.factor_covariance @ (self.exposures.T @ benchmark))
        return (factor_part + self.idio_var * benchmark) / self.covariance(benchmark, benchmark)

    def volatilities(self) -> np.ndarray:
        """Forecast standard deviation per year of each name, (n,)."""
        return np.sqrt(np.einsum("ik,kl,il->i", self.exposures, self.factor_covariance, self.exposures) + self.idio_var)

    def subset(self, index: np.ndarray) -> "RiskModel":
        """Risk model of the names at `index`, in that order."""
        return RiskModel(
            self.columns,
            self.exposures[index],
            self.factor_returns,
            self.factor_covariance,
            self.idio_var[index],
            self.periods_per_year,
        )


@dataclass(frozen=True)
class Memory:
    """How the past counts: half-lives in periods (None: equal weights), lags of serial correlation, and how far to lean on the plain.

    Attributes
    ----------
    half_life
        Of the scenarios and of correlations.
    volatility_half_life
        Of the factors' volatilities; markets calm down and get wild faster than they change company.
    lags
        Of Newey and West (1987): covariances with up to so many periods before are added with falling weight.
    shrinkage
        Share of the way from the correlations of the factors to none.
    specific_half_life
        Of the specific variances.
    """

    half_life: float | None = 252.0
    volatility_half_life: float | None = 84.0
    lags: int = 1
    shrinkage: float = 0.0
    specific_half_life: float | None = 252.0


USUAL = Memory()  # chosen on forecasts that came true or did not: docs/honesty.md


def fit_risk_model(returns: np.ndarray, design: Design, *, periods_per_year: int = 252, memory: Memory = USUAL) -> RiskModel:
    """Estimate the risk model of a cross-section.

    Parameters
    ----------
    returns : (n, T)
        Simple returns, oldest first; NaN where a name did not trade or was not listed.
    design
        Exposures of the same n names today.
    periods_per_year
        252 for daily returns in New York, 245 in Tokyo.

    Raises
    ------
    TooFewReturns
        If fewer than 60 periods have returns of more names than there are factors.
    """
    return risk_model_of(fit(returns, design), design, periods_per_year=periods_per_year, memory=memory)


def risk_model_of(cross_section: CrossSection, design: Design, *, periods_per_year: int = 252, memory: Memory = USUAL) -> RiskModel:
    """The risk model of factor returns that are there already: `fit_risk_model` after its regressions."""
    seen = np.isfinite(cross_section.r_squared) | np.isfinite(cross_section.factor_returns).all(axis=0)
    periods = int(seen.sum())
    if periods < MINIMUM_PERIODS:
        raise TooFewReturns(
            f"{periods} of {len(seen)} periods have enough names for {len(design.columns)} factors; {MINIMUM_PERIODS} are needed"
        )
    factor_returns = cross_section.factor_returns[:, seen].T
    scenarios = _bent(_centred(factor_returns, _decay(periods, memory.half_life)), factor_covariance(factor_returns, memory))
    decay = _decay(periods, memory.specific_half_life)
    return RiskModel(
        design.columns,
        design.B,
        scenarios,
        periods_per_year * scenarios.T @ scenarios / periods,
        periods_per_year * _specific_variance(cross_section.specific[:, seen], decay, design.sector, memory.lags),
        periods_per_year,
    )


def factor_covariance(factor_returns: np.ndarray, memory: Memory) -> np.ndarray:
    """Covariance (K, K) a period of (T, K) factor returns: correlations of a long memory, volatilities of a short one.

    Serial correlation is counted by Newey and West's weights 1 - lag / (lags + 1), which keep the matrix positive.
    """
    long = _with_lags(_centred(factor_returns, _decay(len(factor_returns), memory.half_life)), memory.lags)
    short = _with_lags(_centred(factor_returns, _decay(len(factor_returns), memory.volatility_half_life)), memory.lags)
    spread = np.sqrt(np.maximum(np.diagonal(long), 1e-300))
    correlation = (1 - memory.shrinkage) * long / np.outer(spread, spread) + memory.shrinkage * np.eye(len(spread))
    volatility = np.sqrt(np.diagonal(short))
    return correlation * np.outer(volatility, volatility)


def _decay(periods: int, half_life: float | None) -> np.ndarray:
    """Weights (T,), the newest one."""
    return np.ones(periods) if half_life is None else 0.5 ** (np.arange(periods)[::-1] / half_life)


def _centred(factor_returns: np.ndarray, decay: np.ndarray) -> np.ndarray:
    """Scenarios (T, K) with the decay in them: weights of the mean are those of the scenarios, whose mean is then exactly zero."""
    scale = np.sqrt(decay / decay.mean())
    return scale[:, None] * (factor_returns - scale @ factor_returns / scale.sum())


def _with_lags(scenarios: np.ndarray, lags: int) -> np.ndarray:
    covariance = scenarios.T @ scenarios
    for lag in range(1, lags + 1):
        across = scenarios[lag:].T @ scenarios[:-lag]
        covariance += (1 - lag / (lags + 1)) * (across + across.T)
    return covariance / len(scenarios)


def _bent(scenarios: np.ndarray, covariance: np.ndarray) -> np.ndarray:
    """Scenarios bent until their covariance is the one asked for, so that both are one model; the mean stays zero.

    F C^(-1/2) S^(1/2), in the directions that the scenarios have: sector returns sum to zero by cap, and must go on doing so.
    """
    own = scenarios.T @ scenarios / len(scenarios)
    if np.allclose(own, covariance, rtol=1e-12, atol=0.0):
        return scenarios
    values, vectors = np.linalg.eigh(own)
    there = values > 1e-12 * values[-1]
    basis, spread = vectors[:, there], np.sqrt(values[there])
    wanted, turned = np.linalg.eigh(basis.T @ covariance @ basis)
    root = (turned * np.sqrt(np.maximum(wanted, 0.0))) @ turned.T
    return (scenarios @ basis / spread) @ root @ basis.T


def _specific_variance(specific: np.ndarray, decay: np.ndarray, sector: np.ndarray, lags: int) -> np.ndarray:
    """Decayed mean square a name, drawn towards its sector's median the more the fewer days were seen."""
    known = ~np.isnan(specific)
    days = known.sum(axis=1)
    own = _own_variance(np.where(known, specific, 0.0), known, decay, lags)
    settled = days >= min(SETTLED_PERIODS, days.max())
    if not (own[settled] > 0).any():
        raise BadUniverse("specific returns are all zero: the returns have no noise of their own, or names repeat")
    everyone = float(np.median(own[settled]))
    prior = np.full(len(own), everyone)
    for code in np.unique(sector):
        here = settled & (sector == code)
        if here.any():
            prior[sector == code] = np.median(own[here])
    return (days * own + PRIOR_PERIODS * prior) / (days + PRIOR_PERIODS)


def _own_variance(filled: np.ndarray, known: np.ndarray, decay: np.ndarray, lags: int) -> np.ndarray:
    """Decayed mean square (n,) with its serial covariances, never under half of the mean square alone."""
    own = filled**2 @ decay / np.maximum(known @ decay, 1e-300)
    serial = np.zeros(len(own))
    for lag in range(1, lags + 1):
        pairs = np.maximum((known[:, lag:] & known[:, :-lag]) @ decay[lag:], 1e-300)
        serial += 2 * (1 - lag / (lags + 1)) * ((filled[:, lag:] * filled[:, :-lag]) @ decay[lag:]) / pairs
    return np.maximum(own + serial, LEAST_WITH_LAGS * own)
