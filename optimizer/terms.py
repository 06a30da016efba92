"""The numbers of one portfolio problem, prepared once: scenarios, risk, expected returns net of trading."""

from dataclasses import dataclass

import numpy as np

from optimizer.mandate import Mandate
from optimizer.universe import Universe


@dataclass(frozen=True, eq=False)
class Terms:
    """Data of the problem in homogeneous form, y = tau w.

    Attributes
    ----------
    mu : (n,)
        Expected returns per year, before costs.
    loadings : (n, K + 1), factors : (T, K + 1)
        B and F with one more column, so that scenarios are x = factors @ (loadings' y), expected return included.
    risk_root : (K, K)
        Upper triangular; |risk_root B'w|^2 is the factor variance per year.
    idio : (n,)
        D.
    per_period
        P / T, the weight of a squared loss.
    current : (n,)
        Weights held before trading (zeros when nothing is held).
    cost
        Per year and unit of weight traded.
    goal
        'ratio', or 'min_downside' where no portfolio has a positive expected return.
    """

    mu: np.ndarray
    loadings: np.ndarray
    factors: np.ndarray
    risk_root: np.ndarray
    idio: np.ndarray
    per_period: float
    current: np.ndarray
    cost: float
    goal: str

    @property
    def factor_count(self) -> int:
        """K."""
        return len(self.risk_root)

    @property
    def held(self) -> np.ndarray:
        """Positions of the names whose trading needs a variable of its own."""
        return np.flatnonzero(self.current > 0) if self.cost > 0 else np.empty(0, dtype=int)

    def gains(self, support: np.ndarray) -> np.ndarray:
        """Coefficients of what is scaled to one, over [y of the support, traded weight of held names in it, tau].

        For the ratio: expected return less cost, where a name not held before is bought whole and a held name
        outside of the support is sold whole. For the least downside: tau itself.
        """
        kept = np.intersect1d(support, self.held)
        if self.goal == "min_downside":
            return np.r_[np.zeros(len(support) + len(kept)), 1.0]
        bought = np.where(self.current[support] > 0, 0.0, self.cost)
        sold = self.current[np.setdiff1d(self.held, support)].sum()
        return np.r_[self.mu[support] - bought, np.full(len(kept), -self.cost), -self.cost * sold]

    def net_return(self, weights: np.ndarray) -> float:
        """Expected return per year of (n,) weights, less the cost of coming from `current`."""
        return float(self.mu @ weights - self.cost * np.abs(weights - self.current).sum())

    def covariance(self, support: np.ndarray) -> np.ndarray:
        """Covariance per year of the names of the support."""
        root = self.loadings[support, : self.factor_count] @ self.risk_root.T
        return root @ root.T + np.diag(self.idio[support])


def terms(universe: Universe, mandate: Mandate, current: np.ndarray | None, goal: str) -> Terms:
    """Prepare the numbers of a problem."""
    periods = len(universe.factor_returns)
    per_period = universe.periods_per_year / periods
    return Terms(
        mu=universe.mu,
        loadings=np.column_stack([universe.exposures, universe.mu / universe.periods_per_year]),
        factors=np.column_stack([universe.factor_returns, np.ones(periods)]),
        risk_root=_square(np.asarray(np.linalg.qr(universe.factor_returns * np.sqrt(per_period), mode="r"))),
        idio=universe.idio_var,
        per_period=per_period,
        current=np.zeros(len(universe)) if current is None else np.asarray(current, dtype=float),
        cost=0.0 if current is None else mandate.trading_cost,
        goal=goal,
    )


def _square(root: np.ndarray) -> np.ndarray:
    """Fill with zero rows where there are fewer periods than factors."""
    return np.vstack([root, np.zeros((root.shape[1] - root.shape[0], root.shape[1]))])
