"""Whole positions by a mixed-integer program: the sure way where rounding the relaxation breaks a rule.

HiGHS keeps the linear rules and the counts. The volatility cap is met by outer approximation of its separate squares,

    sum_k t_k + sum_i s_i <= cap^2,   t_k >= (r_k'w)^2 for each factor,   s_i >= D_i w_i^2 / z_i for each name,

by tangents: for the names that HiGHS chose the calmest weights are found; if they are too volatile, the tangents there
shut these names out and HiGHS chooses again. With relief each rule may be missed at a price, which tells what a
mandate lacks.
"""

import numpy as np
import scipy.sparse as sp
from scipy.optimize import Bounds, LinearConstraint, milp

from optimizer.cone import Cone, minimise
from optimizer.limits import Limits
from optimizer.terms import Terms
from optimizer.universe import Universe

CUTS = 5
CUTS_NEAR = 2  # nearness to the relaxation is worth a few tries, existence more
NODES = 60
GAP = 0.01
FEW = 120  # names among which positions are counted out: the time of HiGHS grows steeply with them
NAME_PRICE = 0.01  # a name too few or too many counts like a point of weight
ENOUGH = 1e-6  # relief under this is the solvers' rounding


def whole_positions(
    universe: Universe, limits: Limits, terms: Terms, relaxed: np.ndarray
) -> tuple[np.ndarray | None, list[tuple[str, float]]]:
    """Names near the relaxed weights (n,) on which every rule can be kept, or else any such names; None and what is short if none."""
    program = _Program(universe, limits, terms)
    near = program.cost(preference=relaxed)
    found = _cut_loop(program, near, relief_most=0.0, cuts_most=CUTS_NEAR)
    if found is None or program.relief(found).max() > ENOUGH:
        found = _cut_loop(program, program.cost(), relief_most=np.inf, cuts_most=CUTS)
    if found is None or program.relief(found).max() > ENOUGH:
        return None, _short(program, found)
    return program.support(found), []


def relief(universe: Universe, limits: Limits, terms: Terms) -> list[tuple[str, float]]:
    """Small total relief under which whole positions exist, by rule, largest first.

    The least one, unless the cuts or nodes run out: then still one that is enough.
    """
    program = _Program(universe, limits, terms)
    return _short(program, _cut_loop(program, program.cost(), relief_most=np.inf, cuts_most=CUTS))


def _short(program: "_Program", found: np.ndarray | None) -> list[tuple[str, float]]:
    if found is None:
        return []
    names = (*program.limits.rules, "turnover, at most", "names, at least", "names, at most", "volatility over the index's, at most")
    short = [(name, float(amount)) for name, amount in zip(names, program.relief(found), strict=True) if amount > ENOUGH]
    return sorted(short, key=lambda row: (-row[1], row[0]))


class _Program:
    """Variables [w (n), z (n), t (K), s (n), trades (h), reliefs]: of the R rules, turnover, count below and above, volatility.

    Squares are in units of the squared cap, the last relief in units of the index's volatility.
    """

    def __init__(self, universe: Universe, limits: Limits, terms: Terms) -> None:
        self.universe, self.limits, self.terms = universe, limits, terms
        self.n, self.k, self.rules = len(universe), terms.factor_count, len(limits.bounds)
        self.roots = terms.risk_root @ universe.exposures.T / limits.volatility_cap
        self.idio = universe.idio_var / limits.volatility_cap**2
        self.held = np.flatnonzero(terms.current > 0) if terms.limits_trades else np.empty(0, dtype=int)
        self.widths = (self.n, self.n, self.k, self.n, len(self.held), self.rules, 1, 1, 1, 1)
        self.rows = [self._fixed()]
        for weight in np.linspace(limits.smallest, limits.largest, 3):
            self.rows.append(self._name_tangents(np.arange(self.n), np.full(self.n, weight)))

    def cost(self, preference: np.ndarray | None = None) -> np.ndarray:
        """Prices of relief, or of names by the weights (n,) they are wished to have."""
        if preference is not None:
            return self._spread(None, -np.maximum(preference, 0.0))
        return self._spread(None, None, None, None, None, np.ones(self.rules), 1.0, NAME_PRICE, NAME_PRICE, 1.0)

    def relief(self, point: np.ndarray) -> np.ndarray:
        return point[-(self.rules + 4) :]

    def support(self, point: np.ndarray) -> np.ndarray:
        return np.flatnonzero(point[self.n : 2 * self.n] > 0.5)

    def bounds(self, relief_most: float) -> Bounds:
        upper = self._spread(self.limits.caps, self.limits.caps >= self.limits.smallest, *[np.inf] * 3, *[relief_most] * 5)
        return Bounds(np.zeros(len(upper)), upper)

    def integrality(self) -> np.ndarray:
        return self._spread(0.0, 1.0)

    def shut_out(self, weights: np.ndarray) -> None:
        """Add the tangents of all squares at the weights (n,)."""
        exposure = self.roots @ weights
        factors = self._block(2 * exposure[:, None] * self.roots, None, -np.eye(self.k))
        names = np.flatnonzero(weights > 0)
        self.rows += [
            LinearConstraint(factors, -np.inf, exposure**2),
            self._name_tangents(names, weights[names]),
        ]

    def _name_tangents(self, names: np.ndarray, weights: np.ndarray) -> LinearConstraint:
        """Tangents s >= D (2 v w - v^2 z) of the perspective D w^2 / z at weights v."""
        eye = np.eye(self.n)[names]
        slope = (2 * self.idio[names] * weights)[:, None] * eye
        return LinearConstraint(self._block(slope, -(self.idio[names] * weights**2)[:, None] * eye, None, -eye), -np.inf, 0.0)

    def _fixed(self) -> LinearConstraint:
        n, limits, eye = self.n, self.limits, np.eye(self.n)
        one, ones = np.ones((1, 1)), np.ones((1, n))
        per_index = 2 * self.universe.benchmark_vol / limits.volatility_cap
        rows = [
            (self._block(ones), limits.budget - limits.cash_room, limits.budget),
            (self._block(limits.matrix, None, None, None, None, -np.eye(self.rules)), -np.inf, limits.bounds),
            *self._trades(),
            (self._block(eye, -limits.largest * eye), -np.inf, 0.0),
            (self._block(-eye, limits.smallest * eye), -np.inf, 0.0),
            (self._block(None, ones, None, None, None, None, None, one), limits.fewest, np.inf),
            (self._block(None, ones, None, None, None, None, None, None, -one), -np.inf, limits.most),
            # (cap + relief)^2 >= cap^2 + 2 cap relief
            (self._block(None, None, np.ones((1, self.k)), ones, None, None, None, None, None, -per_index * one), -np.inf, 1.0),
        ]
        low, high = (np.concatenate([np.broadcast_to(row[side], row[0].shape[0]) for row in rows]) for side in (1, 2))
        return LinearConstraint(sp.vstack([row[0] for row in rows]), low, high)

    def _trades(self) -> list[tuple[sp.csr_matrix, np.ndarray | float, np.ndarray | float]]:
        """Held names by the size of their trade, new ones whole; a relief of turnover is half of the weight traded."""
        if not self.terms.limits_trades:
            return []
        chosen, unit, before = np.eye(self.n)[self.held], np.eye(len(self.held)), self.terms.current[self.held]
        is_new = np.ones((1, self.n))
        is_new[0, self.held] = 0.0
        rows: list[tuple[sp.csr_matrix, np.ndarray | float, np.ndarray | float]] = [
            (
                self._block(is_new, None, None, None, np.ones((1, len(self.held))), None, -2 * np.ones((1, 1))),
                -np.inf,
                self.limits.traded_most,
            ),
        ]
        if len(self.held):
            rows += [
                (self._block(chosen, None, None, None, -unit), -np.inf, before),
                (self._block(-chosen, None, None, None, -unit), -np.inf, -before),
            ]
        return rows

    def _block(self, *blocks: np.ndarray | None) -> sp.csr_matrix:
        height = next(block.shape[0] for block in blocks if block is not None)
        filled = [sp.csr_matrix(block) if block is not None else None for block in blocks]
        filled += [None] * (len(self.widths) - len(blocks))
        return sp.hstack(
            [sp.csr_matrix((height, width)) if block is None else block for block, width in zip(filled, self.widths, strict=True)],
            format="csr",
        )

    def _spread(self, *values: np.ndarray | float | None) -> np.ndarray:
        given = [0.0 if value is None else value for value in values] + [0.0] * (len(self.widths) - len(values))
        return np.concatenate([np.broadcast_to(value, width) for value, width in zip(given, self.widths, strict=True)])


def _cut_loop(program: _Program, cost: np.ndarray, *, relief_most: float, cuts_most: int) -> np.ndarray | None:
    """Best point of HiGHS whose names can be calm enough; else the cheapest seen, its volatility relieved."""
    universe, limits, n = program.universe, program.limits, program.n
    cheapest: tuple[float, np.ndarray] | None = None
    for _ in range(cuts_most):
        answer = milp(
            cost,
            constraints=program.rows,
            bounds=program.bounds(relief_most),
            integrality=program.integrality(),
            options={"node_limit": NODES, "mip_rel_gap": GAP},
        )
        if answer.x is None:
            break
        point = np.maximum(answer.x, 0.0)
        relieved = program.relief(point)[: program.rules + 1]
        point[:n] = _calmest(limits, program.terms, program.support(point), relieved, fallback=point[:n])
        excess = (universe.volatility(point[:n]) - limits.volatility_cap) / universe.benchmark_vol - point[-1]
        if excess <= 1e-7:
            return point
        program.shut_out(point[:n])
        point[-1] += excess
        if cheapest is None or cost @ point < cheapest[0]:
            cheapest = (float(cost @ point), point)
    return None if cheapest is None else cheapest[1]


def _calmest(limits: Limits, terms: Terms, support: np.ndarray, relieved: np.ndarray, *, fallback: np.ndarray) -> np.ndarray:
    """Weights (n,) of least volatility on the support, under the linear rules with their relief."""
    m = len(support)
    kept = np.flatnonzero(terms.current[support] > 0) if terms.limits_trades else np.empty(0, dtype=int)
    h, eye, before = len(kept), np.eye(m), terms.current[support[kept]]
    A = [np.ones((1, m)), -np.ones((1, m)), limits.matrix[:, support], -eye, eye]
    b = [limits.budget, limits.cash_room - limits.budget, limits.bounds + relieved[:-1], np.full(m, -limits.smallest), limits.caps[support]]
    rows = np.hstack([np.vstack(A), np.zeros((sum(len(block) for block in A), h))])
    if terms.limits_trades:
        is_new = np.ones((1, m))
        is_new[0, kept] = 0.0
        trades = np.vstack([np.hstack([is_new, np.ones((1, h))]), np.hstack([eye[kept], -np.eye(h)]), np.hstack([-eye[kept], -np.eye(h)])])
        rows = np.vstack([rows, trades])
        b += [limits.traded_most + 2 * relieved[-1] - terms.sold(support).sum(), before, -before]
    form = np.zeros((m + h, m + h))
    form[:m, :m] = np.triu(terms.covariance(support)) / limits.volatility_cap**2
    sides = np.hstack(b) + 1e-9
    answer = minimise(Cone(sp.csc_matrix(form), np.zeros(m + h), sp.csc_matrix(rows), sides, 0, len(sides)), persistent=False)
    weights = fallback.copy()
    if answer.status == "solved":
        weights[:] = 0.0
        weights[support] = np.maximum(answer.x[:m], 0.0)
    return weights
