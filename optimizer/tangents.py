"""Lines over the frontier of return against downside, as tight as whole positions allow at reasonable cost.

For a price `slope` of the squared downside: maximise gain g(w) - slope s(w) where a name is held by a share z in [0, 1].
Held by a share, its specific variance costs w^2 / z (the perspective), which is what takes the fun out of many small
positions. The optimum is a tangent of the frontier; its multipliers are a `Line` of the certificate.

Variables [x (m), z (m), s (m), a (K + 1), t (h), i, r]: weights in units of the largest, x^2 <= s z; a = loadings'w;
t traded weight of held names as far as they stay; i market impacts where there are any; r >= factor variance where the
volatility cap may bind. Only some
names are columns; all names are priced by formula, and those that would gain come in. With the losing scenarios
fixed the factor part is a form in a alone, so neither T nor n is a size of the problem.
"""

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import scipy.sparse as sp

from optimizer.certificate import Line, height, values_of_names
from optimizer.cone import Cone, in_turn, minimise
from optimizer.limits import Limits
from optimizer.terms import Terms

ROUNDS = 8
ENOUGH = 1e-7  # the line holds however rough its multipliers are
CLOSE = 2e-5  # of the return: a line this near to its tangent is near enough
HELD = 1e-3  # a share above this
_Rows = tuple[sp.csr_matrix, Any]
_Found = tuple[Line, np.ndarray, np.ndarray, float]


@dataclass(frozen=True, eq=False)
class Tangent:
    """A line over the portfolios with names `fixed` (n,), its height, and where it touches.

    `weights`, `shares` (n,) and the squared `downside` are those of the relaxed portfolio.
    """

    line: Line
    fixed: np.ndarray
    height: float
    weights: np.ndarray
    shares: np.ndarray
    downside: float


@dataclass(eq=False)
class Columns:
    """Names that the conic problems know, (m,) ascending; it grows. `is_capped` once the volatility cap has been met.

    `reserve` are names to look among where the columns admit no portfolio.
    """

    names: np.ndarray
    reserve: np.ndarray = field(default_factory=lambda: np.empty(0, dtype=int))
    is_capped: bool = False
    losing: np.ndarray | None = field(default=None)

    def add(self, more: np.ndarray) -> None:
        """Make more names columns."""
        self.names = np.union1d(self.names, more)


def tangent(terms: Terms, limits: Limits, fixed: np.ndarray, columns: Columns, *, gain: float, slope: float) -> Tangent | None:
    """The best line at a price of downside, or None where the solver finds no portfolio among the columns."""
    columns.add(np.union1d(np.flatnonzero(fixed > 0), terms.held))
    best: Tangent | None = None
    for _ in range(ROUNDS):
        found = _Problem(terms, limits, fixed, columns).solve(gain, slope) or _rescued(
            terms, limits, fixed, columns, gain=gain, slope=slope
        )
        if found is None:
            return best
        line, weights, shares, value = found
        top = height(line, terms, limits, fixed)
        if best is None or top < best.height:
            best = Tangent(line, fixed, top, weights, shares, _downside(terms, weights, shares))
        losing = terms.factors @ (terms.loadings.T @ weights) < 0
        is_settled = columns.losing is not None and (losing == columns.losing).all()
        columns.losing = losing
        excess = _variance(terms, weights, shares) - limits.volatility_cap**2
        is_too_volatile = excess > 1e-6 * limits.volatility_cap**2 and not columns.is_capped
        columns.is_capped |= is_too_volatile
        missing = _missing(line, terms, limits, fixed, columns.names)
        if len(missing):
            columns.add(missing)
        if top - value <= CLOSE * abs(value) and not is_too_volatile:
            break
        if is_settled and not len(missing) and not is_too_volatile:
            break
    return best


def _rescued(terms: Terms, limits: Limits, fixed: np.ndarray, columns: Columns, *, gain: float, slope: float) -> _Found | None:
    """A point with the help of the reserve; the names that it holds become columns."""
    if np.isin(columns.reserve, columns.names).all():
        return None
    wider = Columns(np.union1d(columns.names, columns.reserve), is_capped=columns.is_capped, losing=columns.losing)
    found = _Problem(terms, limits, fixed, wider).solve(gain, slope)
    if found is not None:
        columns.add(np.flatnonzero(found[2] > HELD))
    return found


def _downside(terms: Terms, weights: np.ndarray, shares: np.ndarray) -> float:
    losses = np.minimum(terms.factors @ (terms.loadings.T @ weights), 0.0)
    return float(terms.per_period * losses @ losses + terms.half_idio @ (weights**2 / np.maximum(shares, 1e-9)))


def _variance(terms: Terms, weights: np.ndarray, shares: np.ndarray) -> float:
    exposure = terms.risk_root @ (terms.risk_loadings.T @ weights)
    return float(exposure @ exposure + terms.idio @ (weights**2 / np.maximum(shares, 1e-9)))


def _missing(line: Line, terms: Terms, limits: Limits, fixed: np.ndarray, names: np.ndarray) -> np.ndarray:
    """Names outside of the columns that the count would rather hold."""
    _, zero, best = values_of_names(line, terms, limits)
    gains = np.where(fixed < 0, -np.inf, best - zero)
    order = np.argsort(-gains, kind="stable")[: limits.most]
    return np.setdiff1d(order[gains[order] > 0], names)


class _Problem:
    """The conic problem over the columns."""

    def __init__(self, terms: Terms, limits: Limits, fixed: np.ndarray, columns: Columns) -> None:
        self.terms, self.limits, self.columns = terms, limits, columns
        self.names = columns.names[(fixed[columns.names] >= 0) & (limits.caps[columns.names] >= limits.smallest)]
        self.must = fixed[self.names] > 0
        self.before = terms.current[self.names]
        self.held = np.flatnonzero(self.before > 0) if terms.trades_matter else np.empty(0, dtype=int)
        self.m, self.wide = len(self.names), terms.loadings.shape[1]
        impacts = self.m if terms.has_impact else 0
        self.widths = (self.m, self.m, self.m, self.wide, len(self.held), impacts, int(columns.is_capped))

    def solve(self, gain: float, slope: float) -> _Found | None:
        """Line, weights (n,), shares (n,) and the optimum; None without a point."""
        terms, limits, m = self.terms, self.limits, self.m
        if m < limits.fewest:
            return None
        linear, constant = self._linear(gain, slope)
        zero, nonnegative, second_order, power = self._equalities(), self._inequalities(), self._second_order(), self._power()
        parts = [*zero, *nonnegative, *second_order, *power]
        b = np.concatenate([np.broadcast_to(np.asarray(side, dtype=float), rows.shape[0]) for rows, side in parts])
        equal, unequal, powers = (sum(rows.shape[0] for rows, _ in part) for part in (zero, nonnegative, power))
        cones = (*[3] * m, *([len(b) - equal - unequal - powers - 3 * m] if self.columns.is_capped else []))
        A = sp.vstack([rows for rows, _ in parts], format="csc")
        answer = minimise(
            Cone(self._quadratic(slope), linear, A, b, equal, unequal, cones, powers // 3), persistent=False, tolerance=ENOUGH
        )
        if answer.status not in {"solved", "rough"}:
            return None
        weights, shares = np.zeros(len(terms.mu)), np.zeros(len(terms.mu))
        weights[self.names] = limits.largest * np.maximum(answer.x[:m], 0.0)
        shares[self.names] = np.clip(answer.x[m : 2 * m], 1e-9, 1.0)
        return (
            self._line(gain, slope, answer.z[:equal], answer.z[equal : equal + unequal], weights),
            weights,
            shares,
            constant - answer.value,
        )

    def _line(self, gain: float, slope: float, equal: np.ndarray, unequal: np.ndarray, weights: np.ndarray) -> Line:
        terms, limits = self.terms, self.limits
        exposure, rules = terms.loadings.T @ weights, len(limits.bounds)
        following = list(unequal[rules:])
        budget = following.pop(0) - following.pop(0) if limits.cash_room > 0 else equal[-1]
        turnover = following.pop(0) if terms.limits_trades else 0.0
        return Line(
            gain=gain,
            slope=slope,
            losses=np.maximum(-(terms.factors @ exposure), 0.0),
            rules=np.maximum(unequal[:rules], 0.0),
            budget=float(budget),
            turnover=max(float(turnover), 0.0),
            volatility=max(float(following[-1]), 0.0) / limits.volatility_cap**2 if self.columns.is_capped else 0.0,
            risk=terms.risk_root @ (terms.risk_loadings.T @ weights),
        )

    def _quadratic(self, slope: float) -> sp.csc_matrix:
        losing, terms = self.columns.losing, self.terms
        factors = terms.factors * np.sqrt(0.5) if losing is None else terms.factors[losing]  # about half of all scenarios lose
        form = np.triu(2 * slope * terms.per_period * (factors.T @ factors))
        blocks = [sp.csc_matrix(form) if k == 3 else sp.csc_matrix((width, width)) for k, width in enumerate(self.widths)]
        return sp.csc_matrix(sp.block_diag([block for block in blocks if block.shape[0]]))

    def _linear(self, gain: float, slope: float) -> tuple[np.ndarray, float]:
        terms, high, names = self.terms, self.limits.largest, self.names
        impacts = gain * terms.impact[names] if terms.has_impact else np.empty(0)
        # A held name is given up by a share of 1 - z; one outside of the columns is given up.
        sold = gain * (terms.cost * self.before + terms.impact[names] * self.before**1.5)
        given_up = terms.sold(names)
        constant = -sold.sum() - gain * (terms.cost * given_up.sum() + terms.impact @ given_up**1.5)
        linear = [
            high * (np.where(self.before > 0, 0.0, gain * terms.cost) - gain * terms.mu[names]),
            -sold,
            slope * terms.half_idio[names] * high**2,
            np.zeros(self.wide),
            np.full(len(self.held), gain * terms.cost),
            impacts,
            np.zeros(self.widths[-1]),
        ]
        return np.concatenate(linear), float(constant)

    def _equalities(self) -> list[_Rows]:
        high = self.limits.largest
        rows: list[_Rows] = [(self._block(self.terms.loadings[self.names].T * high, None, None, -sp.eye(self.wide)), 0.0)]
        if self.limits.cash_room == 0:
            rows.append((self._block(np.full((1, self.m), high)), self.limits.budget))
        return rows

    def _inequalities(self) -> list[_Rows]:
        """In the order that `_line` reads: rules, budget, turnover first, volatility last."""
        terms, limits, m, high = self.terms, self.limits, self.m, self.limits.largest
        eye, ones = sp.eye(m, format="csr"), np.ones((1, m))
        rows: list[_Rows] = [(self._block(limits.matrix[:, self.names] * high), limits.bounds)]
        if limits.cash_room > 0:
            rows += [(self._block(ones * high), limits.budget), (self._block(-ones * high), limits.cash_room - limits.budget)]
        if terms.limits_trades:
            bought = np.where(self.before > 0, 0.0, high)
            sides = limits.traded_most - terms.current.sum()
            rows.append((self._block(bought[None], -self.before[None], None, None, np.ones((1, len(self.held)))), sides))
        rows += [
            (self._block(-eye * high, eye * limits.smallest), 0.0),
            (self._block(eye, -sp.diags(limits.caps[self.names] / high)), 0.0),
            (self._block(None, eye), 1.0),
            (self._block(None, ones), limits.most),
            (self._block(None, -ones), -limits.fewest),
            (self._block(None, -eye[self.must]), -1.0),
        ]
        share, chosen, unit = sp.diags(self.before).tocsr()[self.held], high * eye[self.held], sp.eye(len(self.held))
        rows += [(self._block(chosen, -share, None, None, -unit), 0.0), (self._block(-chosen, share, None, None, -unit), 0.0)]
        if self.columns.is_capped:
            specific = terms.idio[self.names] * (high / limits.volatility_cap) ** 2
            rows.append((self._block(None, None, specific[None], None, None, None, np.ones((1, 1))), 1.0))
        return rows

    def _second_order(self) -> list[_Rows]:
        """x^2 <= s z as (s + z, s - z, 2x); |factor risk|^2 <= r as (r + 1, r - 1, 2 risk)."""
        eye, terms, cap = sp.eye(self.m, format="csr"), self.terms, self.limits.volatility_cap
        shares = in_turn(self._block(None, -eye, -eye), self._block(None, eye, -eye), self._block(-2 * eye))
        rows: list[_Rows] = [(shares, 0.0)]
        if self.columns.is_capped:
            r = self._block(None, None, None, None, None, None, -np.ones((1, 1)))
            root = -2 * terms.risk_root / cap
            if terms.is_factor_downside:
                risk = self._block(None, None, None, np.hstack([root, np.zeros((terms.factor_count, 1))]))
            else:
                risk = self._block(self.limits.largest * root @ terms.risk_loadings[self.names].T)
            rows += [(r, 1.0), (r, -1.0), (risk, 0.0)]
        return rows

    def _power(self) -> list[_Rows]:
        """An impact, its share and the trade: impact^(2/3) share^(1/3) >= trade."""
        if not self.terms.has_impact:
            return []
        eye = sp.eye(self.m, format="csr")
        is_new = np.ones(self.m)
        is_new[self.held] = 0.0
        traded = self._block(-sp.diags(is_new) * self.limits.largest, None, None, None, -eye[self.held].T)
        return [(in_turn(self._block(None, None, None, None, None, -eye), self._block(None, -eye), traded), 0.0)]

    def _block(self, *blocks: sp.spmatrix | np.ndarray | None) -> sp.csr_matrix:
        """Rows with these blocks under x, z, s, a, t, i, r; those not given are zero."""
        height_of_rows = next(block.shape[0] for block in blocks if block is not None)
        given = [*blocks, *[None] * (len(self.widths) - len(blocks))]
        filled = [sp.csr_matrix((height_of_rows, w)) if b is None else sp.csr_matrix(b) for b, w in zip(given, self.widths, strict=True)]
        return sp.hstack(filled, format="csr")
