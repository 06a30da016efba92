"""The conic problem of one line: the price of downside is given, and shares of names stand for whole positions.

Variables [x (m), z (m), s (m), a (K + 1), t (h), i, r]: weights in units of the largest, x^2 <= s z; a = loadings'w;
t traded weight of held names as far as they stay; i market impacts where there are any; r >= factor variance where the
volatility cap may bind. Only some names are columns. With the losing scenarios fixed the factor part is a form in a
alone, so neither T nor n is a size of the problem.
"""

from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import scipy.sparse as sp

from optimizer.certificate import FIRST_TRADE, Line, intervals
from optimizer.cone import Answer, Cone, in_turn, minimise
from optimizer.limits import Limits
from optimizer.terms import Terms

ENOUGH = 1e-7  # the line holds however rough its multipliers are
_Rows = tuple[sp.csr_matrix, Any]
Found = tuple[Line, np.ndarray, np.ndarray, float]


@dataclass(eq=False)
class Columns:
    """Names that the conic problems know, (m,) ascending; it grows. `is_capped` once the volatility cap has been met.

    `reserve` are names to look among where the columns admit no portfolio; `floor` is the last good price of the
    volatility floor in units of the slope, `losses` (T,) those where its line touched.
    """

    names: np.ndarray
    reserve: np.ndarray = field(default_factory=lambda: np.empty(0, dtype=int))
    is_capped: bool = False
    losing: np.ndarray | None = field(default=None)
    floor: float = 0.0
    losses: np.ndarray | None = field(default=None)

    def add(self, more: np.ndarray) -> None:
        """Make more names columns."""
        self.names = np.union1d(self.names, more)


@dataclass(frozen=True)
class Prices:
    """Of return, squared downside and squared volatility above its floor, and the chords along the axes in units of the slope."""

    gain: float
    slope: float
    floor: float
    spread: np.ndarray


class LineProblem:
    """The conic problem over the columns."""

    def __init__(self, terms: Terms, limits: Limits, fixed: np.ndarray, columns: Columns) -> None:
        self.terms, self.limits, self.columns = terms, limits, columns
        self.names = columns.names[(fixed[columns.names] >= 0) & (limits.caps[columns.names] >= limits.smallest)]
        self.must = fixed[self.names] > 0
        self.low, self.high = _boxes(terms, limits, fixed)
        self.before = terms.current[self.names]
        self.held = np.flatnonzero(self.before > 0) if terms.trades_matter else np.empty(0, dtype=int)
        self.m, self.wide = len(self.names), terms.loadings.shape[1]
        impacts = self.m if terms.has_impact else 0
        self.widths = (self.m, self.m, self.m, self.wide, len(self.held), impacts, int(columns.is_capped))

    def solve(self, prices: Prices) -> Found | None:
        """Line, weights (n,), shares (n,) and the optimum; None without a point."""
        m, limits = self.m, self.limits
        answer, sizes = self._answer(prices)
        if answer is None or answer.status not in {"solved", "rough"}:
            return None
        weights, shares = np.zeros(len(self.terms.mu)), np.zeros(len(self.terms.mu))
        weights[self.names] = limits.largest * np.maximum(answer.x[:m], 0.0)
        shares[self.names] = np.clip(answer.x[m : 2 * m], 1e-9, 1.0)
        line = self._line(prices, answer.z[: sizes[0]], answer.z[sizes[0] : sum(sizes)], weights)
        return line, weights, shares, self._linear(prices)[1] - answer.value

    def refusal(self) -> Line | None:
        """A line of neither gain nor slope, which is to lie under zero: then there is no portfolio. None if the columns have one."""
        nothing = Prices(0.0, 0.0, 0.0, np.empty(0))
        for prices in (Prices(1.0, 1.0, 0.0, np.empty(0)), nothing):  # where one stops without an answer the other may not
            answer, sizes = self._answer(prices)
            if answer is not None and answer.status == "infeasible":
                break
        if answer is None or answer.status != "infeasible" or not len(answer.z):
            return None
        z = answer.z / max(np.abs(answer.z[: sum(sizes)]).max(), 1e-300)
        line = self._line(nothing, z[: sizes[0]], z[sizes[0] : sum(sizes)], np.zeros(len(self.terms.mu)))
        if not line.volatility:
            return line
        # |risk|^2 <= r as a cone (r + 1, r - 1, 2 risk): its multipliers are those of a tangent at u.
        start = sum(sizes) + 3 * self.m
        touch = -z[start + 2 : start + 2 + self.terms.factor_count] / max(z[start] + z[start + 1], 1e-300)
        return replace(line, risk=touch * self.limits.volatility_cap)

    def _answer(self, prices: Prices) -> tuple[Answer | None, tuple[int, int]]:
        """What the solver says, and how many rows are equalities and inequalities; nothing where there are too few names."""
        m = self.m
        if m < self.limits.fewest:
            return None, (0, 0)
        zero, nonnegative, second_order, power = self._equalities(), self._inequalities(), self._second_order(), self._power()
        parts = [*zero, *nonnegative, *second_order, *power]
        b = np.concatenate([np.broadcast_to(np.asarray(side, dtype=float), rows.shape[0]) for rows, side in parts])
        equal, unequal, powers = (sum(rows.shape[0] for rows, _ in part) for part in (zero, nonnegative, power))
        cones = (*[3] * m, *([len(b) - equal - unequal - powers - 3 * m] if self.columns.is_capped else []))
        A = sp.vstack([rows for rows, _ in parts], format="csc")
        cone = Cone(self._quadratic(prices), self._linear(prices)[0], A, b, equal, unequal, cones, powers // 3)
        return minimise(cone, persistent=False, tolerance=ENOUGH), (equal, unequal)

    def _line(self, prices: Prices, equal: np.ndarray, unequal: np.ndarray, weights: np.ndarray) -> Line:
        terms, limits = self.terms, self.limits
        exposure, rules = terms.loadings.T @ weights, len(limits.bounds)
        following = list(unequal[rules:])
        budget = following.pop(0) - following.pop(0) if limits.cash_room > 0 else equal[-1]
        turnover = following.pop(0) if terms.limits_trades else 0.0
        return Line(
            gain=prices.gain,
            slope=prices.slope,
            losses=np.maximum(-(terms.factors @ exposure), 0.0),
            rules=np.maximum(unequal[:rules], 0.0),
            budget=float(budget),
            turnover=max(float(turnover), 0.0),
            volatility=max(float(following[-1]), 0.0) / limits.volatility_cap**2 if self.columns.is_capped else 0.0,
            risk=terms.risk_root @ (terms.risk_loadings.T @ weights),
            floor=prices.floor,
            exposures=exposure if prices.floor > 0 else np.empty(0),
            spread=prices.spread if prices.floor > 0 else np.empty(0),
        )

    def _quadratic(self, prices: Prices) -> sp.csc_matrix:
        losing, terms = self.columns.losing, self.terms
        factors = terms.factors * np.sqrt(0.5) if losing is None else terms.factors[losing]  # about half of all scenarios lose
        form = 2 * prices.slope * terms.per_period * (factors.T @ factors)
        if prices.floor > 0:
            form[:-1, :-1] -= 2 * prices.floor * terms.risk_root.T @ terms.risk_root
            reach = self.limits.reach
            if reach is not None and prices.spread.any():
                axes = reach.axes
                form[:-1, :-1] += 2 * prices.slope * terms.per_period * (prices.spread * axes.T) @ axes
        form = np.triu(form)
        blocks = [sp.csc_matrix(form) if k == 3 else sp.csc_matrix((width, width)) for k, width in enumerate(self.widths)]
        return sp.csc_matrix(sp.block_diag([block for block in blocks if block.shape[0]]))

    def _linear(self, prices: Prices) -> tuple[np.ndarray, float]:
        terms, high, names, gain = self.terms, self.limits.largest, self.names, prices.gain
        impacts = gain * terms.impact[names] if terms.has_impact else np.empty(0)
        # A held name is given up by a share of 1 - z; one outside of the columns is given up.
        sold = gain * (terms.cost * self.before + terms.impact[names] * self.before**1.5)
        given_up = terms.sold(names)
        constant = -sold.sum() - gain * (terms.cost * given_up.sum() + terms.impact @ given_up**1.5)
        constant -= prices.floor * self.limits.volatility_floor**2
        reach = self.limits.reach
        if reach is not None and prices.spread.any():
            constant -= prices.slope * terms.per_period * prices.spread @ (reach.low * reach.high)
        linear = [
            high * (np.where(self.before > 0, 0.0, gain * terms.cost) - gain * terms.mu[names]),
            -sold,
            (prices.slope * terms.half_idio[names] - prices.floor * terms.idio[names]) * high**2,
            self._chords(prices),
            np.full(len(self.held), gain * terms.cost),
            impacts,
            np.zeros(self.widths[-1]),
        ]
        return np.concatenate(linear), float(constant)

    def _chords(self, prices: Prices) -> np.ndarray:
        """Slopes (H,) of the chords that stand for squares along the axes."""
        slopes = np.zeros(self.wide)
        reach = self.limits.reach
        if reach is not None and prices.spread.any():
            slopes[:-1] = -prices.slope * self.terms.per_period * (prices.spread * (reach.low + reach.high)) @ reach.axes
        return slopes

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
            (self._block(-eye * high, sp.diags(self.low[self.names])), 0.0),
            (self._block(eye, -sp.diags(self.high[self.names] / high)), 0.0),
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


def _boxes(terms: Terms, limits: Limits, fixed: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Smallest and largest weights (n,) of held names; of those whose trade is decided, the ones of that way."""
    ways = intervals(terms, limits)
    lows, highs = (np.array(side) for side in zip(*ways, strict=True))
    is_possible = lows <= highs
    low = np.where(is_possible, lows, np.inf).min(axis=0)
    high = np.where(is_possible, highs, -np.inf).max(axis=0)
    if len(ways) > 1:
        decided = np.flatnonzero(fixed >= FIRST_TRADE)
        low[decided], high[decided] = (side[fixed[decided] - FIRST_TRADE, decided] for side in (lows, highs))
    return np.minimum(low, 1.0), np.maximum(high, 0.0)
