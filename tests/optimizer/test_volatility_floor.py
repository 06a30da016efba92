"""A floor on volatility itself is inside of the bound: each piece by its law, the whole against every support of small markets."""

import itertools
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from optimizer import Mandate, check, replay, solve
from optimizer.certificate import Certificate, fixed_names, least_return, mandate_rules, reached_rules
from optimizer.lines import best_line
from optimizer.polish import polish
from optimizer.proof_text import as_text, from_text
from optimizer.tangents import Columns
from optimizer.terms import terms
from optimizer.volatility_floor import kept_form, kept_squares, most_gained, most_unbent, spread_for

SMALL = Mandate(names=(8, 10), weight=(0.02, 0.2), sector_band=0.10, risk_floor="vol", risk_band=(1.15, 1.4))
TINY = Mandate(names=(3, 4), weight=(0.1, 0.5), sector_band=0.4, risk_floor="vol", risk_band=(1.25, 1.6))


def test_a_losing_scenario_keeps_its_square_as_far_as_it_cannot_gain_by_hand():
    """v = 0.02: gains of at most 0.02 keep 1 - (2/4)^2, of 0.04 keep 1 - (4/6)^2, never a gain keeps all; no loss keeps nothing."""
    kept = kept_squares(np.array([0.02, 0.02, 0.02, 0.0]), np.array([0.02, 0.04, -0.01, 0.01]))
    assert kept == pytest.approx([0.75, 5 / 9, 1.0, 0.0])


@given(v=st.floats(1e-4, 0.1), most=st.floats(-0.05, 0.1), share=st.floats(0, 1))
def test_what_a_scenario_keeps_lies_under_its_squared_loss(v, most, share):
    x = -0.2 + share * (most + 0.2)
    kept = kept_squares(np.array([v]), np.array([most]))[0]
    assert min(x, 0.0) ** 2 >= -2 * v * x - v**2 + kept * (x + v) ** 2 - 1e-12


def test_chords_make_up_for_what_the_squares_lack():
    rng = np.random.default_rng(0)
    white = np.linalg.qr(rng.standard_normal((60, 5)))[0]
    form = kept_form(rng.uniform(0, 0.6, 60), white)
    least = most_unbent(form)
    assert not spread_for(form, 0.9 * least).any()
    assert most_unbent(form + np.diag(spread_for(form, 2 * least))) >= 2 * least * (1 - 1e-6)


def test_most_gained_heeds_counts_and_sizes_by_hand(random_universe):
    """Three names or more of 10 % to 50 %: the best, half; the next, 0.4; the third, 0.1."""
    rules = mandate_rules(random_universe(0, 6, sectors=1), replace(TINY, sector_band=1.0))
    assert most_gained(np.array([[6.0, 1.0, 5.0, 2.0, 4.0, 3.0]]), rules) == pytest.approx([0.5 * 6 + 0.4 * 5 + 0.1 * 4])


@pytest.fixture(scope="module")
def floored(random_universe):
    """A market in which the floor binds, its solution, and portfolios above the floor found by polishing at random."""
    universe = random_universe(1, 60)
    data, rules = terms(universe, SMALL, None, "ratio"), mandate_rules(universe, SMALL)
    rng = np.random.default_rng(0)
    drawn = []
    by_mu = np.argsort(-universe.mu)
    while len(drawn) < 25:
        support = np.sort(rng.choice(by_mu[:25], 9, replace=False))
        found = polish(data, rules, support, is_trial=True)
        if found is not None:
            drawn.append(np.bincount(support, found.weights, minlength=60))
    return universe, data, rules, solve(universe, SMALL), drawn


def test_the_floor_binds_and_the_portfolio_lies_on_it(floored):
    universe, _, _, found, _ = floored
    assert check(found.weights, universe, SMALL) == []
    assert found.risk_ratio == pytest.approx(1.15, abs=1e-4)
    assert solve(universe, replace(SMALL, risk_floor="none")).ratio > found.ratio * 1.001
    assert found.gap < 0.005


def test_lines_with_a_price_of_the_floor_lie_over_every_portfolio_above_it(floored):
    universe, data, rules, _, drawn = floored
    for slope in (1.0, 3.0, 9.0):
        columns = Columns(np.argsort(-universe.mu)[:30])
        line = best_line(data, rules, fixed_names(60, [], []), columns, gain=1.0, slope=slope)
        without = best_line(data, replace(rules, volatility_floor=0.0, reach=None), fixed_names(60, [], []), columns, gain=1.0, slope=slope)
        assert line.height < without.height
        assert max(data.net_return(w) - slope * data.squared_downside(w) for w in drawn) <= line.height


def test_what_is_proved_of_better_portfolios_is_true_of_each(floored):
    universe, data, rules, found, _ = floored
    assert found.certificate.reach
    better = found.weights  # better than the one that was known when the first proof was made, or the same
    for proof in found.certificate.reach:
        over = min(proof.over, data.net_return(better) / np.sqrt(data.squared_downside(better))) * (1 - 1e-9)
        rules = reached_rules(proof, data, rules, over)
        assert universe.mu @ better >= least_return(proof.lines, data, rules, over) * (1 - 1e-9)
        exposures = data.loadings.T @ better
        along = rules.reach.axes @ exposures[:-1]
        assert (data.factors @ exposures <= rules.reach.days + 1e-12).all()
        assert (along <= rules.reach.high + 1e-12).all()
        assert (along >= rules.reach.low - 1e-12).all()
        assert along @ along == pytest.approx(np.sum((universe.factor_returns @ exposures[:-1]) ** 2))


@settings(max_examples=25, deadline=None, derandomize=True)
@given(seed=st.integers(0, 10_000), noise=st.sampled_from([0.01, 0.3, 3.0]))
def test_whatever_the_multipliers_the_bound_holds_above_the_floor(floored, seed, noise):
    universe, _, _, found, _ = floored
    rng = np.random.default_rng(seed)

    def wrong(value):
        return value + noise * rng.standard_normal(np.shape(value)) * (np.abs(value).max(initial=0.0) + 1e-3)

    def spoiled(line):
        numbers = {name: float(wrong(getattr(line, name))) for name in ("budget", "volatility", "floor")}
        arrays = {name: wrong(getattr(line, name)) for name in ("losses", "rules", "risk", "exposures", "spread")}
        return replace(line, **numbers, **arrays)

    certificate = found.certificate
    leaves = tuple(replace(leaf, lines=tuple(map(spoiled, leaf.lines))) for leaf in certificate.leaves)
    reach = tuple(
        replace(proof, lines=tuple(map(spoiled, proof.lines)), multipliers=wrong(proof.multipliers)) for proof in certificate.reach
    )
    assert replay(Certificate("ratio", leaves, reach), universe, SMALL) >= found.ratio * (1 - 1e-12)


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(3))
def test_no_support_of_nine_names_lies_over_the_bound(random_universe, seed):
    """All 210 supports of 3 or 4 names, each climbed to the floor by tangents from its best weights without one."""
    universe = random_universe(seed, 9, sectors=3, periods=120)
    data, rules = terms(universe, TINY, None, "ratio"), mandate_rules(universe, TINY)
    supports = (np.array(names) for m in (3, 4) for names in itertools.combinations(range(9), m))
    best = max(p.goodness for names in supports if (p := polish(data, rules, names, is_trial=True)) is not None)
    found = solve(universe, TINY, nodes=10)
    assert check(found.weights, universe, TINY) == []
    assert found.bound >= best * (1 - 1e-7)
    assert found.ratio >= best * (1 - 5e-3)
    assert replay(found, universe, TINY) == pytest.approx(found.bound, rel=1e-9)


def test_a_certificate_with_proofs_of_reach_survives_being_written_down(floored):
    universe, _, _, found, _ = floored
    assert found.certificate.reach
    assert replay(from_text(as_text(found.certificate)), universe, SMALL) == replay(found, universe, SMALL)
