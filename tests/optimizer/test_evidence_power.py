"""The harness on panels whose truth is known: no discoveries where there is nothing, discoveries where there is something."""

import numpy as np
import pytest

import optimizer
from optimizer.evidence_bootstrap import monthly_sortino, superior_ability
from optimizer.evidence_factors import factor_tests
from optimizer.evidence_overfitting import overfitting
from optimizer.search_planted import planted_panel
from optimizer.search_rules import best_first
from optimizer.search_validation import walk_forward
from optimizer.search_windows import preferences

LEVEL = 0.10
PREMIUM = 0.005  # a month, for a name one standard deviation above the mean: the stated premium of the power test


def searched(seed, premia, *, months, names, holdings, cost=0.0, persistence=0.95):
    panel = planted_panel(seed, months=months, names=names, premia=premia, persistence=persistence)
    return optimizer.search(panel.scores, panel.returns, **panel.labels, holdings=holdings, cost=cost)


def most_false_alarms(panels):
    """The nominal rate plus three standard errors of the count."""
    return panels * LEVEL + 3.0 * np.sqrt(panels * LEVEL * (1.0 - LEVEL))


def overfitting_and_p_values(panels, premia, **sizes):
    pairs = []
    for seed in range(panels):
        result = searched(seed, premia, **sizes)
        p = superior_ability(result.monthly_active, seed=seed, draws=300).p_consistent
        pairs.append((overfitting(result.monthly).probability, p))
    return np.array(pairs).T


def check_null(panels, factors, **sizes):
    probability, p = overfitting_and_p_values(panels, np.zeros(factors), **sizes)
    error = probability.std(ddof=1) / np.sqrt(panels)
    assert error < 0.04
    assert abs(probability.mean() - 0.5) <= 3.0 * error
    assert (p < LEVEL).sum() <= most_false_alarms(panels)


def test_where_there_is_nothing_half_is_overfitted_and_few_alarms_are_false():
    check_null(50, 4, months=120, names=60, holdings=10)


@pytest.mark.slow
def test_where_there_is_nothing_half_is_overfitted_and_few_alarms_are_false_in_larger_grids():
    check_null(200, 7, months=120, names=100, holdings=15)


@pytest.mark.slow
def test_costs_make_the_test_of_superior_ability_cautious():
    _, p = overfitting_and_p_values(100, np.zeros(7), months=120, names=100, holdings=15, cost=0.002)
    assert (p < LEVEL).mean() <= LEVEL


def planted(factors, count, premium=PREMIUM):
    return np.where(np.arange(factors) < count, premium, 0.0)


def test_half_a_percent_a_month_is_found_in_four_panels_of_five():
    """Two of six factors, ten years, 100 names, 15 held, 10 basis points a trade."""
    probability, p = overfitting_and_p_values(25, planted(6, 2), months=120, names=100, holdings=15, cost=0.001)
    assert (p < LEVEL).mean() >= 0.8
    assert probability.mean() < 0.35


@pytest.mark.slow
def test_half_a_percent_a_month_is_found_in_four_panels_of_five_on_many_panels():
    _, p = overfitting_and_p_values(100, planted(6, 2), months=120, names=100, holdings=15, cost=0.001)
    assert (p < LEVEL).mean() >= 0.8


def recovered(panels):
    """(panels, rules) walk-forward ratios of all rules, and true and false factors held by the maximum and by the tests."""
    ratios, held = [], {"best": np.zeros(2), "tests": np.zeros(2)}
    for seed in range(panels):
        rng = np.random.default_rng(1000 + seed)
        premia = np.zeros(10)
        premia[rng.permutation(10)[:4]] = rng.uniform(0.0015, 0.003, 4)
        result = searched(seed, premia, months=180, names=150, holdings=15, cost=0.001)
        ratios.append({rule: float(monthly_sortino(series)) for rule, series in walk_forward(result).returns.items()})
        (_, preferred), *_ = preferences(result.own, first=180)
        best = set(result.names(int(best_first(preferred)[0])))
        found = {test.factor for test in factor_tests(result) if test.is_found}
        true = {factor for factor, premium in zip(result.factors, premia, strict=True) if premium > 0}
        for rule, factors in (("best", best), ("tests", found)):
            held[rule] += len(factors & true), len(factors - true)
    return {rule: np.array([row[rule] for row in ratios]) for rule in ratios[0]}, held


def check_recovery(panels):
    ratios, held = recovered(panels)
    for rule in ("top_1_percent", "premia"):
        gain = ratios[rule] - ratios["best"]
        assert gain.mean() > 0.0, rule
    true, false = held["best"]
    tests_true, tests_false = held["tests"]
    assert tests_false / max(tests_true + tests_false, 1) < false / (true + false)
    return ratios


def test_planted_premia_are_recovered_better_than_by_taking_the_maximum():
    check_recovery(10)


@pytest.mark.slow
def test_planted_premia_are_recovered_better_than_by_taking_the_maximum_on_many_panels():
    """Both rules are ahead of the maximum by more than twice the standard error of the mean over 60 panels."""
    ratios = check_recovery(60)
    for rule in ("top_1_percent", "premia"):
        gain = ratios[rule] - ratios["best"]
        assert gain.mean() > 2.0 * gain.std(ddof=1) / np.sqrt(len(gain))


def shuffled(seed, *, is_shuffled):
    """Scores without memory, two strong premia; the returns in their order, or in a random one."""
    panel = planted_panel(seed, months=120, names=80, premia=planted(5, 2, 0.01), persistence=0.0)
    order = np.random.default_rng(seed).permutation(120) if is_shuffled else np.arange(120)
    result = optimizer.search(panel.scores, [panel.returns[t] for t in order], **panel.labels, holdings=10)
    p = superior_ability(result.monthly_active, seed=seed, draws=300).p_consistent
    return p, sum(test.is_found for test in factor_tests(result))


def test_a_series_shuffled_in_time_kills_the_result():
    """In order all ten panels show both factors; shuffled, only false alarms remain."""
    in_order = [shuffled(seed, is_shuffled=False) for seed in range(10)]
    assert all(p < 0.01 and found >= 2 for p, found in in_order)
    out_of_order = [shuffled(seed, is_shuffled=True) for seed in range(10)]
    assert sum(p < LEVEL for p, _ in out_of_order) <= most_false_alarms(10)
    assert sum(found > 0 for _, found in out_of_order) <= most_false_alarms(10)
