"""Which rule does best out of sample, on six full grids: 300 names, 240 months, five of fourteen factors earn, 15 names held."""

import numpy as np
import pytest

import optimizer
from optimizer.evidence_bootstrap import monthly_sortino
from optimizer.evidence_factors import factor_tests
from optimizer.search_planted import planted_panel
from optimizer.search_rules import best_first
from optimizer.search_validation import walk_forward
from optimizer.search_windows import preferences

pytestmark = pytest.mark.slow
SEEDS, MONTHS, FACTORS, EARNING = range(2000, 2006), 240, 14, 5


def one_panel(seed):
    """Walk-forward Sortino ratio by rule (refit each year after 60 months); true and false factors held by the maximum and by the tests."""
    rng = np.random.default_rng(seed)
    premia = np.zeros(FACTORS)
    premia[rng.permutation(FACTORS)[:EARNING]] = rng.uniform(0.0015, 0.003, EARNING)
    panel = planted_panel(seed, months=MONTHS, names=300, premia=premia)
    true = {factor for factor, premium in zip(panel.factors, premia, strict=True) if premium > 0}
    result = optimizer.search(panel.scores, panel.returns, **panel.labels, holdings=15, engine="fastest")
    walk = walk_forward(result)
    series = walk.returns | {"market": result.benchmark[walk.months], "true": result.monthly[walk.months, result.subset(*true)]}
    (_, preferred), *_ = preferences(result.own, first=MONTHS)
    held = {
        "best": set(result.names(int(best_first(preferred)[0]))),
        "tests": {test.factor for test in factor_tests(result) if test.is_found},
    }
    ratios = {rule: float(monthly_sortino(returns)) for rule, returns in series.items()}
    return ratios, {rule: (len(factors & true), len(factors - true)) for rule, factors in held.items()}


@pytest.fixture(scope="module")
def panels():
    """Ratios (rule -> (6,)) and counts (rule -> (6, 2)) of the six seeds."""
    ratios, held = zip(*(one_panel(seed) for seed in SEEDS), strict=True)
    together = {rule: np.array([one[rule] for one in ratios]) for rule in ratios[0]}
    print("; ".join(f"{rule} {values.mean():.2f}" for rule, values in together.items()))
    return together, {rule: np.array([one[rule] for one in held]) for rule in held[0]}


@pytest.mark.parametrize("rule", ["top_1_percent", "premia"])
def test_the_candidates_recover_planted_premia_better_than_the_maximum(panels, rule):
    """Seed by seed: ahead on average, and in at least four of six."""
    ratios, _ = panels
    gain = ratios[rule] - ratios["best"]
    print(f"{rule}: {gain.mean():.2f} +- {gain.std(ddof=1) / np.sqrt(len(gain)):.2f}, ahead in {(gain > 0).sum()} of {len(gain)}")
    assert gain.mean() > 0.0
    assert (gain > 0).sum() >= 4


def test_nobody_beats_who_knows_the_true_factors_and_all_beat_the_market(panels):
    ratios, _ = panels
    for rule in ("best", "top_1_percent", "premia", "all"):
        assert ratios["market"].mean() < ratios[rule].mean() < ratios["true"].mean(), rule


def test_the_maximum_holds_false_factors_and_the_tests_hardly_any(panels):
    """At a false discovery rate of 10 %; each panel has nine false factors."""
    _, held = panels
    print({rule: counts.sum(axis=0).tolist() for rule, counts in held.items()})
    assert held["best"][:, 1].sum() > 4 * held["tests"][:, 1].sum()
    assert held["tests"][:, 1].sum() <= 0.10 * max(held["tests"].sum(), 10)
