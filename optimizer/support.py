"""Which names are held: first from the relaxation, then by exchanges that the prices of the names suggest."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np

from optimizer.limits import Limits
from optimizer.polish import Position, above_floor, polish
from optimizer.terms import Terms
from optimizer.universe import Universe

SEARCH_ROUNDS = 20
UNCAPPED = 3.0  # a volatility cap this many times as wide does not bind
TRIALS = 24  # exchanges tried a round; each costs about a millisecond
FEW_BY_FACTORS, FEW_BY_SCENARIOS = 600, 240  # names looked among where there are more
PARTNERS = 6  # names leaving and names entering that are paired
WORTH_IT = 1e-7  # relative gain under which an exchange is only noise


def first_supports(relaxed: np.ndarray, universe: Universe, limits: Limits) -> list[np.ndarray]:
    """Names with the largest relaxed weights (n,), as many in each sector as its band needs and allows.

    As many as the relaxation holds with a meaningful weight; then, if other, as many and as few as the mandate allows.
    """
    least = np.ceil(limits.sector_low / limits.largest - 1e-9).astype(int)
    most = np.floor(limits.sector_high / limits.smallest + 1e-9).astype(int)
    by_weight = np.argsort(-relaxed, kind="stable")
    # Rank of each name within its sector: the first ones are needed, those beyond the most are not allowed.
    rank = np.empty(len(relaxed), dtype=int)
    for sector in range(len(least)):
        members = by_weight[universe.sector[by_weight] == sector]
        rank[members] = np.arange(len(members))
    is_needed = rank < least[universe.sector]
    order = by_weight[np.argsort(~is_needed[by_weight], kind="stable")]
    order = order[(rank[order] < most[universe.sector[order]]) & (limits.caps[order] >= limits.smallest)]
    needed = min(int(is_needed.sum()), limits.most)
    meaningful = int(np.clip((relaxed > limits.smallest / 2).sum(), limits.fewest, limits.most))
    counts = dict.fromkeys(max(count, needed) for count in (meaningful, limits.most, limits.fewest))
    return [np.sort(order[:count]) for count in counts]


def likely_names(universe: Universe, terms: Terms, limits: Limits, *, few: int | None = None) -> np.ndarray:
    """Names that a portfolio is likely to be made of: appealing ones overall and in each sector, extreme betas, those held."""
    if few is None:
        few = FEW_BY_FACTORS if terms.is_factor_downside else FEW_BY_SCENARIOS
    if len(universe) <= few:
        return np.arange(len(universe))
    appeal = np.where(limits.caps > 0, universe.mu / np.sqrt(universe.idio_var + universe.benchmark_vol**2), -np.inf)
    by_appeal = np.argsort(-appeal, kind="stable")
    rank = np.empty(len(universe), dtype=int)
    for sector in range(len(universe.sector_weights)):
        members = by_appeal[universe.sector[by_appeal] == sector]
        rank[members] = np.arange(len(members))
    by_beta = np.argsort(universe.beta, kind="stable")
    extremes = np.r_[by_beta[: few // 20], by_beta[-few // 20 :]]
    return np.unique(np.r_[by_appeal[: few // 2], np.flatnonzero(rank < few // 40), extremes, np.flatnonzero(terms.current > 0)])


def calm_down(terms: Terms, limits: Limits, supports: list[np.ndarray]) -> Position | None:
    """Exchange names until the volatility cap can be kept: the best portfolio on the first support that allows it.

    Fewer names than the relaxation holds have more specific risk, so rounding breaks a cap that nearly binds. The
    least downside deviation stands for the least volatility.
    """
    calmest, uncapped = replace(terms, goal="min_downside"), replace(limits, volatility_cap=UNCAPPED * limits.volatility_cap)
    for support in supports:
        start = polish(calmest, uncapped, support)
        if start is None:
            continue
        end = improve(calmest, uncapped, start, until=lambda found: polish(terms, limits, found.support) is not None)
        allowed = polish(terms, limits, end.support)
        if allowed is not None:
            return allowed
    return None


def improve(terms: Terms, limits: Limits, start: Position, *, until: Callable[[Position], bool] | None = None) -> Position:
    """Exchange, add or drop single names while that improves the portfolio, or until it is what was looked for."""
    best = start
    for _ in range(SEARCH_ROUNDS):
        if until is not None and until(best):
            break
        near = limits if limits.volatility_floor == 0 else above_floor(terms, limits, best.support, best.weights)
        trials = [
            trial
            for support in _neighbours(best, limits)
            if (trial := polish(terms, near, support, losing=best.losing, rounds=2, is_trial=True)) is not None
        ]
        winner = max(trials, key=lambda trial: trial.goodness, default=None)
        if winner is None or winner.goodness <= best.goodness + WORTH_IT * abs(best.goodness):
            break
        polished = polish(terms, limits, winner.support, losing=winner.losing)
        if polished is None or polished.goodness <= best.goodness:
            break
        best = polished
    return best


def _neighbours(position: Position, limits: Limits) -> list[np.ndarray]:
    """Supports one exchange away, the most promising first.

    A name that enters is valued at its best weight by its price and curvature; one that leaves by its price and its
    own curvature alone (an upper bound of the damage would need the whole problem).
    """
    support = position.support
    outside = np.setdiff1d(np.flatnonzero(limits.caps >= limits.smallest), support)
    price, curvature = position.prices[outside], position.curvature[outside]
    weight = np.clip(-price / curvature, limits.smallest, limits.caps[outside])
    entering = price * weight + curvature * weight**2 / 2
    leaving = -position.prices[support] * position.weights + position.curvature[support] * position.weights**2 / 8
    ins = np.argsort(entering, kind="stable")[:PARTNERS]
    outs = np.argsort(leaving, kind="stable")[:PARTNERS]
    moves = [(entering[i] + leaving[o], np.append(np.delete(support, o), outside[i])) for o in outs for i in ins]
    if len(support) > limits.fewest:
        moves += [(leaving[o], np.delete(support, o)) for o in outs]
    if len(support) < limits.most:
        moves += [(entering[i], np.append(support, outside[i])) for i in ins]
    order = np.argsort([value for value, _ in moves], kind="stable")[:TRIALS]
    return [moves[k][1] for k in order]
