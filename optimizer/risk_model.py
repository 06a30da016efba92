"""A factor risk model from daily returns: today's exposures, the factor returns they imply, specific variances.

Scenarios of a portfolio w are f_t' B' w with the specific part left to its variance, so a name listed last month
needs exposures only. Volatility is that of total return per year.
"""

from dataclasses import dataclass

import numpy as np

from optimizer.cross_section import Design, fit
from optimizer.errors import BadUniverse, TooFewReturns

MINIMUM_PERIODS = 60
PRIOR_PERIODS = 60.0  # a specific variance is one part own for each day seen, one part its sector's for 60 days
SETTLED_PERIODS = 250  # names seen for as long make up their sector's median


@dataclass(frozen=True, eq=False)
class RiskModel:
    """Risk of n names through K factors over T periods.

    Attributes
    ----------
    exposures : (n, K)
        B, as of today.
    factor_returns : (T, K)
        F, oldest first, with mean zero: the mean of two years of days is noise, expected returns come from elsewhere.
        Scaled by the root of their decay weights, so that `periods_per_year` x F'F / T is `factor_covariance`.
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


def fit_risk_model(
    returns: np.ndarray,
    design: Design,
    *,
    periods_per_year: int = 252,
    half_life: float | None = 252.0,
) -> RiskModel:
    """Estimate the risk model of a cross-section.

    Parameters
    ----------
    returns : (n, T)
        Simple returns, oldest first; NaN where a name did not trade or was not listed.
    design
        Exposures of the same n names today.
    periods_per_year
        252 for daily returns in New York, 245 in Tokyo.
    half_life
        Periods after which a return counts half; None for equal weights.

    Raises
    ------
    TooFewReturns
        If fewer than 60 periods have returns of more names than there are factors.
    """
    cross_section = fit(returns, design)
    seen = np.isfinite(cross_section.r_squared) | np.isfinite(cross_section.factor_returns).all(axis=0)
    periods = int(seen.sum())
    if periods < MINIMUM_PERIODS:
        raise TooFewReturns(
            f"{periods} of {returns.shape[1]} periods have enough names for {len(design.columns)} factors; {MINIMUM_PERIODS} are needed"
        )
    age = np.arange(periods)[::-1]
    decay = np.ones(periods) if half_life is None else 0.5 ** (age / half_life)
    scale = np.sqrt(decay / decay.mean())
    factor_returns = cross_section.factor_returns[:, seen].T
    # Weights of the mean are those of the scenarios, whose mean is then exactly zero.
    scenarios = scale[:, None] * (factor_returns - scale @ factor_returns / scale.sum())
    return RiskModel(
        design.columns,
        design.B,
        scenarios,
        periods_per_year * scenarios.T @ scenarios / periods,
        periods_per_year * _specific_variance(cross_section.specific[:, seen], decay, design.sector),
        periods_per_year,
    )


def _specific_variance(specific: np.ndarray, decay: np.ndarray, sector: np.ndarray) -> np.ndarray:
    """Decayed mean square a name, drawn towards its sector's median the more the fewer days were seen."""
    known = ~np.isnan(specific)
    days = known.sum(axis=1)
    mass = known @ decay
    own = np.where(known, specific, 0.0) ** 2 @ decay / np.maximum(mass, 1e-300)
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
