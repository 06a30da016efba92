"""The best weights on a given set of names, each between the smallest and the largest weight.

With the losing scenarios known, the squared downside deviation of m names is one m x m quadratic form, so the T
scenarios leave the problem: solve, see which scenarios lose now, repeat (Newton's method on a piecewise quadratic;
two or three rounds). Each round's point obeys all rules, so stopping early costs quality, never validity.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
import scipy.sparse as sp

from optimizer.cone import Answer, Cone, in_turn, minimise
from optimizer.limits import Limits
from optimizer.terms import Terms

ROUNDS = 12
STAYS_BELOW = (0.5, 0.9, 0.1)  # shares of the smallest trade under which a name is left alone, as tried in turn
REPAIRS = 8  # times that trades under the smallest one are undone or enlarged


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
    if (limits.caps[support] < limits.smallest).any():
        return None
    for stays_below in STAYS_BELOW if limits.smallest_trade > 0 else STAYS_BELOW[:1]:
        low, high = _boxes(terms, limits, support)
        for _ in range(REPAIRS):
            found = _newton(_Step(terms, limits, support, low, high), losing=losing, rounds=rounds, is_trial=is_trial)
            if found is None:
                break
            if not _repaired(terms, limits, found, (low, high), stays_below=stays_below):
                return found
            losing = found.losing
    return None


def _boxes(terms: Terms, limits: Limits, support: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Smallest and largest weights (m,); a new name is bought by the smallest trade at least."""
    is_new = (terms.current[support] == 0) & terms.has_history
    return np.where(is_new, max(limits.smallest, limits.smallest_trade), limits.smallest), limits.caps[support].copy()


def _repaired(terms: Terms, limits: Limits, found: Position, boxes: tuple[np.ndarray, np.ndarray], *, stays_below: float) -> bool:
    """Narrow the boxes of held names that trade a little: to no trade, or beyond the smallest one. Whether there were any."""
    if limits.smallest_trade == 0 or not terms.has_history:
        return False
    (low, high), before, least = boxes, terms.current[found.support], limits.smallest_trade
    trade = found.weights - before
    is_small = (before > 0) & (np.abs(trade) < least * (1 - 1e-6)) & (np.abs(trade) > 1e-9)
    can_stay = (before >= low - 1e-12) & (before <= high + 1e-12)
    # The clearer half first; what is left may then look different.
    clearness = np.abs(np.abs(trade) - least / 2) / least
    doubtful = np.flatnonzero(is_small)
    for i in doubtful[np.argsort(-clearness[doubtful], kind="stable")][: (len(doubtful) + 1) // 2]:
        if can_stay[i] and abs(trade[i]) < least * stays_below:
            low[i] = high[i] = before[i]
        elif trade[i] > 0 or (not can_stay[i] and before[i] < low[i]):
            low[i] = max(low[i], before[i] + least)
        else:
            high[i] = min(high[i], before[i] - least)
    return bool(is_small.any())


def _newton(step: "_Step", *, losing: np.ndarray | None, rounds: int, is_trial: bool) -> Position | None:
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

    def __init__(self, terms: Terms, limits: Limits, support: np.ndarray, low: np.ndarray, high: np.ndarray) -> None:
        self.terms, self.limits, self.support, self.low, self.high = terms, limits, support, low, high
        self.m = len(support)
        self.kept = np.flatnonzero(terms.current[support] > 0) if len(terms.held) else np.empty(0, dtype=int)
        self.impacts = self.m if terms.has_impact else 0
        self.scenarios = terms.factors @ terms.loadings[support].T
        self.gains = terms.gains(support)
        self.scale = 1.0 if terms.goal == "min_downside" else float(terms.mu.max()) / 2
        matrix = limits.matrix[:, support]
        self.touching = np.abs(matrix).sum(axis=1) > 0
        self.is_hopeless = bool((limits.bounds[~self.touching] < 0).any() or (low > high).any())
        self.equalities = 0 if limits.cash_room > 0 else 1
        self.A, self.b, self.nonnegative = self._rows(matrix[self.touching], limits.bounds[self.touching])

    def _rows(self, matrix: np.ndarray, bounds: np.ndarray) -> tuple[sp.csc_matrix, np.ndarray, int]:
        m, h, i, limits, terms = self.m, len(self.kept), self.impacts, self.limits, self.terms

        def rows(y: np.ndarray, t: np.ndarray | None = None, impact: np.ndarray | None = None, tau: Any = 0.0) -> np.ndarray:
            height = len(y)
            blocks = (np.zeros((height, h)) if t is None else t, np.zeros((height, i)) if impact is None else impact)
            return np.hstack([y, *blocks, np.broadcast_to(np.asarray(tau, dtype=float), height)[:, None]])

        eye, ones, none = np.eye(m), np.ones((1, m)), np.zeros((m, m))
        chosen, unit, before = eye[self.kept], np.eye(h), terms.current[self.support[self.kept]]
        root = np.linalg.cholesky(terms.covariance(self.support)).T
        is_new = np.ones(m)
        is_new[self.kept] = 0.0
        spent = rows(ones, tau=-limits.budget)
        nonnegative = [
            -self.gains[None],
            rows(matrix, tau=-bounds),
            rows(-eye, tau=self.low),
            rows(eye, tau=-self.high),
            rows(chosen, -unit, tau=-before),
            rows(-chosen, -unit, tau=before),
        ]
        if terms.limits_trades:
            given_up = terms.sold(self.support).sum()
            nonnegative.append(rows(is_new[None], np.ones((1, h)), tau=given_up - limits.traded_most))
        if limits.cash_room > 0:
            nonnegative += [spent, rows(-ones, tau=limits.budget - limits.cash_room)]
        cap = [rows(np.zeros((1, m)), tau=-limits.volatility_cap), rows(-root)]
        power = []
        if i:
            traded = rows(-np.diag(is_new), -chosen.T)
            power = [in_turn(rows(none, impact=-eye), rows(none, tau=-1.0), traded).toarray()]
        inequalities = np.vstack(nonnegative)
        A = np.vstack([*([spent] if self.equalities else []), inequalities, *cap, *power])
        b = np.zeros(len(A))
        b[self.equalities] = -self.scale
        return sp.csc_matrix(A), b, len(inequalities)

    def cone(self, losing: np.ndarray) -> Cone:
        """The problem with the losing scenarios fixed."""
        active = self.scenarios[losing]
        quadratic = self.terms.per_period * (active.T @ active) + np.diag(self.terms.half_idio[self.support])
        size = self.A.shape[1]
        P = np.zeros((size, size))
        P[: self.m, : self.m] = np.triu(quadratic) / self.limits.volatility_cap**2
        return Cone(sp.csc_matrix(P), np.zeros(size), self.A, self.b, self.equalities, self.nonnegative, (self.m + 1,), self.impacts)

    def losing(self, point: np.ndarray) -> np.ndarray:
        return self.scenarios @ point[: self.m] < 0

    def squared_downside(self, point: np.ndarray) -> float:
        """Of a point [y, t, tau], scaled by its gain, so that points compare however exactly they were scaled."""
        y = point[: self.m]
        losses = np.minimum(self.scenarios @ y, 0.0)
        squared = self.terms.per_period * losses @ losses + self.terms.half_idio[self.support] @ y**2
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
        first = self.equalities + 1
        rules[self.touching] = z[first : first + int(self.touching.sum())]
        budget = z[0] if self.equalities else z[self.nonnegative - 2] - z[self.nonnegative - 1]
        earned = z[self.equalities]
        factors = terms.factors[losing]
        losses = factors @ (terms.loadings[self.support].T @ weights)
        slope = terms.per_period * terms.loadings @ (factors.T @ losses)
        slope[self.support] += terms.half_idio[self.support] * weights
        on_cap = z[self.equalities + self.nonnegative] * self._volatility_slope(weights)
        gain = 0.0 if terms.goal == "min_downside" else terms.mu - np.where(terms.current > 0, -terms.cost, terms.cost)
        # In units of the volatility cap, as the problem was solved.
        unit = self.limits.volatility_cap**2
        prices = slope * tau / unit + budget - earned * gain + rules @ self.limits.matrix + on_cap
        half = terms.per_period * ((terms.loadings @ factors.T) ** 2).sum(axis=1) + terms.half_idio
        return prices * tau, half * tau**2 / unit

    def _volatility_slope(self, weights: np.ndarray) -> np.ndarray:
        """Gradient (n,) of the volatility at the weights."""
        terms = self.terms
        exposure = terms.risk_loadings[self.support].T @ weights
        slope = terms.risk_loadings @ (terms.risk_root.T @ (terms.risk_root @ exposure))
        slope[self.support] += terms.idio[self.support] * weights
        return slope / np.sqrt(max(slope[self.support] @ weights, 1e-300))
