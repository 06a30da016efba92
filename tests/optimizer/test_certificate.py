"""The proof: replayed without a solver, valid whatever its multipliers, refused where it does not cover all portfolios."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from optimizer import Mandate, check, replay, solve
from optimizer.certificate import Certificate, Leaf, bound_under, fixed_names, height, mandate_rules
from optimizer.errors import BadUniverse
from optimizer.problem import highest_line
from optimizer.tangents import Columns, tangent
from optimizer.terms import terms

SMALL = Mandate(names=(8, 10), weight=(0.02, 0.2), sector_band=0.10)
TINY = Mandate(names=(3, 4), weight=(0.1, 0.5), sector_band=0.25, risk_band=(0.85, 1.2))


def held_before(n, seed=0, names=9):
    rng = np.random.default_rng(seed)
    current = np.zeros(n)
    current[rng.choice(n, names, replace=False)] = rng.dirichlet(np.ones(names)) * 0.98
    return current


CASES = {
    "as it is": (SMALL, False, {}),
    "costs and turnover": (replace(SMALL, trading_cost=0.02, turnover=0.6), True, {}),
    "impact": (replace(SMALL, trading_cost=0.01), True, {"impact": np.linspace(0.0, 0.2, 60)}),
    "smallest trade": (replace(SMALL, trading_cost=0.01, turnover=0.8, smallest_trade=0.03), True, {}),
    "cash": (replace(SMALL, cash=0.01, cash_most=0.15, risk_band=(0.8, 1.1)), False, {}),
    "capacity": (SMALL, False, {"capacity": np.select([np.arange(60) % 5 == 0, np.arange(60) % 5 == 1], [0.05, 0.01], 0.5)}),
    "exposures": (replace(SMALL, exposure_bands=((7, -0.2, 0.2),)), False, {}),
    "exclusions": (replace(SMALL, excluded=("s00003", "s00011", "unknown")), False, {}),
    "industries": (
        replace(SMALL, industry_band=0.1),
        False,
        {"industry": np.arange(60) // 20, "industry_weights": np.array([0.3, 0.3, 0.4])},
    ),
    "share classes": (SMALL, False, {"issuers": [f"c{i // 2}" for i in range(60)]}),
    "no floor": (replace(SMALL, risk_floor="none"), False, {}),
    "true floor": (replace(SMALL, risk_floor="vol"), False, {}),
    "least downside": (replace(SMALL, objective="min_downside"), False, {}),
    "least downside for a return": (replace(SMALL, objective="min_downside", return_floor=0.09), False, {}),
}


@pytest.mark.parametrize("case", CASES)
def test_the_bound_is_derived_again_by_numpy_alone(random_universe, case):
    mandate, is_held, extra = CASES[case]
    universe = replace(random_universe(1, 60), **extra)
    current = held_before(60) if is_held else None
    found = solve(universe, mandate, current)
    assert check(found.weights, universe, mandate, current) == []
    assert replay(found, universe, mandate, current) == pytest.approx(found.bound, rel=1e-12)
    assert found.gap < 0.01
    if found.objective == "ratio":
        assert found.bound >= found.ratio
    else:
        assert found.bound <= universe.downside_deviation(found.weights)


def test_the_order_of_the_names_does_not_matter_to_the_proof(random_universe):
    universe = random_universe(2, 60)
    order = np.random.default_rng(0).permutation(60)
    found = solve(universe, SMALL)
    assert replay(found, universe.take(order), SMALL) == pytest.approx(found.bound, rel=1e-12)


def test_another_universe_has_another_bound(random_universe):
    """Better names make the same multipliers prove less."""
    universe = random_universe(3, 60)
    found = solve(universe, SMALL)
    better = replace(universe, mu=universe.mu + 0.01)
    assert replay(found, better, SMALL) > found.bound * 1.01
    assert replay(found, better, SMALL) >= solve(better, SMALL).ratio


@pytest.fixture(scope="module")
def traded(random_universe):
    universe, mandate, current = random_universe(4, 60), replace(SMALL, trading_cost=0.02, turnover=0.7), held_before(60)
    return universe, mandate, current, solve(universe, mandate, current)


@settings(max_examples=25, deadline=None, derandomize=True)
@given(seed=st.integers(0, 10_000), noise=st.sampled_from([0.01, 0.3, 3.0]))
def test_whatever_the_multipliers_the_bound_holds(traded, seed, noise):
    """Nothing is believed of the solver: multipliers are made wrong at random, signs too, and no portfolio is above the bound."""
    universe, mandate, current, found = traded
    rng = np.random.default_rng(seed)

    def wrong(value):
        return value + noise * rng.standard_normal(np.shape(value)) * (np.abs(value).max() + 1e-3)

    def spoiled(line):
        numbers = {name: float(wrong(getattr(line, name))) for name in ("budget", "turnover", "volatility")}
        return replace(line, **numbers, **{name: wrong(getattr(line, name)) for name in ("losses", "rules", "risk")})

    leaves = tuple(replace(leaf, lines=tuple(map(spoiled, leaf.lines))) for leaf in found.certificate.leaves)
    assert replay(Certificate("ratio", leaves), universe, mandate, current) >= found.ratio * (1 - 1e-12)


def test_a_line_lies_over_every_portfolio(random_universe):
    """Return less slope times squared downside of portfolios drawn at random is never above a line's height."""
    universe = random_universe(5, 60)
    mandate = replace(SMALL, sector_band=1.0, risk_band=(0.0, 3.0), risk_floor="none")
    data, rules = terms(universe, mandate, None, "ratio"), mandate_rules(universe, mandate)
    fixed = fixed_names(60, [], [])
    line = tangent(data, rules, fixed, Columns(np.arange(30)), gain=1.0, slope=3.0)
    rng = np.random.default_rng(1)
    for _ in range(200):
        weights = np.zeros(60)
        weights[rng.choice(60, 9, replace=False)] = 0.03 + 0.73 * rng.dirichlet(np.full(9, 5.0))
        if weights.max() <= 0.2:
            assert universe.mu @ weights - 3.0 * universe.downside_deviation(weights) ** 2 <= line.height


@pytest.mark.parametrize("is_held", [False, True])
def test_a_line_is_as_high_as_that_of_the_paper(random_universe, is_held):
    """The conic problem over a few columns, with losing scenarios fixed, against the whole of it in cvxpy."""
    universe, current = random_universe(6, 80), held_before(80) if is_held else None
    mandate = replace(SMALL, trading_cost=0.01, turnover=0.6) if is_held else SMALL
    data, rules = terms(universe, mandate, current, "ratio"), mandate_rules(universe, mandate)
    for slope in (1.0, 3.0, 9.0):
        found = tangent(data, rules, fixed_names(80, [], []), Columns(np.argsort(-universe.mu)[:25]), gain=1.0, slope=slope)
        reference = highest_line(universe, mandate, slope=slope, current=current)
        assert found.height == pytest.approx(reference, abs=1e-4 * universe.mu.max())
        assert found.height >= reference - 1e-6  # the tolerance of the reference


def test_two_lines_meet_at_the_bound():
    """g <= 0.02 + 4 s and g <= 0.06 + 2 s meet at s = 0.02 with g = 0.10: ratio 0.10 / sqrt(0.02); s is at least 0.01."""
    heights = [(1.0, 4.0, 0.02), (1.0, 2.0, 0.06), (0.0, 1.0, -0.01)]
    assert bound_under(heights, "ratio", 0.2) == pytest.approx(0.10 / np.sqrt(0.02))
    assert bound_under(heights, "min_downside", 0.2) == pytest.approx(0.1)
    assert bound_under(heights[:2], "ratio", 0.2) == np.inf
    assert bound_under([*heights, (0.0, 1.0, -0.05)], "ratio", 0.2) == 0.0  # s >= 0.05 but a cap of 0.04: nobody is there


def test_a_proof_that_leaves_portfolios_out_proves_nothing(random_universe):
    universe = random_universe(0, 10, sectors=3, periods=120)
    found = solve(universe, TINY, target_gap=1e-6, nodes=30)
    leaves = found.certificate.leaves
    assert len(leaves) > 1
    assert replay(found, universe, TINY) == pytest.approx(found.bound, rel=1e-12)
    for k in range(len(leaves)):
        assert replay(Certificate("ratio", leaves[:k] + leaves[k + 1 :]), universe, TINY) == np.inf
    overlapping = (*leaves, Leaf((universe.ids[0],), (), leaves[0].lines))
    assert replay(Certificate("ratio", overlapping), universe, TINY) >= found.bound * (1 - 1e-12)


def test_parting_narrows_the_gap_of_few_positions(random_universe):
    gaps = {nodes: solve(random_universe(0, 10, sectors=3, periods=120), TINY, target_gap=1e-5, nodes=nodes).gap for nodes in (0, 60)}
    assert gaps[60] < 0.3 * gaps[0]


def test_names_held_and_not_held_lower_a_line(random_universe):
    universe = random_universe(8, 60)
    data, rules = terms(universe, SMALL, None, "ratio"), mandate_rules(universe, SMALL)
    found = tangent(data, rules, fixed_names(60, [], []), Columns(np.arange(60)), gain=1.0, slope=3.0)
    best, worst = int(np.argmax(found.shares)), int(np.argmin(universe.mu))
    assert height(found.line, data, rules, fixed_names(60, [], [best])) <= found.height
    assert height(found.line, data, rules, fixed_names(60, [worst], [])) < found.height
    assert height(found.line, data, rules, fixed_names(60, [best], [])) <= found.height


def test_thousands_of_names_are_certified(random_universe):
    universe = random_universe(3, 2000, sectors=11, styles=14, periods=500)
    found = solve(universe, Mandate())
    assert found.status == "certified"
    assert found.gap <= 0.001
    assert replay(found, universe, Mandate()) == pytest.approx(found.bound, rel=1e-12)


def test_a_solvers_word_is_no_certificate(random_universe, monkeypatch):
    """Where no line can be drawn the bound is the relaxation's, and says so."""
    monkeypatch.setattr("optimizer.branching.best_line", lambda *_, **__: None)
    universe = random_universe(9, 60)
    found = solve(universe, SMALL)
    assert found.bound_kind.startswith("relaxation by clarabel")
    assert found.bound >= found.ratio
    with pytest.raises(BadUniverse, match="no certificate"):
        replay(found, universe, SMALL)
