"""Whole portfolios: against brute force, under repetition and permutation, with and without an answer."""

import itertools
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from optimizer import cone
from optimizer.errors import BadUniverse, Infeasible, SolverFailed
from optimizer.explain import explain
from optimizer.limits import limits
from optimizer.mandate import Mandate, check
from optimizer.polish import polish
from optimizer.relaxation import relax
from optimizer.rounding import UNIT, exact_weights
from optimizer.solve import solve
from optimizer.support import first_supports
from optimizer.terms import terms

TINY = Mandate(names=(3, 4), weight=(0.1, 0.5), sector_band=0.25, risk_band=(0.85, 1.2))
SMALL = Mandate(names=(8, 10), weight=(0.02, 0.2), sector_band=0.10)


def brute_force(universe, mandate):
    """Best goodness over every support that the count allows."""
    rules = limits(universe, mandate, floor=universe.beta)
    data = terms(universe, mandate, None, "ratio")
    fewest, most = mandate.names
    supports = (s for m in range(fewest, most + 1) for s in itertools.combinations(range(len(universe)), m))
    found = (polish(data, rules, np.array(support), is_trial=True) for support in supports)
    return max(position.goodness for position in found if position is not None)


def test_ten_names_are_solved_nearly_as_well_as_by_trying_every_support(random_universe):
    """330 supports of 3 or 4 out of 10 names. The bound is a law; that exchanges lose under 1 %, mostly nothing, is observed."""
    lost = []
    for seed in range(5):
        universe = random_universe(seed, 10, sectors=3, periods=120)
        best, found = brute_force(universe, TINY), solve(universe, TINY)
        assert found.bound >= best * (1 - 1e-7)
        lost.append(1 - found.ratio / best)
    assert min(lost) > -1e-5
    assert max(lost) < 0.01
    assert np.median(lost) < 1e-5


@pytest.mark.parametrize("floor", ["beta", "vol", "none"])
def test_portfolios_of_240_names_obey_and_are_near_their_bound(random_universe, floor):
    universe, mandate = random_universe(1, 240, sectors=11, styles=14, periods=500), Mandate(risk_floor=floor)
    found = solve(universe, mandate)
    assert check(found.weights, universe, mandate) == []
    assert found.ratio == pytest.approx(universe.ratio(found.weights), rel=1e-12)
    assert found.bound >= found.ratio
    assert found.gap == pytest.approx(found.bound / found.ratio - 1)
    assert found.names == (found.weights > 0).sum()
    if floor != "vol":
        assert found.gap < 0.01


def test_a_volatility_floor_allows_more_than_a_beta_floor(random_universe):
    universe = random_universe(2, 120)
    by_floor = {floor: solve(universe, Mandate(risk_floor=floor)).ratio for floor in ("beta", "vol", "none")}
    assert by_floor["beta"] <= by_floor["vol"] * (1 + 1e-4)
    assert by_floor["vol"] <= by_floor["none"] * (1 + 1e-4)


def test_two_thousand_names_obey(random_universe):
    universe = random_universe(3, 2000, sectors=11, styles=14, periods=500)
    found = solve(universe, Mandate())
    assert check(found.weights, universe, Mandate()) == []
    assert found.gap < 0.02


def solved_or_why(universe, mandate):
    try:
        return solve(universe, mandate), []
    except Infeasible as why:
        return None, why.shortfalls


@settings(max_examples=12, deadline=None, derandomize=True)
@given(seed=st.integers(0, 10_000), n=st.integers(20, 60), names=st.integers(6, 12), band=st.sampled_from([0.06, 0.1, 0.3]))
def test_whatever_comes_out_obeys_or_is_explained(random_universe, seed, n, names, band):
    universe = random_universe(seed, n, periods=60)
    mandate = Mandate(names=(names - 2, names), weight=(0.02, 0.25), sector_band=band)
    found, shortfalls = solved_or_why(universe, mandate)
    assert (found is None) == bool(shortfalls)
    assert all(amount > 0 for _, amount in shortfalls)
    if found is not None:
        assert check(found.weights, universe, mandate) == []
        assert abs(found.weights.sum() - 1) < 1e-12
        assert found.bound >= found.ratio * (1 - 1e-9)


def test_a_repeat_is_the_same_to_the_bit(random_universe):
    universe = random_universe(4, 100)
    first, second = solve(universe, Mandate()), solve(universe, Mandate())
    assert first.weights.tobytes() == second.weights.tobytes()
    assert repr(first) == repr(second)


def test_the_order_of_the_names_does_not_matter(random_universe):
    universe = random_universe(5, 100)
    order = np.random.default_rng(0).permutation(100)
    found, shuffled = solve(universe, Mandate()), solve(universe.take(order), Mandate())
    assert shuffled.weights.tobytes() == found.weights[order].tobytes()
    assert shuffled.fingerprint == found.fingerprint


def test_doubling_expected_returns_and_volatility_units_leaves_weights_alone(random_universe):
    """Returns, scenarios and deviations all twice as large: the same ratio, the same portfolio."""
    universe = random_universe(6, 80)
    doubled = replace(
        universe,
        mu=2 * universe.mu,
        factor_returns=2 * universe.factor_returns,
        idio_var=4 * universe.idio_var,
        benchmark_vol=2 * universe.benchmark_vol,
    )
    assert solve(doubled, SMALL).weights == pytest.approx(solve(universe, SMALL).weights, abs=1e-6)


def test_the_fingerprint_knows_every_input(random_universe):
    universe = random_universe(7, 40)
    mu = universe.mu.copy()
    mu[3] += 1e-12
    current = np.full(40, 1 / 40)
    found = {
        solve(universe, SMALL).fingerprint,
        solve(replace(universe, mu=mu), SMALL).fingerprint,
        solve(universe, replace(SMALL, sector_band=0.11)).fingerprint,
        solve(universe, SMALL, current).fingerprint,
    }
    assert len(found) == 4


def test_share_classes_of_one_issuer_share_its_cap(random_universe):
    """The two best names are made classes of one company: together they stay under its cap."""
    universe = random_universe(8, 60)
    best = np.argsort(-solve(universe, SMALL).weights)[:2]
    issuers = list(universe.issuers)
    issuers[best[0]] = issuers[best[1]] = "one company"
    alone = solve(universe, SMALL).weights[best].sum()
    joined = replace(universe, issuers=issuers)
    together = solve(joined, SMALL)
    assert alone > 0.2
    assert together.weights[best].sum() <= 0.2
    assert check(together.weights, joined, SMALL) == []


def test_without_positive_expected_return_downside_is_least_and_said_so(random_universe):
    universe = replace(random_universe(9, 60), mu=np.full(60, -0.02))
    found = solve(universe, SMALL)
    assert found.objective == "min_downside"
    assert found.ratio < 0
    assert "no positive expected return" in found.message
    assert check(found.weights, universe, SMALL) == []
    assert universe.downside_deviation(found.weights) >= found.bound
    assert found.gap < 0.05


def test_a_few_positive_names_that_may_not_be_the_whole_portfolio_are_no_positive_return(random_universe):
    """Two names of 60 gain 1 %, the others lose 5 %; no more than 20 % each, so every portfolio loses."""
    universe = replace(random_universe(9, 60), mu=np.where(np.arange(60) < 2, 0.01, -0.05))
    assert solve(universe, SMALL).objective == "min_downside"


def test_expensive_trading_keeps_what_is_held(random_universe):
    universe = random_universe(10, 60)
    held = solve(universe, SMALL).weights
    mu = universe.mu + 0.01 * np.random.default_rng(1).standard_normal(60)
    moved = replace(universe, mu=mu)
    turnover = [np.abs(solve(moved, replace(SMALL, trading_cost=cost), held).weights - held).sum() for cost in (0.0, 0.005, 0.05)]
    assert turnover[0] > turnover[1] > turnover[2]
    assert turnover[2] < 0.02


def test_last_months_names_are_a_second_start_never_a_worse_one(random_universe):
    universe = random_universe(11, 120)
    rng = np.random.default_rng(2)
    for _ in range(3):
        current = np.zeros(120)
        current[rng.choice(120, 22, replace=False)] = 1 / 22
        assert solve(universe, Mandate(), current).ratio >= solve(universe, Mandate()).ratio * (1 - 1e-3)


def test_a_portfolio_with_cash_invests_the_rest(random_universe):
    found = solve(random_universe(12, 60), replace(SMALL, cash=0.05, risk_band=(0.85, 1.1)))
    assert found.weights.sum() == pytest.approx(0.95, abs=1e-12)


def test_too_few_names_are_counted(random_universe):
    universe = random_universe(13, 12)
    assert explain(universe, Mandate()) == [("names, at least", 8.0)]
    with pytest.raises(Infeasible, match="names, at least short by 8"):
        solve(universe, Mandate())


def test_a_sector_without_names_is_named_with_what_it_lacks(random_universe):
    universe = random_universe(14, 60)
    gone = universe.take(np.flatnonzero(universe.sector != 2))
    rows = explain(gone, SMALL)
    assert rows[0][0] == "sector 2, at least"
    assert rows[0][1] == pytest.approx(universe.sector_weights[2] - 0.10, abs=1e-5)
    with pytest.raises(Infeasible) as raised:
        solve(gone, SMALL)
    assert raised.value.shortfalls == rows


def test_a_beta_floor_out_of_reach_is_named(random_universe):
    universe = random_universe(15, 60)
    low = replace(universe, beta=universe.beta / 3)
    rows = dict(explain(low, SMALL))
    assert rows["beta, at least"] > 0.3


def test_a_volatility_cap_out_of_reach_is_named_and_nothing_else(random_universe):
    """Specific variances of 100 % a year: no ten names bring the volatility down."""
    universe = random_universe(16, 60)
    wild = replace(universe, idio_var=np.full(60, 2.0))
    rows = explain(wild, replace(SMALL, sector_band=1.0, risk_floor="none"))
    assert [rule for rule, _ in rows] == ["volatility over the index's, at most"]
    with pytest.raises(Infeasible, match="volatility"):
        solve(wild, replace(SMALL, sector_band=1.0, risk_floor="none"))


def test_counts_that_whole_positions_cannot_keep_are_explained(random_universe):
    """Six sectors within a hair of the market's, but only three names of at least 5 %: small sectors cannot be bought."""
    universe = random_universe(17, 60)
    mandate = Mandate(names=(3, 4), weight=(0.05, 0.5), sector_band=0.02, risk_band=(0.0, 3.0), risk_floor="none")
    assert (universe.sector_weights > 0.02).sum() > 4
    rows = explain(universe, mandate)
    assert rows
    with pytest.raises(Infeasible):
        solve(universe, mandate)


def test_relief_as_explained_is_enough(random_universe):
    """Widen the band by what the sector lacks and a portfolio exists."""
    universe = random_universe(14, 60)
    gone = universe.take(np.flatnonzero(universe.sector != 2))
    wider = replace(SMALL, sector_band=SMALL.sector_band + dict(explain(gone, SMALL))["sector 2, at least"] + 1e-4)
    assert check(solve(gone, wider).weights, gone, wider) == []


def test_when_rounding_breaks_a_rule_whole_positions_are_found_by_counting(random_universe):
    """One name alone can meet the beta floor with the others; its expected return keeps it out of the relaxation's top."""
    universe = random_universe(18, 40)
    beta = np.full(40, 0.8)
    beta[7] = 1.6  # 0.2 x 1.6 + 0.8 x 0.8 = 0.96: without it 0.8
    found = solve(replace(universe, beta=beta, mu=np.where(np.arange(40) == 7, 0.001, universe.mu)), replace(SMALL, risk_band=(0.9, 2.0)))
    assert found.weights[7] >= 0.125 - 1e-6


def test_a_cap_that_rounding_breaks_is_kept_by_calmer_names(random_universe, monkeypatch):
    """Exactly 20 names, no more volatile than the index: the relaxation's own names are too volatile.

    Counting is switched off, so exchanges alone must find the way.
    """
    universe = random_universe(2, 240, sectors=11, styles=14)
    tight = Mandate(names=(20, 20), sector_band=0.01, risk_band=(0.0, 1.0), risk_floor="none")
    data, rules = terms(universe, tight, None, "ratio"), limits(universe, tight)
    assert all(polish(data, rules, support) is None for support in first_supports(relax(data, rules).weights, universe, rules))
    monkeypatch.setattr("optimizer.counting.milp", None)
    assert check(solve(universe, tight).weights, universe, tight) == []


def test_no_solver_left_is_said(random_universe, monkeypatch):
    monkeypatch.setattr(cone, "_clarabel", lambda *_: cone.Answer("failed", "broken", *cone._NOTHING))
    monkeypatch.setattr(cone, "_scs", lambda *_: cone.Answer("failed", "scs", *cone._NOTHING))
    with pytest.raises(SolverFailed, match="scs was the last"):
        solve(random_universe(19, 40), SMALL)


@pytest.mark.parametrize("current", [np.ones(3), np.full(40, np.nan), np.full(40, -0.1)])
def test_current_weights_that_cannot_be_are_refused(random_universe, current):
    with pytest.raises(BadUniverse, match="current"):
        solve(random_universe(20, 40), SMALL, current)


@settings(max_examples=50)
@given(st.lists(st.floats(0.1, 1.0), min_size=12, max_size=25))
def test_rounded_weights_are_whole_billionths_that_sum_to_one(parts):
    weights = np.array(parts) / np.sum(parts)
    rounded = exact_weights(weights, budget=1.0, smallest=0.005, largest=0.5)
    assert abs(rounded.sum() - 1) < 1e-12
    assert (rounded == np.round(rounded * UNIT) / UNIT).all()
    if weights.min() > 0.005:
        assert np.abs(rounded - weights).max() <= 1.0 / UNIT * (1 + 1e-6)


def test_rounding_never_leaves_the_bounds():
    """Three names at the largest weight and one that takes the rest."""
    rounded = exact_weights(np.array([0.0999] * 9 + [0.1009]), budget=1.0, smallest=0.01, largest=0.1009)
    assert rounded.max() <= 0.1009
    assert abs(rounded.sum() - 1) < 1e-12


def test_a_first_portfolio_in_ten_lines():
    """The example runs with numpy and the optimiser alone, and prints as many names as it says."""
    example = Path(__file__).parents[2] / "examples" / "first_portfolio.py"
    code = f"import runpy, sys; runpy.run_path({str(example)!r}); assert not {{'polars', 'dagster', 'cvxpy'}} & set(sys.modules)"
    lines = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.splitlines()
    assert int(lines[0].split()[0]) == len(lines) - 1
    assert sum(float(line.split()[1].rstrip("%")) for line in lines[1:]) == pytest.approx(100, abs=0.2)
