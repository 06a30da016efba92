"""Lines over the frontier of return against downside, as tight as whole positions allow at reasonable cost.

For a price `slope` of the squared downside: maximise gain g(w) - slope s(w) where a name is held by a share z in [0, 1].
Held by a share, its specific variance costs w^2 / z (the perspective), which is what takes the fun out of many small
positions. The optimum is a tangent of the frontier; its multipliers are a `Line` of the certificate.

Names come into the conic problem (`line_problem`) only when their price, a formula, says that they would gain.
"""

from dataclasses import dataclass

import numpy as np

from optimizer.certificate import EMPTY, Line, height, values_of_names
from optimizer.limits import Limits
from optimizer.line_problem import Columns, Found, LineProblem, Prices
from optimizer.terms import Terms
from optimizer.volatility_floor import MOST, kept_form, most_unbent

ROUNDS = 8
CLOSE = 2e-5  # of the return: a line this near to its tangent is near enough
HELD = 1e-3  # a share above this
NEARLY = 0.98  # of what would no longer be convex
_NO_SPREAD: np.ndarray = np.empty(0)


@dataclass(frozen=True, eq=False)
class Tangent:
    """A line over the portfolios with names `fixed` (n,), its height, and where it touches.

    `weights`, `shares` (n,), the squared `downside` and `variance` are those of the relaxed portfolio.
    """

    line: Line
    fixed: np.ndarray
    height: float
    weights: np.ndarray
    shares: np.ndarray
    downside: float
    variance: float


def tangent(
    terms: Terms,
    limits: Limits,
    fixed: np.ndarray,
    columns: Columns,
    *,
    gain: float,
    slope: float,
    floor: float = 0.0,
    spread: np.ndarray = _NO_SPREAD,
) -> Tangent | None:
    """The best line at a price of downside and one of the volatility floor, or None where no portfolio is found among the columns."""
    columns.add(np.union1d(np.flatnonzero(fixed > 0), terms.held))
    best: Tangent | None = None
    for _ in range(ROUNDS):
        prices = Prices(gain, slope, min(floor, slope * _convex_share(limits, columns, spread)) if floor > 0 else 0.0, spread)
        found = LineProblem(terms, limits, fixed, columns).solve(prices) or _rescued(terms, limits, fixed, columns, prices)
        if found is None:
            return best
        line, weights, shares, value = found
        top = height(line, terms, limits, fixed)
        if best is None or top < best.height:
            best = Tangent(line, fixed, top, weights, shares, _downside(terms, weights, shares), _variance(terms, weights, shares))
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


def refusal(terms: Terms, limits: Limits, fixed: np.ndarray, columns: Columns) -> Line | None:
    """A line that says that there is no portfolio, or None where that is not known."""
    for _ in range(ROUNDS):
        line = LineProblem(terms, limits, fixed, columns).refusal()
        if line is None or height(line, terms, limits, fixed) < -EMPTY:
            return line
        missing = _missing(line, terms, limits, fixed, columns.names)
        if not len(missing):
            return None
        columns.add(missing)
    return None


def _convex_share(limits: Limits, columns: Columns, spread: np.ndarray) -> float:
    """How much of the squares the floor may take away before the problem is no longer convex, nearly."""
    if limits.reach is None:
        return 0.0
    losing = np.full(len(limits.reach.days), 0.5) if columns.losing is None else columns.losing.astype(float)
    return min(MOST, NEARLY * most_unbent(kept_form(losing, limits.reach.white) + np.diag(spread)))


def _rescued(terms: Terms, limits: Limits, fixed: np.ndarray, columns: Columns, prices: Prices) -> Found | None:
    """A point with the help of the reserve; the names that it holds become columns."""
    if np.isin(columns.reserve, columns.names).all():
        return None
    wider = Columns(np.union1d(columns.names, columns.reserve), is_capped=columns.is_capped, losing=columns.losing)
    found = LineProblem(terms, limits, fixed, wider).solve(prices)
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
