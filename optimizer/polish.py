"""The best weights on a given set of names, each between the smallest and the largest weight.

With the losing scenarios known, the squared downside deviation of m names is one m x m quadratic form, so the T
scenarios leave the problem: solve, see which scenarios lose now, repeat (Newton's method on a piecewise quadratic;
two or three rounds). Each round's point obeys all rules, so stopping early costs quality, never validity.
"""

from dataclasses import dataclass

import numpy as np
import scipy.sparse as sp

from optimizer.cone import Answer, Cone, minimise
from optimizer.limits import Limits
from optimizer.terms import Terms

ROUNDS = 12


@dataclass(frozen=True, eq=False)
class Position:
    """A portfolio on its support.

    Attributes
    ----------
    support, weights : (m,)
        Names in ascending order, and their weights.
    goodness
        What is maximised: the ratio, or minus the downside deviation.
    losing : (T,)
        Scenarios with a loss.
    prices : (n,)
        Slope of the Lagrangian per unit of weight, for each name of the universe: negative outside of the support
        means that the name wants in; inside, the bounds of the weight are left out, so negative at the smallest
        weight never happens and positive means that the name is held only because it must be.
    curvature : (n,)
        Second derivative per unit of weight, on the losing scenarios.
    """

    support: np.ndarray
    weights: np.ndarray
    goodness: float
    losing: np.ndarray
    prices: np.ndarray
    curvature: np.ndarray


def polish(
    terms: Terms,
    limits: Limits,
    support: np.ndarray,
    *,
    losing: np.ndarray | None = None,
    rounds: int = ROUNDS,
    is_trial: bool = False,
) -> Position | None:
    """Best weights on `support` (m,), or None where the rules cannot be kept on it.

    Parameters
    ----------
    losing : (T,), optional
        Scenarios to start from; those in which the equal-weight portfolio loses when not given.
    rounds
        Newton steps at most.
    is_trial
        Give up on a solver's first failure, and leave the prices empty.
    """
    support = np.sort(support)
    step = _Step(terms, limits, support)
    if step.is_hopeless:
        return None
    losing = step.scenarios.sum(axis=1) < 0 if losing is None else losing
    best: tuple[float, np.ndarray] | None = None
    answer: Answer | None = None
    for _ in range(rounds):
        found = minimise(step.cone(losing), persistent=not is_trial)
        if found.status != "solved":
            break
        point, value = step.descend(best, found.x)
        if best is not None and value >= best[0] * (1 - 1e-12):
            break
        best, answer = (value, point), found
        previous, losing = losing, step.losing(point)
        if (losing == previous).all():
            break
    if best is None or answer is None:
        return None
    return step.position(best[1], answer, losing, with_prices=not is_trial)


class _Step:
    """The cone problem of one support; only its quadratic form changes from round to round."""

    def __init__(self, terms: Terms, limits: Limits, support: np.ndarray) -> None:
        self.terms, self.limits, self.support = terms, limits, support
        self.m = len(support)
        self.kept = np.flatnonzero(terms.current[support] > 0) if len(terms.held) else np.empty(0, dtype=int)
        self.scenarios = terms.factors @ terms.loadings[support].T
        self.gains = terms.gains(support)
        self.scale = 1.0 if terms.goal == "min_downside" else float(terms.mu.max()) / 2
        matrix = limits.matrix[:, support]
        self.touching = np.abs(matrix).sum(axis=1) > 0
        self.is_hopeless = bool((limits.bounds[~self.touching] < 0).any())
        self.A, self.b, self.nonnegative = self._rows(matrix[self.touching], limits.bounds[self.touching])

    def _rows(self, matrix: np.ndarray, bounds: np.ndarray) -> tuple[sp.csc_matrix, np.ndarray, int]:
        m, h, limits = self.m, len(self.kept), self.limits
        eye, none = np.eye(m), np.zeros((m, h))
        chosen, traded = eye[self.kept], np.eye(h)
        before = self.terms.current[self.support[self.kept], None]
        root = np.linalg.cholesky(self.terms.covariance(self.support)).T
        budget = np.r_[np.ones(m), np.zeros(h), -limits.budget]
        nonnegative = np.vstack(
            [
                -self.gains,
                np.hstack([matrix, np.zeros((len(matrix), h)), -bounds[:, None]]),
                np.hstack([-eye, none, np.full((m, 1), limits.smallest)]),
                np.hstack([eye, none, np.full((m, 1), -limits.largest)]),
                np.hstack([chosen, -traded, -before]),
                np.hstack([-chosen, -traded, before]),
            ],
        )
        cap = np.r_[np.zeros(m + h), -limits.volatility_cap]
        A = np.vstack([budget, nonnegative, cap, np.hstack([-root, none, np.zeros((m, 1))])])
        b = np.zeros(len(A))
        b[1] = -self.scale
        return sp.csc_matrix(A), b, len(nonnegative)

    def cone(self, losing: np.ndarray) -> Cone:
        """The problem with the losing scenarios fixed."""
        active = self.scenarios[losing]
        quadratic = self.terms.per_period * (active.T @ active) + np.diag(self.terms.idio[self.support] / 2)
        size = self.m + len(self.kept) + 1
        P = np.zeros((size, size))
        P[: self.m, : self.m] = np.triu(quadratic) / self.limits.volatility_cap**2
        return Cone(sp.csc_matrix(P), np.zeros(size), self.A, self.b, 1, self.nonnegative)

    def losing(self, point: np.ndarray) -> np.ndarray:
        return self.scenarios @ point[: self.m] < 0

    def squared_downside(self, point: np.ndarray) -> float:
        """Of a point [y, t, tau], scaled by its gain, so that points compare however exactly they were scaled."""
        y = point[: self.m]
        losses = np.minimum(self.scenarios @ y, 0.0)
        squared = self.terms.per_period * losses @ losses + 0.5 * self.terms.idio[self.support] @ y**2
        return float(squared * (self.scale / (self.gains @ point)) ** 2)

    def descend(self, best: tuple[float, np.ndarray] | None, point: np.ndarray) -> tuple[np.ndarray, float]:
        """The new point, or one on the way to it when a full step would go too far; and its squared downside."""
        value = self.squared_downside(point)
        for _ in range(4):
            if best is None or value < best[0]:
                break
            point = (point + best[1]) / 2
            value = self.squared_downside(point)
        return point, value

    def position(self, point: np.ndarray, answer: Answer, losing: np.ndarray, *, with_prices: bool) -> Position:
        downside, weights = np.sqrt(self.squared_downside(point)), point[: self.m] / point[-1]
        is_ratio = self.terms.goal == "ratio"
        goodness = float(self.scale / downside if is_ratio else -downside)
        prices, curvature = self._prices(weights, answer, losing) if with_prices else (np.empty(0), np.empty(0))
        return Position(self.support, weights, goodness, losing, prices, curvature)

    def _prices(self, weights: np.ndarray, answer: Answer, losing: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        terms, z = self.terms, answer.z
        tau = answer.x[-1]
        rules = np.zeros(len(self.limits.bounds))
        rules[self.touching] = z[2 : 2 + int(self.touching.sum())]
        factors = terms.factors[losing]
        losses = factors @ (terms.loadings[self.support].T @ weights)
        slope = terms.per_period * terms.loadings @ (factors.T @ losses)
        slope[self.support] += terms.idio[self.support] / 2 * weights
        on_cap = z[1 + self.nonnegative] * self._volatility_slope(weights)
        gain = 0.0 if terms.goal == "min_downside" else terms.mu - np.where(terms.current > 0, -terms.cost, terms.cost)
        # In units of the volatility cap, as the problem was solved.
        unit = self.limits.volatility_cap**2
        prices = slope * tau / unit + z[0] - z[1] * gain + rules @ self.limits.matrix + on_cap
        half = terms.per_period * ((terms.loadings @ factors.T) ** 2).sum(axis=1) + terms.idio / 2
        return prices * tau, half * tau**2 / unit

    def _volatility_slope(self, weights: np.ndarray) -> np.ndarray:
        """Gradient (n,) of the volatility at the weights."""
        terms, k = self.terms, self.terms.factor_count
        exposure = terms.loadings[self.support, :k].T @ weights
        slope = terms.loadings[:, :k] @ (terms.risk_root.T @ (terms.risk_root @ exposure))
        slope[self.support] += terms.idio[self.support] * weights
        return slope / np.sqrt(max(slope[self.support] @ weights, 1e-300))
