"""A proof that no portfolio of the mandate is better than a bound, which anyone can check with numpy alone.

Write g for the return net of cost and s for the squared downside deviation. For multipliers that are not negative and
every portfolio of the mandate,

    gain g - slope s  <=  gain g - slope s + sum of multipliers x room left under the rules
                      <=  constant + sum_i max over allowed w_i of (c_i w_i - q_i w_i^2 - p |w_i - w0_i| - e_i |w_i - w0_i|^(3/2))

for what bends in the scenarios lies above its tangents: min(x, 0)^2 >= -2 v x - v^2 for v >= 0, |r|^2 >= 2 u'r - |u|^2.
The right side falls apart into names; each is zero or between the smallest and the largest weight, so its best is a
formula, and the best 20 to 25 names are the largest ones. A line with gain 1 says g <= height + slope s; a few such
lines lie over the frontier of return against downside, and the greatest ratio g / sqrt(s) under them is at a corner.
A line with gain 0 says s >= -height. Nothing here is believed of a solver: whatever the multipliers, the bound holds.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from optimizer.errors import BadUniverse
from optimizer.limits import Limits, limits
from optimizer.mandate import Mandate
from optimizer.terms import Terms, terms
from optimizer.universe import Universe

if TYPE_CHECKING:
    from optimizer.solution import Solution


@dataclass(frozen=True, eq=False)
class Line:
    """Multipliers of one line; none of them belongs to a name, so the order of the names does not matter.

    Attributes
    ----------
    gain, slope
        Of return and squared downside deviation; (1, slope) or (0, 1).
    losses : (T,)
        v, per scenario.
    rules : (R,)
        Of the linear rules of `limits`.
    budget
        Of any sign.
    turnover
        Of the turnover limit.
    volatility, risk : (K,)
        Of the squared volatility cap, and where its factor part is touched (u).
    """

    gain: float
    slope: float
    losses: np.ndarray
    rules: np.ndarray
    budget: float
    turnover: float
    volatility: float
    risk: np.ndarray


@dataclass(frozen=True)
class Leaf:
    """The portfolios that hold the names `inside` and none of `outside` (ids), and the lines over them."""

    inside: tuple[str, ...]
    outside: tuple[str, ...]
    lines: tuple[Line, ...]


@dataclass(frozen=True)
class Certificate:
    """Lines over all portfolios; after branching, over each part of them. `goal` is that of `terms`."""

    goal: str
    leaves: tuple[Leaf, ...]


def replay(proof: "Certificate | Solution", universe: Universe, mandate: Mandate, current: np.ndarray | None = None) -> float:
    """The bound that a certificate proves: a ratio from above, or for 'min_downside' a downside deviation from below.

    Parameters
    ----------
    current : (n,), optional
        Weights held before trading, as they were given to `solve`.

    Examples
    --------
    `replay(solution, universe, mandate, current) == solution.bound` to rounding.
    """
    certificate = proof if isinstance(proof, Certificate) else proof.certificate
    if certificate is None:
        raise BadUniverse("the bound of this solution is a solver's word (see bound_kind): there is no certificate to replay")
    data, rules = terms(universe, mandate, current, certificate.goal), mandate_rules(universe, mandate)
    if not _covers([(frozenset(leaf.inside), frozenset(leaf.outside)) for leaf in certificate.leaves]):
        return np.inf if certificate.goal == "ratio" else 0.0
    position = {name: i for i, name in enumerate(universe.ids)}
    bounds = []
    for leaf in certificate.leaves:
        fixed = fixed_names(len(universe), [position[i] for i in leaf.inside], [position[i] for i in leaf.outside])
        heights = [(line.gain, line.slope, height(line, data, rules, fixed)) for line in leaf.lines]
        bounds.append(bound_under(heights, data.goal, rules.volatility_cap))
    return max(bounds) if data.goal == "ratio" else min(bounds)


def mandate_rules(universe: Universe, mandate: Mandate) -> Limits:
    """The convex rules of a mandate: a beta floor is one, a floor on volatility itself is left out."""
    return limits(universe, mandate, floor=universe.beta if mandate.risk_floor == "beta" else None)


def fixed_names(n: int, inside: Iterable[int], outside: Iterable[int]) -> np.ndarray:
    """(n,) 1 where a name must be held, -1 where it must not, 0 where it may."""
    fixed = np.zeros(n, dtype=np.int8)
    fixed[list(inside)], fixed[list(outside)] = 1, -1
    return fixed


def height(line: Line, terms: Terms, limits: Limits, fixed: np.ndarray) -> float:
    """Upper bound of gain x return - slope x squared downside over the mandate's portfolios with the names `fixed`."""
    return counted(values_of_names(line, terms, limits), limits, fixed)


def counted(values: tuple[float, np.ndarray, np.ndarray], limits: Limits, fixed: np.ndarray) -> float:
    """Constant, all names at zero, and what the best allowed number of names adds to that."""
    constant, zero, best = values
    gains = np.where(fixed < 0, -np.inf, best - zero)
    must, may = gains[fixed > 0], -np.sort(-gains[fixed == 0])
    most = min(limits.most - len(must), len(may))
    sums = np.r_[0.0, np.cumsum(may[: max(most, 0)])][max(limits.fewest - len(must), 0) :]
    return float(constant + zero.sum() + must.sum() + sums.max(initial=-np.inf))


def values_of_names(line: Line, terms: Terms, limits: Limits) -> tuple[float, np.ndarray, np.ndarray]:
    """The constant, and what each name adds at zero (n,) and at its best whole position (n,)."""
    v, u, rules = np.maximum(line.losses, 0.0), line.risk, np.maximum(line.rules, 0.0)
    gain, slope, cap, turnover = line.gain, max(line.slope, 0.0), max(line.volatility, 0.0), max(line.turnover, 0.0)
    constant = rules @ limits.bounds + line.budget * limits.budget + max(-line.budget, 0.0) * limits.cash_room
    constant += slope * terms.per_period * (v @ v) + cap * (limits.volatility_cap**2 + u @ u)
    constant += turnover * limits.traded_most if terms.limits_trades else 0.0
    c = gain * terms.mu - rules @ limits.matrix - line.budget
    c += 2 * slope * terms.per_period * (terms.loadings @ (terms.factors.T @ v)) - 2 * cap * (terms.risk_loadings @ (terms.risk_root.T @ u))
    q = np.maximum(slope * terms.half_idio + cap * terms.idio, 1e-300)
    p, e, w0 = gain * terms.cost + (turnover if terms.limits_trades else 0.0), gain * terms.impact, terms.current

    def value(w: np.ndarray) -> np.ndarray:
        return c * w - q * w**2 - p * np.abs(w - w0) - e * np.abs(w - w0) ** 1.5

    def step(slope_there: np.ndarray) -> np.ndarray:
        """How far to trade: slope = 2 q d + 3/2 e sqrt(d), a quadratic in sqrt(d)."""
        push = np.maximum(slope_there, 0.0)
        return (2 * push / (1.5 * e + np.sqrt((1.5 * e) ** 2 + 8 * q * push) + 1e-300)) ** 2

    wish = w0 + step(c - 2 * q * w0 - p) - step(2 * q * w0 - c - p)
    allowed = [np.where(low <= high, value(np.clip(wish, low, np.maximum(low, high))), -np.inf) for low, high in _intervals(terms, limits)]
    return float(constant), value(np.zeros_like(w0)), np.max(allowed, axis=0)


def _intervals(terms: Terms, limits: Limits) -> list[tuple[np.ndarray, np.ndarray]]:
    """Weights (n,) from and to that a held name may have: any, or with a smallest trade: buy, sell, or stay."""
    low, high, w0 = np.full(len(terms.mu), limits.smallest), limits.caps, terms.current
    if limits.smallest_trade == 0 or not terms.has_history:
        return [(low, high)]
    may_stay = (w0 >= low) & (w0 <= high)
    return [
        (np.maximum(low, w0 + limits.smallest_trade), high),
        (low, np.minimum(high, w0 - limits.smallest_trade)),
        (np.where(may_stay, w0, 1.0), np.where(may_stay, w0, 0.0)),
    ]


def bound_under(heights: list[tuple[float, float, float]], goal: str, volatility_cap: float) -> float:
    """Greatest ratio, or least downside deviation, under lines (gain, slope, height)."""
    return corner_under(heights, goal, volatility_cap)[0]


def corner_under(heights: list[tuple[float, float, float]], goal: str, volatility_cap: float) -> tuple[float, float]:
    """The bound, and the squared downside deviation s at which it is reached.

    A portfolio with a positive expected return has less downside deviation than volatility, so s ends at the squared cap.
    """
    least = max([0.0, *(-top / slope for gain, slope, top in heights if gain == 0)])
    most = volatility_cap**2
    if goal == "min_downside":
        return float(np.sqrt(least)), least
    slopes, tops = np.array([(slope, top) for gain, slope, top in heights if gain > 0]).reshape(-1, 2).T
    if least > most:
        return 0.0, most  # nobody is there
    if least == 0.0 or not len(slopes):
        return np.inf, least
    with np.errstate(divide="ignore", invalid="ignore"):
        corners = ((tops[:, None] - tops) / (slopes - slopes[:, None])).ravel()
    s = np.r_[least, most, corners[(corners > least) & (corners < most)]]
    ratios = np.min(tops + slopes * s[:, None], axis=1) / np.sqrt(s)
    return max(float(ratios.max()), 0.0), float(s[np.argmax(ratios)])


def _covers(leaves: list[tuple[frozenset[str], frozenset[str]]]) -> bool:
    """Whether every portfolio is in some leaf: split by any name that all leaves decide on, and look at both halves."""
    if any(not inside and not outside for inside, outside in leaves):
        return True
    decided = [inside | outside for inside, outside in leaves]
    shared = frozenset.intersection(*decided) if decided else frozenset()
    if not shared:
        return False
    name = min(shared)
    halves = ([(a - {name}, b) for a, b in leaves if name in a], [(a, b - {name}) for a, b in leaves if name in b])
    return all(_covers(half) for half in halves)
