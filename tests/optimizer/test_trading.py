"""Turnover, costs, impact, cash, capacity and exclusions: against the page of the paper, brute force and arithmetic by hand."""

import itertools
from dataclasses import replace

import numpy as np
import pytest

from optimizer import Infeasible, Mandate, Universe, check, explain, frontier, replay, solve
from optimizer.certificate import mandate_rules
from optimizer.polish import polish
from optimizer.problem import best_ratio
from optimizer.relaxation import relax
from optimizer.terms import terms

SMALL = Mandate(names=(8, 10), weight=(0.02, 0.2), sector_band=0.10)
TINY = Mandate(names=(3, 4), weight=(0.1, 0.5), sector_band=0.4, risk_band=(0.8, 1.3))


def held_before(n, seed=0, names=9):
    rng = np.random.default_rng(seed)
    current = np.zeros(n)
    current[rng.choice(n, names, replace=False)] = rng.dirichlet(np.ones(names)) * 0.98
    return current


@pytest.mark.parametrize(
    ("rules", "extra"),
    [
        ({"turnover": 0.6}, {}),
        ({"trading_cost": 0.02, "turnover": 0.6}, {}),
        ({"trading_cost": 0.01}, {"impact": np.linspace(0.01, 0.2, 60)}),
        ({"cash_most": 0.2, "risk_band": (0.7, 1.0)}, {}),
        ({}, {"capacity": np.where(np.arange(60) % 5, 0.3, 0.05)}),
        ({"exposure_bands": ((7, 0.0, 0.05),)}, {}),
        ({"excluded": ("s00003", "s00011", "s00020", "unknown")}, {}),
        ({"industry_band": 0.05}, {"industry": np.arange(60) // 20, "industry_weights": np.array([0.3, 0.3, 0.4])}),
    ],
)
def test_each_rule_is_the_one_of_the_paper(random_universe, rules, extra):
    """The relaxation, and whole positions on a support, against cvxpy."""
    universe, mandate = replace(random_universe(1, 60), **extra), replace(SMALL, **rules)
    current = held_before(60) if {"turnover", "trading_cost"} & set(rules) else None
    data, limits = terms(universe, mandate, current, "ratio"), mandate_rules(universe, mandate)
    ratio, weights = best_ratio(universe, mandate, current=current)
    found = relax(data, limits)
    assert found.bound == pytest.approx(ratio, rel=2e-5)
    if mandate.cash_most is None:  # with cash, the same ratio has many weights
        assert found.weights == pytest.approx(weights, abs=3e-3)
    support = np.flatnonzero(solve(universe, mandate, current).weights)
    ratio, weights = best_ratio(universe, mandate, support=support, current=current)
    assert polish(data, limits, support).goodness == pytest.approx(ratio, rel=1e-5)


@pytest.mark.parametrize("rules", [{"turnover": 0.5}, {"turnover": 0.5, "trading_cost": 0.02, "smallest_trade": 0.05}])
def test_nine_names_held_before_are_solved_as_well_as_by_trying_every_support(random_universe, rules):
    universe, mandate = random_universe(2, 9, sectors=3, periods=120), replace(TINY, **rules)
    current = np.array([0.0, 0.3, 0.0, 0.0, 0.3, 0.0, 0.39, 0.0, 0.0])
    data, limits = terms(universe, mandate, current, "ratio"), mandate_rules(universe, mandate)
    supports = (np.array(names) for m in (3, 4) for names in itertools.combinations(range(9), m))
    best = max(p.goodness for names in supports if (p := polish(data, limits, names, is_trial=True)) is not None)
    found = solve(universe, mandate, current, target_gap=1e-4)
    assert check(found.weights, universe, mandate, current) == []
    assert found.bound >= best * (1 - 1e-7)
    assert found.ratio == pytest.approx(best, rel=2e-3)


def test_turnover_is_half_of_what_is_bought_and_sold(random_universe):
    universe, current = random_universe(3, 60), held_before(60)
    free = solve(universe, SMALL, current).turnover
    for most in (0.75, 0.85):
        found = solve(universe, replace(SMALL, turnover=most), current)
        assert found.turnover == pytest.approx(np.abs(found.weights - current).sum() / 2)
        assert found.turnover == pytest.approx(min(most, free), abs=1e-4)


def test_a_small_trade_is_made_larger_or_not_at_all(random_universe):
    universe, mandate = random_universe(4, 60), replace(SMALL, trading_cost=0.005, smallest_trade=0.02)
    current = solve(universe, SMALL).weights
    moved = replace(universe, mu=universe.mu + 0.01 * np.random.default_rng(1).standard_normal(60))
    found = solve(moved, mandate, current)
    trades = np.abs(found.weights - current)[found.weights > 0]
    assert check(found.weights, moved, mandate, current) == []
    assert ((trades < 1e-7) | (trades >= 0.02 - 1e-7)).all()
    assert (trades < 1e-7).any()


def test_the_dearer_the_impact_the_less_is_traded(random_universe):
    universe, current = random_universe(5, 60), held_before(60)
    turnovers = [solve(replace(universe, impact=np.full(60, impact)), SMALL, current).turnover for impact in (0.0, 0.1, 0.5)]
    assert turnovers[0] > turnovers[1] > turnovers[2]


def test_an_excluded_holding_is_sold(random_universe):
    universe, current = random_universe(6, 60), held_before(60)
    held = np.flatnonzero(current)
    mandate = replace(SMALL, excluded=tuple(universe.ids[i] for i in held[:3]))
    found = solve(universe, mandate, current)
    assert (found.weights[held[:3]] == 0).all()
    assert found.bound >= found.ratio


def test_cash_is_held_only_within_its_range(random_universe):
    """A volatility cap of 0.8 of the index, but betas near one: the least risky way is cash."""
    universe = random_universe(7, 60)
    mandate = replace(SMALL, cash=0.02, cash_most=0.3, risk_band=(0.0, 0.75), risk_floor="none")
    found = solve(universe, mandate)
    assert 0.7 - 1e-9 <= found.weights.sum() <= 0.98 + 1e-9
    assert check(found.weights, universe, mandate) == []


def test_a_turnover_that_is_too_small_is_named_with_what_it_lacks(random_universe):
    """Nine tenths in a name that may not be held any more, and the rest of the rules are wide: half of (0.9 sold + 0.9 bought)."""
    universe = random_universe(8, 60)
    current = np.zeros(60)
    current[0], current[1] = 0.9, 0.1
    wide = Mandate(names=(1, 60), weight=(0.001, 1.0), sector_band=1.0, risk_band=(0.0, 5.0), risk_floor="none")
    mandate = replace(wide, turnover=0.4, excluded=(universe.ids[0],))
    assert dict(explain(universe, mandate, current)) == {"turnover, at most": pytest.approx(0.5, abs=1e-5)}
    with pytest.raises(Infeasible, match=r"turnover, at most short by 0\.5"):
        solve(universe, mandate, current)


def test_a_count_that_turnover_forbids_is_named(random_universe):
    """Ten names of 10 % are held, exactly twelve of at least 8 % may be: two new ones are 16 % bought, allowed are 10 %.

    One new name would be 8 %, so one name fewer is the cheapest relief.
    """
    universe = random_universe(9, 30)
    current = np.zeros(30)
    current[:10] = 0.1
    wide = Mandate(names=(12, 12), weight=(0.08, 1.0), sector_band=1.0, risk_band=(0.0, 5.0), risk_floor="none", turnover=0.1)
    assert dict(explain(universe, wide, current)) == {"names, at least": pytest.approx(1.0)}


def test_the_check_names_each_rule_of_trading_by_hand(random_universe):
    universe = random_universe(10, 60)
    wide = Mandate(names=(2, 60), weight=(0.01, 1.0), sector_band=1.0, risk_band=(0.0, 9.0), risk_floor="none")
    weights, current = np.zeros(60), np.zeros(60)
    weights[:3], current[:3] = [0.5, 0.3, 0.2], [0.49, 0.51, 0.0]  # trades 0.01, -0.21, 0.20: turnover 0.21
    capped = replace(universe, capacity=np.where(np.arange(60) == 0, 0.4, 1.0))
    mandate = replace(wide, turnover=0.2, smallest_trade=0.02, excluded=(universe.ids[1],), return_floor=1.0)
    found = {rule.rule: (rule.limit, pytest.approx(rule.value)) for rule in check(weights, capped, mandate, current)}
    assert found == {
        "turnover, at most": (0.2, 0.21),
        "smallest trade": (0.02, 0.01),
        f"excluded {universe.ids[1]}": (0.0, 0.3),
        f"capacity of {universe.ids[0]}": (0.4, 0.5),
        "expected return, at least": (1.0, universe.mu[:3] @ weights[:3]),
    }


def with_scenarios(universe, periods=150):
    rng = np.random.default_rng(0)
    own = rng.standard_normal((periods, len(universe))) * np.sqrt(universe.idio_var / 252)
    returns = universe.factor_returns[:periods] @ universe.exposures.T + own
    return replace(universe, scenarios=returns - returns.mean(axis=0) + universe.mu / 252)


def test_the_downside_of_the_names_own_scenarios_is_certified_too(random_universe):
    universe = with_scenarios(random_universe(11, 60))
    mandate = replace(SMALL, downside="scenario")
    found = solve(universe, mandate, target_gap=0.003, nodes=2)
    losses = np.minimum(universe.scenarios @ found.weights, 0.0)
    assert found.ratio == pytest.approx(universe.mu @ found.weights / np.sqrt(252 * np.mean(losses**2)))
    assert found.ratio == found.scenario_ratio
    assert found.ratio >= solve(universe, SMALL).scenario_ratio * (1 - 1e-3)
    assert found.ratio <= found.bound <= found.ratio * 1.01
    assert replay(found, universe, mandate) == pytest.approx(found.bound, rel=1e-12)


def test_scenarios_that_are_not_there_are_asked_for(random_universe):
    from optimizer import BadUniverse

    with pytest.raises(BadUniverse, match="scenarios"):
        solve(random_universe(12, 60), replace(SMALL, downside="scenario"))


def test_the_frontier_rises_and_holds_the_best_ratio(random_universe):
    universe = random_universe(13, 60)
    found = frontier(universe, SMALL, points=5)
    returns = [universe.expected_return(point.weights) for point in found]
    downsides = [universe.downside_deviation(point.weights) for point in found]
    assert len(found) == 5
    assert (np.diff(returns) > 0).all()
    assert (np.diff(downsides) > -1e-4).all()
    for point in found:
        asked = replace(SMALL, objective="min_downside", return_floor=point.return_floor)
        assert replay(point, universe, asked) == pytest.approx(point.bound, rel=1e-12)
    assert all(point.bound <= downside * (1 + 1e-12) for point, downside in zip(found, downsides, strict=True))
    assert max(point.ratio for point in found) <= solve(universe, SMALL).bound


def test_a_universe_takes_its_optional_columns_along(random_universe):
    universe = with_scenarios(replace(random_universe(14, 60), capacity=np.arange(60.0), impact=np.arange(60.0)))
    part = universe.take(np.array([5, 2]))
    assert part.capacity.tolist() == part.impact.tolist() == [5.0, 2.0]
    assert (part.scenarios == universe.scenarios[:, [5, 2]]).all()
    assert isinstance(part, Universe)
