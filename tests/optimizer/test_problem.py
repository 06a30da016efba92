"""The fast path against the page of the paper (cvxpy), against closed forms, and the solver chain."""

from dataclasses import replace

import numpy as np
import pytest

from optimizer import cone
from optimizer.limits import limits
from optimizer.mandate import Mandate
from optimizer.polish import polish
from optimizer.problem import best_ratio
from optimizer.relaxation import relax
from optimizer.support import first_supports
from optimizer.terms import terms
from optimizer.universe import Universe

SMALL = Mandate(names=(8, 10), weight=(0.02, 0.2), sector_band=0.10)


def fast(universe, mandate, current=None, goal="ratio"):
    rules = limits(universe, mandate, floor=universe.beta if mandate.risk_floor == "beta" else None)
    return terms(universe, mandate, current, goal), rules


@pytest.mark.parametrize("seed", range(3))
def test_the_relaxation_is_the_one_of_the_paper(random_universe, seed):
    universe = random_universe(seed, 60)
    found = relax(*fast(universe, SMALL))
    ratio, weights = best_ratio(universe, SMALL)
    assert found.bound == pytest.approx(ratio, rel=1e-5)
    assert found.weights == pytest.approx(weights, abs=1e-3)
    assert universe.ratio(found.weights) == pytest.approx(found.bound, rel=1e-5)


def test_a_volatility_cap_that_binds_is_the_one_of_the_paper(random_universe):
    """A cap 1 % under what the portfolio without a cap would have."""
    universe = random_universe(1, 60)
    uncapped = replace(SMALL, risk_band=(0.0, 3.0), risk_floor="none")
    cap = 0.99 * universe.volatility(best_ratio(universe, uncapped)[1]) / universe.benchmark_vol
    capped = replace(uncapped, risk_band=(0.0, cap))
    ratio, weights = best_ratio(universe, capped)
    assert universe.volatility(weights) / universe.benchmark_vol == pytest.approx(cap, abs=1e-5)
    data, rules = fast(universe, capped)
    found = relax(data, rules)
    assert found.bound == pytest.approx(ratio, rel=1e-5)
    support = first_supports(found.weights, universe, rules)[0]
    loose = replace(capped, risk_band=(0.0, 1.01 * cap))
    ratio, weights = best_ratio(universe, loose, support=support)
    assert polish(*fast(universe, loose), support).weights == pytest.approx(weights[support], abs=1e-3)


@pytest.mark.parametrize("seed", range(3))
def test_whole_positions_on_a_support_are_those_of_the_paper(random_universe, seed):
    universe = random_universe(seed, 60)
    data, rules = fast(universe, SMALL)
    support = first_supports(relax(data, rules).weights, universe, rules)[0]
    found = polish(data, rules, support)
    ratio, weights = best_ratio(universe, SMALL, support=support)
    assert found.goodness == pytest.approx(ratio, rel=1e-6)
    assert found.weights == pytest.approx(weights[support], abs=2e-4)


def test_trading_costs_are_those_of_the_paper(random_universe):
    universe = random_universe(2, 60)
    costly = replace(SMALL, trading_cost=0.01)
    current = np.zeros(60)
    current[:10] = 0.1
    data, rules = fast(universe, costly, current)
    ratio, weights = best_ratio(universe, costly, current=current)
    found = relax(data, rules)
    assert found.bound == pytest.approx(ratio, rel=1e-5)
    assert data.net_return(found.weights) / universe.downside_deviation(found.weights) == pytest.approx(ratio, rel=1e-5)
    support = first_supports(found.weights, universe, rules)[0]
    ratio, weights = best_ratio(universe, costly, support=support, current=current)
    assert polish(data, rules, support).goodness == pytest.approx(ratio, rel=1e-6)
    assert polish(data, rules, support).weights == pytest.approx(weights[support], abs=5e-4)


def uncorrelated(mu, idio_var):
    """No factor risk, so DD^2 = 1/2 sum D w^2 for positive returns."""
    n = len(mu)
    names = [f"n{i}" for i in range(n)]
    return Universe(
        ids=names,
        issuers=names,
        mu=np.array(mu),
        exposures=np.zeros((n, 1)),
        factor_returns=np.zeros((2, 1)),
        idio_var=np.array(idio_var),
        sector=np.zeros(n, int),
        benchmark=np.full(n, 1 / n),
        benchmark_exposure=np.zeros(1),
        benchmark_vol=0.25,
        beta=np.ones(n),
        sector_weights=np.ones(1),
        periods_per_year=252,
    )


FREE = Mandate(names=(1, 4), weight=(1e-6, 1.0), sector_band=1.0, risk_band=(0.0, 2.0), risk_floor="none")


def test_uncorrelated_names_are_held_in_proportion_to_return_over_variance():
    """w_i ~ mu_i / D_i: 0.1/0.04, 0.06/0.04, 0.1/0.1 = 2.5, 1.5, 1 of 5; ratio^2 = 2 sum mu^2/D = 2 (0.25 + 0.09 + 0.1)."""
    universe = uncorrelated([0.10, 0.06, 0.10], [0.04, 0.04, 0.10])
    data, rules = fast(universe, FREE)
    assert relax(data, rules).weights == pytest.approx([0.5, 0.3, 0.2], abs=1e-5)
    assert relax(data, rules).bound == pytest.approx(np.sqrt(0.88), rel=1e-6)
    assert polish(data, rules, np.arange(3)).weights == pytest.approx([0.5, 0.3, 0.2], abs=1e-5)


def test_prices_are_slopes_of_the_best_attainable_objective(random_universe):
    """A name is given a sliver: the gain in the objective per sliver is its price (envelope theorem).

    The objective is half of the squared downside at the scaled return, in units of the volatility cap.
    """
    universe = random_universe(3, 40)
    data, rules = fast(universe, replace(SMALL, names=(1, 40)))
    support = first_supports(relax(data, rules).weights, universe, rules)[0]
    found = polish(data, rules, support)
    outside = np.setdiff1d(np.arange(40), support)[:4]
    sliver = 1e-4
    scale = universe.mu.max() / 2

    def objective(position):
        return 0.5 * (scale / position.goodness / rules.volatility_cap) ** 2

    for name in outside:
        # The name may hold up to a sliver: a rule of its own lets `polish` place exactly that much.
        forced = replace(rules, matrix=np.vstack([rules.matrix, np.eye(40)[name]]), bounds=np.r_[rules.bounds, sliver], smallest=0.0)
        plain = replace(rules, smallest=0.0)
        base = polish(data, plain, support)
        moved = polish(data, forced, np.append(support, name))
        slope = (objective(moved) - objective(base)) / sliver
        assert slope == pytest.approx(min(base.prices[name], 0.0), rel=0.05, abs=2e-3 * np.abs(base.prices).max())
    assert found.goodness > 0


def test_prices_inside_are_zero_between_the_bounds_and_positive_at_the_smallest_weight(random_universe):
    universe = random_universe(4, 60)
    data, rules = fast(universe, SMALL)
    found = polish(data, rules, first_supports(relax(data, rules).weights, universe, rules)[0])
    price = found.prices[found.support]
    between = (found.weights > rules.smallest + 1e-4) & (found.weights < rules.largest - 1e-4)
    assert between.any()
    unit = np.abs(found.prices).max()
    assert np.abs(price[between]).max() < 1e-3 * unit
    assert (price[found.weights < rules.smallest + 1e-6] > -1e-3 * unit).all()
    assert (price[found.weights > rules.largest - 1e-6] < 1e-3 * unit).all()


def test_least_downside_is_least(random_universe):
    universe = random_universe(5, 50)
    data, rules = fast(universe, SMALL, goal="min_downside")
    found = relax(data, rules)
    assert universe.downside_deviation(found.weights) == pytest.approx(found.bound, rel=1e-5)
    greatest = relax(*fast(universe, SMALL)).weights
    assert found.bound < universe.downside_deviation(greatest)


@pytest.mark.parametrize(("fails", "answers"), [((cone.TIGHT,), "clarabel 1e-06"), ((cone.TIGHT, cone.LOOSE), "scs")])
def test_when_a_solver_fails_the_next_one_answers_the_same(random_universe, monkeypatch, fails, answers):
    universe = random_universe(6, 30)
    data, rules = fast(universe, SMALL)
    expected = relax(data, rules)
    honest = cone._clarabel

    def failing(problem, tolerance):
        if tolerance in fails:
            return cone.Answer("failed", "broken", *cone._NOTHING)
        return honest(problem, tolerance)

    monkeypatch.setattr(cone, "_clarabel", failing)
    found = relax(data, rules)
    assert found.solver == answers
    assert found.bound == pytest.approx(expected.bound, rel=2e-4)


def test_the_fallback_gives_the_same_multipliers(random_universe):
    """The sign conventions of two solvers: 1/2 x^2 with x >= 2, x + y == 3 and |(x, y)| <= 10."""
    import scipy.sparse as sp

    A = sp.csc_matrix(np.array([[1.0, 1.0], [-1.0, 0.0], [0.0, 0.0], [-1.0, 0.0], [0.0, -1.0]]))
    problem = cone.Cone(sp.csc_matrix(np.diag([1.0, 0.5])), np.array([0.0, 1.0]), A, np.array([3.0, -2.0, 10.0, 0.0, 0.0]), 1, 1)
    first, last = cone._clarabel(problem, cone.TIGHT), cone._scs(problem)
    assert last.x == pytest.approx(first.x, abs=1e-5)
    assert last.z == pytest.approx(first.z, abs=1e-4)
    gradient = problem.P @ first.x + problem.q + A.T @ first.z
    assert gradient == pytest.approx([0.0, 0.0], abs=1e-6)
