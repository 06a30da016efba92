"""The best weights on a given set of names, each between the smallest and the largest weight.

With the losing scenarios known, the squared downside deviation of m names is one m x m quadratic form, so the T
scenarios leave the problem: solve, see which scenarios lose now, repeat (Newton's method on a piecewise quadratic;
two or three rounds). Each round's point obeys all rules, so stopping early costs quality, never validity.
"""

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import scipy.sparse as sp

from optimizer.cone import Answer, Cone, in_turn, minimise
from optimizer.limits import Limits
from optimizer.terms import Terms

ROUNDS = 12
WAYS, TRIAL_WAYS = 80, 16  # boxes tried where trades may not be small
FLOOR_STEPS, FLOOR_ENOUGH = 8, 1e-6  # tangents of the volatility floor, until the next one gains less than this


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
    near: np.ndarray | None = None,
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
    near : (n,), optional
        With a smallest trade: weights to one side of those held before, or the same, as each name is to be traded at first.
    """
    support = np.sort(support)
    if (limits.caps[support] < limits.smallest).any():
        return None
    if limits.smallest_trade > 0 and near is not None and terms.has_history and limits.volatility_floor == 0:
        traded = _Step(terms, limits, support, *_boxes(terms, limits, support, near))
        found = _newton(traded, losing=losing, rounds=rounds, is_trial=is_trial)
        if found is not None:
            return found
    if limits.volatility_floor == 0:
        return _convex(terms, limits, support, losing=losing, rounds=rounds, is_trial=is_trial)
    found = _convex(terms, replace(limits, volatility_floor=0.0), support, losing=losing, rounds=rounds, is_trial=is_trial)
    if found is None or terms.volatility(found.support, found.weights) >= limits.volatility_floor:
        return found
    return _climbed(terms, limits, found, rounds=rounds, is_trial=is_trial)


def _climbed(terms: Terms, limits: Limits, found: Position, *, rounds: int, is_trial: bool) -> Position | None:
    """From a portfolio under the volatility floor to the best one found above it; in smaller steps where a step is too much."""
    best: Position | None = None
    aim = limits.volatility_floor
    for _ in range(FLOOR_STEPS):
        here = terms.volatility(found.support, found.weights)
        step = above_floor(terms, replace(limits, volatility_floor=aim), found.support, found.weights)
        next_found = _convex(terms, step, found.support, losing=found.losing, rounds=rounds, is_trial=is_trial)
        if next_found is None and best is None and not is_trial and here < aim:
            aim = (here + aim) / 2
        elif next_found is None or (best is not None and next_found.goodness <= best.goodness + FLOOR_ENOUGH * abs(best.goodness)):
            break
        else:
            found, best = next_found, next_found if aim == limits.volatility_floor else None
            aim = limits.volatility_floor
    return best


def above_floor(terms: Terms, limits: Limits, support: np.ndarray, weights: np.ndarray) -> Limits:
    """The limits with a floor that is linear: volatility is never less than its tangent at a portfolio, so that may not be lower.

    Each next tangent, at what was found under the last one, allows more (the convex-concave procedure).
    """
    row, bound = -terms.volatility_slope(support, weights), -limits.volatility_floor
    return replace(limits, matrix=np.vstack([limits.matrix, row]), bounds=np.r_[limits.bounds, bound], volatility_floor=0.0, reach=None)


def _convex(
    terms: Terms, limits: Limits, support: np.ndarray, *, losing: np.ndarray | None, rounds: int, is_trial: bool
) -> Position | None:
    best: Position | None = None
    boxes = [_boxes(terms, limits, support)]
    for _ in range(TRIAL_WAYS if is_trial else WAYS):
        if not boxes or (is_trial and best is not None):
            break
        low, high = boxes.pop()
        found = _newton(_Step(terms, limits, support, low, high), losing=losing, rounds=rounds, is_trial=is_trial)
        if found is None or (best is not None and found.goodness <= best.goodness):
            continue
        losing = found.losing
        ways = _ways(terms, limits, found, low, high)
        if ways:
            boxes += ways
        else:
            best = found
    return best


def _boxes(terms: Terms, limits: Limits, support: np.ndarray, near: np.ndarray | None = None) -> tuple[np.ndarray, np.ndarray]:
    """Smallest and largest weights (m,); a new name is bought by the smallest trade at least, others are traded as `near`."""
    before, least = terms.current[support], limits.smallest_trade
    is_new = (before == 0) & terms.has_history
    low, high = np.where(is_new, max(limits.smallest, least), limits.smallest), limits.caps[support].copy()
    if near is None:
        return low, high
    side = np.where(is_new, 0.0, np.sign(near[support] - before))
    kept = (side == 0) & ~is_new & (before >= low) & (before <= high)
    low = np.where(kept, before, np.where(side > 0, np.maximum(low, before + least), low))
    high = np.where(kept, before, np.where(side < 0, np.minimum(high, before - least), high))
    return low, high


def _ways(terms: Terms, limits: Limits, found: Position, low: np.ndarray, high: np.ndarray) -> list[tuple[np.ndarray, np.ndarray]]:
    """Boxes in which the held name with the clearest small trade is bought, sold or kept, the nearest way last; none if no trade is small."""
    least = limits.smallest_trade
    if least == 0 or not terms.has_history:
        return []
    before = terms.current[found.support]
    trade = found.weights - before
    is_small = (before > 0) & (np.abs(trade) < least * (1 - 1e-6)) & (np.abs(trade) > 1e-9)
    if not is_small.any():
        return []
    name = int(np.argmax(np.where(is_small, np.abs(np.abs(trade) - least / 2), -1.0)))
    bought, sold, kept = (before[name] + least, high[name]), (low[name], before[name] - least), (before[name], before[name])
    more, less = (bought, sold) if trade[name] > 0 else (sold, bought)
    order = [less, more, kept] if abs(trade[name]) < least / 2 else [less, kept, more]
    return [
        (np.where(np.arange(len(low)) == name, start, low), np.where(np.arange(len(high)) == name, end, high))
        for start, end in order
        if low[name] - 1e-12 <= start <= end <= high[name] + 1e-12
    ]


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
        on_cap = z[self.equalities + self.nonnegative] * terms.volatility_slope(self.support, weights)
        gain = 0.0 if terms.goal == "min_downside" else terms.mu - np.where(terms.current > 0, -terms.cost, terms.cost)
        # In units of the volatility cap, as the problem was solved.
        unit = self.limits.volatility_cap**2
        prices = slope * tau / unit + budget - earned * gain + rules @ self.limits.matrix + on_cap
        half = terms.per_period * ((terms.loadings @ factors.T) ** 2).sum(axis=1) + terms.half_idio
        return prices * tau, half * tau**2 / unit
