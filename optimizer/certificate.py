"""A proof that no portfolio of the mandate is better than a bound, which anyone can check with numpy alone.

Write g for the return net of cost and s for the squared downside deviation. For multipliers that are not negative and
every portfolio of the mandate,

    gain g - slope s  <=  gain g - slope s + sum of multipliers x room left under the rules
                      <=  constant + sum_i max over allowed w_i of (c_i w_i - q_i w_i^2 - p |w_i - w0_i| - e_i |w_i - w0_i|^(3/2))

for what bends in the scenarios lies above its tangents: min(x, 0)^2 >= -2 v x - v^2 for v >= 0, |r|^2 >= 2 u'r - |u|^2.
The right side falls apart into names; each is zero or between the smallest and the largest weight, so its best is a
formula, and the best 20 to 25 names are the largest ones. A line with gain 1 says g <= height + slope s; a few such
lines lie over the frontier of return against downside, and the greatest ratio g / sqrt(s) under them is at a corner.
A line with gain 0 says s >= -height, and one without slope either that there is no portfolio, if it lies under zero. Nothing here is believed of a solver: whatever the multipliers, the bound holds.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import numpy as np

from optimizer.errors import BadUniverse
from optimizer.limits import Limits, limits
from optimizer.mandate import Mandate
from optimizer.reach import ReachProof, tightened_reach
from optimizer.terms import Terms, terms
from optimizer.universe import Universe
from optimizer.volatility_floor import floor_tangent

if TYPE_CHECKING:
    from optimizer.solution import Solution

FIRST_TRADE = 2
TRADES = {"bought": 2, "sold": 3, "kept": 4}  # codes of how a name is traded, in the order of `intervals`
OUT = "out"
EMPTY = 1e-9  # a line without gain and slope, of multipliers up to one, is under zero if it is further down than rounding


@dataclass(frozen=True, eq=False)
class Line:
    """Multipliers of one line; none of them belongs to a name, so the order of the names does not matter.

    Attributes
    ----------
    gain, slope
        Of return and squared downside deviation; (1, slope), (0, 1) or (0, 0).
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
    floor, exposures : (H,), spread : (r,)
        Of the squared volatility floor, the loadings'w at which its tangent touches, and the chords along the axes
        (see `volatility_floor`).
    """

    gain: float
    slope: float
    losses: np.ndarray
    rules: np.ndarray
    budget: float
    turnover: float
    volatility: float
    risk: np.ndarray
    floor: float = 0.0
    exposures: np.ndarray = field(default_factory=lambda: np.empty(0))
    spread: np.ndarray = field(default_factory=lambda: np.empty(0))


@dataclass(frozen=True)
class Leaf:
    """The portfolios that hold the names `inside` and none of `outside` (ids), and the lines over them.

    With a smallest trade, `trades` says of some names inside how they are traded: bought, sold or kept.
    """

    inside: tuple[str, ...]
    outside: tuple[str, ...]
    lines: tuple[Line, ...]
    trades: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True)
class Certificate:
    """Lines over all portfolios; after branching, over each part of them. `goal` is that of `terms`.

    With a volatility floor, `reach` may say how far portfolios better than a known one reach in the factors, each with
    the help of those before.
    """

    goal: str
    leaves: tuple[Leaf, ...]
    reach: tuple[ReachProof, ...] = ()


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
    if not _covers([_allowed(leaf) for leaf in certificate.leaves]):
        return np.inf if certificate.goal == "ratio" else 0.0
    position = {name: i for i, name in enumerate(universe.ids)}
    bounds = []
    over = 0.0
    for proof_of_reach in certificate.reach:
        over = max(over, proof_of_reach.over)
        rules = reached_rules(proof_of_reach, data, rules, over)
        bounds = [over]
    for leaf in certificate.leaves:
        fixed = fixed_names(len(universe), [position[i] for i in leaf.inside], [position[i] for i in leaf.outside])
        for name, trade in leaf.trades:
            fixed[position[name]] = TRADES[trade]
        heights = [(line.gain, line.slope, height(line, data, rules, fixed)) for line in leaf.lines]
        bounds.append(bound_under(heights, data.goal, rules.volatility_cap))
    return max(bounds) if data.goal == "ratio" else min(bounds)


def mandate_rules(universe: Universe, mandate: Mandate) -> Limits:
    """The rules of a mandate: a beta floor is a linear one, a floor on volatility itself has a number of its own."""
    return limits(universe, mandate, floor=universe.beta if mandate.risk_floor == "beta" else None)


def reached_rules(proof: ReachProof, terms: Terms, limits: Limits, over: float) -> Limits:
    """The rules with what a proof says of the portfolios that have a ratio over `over`."""
    return replace(limits, reach=tightened_reach(proof, terms, limits, least_return(proof.lines, terms, limits, over)) or limits.reach)


def least_return(lines: Iterable[Line], terms: Terms, limits: Limits, over: float) -> float:
    """Return that a portfolio with a ratio r over `over` has at least: r sqrt(s) for the least s that the lines admit.

    A line admits s if its height + slope s >= r sqrt(s): all s but those between two roots.
    """
    nobody = np.zeros(len(terms.mu), dtype=np.int8)
    heights = [(line.gain, line.slope, height(line, terms, limits, nobody)) for line in lines]
    root = np.sqrt(max([0.0, *(-top / slope for gain, slope, top in heights if gain == 0 and slope > 0)]))
    gaps = [(slope, top, over**2 - 4 * slope * top) for gain, slope, top in heights if gain == 1 and slope > 0]
    ends = sorted(((over - np.sqrt(d)) / (2 * slope), (over + np.sqrt(d)) / (2 * slope)) for slope, _, d in gaps if d > 0)
    for start, end in ends:
        if start <= root:
            root = max(root, end)
    return float(over * root)


def fixed_names(n: int, inside: Iterable[int], outside: Iterable[int]) -> np.ndarray:
    """(n,) 1 where a name must be held, -1 where it must not, 0 where it may; in `TRADES` also how a held name is traded."""
    fixed = np.zeros(n, dtype=np.int8)
    fixed[list(inside)], fixed[list(outside)] = 1, -1
    return fixed


def height(line: Line, terms: Terms, limits: Limits, fixed: np.ndarray) -> float:
    """Upper bound of gain x return - slope x squared downside over the mandate's portfolios with the names `fixed`."""
    return counted(values_of_ways(line, terms, limits), limits, fixed)


def counted(values: tuple[float, np.ndarray, np.ndarray], limits: Limits, fixed: np.ndarray) -> float:
    """Constant, all names at zero, and what the best allowed number of names adds to that.

    The third of the values is the best of each name (n,), or its best for each way to trade (3, n).
    """
    constant, zero, ways = values
    best = ways
    if ways.ndim == 2:
        best = np.where(fixed >= FIRST_TRADE, ways[np.clip(fixed - FIRST_TRADE, 0, len(ways) - 1), np.arange(len(fixed))], ways.max(axis=0))
    gains = np.where(fixed < 0, -np.inf, best - zero)
    must, may = gains[fixed > 0], -np.sort(-gains[fixed == 0])
    most = min(limits.most - len(must), len(may))
    sums = np.r_[0.0, np.cumsum(may[: max(most, 0)])][max(limits.fewest - len(must), 0) :]
    return float(constant + zero.sum() + must.sum() + sums.max(initial=-np.inf))


def values_of_names(line: Line, terms: Terms, limits: Limits) -> tuple[float, np.ndarray, np.ndarray]:
    """The constant, and what each name adds at zero (n,) and at its best whole position (n,)."""
    constant, zero, ways = values_of_ways(line, terms, limits)
    return constant, zero, ways.max(axis=0)


def values_of_ways(line: Line, terms: Terms, limits: Limits) -> tuple[float, np.ndarray, np.ndarray]:
    """The same with the best position for each way to trade (3, n), or the one way (1, n) where trades may be small."""
    v, u, rules = np.maximum(line.losses, 0.0), line.risk, np.maximum(line.rules, 0.0)
    gain, slope, cap, turnover = line.gain, max(line.slope, 0.0), max(line.volatility, 0.0), max(line.turnover, 0.0)
    constant = rules @ limits.bounds + line.budget * limits.budget + max(-line.budget, 0.0) * limits.cash_room
    constant += slope * terms.per_period * (v @ v) + cap * (limits.volatility_cap**2 + u @ u)
    constant += turnover * limits.traded_most if terms.limits_trades else 0.0
    c = gain * terms.mu - rules @ limits.matrix - line.budget
    c += 2 * slope * terms.per_period * (terms.loadings @ (terms.factors.T @ v)) - 2 * cap * (terms.risk_loadings @ (terms.risk_root.T @ u))
    floor, lift, push = floor_tangent(line, terms, limits)
    constant += lift
    c += terms.loadings @ push if floor else 0.0
    q = np.maximum(slope * terms.half_idio + (cap - floor) * terms.idio, 1e-300)
    p, e, w0 = gain * terms.cost + (turnover if terms.limits_trades else 0.0), gain * terms.impact, terms.current

    def value(w: np.ndarray) -> np.ndarray:
        return c * w - q * w**2 - p * np.abs(w - w0) - e * np.abs(w - w0) ** 1.5

    def step(slope_there: np.ndarray) -> np.ndarray:
        """How far to trade: slope = 2 q d + 3/2 e sqrt(d), a quadratic in sqrt(d)."""
        push = np.maximum(slope_there, 0.0)
        return (2 * push / (1.5 * e + np.sqrt((1.5 * e) ** 2 + 8 * q * push) + 1e-300)) ** 2

    wish = w0 + step(c - 2 * q * w0 - p) - step(2 * q * w0 - c - p)
    allowed = [np.where(low <= high, value(np.clip(wish, low, np.maximum(low, high))), -np.inf) for low, high in intervals(terms, limits)]
    return float(constant), value(np.zeros_like(w0)), np.array(allowed)


def intervals(terms: Terms, limits: Limits) -> list[tuple[np.ndarray, np.ndarray]]:
    """Weights (n,) from and to that a held name may have: any, or with a smallest trade: bought, sold, or kept."""
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
    most = volatility_cap**2
    if any(top < -EMPTY for gain, slope, top in heights if gain == slope == 0):
        return (0.0 if goal == "ratio" else np.inf), most  # there is no portfolio
    least = max([0.0, *(-top / slope for gain, slope, top in heights if gain == 0 and slope > 0)])
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


def _allowed(leaf: Leaf) -> dict[str, frozenset[str]]:
    """What the leaf allows of each name that it decides on: out, or a way to trade."""
    held = {name: frozenset(TRADES) for name in leaf.inside}
    return held | {name: frozenset([OUT]) for name in leaf.outside} | {name: frozenset([trade]) for name, trade in leaf.trades}


def _covers(leaves: list[dict[str, frozenset[str]]]) -> bool:
    """Whether every portfolio is in some leaf: split by any name that all leaves decide on, and look at each of its ways."""
    if not all(leaves):
        return True
    shared = set.intersection(*(set(leaf) for leaf in leaves)) if leaves else set()
    if not shared:
        return False
    name = min(shared)
    return all(
        _covers([{other: ways for other, ways in leaf.items() if other != name} for leaf in leaves if way in leaf[name]])
        for way in (OUT, *TRADES)
    )
