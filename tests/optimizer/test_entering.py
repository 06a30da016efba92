"""What a name would have needed: between what the certificate proves and what one exchange shows, against every support tried out."""

import itertools
from dataclasses import replace

import numpy as np
import pytest

from optimizer import Mandate, check, solve
from optimizer.certificate import bound_under, fixed_names, height, mandate_rules
from optimizer.entering import MOST, proven_raise
from optimizer.exchange import NONE, exchanges
from optimizer.polish import polish
from optimizer.terms import terms

SMALL = Mandate(names=(8, 10), weight=(0.02, 0.2), sector_band=0.10)
TINY = Mandate(names=(3, 4), weight=(0.1, 0.5), sector_band=0.25, risk_band=(0.85, 1.2))


def best_with(universe, mandate, name):
    """Best ratio over every support that holds the name."""
    data, rules = terms(universe, mandate, None, "ratio"), mandate_rules(universe, mandate)
    others = np.setdiff1d(np.arange(len(universe)), [name])
    supports = (s for m in range(mandate.names[0], mandate.names[1] + 1) for s in itertools.combinations(others, m - 1))
    found = (polish(data, rules, np.array([*support, name]), is_trial=True) for support in supports)
    return max((position.goodness for position in found if position), default=-np.inf)


def raised(universe, name, by):
    mu = universe.mu.copy()
    mu[name] += by
    return replace(universe, mu=mu)


@pytest.mark.parametrize("seed", [4, pytest.param(0, marks=pytest.mark.slow)])
def test_the_raise_that_changes_the_optimum_lies_between_the_two(random_universe, seed):
    """120 supports of 3 or 4 of 10 names hold a given name: with a little less than is proven none is better, with enough one is."""
    universe = random_universe(seed, 10, sectors=3, periods=120)
    found = solve(universe, TINY, target_gap=1e-7, nodes=300)
    least = proven_raise(found.certificate, universe, TINY, found.weights)
    swaps = exchanges(universe, TINY, found.weights)
    outside = np.flatnonzero(found.weights == 0)
    told = [name for name in outside if swaps.rival[name] != NONE]
    assert told
    assert (least[outside] > 0).all()  # the gap is closed, so something is proven of every name
    for name in outside[:4]:
        assert best_with(raised(universe, name, 0.999 * least[name]), TINY, name) <= found.ratio * (1 + 1e-9)
    for name in told:
        assert least[name] <= swaps.amount[name] + 1e-9
        assert best_with(raised(universe, name, swaps.amount[name] + 1e-5), TINY, name) > found.ratio


@pytest.mark.parametrize("is_held", [False, True])
def test_the_bound_with_a_name_held_is_that_of_the_certificate(random_universe, is_held):
    """Just under the proven raise the lines, drawn one by one with the name held, allow no more than the ratio; just over it they do."""
    universe = random_universe(2, 60)
    current = np.where(np.arange(60) % 6 == 0, 0.1, 0.0) if is_held else None
    mandate = replace(SMALL, trading_cost=0.02, turnover=0.9) if is_held else SMALL
    found = solve(universe, mandate, current)
    least = proven_raise(found.certificate, universe, mandate, found.weights, current)
    between = np.flatnonzero((found.weights == 0) & (least > 0) & (least < MOST))
    assert len(between) > 20
    for name in between[:6]:
        for by, is_above in ((0.999 * least[name], False), (1.001 * least[name] + 1e-6, True)):
            better = raised(universe, name, by)
            data, rules = terms(better, mandate, current, "ratio"), mandate_rules(better, mandate)
            bounds = []
            for leaf in found.certificate.leaves:
                inside = [universe.ids.index(i) for i in leaf.inside]
                outside = [universe.ids.index(i) for i in leaf.outside]
                if name in outside:
                    continue
                # only the name itself is better: the other names of the better universe are as they were
                fixed = fixed_names(60, {*inside, int(name)}, outside)
                assert leaf.trades == ()
                heights = [(line.gain, line.slope, height(line, data, rules, fixed)) for line in leaf.lines]
                bounds.append(bound_under(heights, "ratio", rules.volatility_cap))
            assert (max(bounds) > found.ratio) == is_above


def test_a_name_that_may_not_be_held_needs_more_than_can_be_looked_at(random_universe):
    universe = random_universe(5, 60)
    mandate = replace(SMALL, excluded=("s00003",))
    found = solve(universe, mandate)
    least = proven_raise(found.certificate, universe, mandate, found.weights)
    assert least[3] == MOST
    assert exchanges(universe, mandate, found.weights).rival[3] == NONE
    assert np.isnan(least[found.weights > 0]).all()


def test_where_the_downside_is_minimised_nothing_is_said_of_returns(random_universe):
    universe = random_universe(5, 60)
    mandate = replace(SMALL, objective="min_downside")
    found = solve(universe, mandate)
    assert np.isnan(proven_raise(found.certificate, universe, mandate, found.weights)).all()


@pytest.mark.parametrize("is_held", [False, True])
def test_an_exchange_is_worth_exactly_what_it_says(random_universe, is_held):
    """The definition once more, pair by pair with the universe's own ratio: the nearest exchange is found, and its raise makes it even."""
    universe = random_universe(7, 40)
    current = np.where(np.arange(40) % 4 == 0, 0.1, 0.0) if is_held else None
    mandate = replace(SMALL, trading_cost=0.02, turnover=0.9, smallest_trade=0.005) if is_held else SMALL
    found = solve(universe, mandate, current)
    swaps = exchanges(universe, mandate, found.weights, current)

    def ratio(weights, one=universe):
        data = terms(one, mandate, current, "ratio")
        return data.net_return(weights) / one.downside_deviation(weights)

    def after(name, rival, moved):
        weights = found.weights.copy()
        weights[rival] -= moved
        weights[name] += moved
        return weights

    held, outside = np.flatnonzero(found.weights > 0), np.flatnonzero(found.weights == 0)
    for name in outside[swaps.rival[outside] != NONE]:
        weights = after(name, swaps.rival[name], swaps.moved[name])
        assert check(weights, universe, mandate, current) == []
        assert ratio(weights, raised(universe, name, swaps.amount[name])) == pytest.approx(ratio(found.weights), rel=1e-9)
    for name in held:
        allowed = [i for i in outside if not check(after(i, name, found.weights[name]), universe, mandate, current)]
        if swaps.rival[name] == NONE:
            assert allowed == []
            continue
        best = max(allowed, key=lambda i: ratio(after(i, name, found.weights[name])))
        assert swaps.rival[name] == best
        lowered = raised(universe, name, -swaps.amount[name])
        assert ratio(found.weights, lowered) == pytest.approx(ratio(after(best, name, found.weights[name])), rel=1e-9)


def test_the_nearest_exchange_is_found_among_all(random_universe):
    """Of all pairs that obey, none needs a smaller raise: tried out by raising the return to just under it."""
    universe = random_universe(8, 30)
    found = solve(universe, SMALL)
    swaps = exchanges(universe, SMALL, found.weights)
    held, outside = np.flatnonzero(found.weights > 0), np.flatnonzero(found.weights == 0)
    told = outside[swaps.rival[outside] != NONE]
    assert len(told) > 5
    for name in told:
        better = raised(universe, name, 0.99 * swaps.amount[name])
        for rival in held:
            weights = found.weights.copy()
            weights[[name, rival]] = weights[rival], 0.0
            assert check(weights, universe, SMALL) or better.ratio(weights) < universe.ratio(found.weights)
