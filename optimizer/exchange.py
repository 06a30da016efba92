"""One name for another: which exchange comes nearest to being worth it, and by how much it is not.

The weight of a held name (or, where the count allows one more, a smallest position out of it) goes to a name that is not held. The new
portfolio must obey every rule; its ratio is computed, not approximated. No other weight moves, so the raise found is one that suffices.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from optimizer.certificate import mandate_rules
from optimizer.limits import Limits
from optimizer.mandate import Mandate
from optimizer.room import NO_ROOM
from optimizer.terms import Terms, terms
from optimizer.universe import Universe

STEPS = 30  # of Newton's method, which ends by itself
EXACT = 1e-12
NONE = -1


@dataclass(frozen=True, eq=False)
class Exchanges:
    """What each name would have needed, or could have lost.

    Attributes
    ----------
    rival : (n,)
        For a name not held, the held name it would have replaced (or taken weight from); for a held name, the name that would have
        replaced it. -1 where no exchange obeys the rules.
    amount : (n,)
        For a name not held, the rise of its expected return a year at which the exchange equals the portfolio; for a held name, the
        fall at which it would. NaN where there is no rival.
    moved : (n,)
        Weight that changes hands; zero where there is no rival.
    """

    rival: np.ndarray
    amount: np.ndarray
    moved: np.ndarray


def exchanges(universe: Universe, mandate: Mandate, weights: np.ndarray, current: np.ndarray | None = None) -> Exchanges:
    """Compare a portfolio (n,) with all its exchanges of one name."""
    n = len(universe)
    found = Exchanges(np.full(n, NONE), np.full(n, np.nan), np.zeros(n))
    data = terms(universe, mandate, current, "ratio")
    book = _Book(universe, mandate, data, mandate_rules(universe, mandate), weights)
    if book.ratio <= 0:
        return found
    for move in _moves(book):
        _take_better(found, book, move)
    for name in np.flatnonzero(weights == 0):
        if found.rival[name] != NONE:
            found.amount[name] = book.rise_needed(name, found.rival[name], found.moved[name])
    return found


class _Book:
    """A portfolio with what its exchanges are computed from."""

    def __init__(self, universe: Universe, mandate: Mandate, data: Terms, rules: Limits, weights: np.ndarray) -> None:
        self.universe, self.mandate, self.data, self.rules, self.weights = universe, mandate, data, rules, weights
        self.scenarios = data.factors @ data.loadings.T
        self.portfolio = self.scenarios @ weights
        self.net = data.net_return(weights)
        self.ratio = self.net / np.sqrt(data.squared_downside(weights))
        self.outside, self.held = np.flatnonzero(weights == 0), np.flatnonzero(weights > 0)
        root = data.risk_loadings @ data.risk_root.T
        self.covariance_with = root @ (root.T @ weights) + data.idio * weights
        self.root = root

    def after(self, name: int, moved: float) -> tuple[np.ndarray, np.ndarray]:
        """Net return and squared downside of the portfolio with `moved` of a held name given to each name outside."""
        out, data, w0 = self.outside, self.data, self.data.current
        x = self.portfolio[:, None] + moved * (self.scenarios[:, out] - self.scenarios[:, [name]])
        losses = np.minimum(x, 0.0)
        left = self.weights[name] - moved
        specific = data.half_idio @ self.weights**2 + data.half_idio[name] * (left**2 - self.weights[name] ** 2)
        squared = data.per_period * np.einsum("ij,ij->j", losses, losses) + specific + data.half_idio[out] * moved**2
        traded = self._cost(moved, w0[out], out) - self._cost(0.0, w0[out], out)
        traded += self._cost(left, w0[name], name) - self._cost(self.weights[name], w0[name], name)
        return self.net + moved * (data.mu[out] - data.mu[name]) - traded, squared

    def _cost(self, weight: float, before: np.ndarray, who: np.ndarray | int) -> np.ndarray:
        trade = np.abs(weight - before)
        return self.data.cost * trade + self.data.impact[who] * trade**1.5

    def obeys(self, name: int, moved: float) -> np.ndarray:
        """Of each name outside: whether the rules hold after it is given `moved` of a held name."""
        out, rules, weights = self.outside, self.rules, self.weights
        left = weights[name] - moved
        holds = (
            (moved >= rules.smallest - NO_ROOM)
            & (moved <= rules.caps[out] + NO_ROOM)
            & ((left < NO_ROOM) | (left >= rules.smallest - NO_ROOM))
        )
        values = (rules.matrix @ weights)[:, None] + moved * (rules.matrix[:, out] - rules.matrix[:, [name]])
        holds &= (values <= rules.bounds[:, None] + NO_ROOM).all(axis=0)
        variance = weights @ self.covariance_with + 2 * moved * (self.covariance_with[out] - self.covariance_with[name])
        between = ((self.root[out] - self.root[name]) ** 2).sum(axis=1) + self.data.idio[out] + self.data.idio[name]
        volatility = np.sqrt(variance + moved**2 * between)
        holds &= volatility <= rules.volatility_cap * (1 + NO_ROOM)
        if self.mandate.risk_floor == "vol":
            holds &= volatility >= self.mandate.risk_band[0] * self.universe.benchmark_vol * (1 - NO_ROOM)
        return holds & self._trades_obey(name, moved)

    def _trades_obey(self, name: int, moved: float) -> np.ndarray:
        out, w0 = self.outside, self.data.current
        if not self.data.has_history:
            return np.ones(len(out), dtype=bool)
        left = self.weights[name] - moved
        bought, kept = np.abs(moved - w0[out]), abs(left - w0[name])
        change = bought - w0[out] + kept - abs(self.weights[name] - w0[name])
        holds = np.abs(self.weights - w0).sum() + change <= self.rules.traded_most + NO_ROOM
        if self.rules.smallest_trade > 0:
            least = self.rules.smallest_trade - NO_ROOM
            holds &= ((bought < NO_ROOM) | (bought >= least)) & (left < NO_ROOM or kept < NO_ROOM or kept >= least)
        return holds

    def rise_needed(self, entering: int, leaving: int, moved: float) -> float:
        """Rise of the entering name's expected return at which the exchange is as good as the portfolio; zero where it is better."""
        weights = self.weights.copy()
        weights[leaving] -= moved
        weights[entering] = moved
        return _rise_to(self.ratio, self.data, self.universe.periods_per_year, weights, moved)

    def fall_borne(self, name: int, ratio: float) -> float:
        """Fall of a held name's expected return at which the portfolio has no more than `ratio`."""
        return -_rise_to(ratio, self.data, self.universe.periods_per_year, self.weights, self.weights[name])


def _rise_to(ratio: float, data: Terms, periods_per_year: float, weights: np.ndarray, of_weight: float) -> float:
    """Change of the expected return of `of_weight` of a portfolio that brings it to a ratio, by Newton's method.

    Return less ratio x downside deviation rises and is concave in the change, so the steps come from below and stop there.
    """
    x = data.factors @ (data.loadings.T @ weights)
    specific, net = data.half_idio @ weights**2, data.net_return(weights)
    shift = of_weight / periods_per_year if data.is_factor_downside else 0.0
    change = 0.0
    for _ in range(STEPS):
        losses = np.minimum(x + shift * change, 0.0)
        downside = np.sqrt(data.per_period * losses @ losses + specific)
        slope = of_weight - ratio * data.per_period * shift * losses.sum() / downside
        step = (ratio * downside - net - of_weight * change) / slope
        change += step
        if abs(step) < EXACT:
            break
    return float(change)


@dataclass(frozen=True)
class _Move:
    name: int
    moved: float
    is_whole: bool


def _moves(book: _Book) -> Iterator[_Move]:
    """Each held name whole; and, where one more name may be held, a smallest position of each that can spare it."""
    for name in book.held:
        yield _Move(int(name), float(book.weights[name]), is_whole=True)
    least = max(book.rules.smallest, book.rules.smallest_trade)
    if len(book.held) < book.rules.most:
        for name in book.held[book.weights[book.held] >= least + book.rules.smallest]:
            yield _Move(int(name), least, is_whole=False)


def _take_better(found: Exchanges, book: _Book, move: _Move) -> None:
    """Keep the move where it needs less of a name outside than the moves before; a whole one speaks for the held name too."""
    obeys = book.obeys(move.name, move.moved)
    if not obeys.any():
        return
    out = book.outside[obeys]
    net, squared = (values[obeys] for values in book.after(move.name, move.moved))
    needed = (book.ratio * np.sqrt(squared) - net) / move.moved  # the first step of Newton's method, enough to compare
    is_better = ~(needed >= found.amount[out])
    found.rival[out[is_better]], found.amount[out[is_better]], found.moved[out[is_better]] = move.name, needed[is_better], move.moved
    if move.is_whole:
        ratios = net / np.sqrt(squared)
        best = int(np.argmax(ratios))
        found.rival[move.name], found.moved[move.name] = out[best], move.moved
        found.amount[move.name] = book.fall_borne(move.name, float(ratios[best]))
