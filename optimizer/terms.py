"""The numbers of one portfolio problem, prepared once: scenarios, risk, expected returns net of trading."""

from dataclasses import dataclass, replace

import numpy as np

from optimizer.errors import BadUniverse
from optimizer.mandate import Mandate
from optimizer.universe import Universe


@dataclass(frozen=True, eq=False)
class Terms:
    """Data of the problem in homogeneous form, y = tau w.

    Attributes
    ----------
    mu : (n,)
        Expected returns per year, before costs.
    loadings : (n, H), factors : (T, H)
        Scenarios are x = factors @ (loadings' y), expected return included: B and F with one more column, or the
        names' own scenarios and the identity.
    half_idio : (n,)
        What a squared weight adds to the squared downside deviation: D / 2, or zero with the names' own scenarios.
    risk_loadings : (n, K), risk_root : (K, K)
        |risk_root risk_loadings'w|^2 is the factor variance per year; the root is upper triangular.
    idio : (n,)
        D.
    per_period
        P / T, the weight of a squared loss.
    current : (n,)
        Weights held before trading (zeros when nothing is held).
    cost
        Per year and unit of weight traded.
    impact : (n,)
        A trade x costs impact x^(3/2) besides.
    goal
        'ratio', or 'min_downside' where no portfolio has a positive expected return.
    limits_trades, has_history
        Whether the mandate limits turnover; whether weights held before were given at all.
    """

    mu: np.ndarray
    loadings: np.ndarray
    factors: np.ndarray
    half_idio: np.ndarray
    risk_loadings: np.ndarray
    risk_root: np.ndarray
    idio: np.ndarray
    per_period: float
    current: np.ndarray
    cost: float
    impact: np.ndarray
    goal: str
    limits_trades: bool
    has_history: bool

    @property
    def factor_count(self) -> int:
        """K."""
        return len(self.risk_root)

    @property
    def is_factor_downside(self) -> bool:
        """Whether scenarios are those of the risk factors, so that exposures serve both."""
        return self.loadings.shape[1] == self.factor_count + 1 and bool(self.half_idio.any())

    @property
    def has_impact(self) -> bool:
        """Whether large trades cost more a unit than small ones."""
        return bool(self.impact.any())

    @property
    def trades_matter(self) -> bool:
        """Whether trading has a price or a limit."""
        return self.cost > 0 or self.limits_trades or self.has_impact

    @property
    def held(self) -> np.ndarray:
        """Positions of the names whose trading needs a variable of its own."""
        return np.flatnonzero(self.current > 0) if self.trades_matter else np.empty(0, dtype=int)

    def sold(self, support: np.ndarray) -> np.ndarray:
        """Weights of the held names outside of the support, which are sold whole, and zero elsewhere (n,)."""
        given_up = self.current.copy()
        given_up[support] = 0.0
        return given_up

    def gains(self, support: np.ndarray) -> np.ndarray:
        """Coefficients of what is scaled to one, over [y of the support, trades of held names in it, impacts of its names, tau].

        For the ratio: expected return less cost, where a name not held before is bought whole and a held name
        outside of the support is sold whole. For the least downside: tau itself. Impacts are there only if there are any.
        """
        kept = np.intersect1d(support, self.held)
        impacts = -self.impact[support] if self.has_impact else np.empty(0)
        if self.goal == "min_downside":
            return np.r_[np.zeros(len(support) + len(kept) + len(impacts)), 1.0]
        bought = np.where(self.current[support] > 0, 0.0, self.cost)
        sold = self.sold(support)
        given_up = self.cost * sold.sum() + self.impact @ sold**1.5
        return np.r_[self.mu[support] - bought, np.full(len(kept), -self.cost), impacts, -given_up]

    def net_return(self, weights: np.ndarray) -> float:
        """Expected return per year of (n,) weights, less the cost of coming from `current`."""
        trades = np.abs(weights - self.current)
        return float(self.mu @ weights - self.cost * trades.sum() - self.impact @ trades**1.5)

    def squared_downside(self, weights: np.ndarray) -> float:
        """Squared downside deviation per year of (n,) weights."""
        losses = np.minimum(self.factors @ (self.loadings.T @ weights), 0.0)
        return float(self.per_period * losses @ losses + self.half_idio @ weights**2)

    def volatility(self, support: np.ndarray, weights: np.ndarray) -> float:
        """Per year, of (m,) weights of the support."""
        risk = self.risk_root @ (self.risk_loadings[support].T @ weights)
        return float(np.sqrt(risk @ risk + self.idio[support] @ weights**2))

    def volatility_slope(self, support: np.ndarray, weights: np.ndarray) -> np.ndarray:
        """Gradient (n,) of the volatility at (m,) weights of the support; volatility is nowhere below gradient'w."""
        exposure = self.risk_loadings[support].T @ weights
        slope = self.risk_loadings @ (self.risk_root.T @ (self.risk_root @ exposure))
        slope[support] += self.idio[support] * weights
        return slope / np.sqrt(max(slope[support] @ weights, 1e-300))

    def take(self, index: np.ndarray) -> "Terms":
        """Numbers of the names at `index`; names left out must not be held."""
        per_name = ("mu", "loadings", "half_idio", "risk_loadings", "idio", "current", "impact")
        return replace(self, **{name: getattr(self, name)[index] for name in per_name})

    def covariance(self, support: np.ndarray) -> np.ndarray:
        """Covariance per year of the names of the support."""
        root = self.risk_loadings[support] @ self.risk_root.T
        return root @ root.T + np.diag(self.idio[support])


def terms(universe: Universe, mandate: Mandate, current: np.ndarray | None, goal: str) -> Terms:
    """Prepare the numbers of a problem."""
    factor_periods = len(universe.factor_returns)
    if mandate.downside == "scenario":
        if len(universe.scenarios) < 2:
            raise BadUniverse("downside 'scenario' needs scenarios of the names in the universe; got none")
        loadings, factors = universe.scenarios.T, np.eye(len(universe.scenarios))
    else:
        loadings = np.column_stack([universe.exposures, universe.mu / universe.periods_per_year])
        factors = np.column_stack([universe.factor_returns, np.ones(factor_periods)])
    scale = np.sqrt(universe.periods_per_year / factor_periods)
    return Terms(
        mu=universe.mu,
        loadings=loadings,
        factors=factors,
        half_idio=universe.idio_var * (0.0 if mandate.downside == "scenario" else 0.5),
        risk_loadings=universe.exposures,
        risk_root=_square(np.asarray(np.linalg.qr(universe.factor_returns * scale, mode="r"))),
        idio=universe.idio_var,
        per_period=universe.periods_per_year / len(factors),
        current=np.zeros(len(universe)) if current is None else np.asarray(current, dtype=float),
        cost=0.0 if current is None else mandate.trading_cost,
        impact=np.zeros(len(universe)) if current is None else universe.impact,
        goal=goal,
        limits_trades=current is not None and mandate.turnover is not None,
        has_history=current is not None,
    )


def _square(root: np.ndarray) -> np.ndarray:
    """Fill with zero rows where there are fewer periods than factors."""
    return np.vstack([root, np.zeros((root.shape[1] - root.shape[0], root.shape[1]))])
