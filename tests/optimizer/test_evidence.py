"""Each statistic against a plain loop, a published figure, or another library."""

from itertools import combinations

import numpy as np
import pytest
import statsmodels.api as sm
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from statsmodels.stats.multitest import multipletests

import optimizer
from optimizer.errors import BadPanel, TooFewReturns
from optimizer.evidence_bootstrap import (
    monthly_sortino,
    paired_p_value,
    sortino_interval,
    stationary_positions,
    superior_ability,
)
from optimizer.evidence_factors import benjamini_hochberg, inclusion, main_effects, newey_west_t
from optimizer.evidence_overfitting import deflated_sharpe, effective_trials, expected_best_sharpe, overfitting, probabilistic_sharpe
from optimizer.measures import downside_deviation, sortino_ratio
from optimizer.search_planted import planted_panel


def random_returns(seed, months, subsets, mean=0.01):
    return mean + 0.05 * np.random.default_rng(seed).standard_normal((months, subsets))


def plain_preferences(returns):
    pairs = [(12 * series.mean(), downside_deviation(series, periods_per_year=12)) for series in returns.T]
    return np.array([reward / risk if reward > 0 else reward - risk for reward, risk in pairs])


@pytest.mark.parametrize("seed", range(4))
def test_overfitting_is_what_a_plain_loop_over_halves_counts(seed):
    """Eight blocks of seven or eight months, 70 splits; losses are preferred by return less downside deviation."""
    returns = random_returns(seed, 61, 7)
    blocks = np.split(np.arange(61), (np.arange(1, 8) * 61) // 8)
    below, inside, outside = [], [], []
    for chosen in combinations(range(8), 4):
        one = np.concatenate([blocks[b] for b in chosen])
        first, second = (plain_preferences(returns[half]) for half in (one, np.setdiff1d(np.arange(61), one)))
        winner = int(np.argmax(first))
        worse = np.sum(second < second[winner])
        below.append(1.0 if worse < 3 else 0.5 if worse == 3 else 0.0)  # three worse and three better: the median itself
        inside.append(first[winner])
        outside.append(second[winner])
    found = overfitting(returns, blocks=8)
    assert (found.splits, found.blocks) == (70, 8)
    assert found.probability == pytest.approx(np.mean(below))
    assert found.in_sample == pytest.approx(np.mean(inside))
    assert found.out_of_sample == pytest.approx(np.mean(outside))


def test_the_best_in_every_month_is_never_overfitted():
    returns = random_returns(1, 96, 15)
    returns[:, 4] = returns.max(axis=1) + 0.01
    assert overfitting(returns).probability == 0.0


def test_what_wins_in_one_half_of_time_only_is_overfitted():
    """Two subsets take turns from block to block: whichever won most of one half lost most of the other."""
    odd = (np.arange(96) // 6 % 2).astype(float)
    returns = 0.01 + 0.02 * np.column_stack([odd, 1.0 - odd]) + 0.001 * np.random.default_rng(0).standard_normal((96, 2)) - 0.015
    assert overfitting(returns).probability > 0.6


def test_short_histories_have_fewer_blocks_and_very_short_ones_none():
    assert overfitting(random_returns(0, 24, 3)).blocks == 8
    with pytest.raises(TooFewReturns, match="12 months"):
        overfitting(random_returns(0, 11, 3))


def test_orthogonal_trials_count_each_and_copies_count_once():
    """Fourier waves over 64 months are orthogonal; ten copies of one are one trial."""
    waves = np.array([np.cos(2 * np.pi * k * np.arange(64) / 64) for k in range(1, 9)]).T
    assert effective_trials(waves) == pytest.approx(8.0)
    assert effective_trials(np.repeat(waves[:, :1], 10, axis=1)) == pytest.approx(1.0)
    assert effective_trials(np.zeros((64, 3))) == 1.0


def test_the_deflated_ratio_of_the_paper():
    """Bailey and Lopez de Prado (2014): a ratio of 2.5 a year over 1,250 days, the best of 100 trials with variance 1/2 a year,
    skewness -3 and kurtosis 10: threshold 0.1132 a day, deflated ratio 0.9004.
    """
    threshold = expected_best_sharpe(0.5 / 250, 100)
    assert threshold == pytest.approx(0.1132, abs=5e-5)
    assert probabilistic_sharpe(2.5 / np.sqrt(250), threshold, 1250, -3.0, 10.0) == pytest.approx(0.9004, abs=5e-5)


def test_more_trials_deflate_more():
    returns = random_returns(3, 120, 1, mean=0.02)[:, 0]
    figures = [deflated_sharpe(returns, variance=0.01, trials=trials) for trials in (1, 5, 50, 5000)]
    assert figures == sorted(figures, reverse=True)
    assert figures[0] > 0.999 > 0.9 > figures[-1]
    assert np.isnan(deflated_sharpe(np.full(12, 0.01), variance=0.01, trials=5))


def test_the_blocks_of_the_bootstrap_run_on_and_have_the_length_asked_for():
    """A block ends with probability 1/6, and a new one continues the old by chance once in 50."""
    positions = stationary_positions(50, 400, seed=1, mean_block=6.0)
    runs_on = (positions[:, 1:] == (positions[:, :-1] + 1) % 50).mean()
    assert runs_on == pytest.approx(5 / 6 + 1 / 6 / 50, abs=0.01)
    assert np.bincount(positions.ravel(), minlength=50).min() > 0


def test_superior_ability_is_what_a_plain_loop_finds():
    active, draws = random_returns(7, 40, 3, mean=0.005) - 0.002 * np.arange(3), 60
    active[:, 2] -= 0.05
    positions = stationary_positions(40, draws, seed=9)
    mean, error = active.mean(axis=0), active.std(axis=0) / np.sqrt(39)
    seen = (mean / error).max()
    is_hopeless = mean / error < -np.sqrt(2 * np.log(np.log(40)))
    assert is_hopeless.tolist() == [True, False, True]
    centres = (np.maximum(mean, 0), np.where(is_hopeless, 0.0, mean), mean)
    counts = np.zeros(3)
    for row in positions:
        drawn = active[row]
        for i, centre in enumerate(centres):
            ratios = (drawn.mean(axis=0) - centre) / np.sqrt(1 - 11 / 40) / (drawn.std(axis=0) / np.sqrt(39))
            counts[i] += ratios.max() >= seen
    found = superior_ability(active, seed=9, draws=draws)
    assert found.statistic == pytest.approx(seen)
    assert (found.p_lower, found.p_consistent, found.p_upper) == pytest.approx(tuple((1 + counts) / (draws + 1)))


@given(st.integers(0, 1000))
@settings(max_examples=20, deadline=None)
def test_the_consistent_p_value_lies_between_its_bounds(seed):
    found = superior_ability(random_returns(seed, 60, 5, mean=-0.005), seed=seed, draws=99)
    assert 0.01 <= found.p_lower <= found.p_consistent <= found.p_upper <= 1.0


def test_nothing_above_the_benchmark_is_no_ability_and_a_great_deal_is_one():
    assert superior_ability(random_returns(2, 60, 4, mean=-0.03), seed=0, draws=99).p_consistent == 1.0
    assert superior_ability(random_returns(2, 60, 4, mean=0.05), seed=0, draws=99).p_consistent == 0.01
    assert superior_ability(np.zeros((60, 4)), seed=0, draws=99).p_consistent == 1.0


def test_monthly_ratios_are_the_published_ones():
    returns = random_returns(5, 48, 3)
    assert monthly_sortino(returns.T) == pytest.approx([sortino_ratio(series, periods_per_year=12) for series in returns.T])


def test_the_interval_holds_the_ratio_and_shrinks_with_its_level():
    series = random_returns(6, 120, 1)[:, 0]
    wide, narrow = (sortino_interval(series, seed=0, level=level) for level in (0.95, 0.5))
    assert wide[0] < narrow[0] < float(monthly_sortino(series)) < narrow[1] < wide[1]
    assert np.isnan(sortino_interval(np.full(24, 0.01), seed=0)).all()


def test_a_challenger_is_compared_month_by_month():
    """The same series: no difference, p = 1. One percent a month more, in the same months: far beyond chance."""
    series = random_returns(8, 120, 1)[:, 0]
    assert paired_p_value(series, series, seed=0) == 1.0
    assert paired_p_value(series + 0.01, series, seed=0) < 0.01
    assert paired_p_value(series - 0.01, series, seed=0) > 0.99
    assert np.isnan(paired_p_value(np.full(120, 0.01), series, seed=0))


@pytest.mark.parametrize("lags", [0, 3, 6])
def test_newey_west_agrees_with_statsmodels(lags):
    series = np.cumsum(np.random.default_rng(2).standard_normal((60, 3)), axis=0) * 0.1 + 0.3
    expected = [
        sm.OLS(y, np.ones(60)).fit(cov_type="HAC", cov_kwds={"maxlags": lags, "use_correction": False}).tvalues[0] for y in series.T
    ]
    assert newey_west_t(series, lags=lags) == pytest.approx(expected, rel=1e-9)


@given(arrays(float, st.integers(1, 14), elements=st.floats(0, 1)))
def test_false_discovery_control_agrees_with_statsmodels(p):
    assert benjamini_hochberg(p) == pytest.approx(multipletests(p, method="fdr_bh")[1], abs=1e-12)


def test_main_effects_pair_subsets_that_differ_by_one_factor():
    """Subsets a, b, ab earn 1, 2, 5: a adds 5 - 2 = 3 to b, and b adds 5 - 1 = 4 to a."""
    assert main_effects(np.array([[1.0, 2.0, 5.0]]), 2).tolist() == [[3.0, 4.0]]


def test_inclusion_counts_how_many_of_the_best_hold_a_factor():
    """Subsets 1 and 3 of two factors are {a} and {a, b}."""
    assert inclusion(np.array([0, 2]), 2).tolist() == [1.0, 0.5]


@pytest.fixture(scope="module")
def result():
    panel = planted_panel(21, months=108, names=60, premia=np.array([0.012, 0.012, 0.0, 0.0]), own_volatility=0.06)
    return optimizer.search(panel.scores, panel.returns, **panel.labels, holdings=8, cost=0.001)


def test_all_evidence_comes_with_a_search(result):
    cells = {"even": np.arange(108) % 2 == 0, "odd": np.arange(108) % 2 == 1, "few": np.arange(108) < 13}
    found = optimizer.judge(result, incumbent=("factor_03",), cells=cells, first=48)
    assert found.statistics["trials"] == 15
    assert found.statistics["walk_forward_months"] == 60
    assert found.reasons == {}
    assert set(found.regime_tests) == {"even", "odd"}
    assert [row.is_scored for row in found.regimes] == [True, True, False]
    assert [test.factor for test in found.tests if test.is_found] == ["factor_01", "factor_02"]
    assert found.fingerprint == result.fingerprint()
    assert all(np.isfinite(value) for value in found.statistics.values())
    assert found.verdicts["premia"] == ()
    assert found.walk.returns["incumbent"].shape == (60,)


@pytest.mark.parametrize("incumbent", [("factor_99",), ()])
def test_an_incumbent_that_was_not_searched_is_refused(result, incumbent):
    with pytest.raises(BadPanel, match=r"must hold some of the factors \['factor_01'"):
        optimizer.judge(result, incumbent=incumbent)


def test_the_same_search_has_the_same_evidence(result):
    first, second = (optimizer.judge(result, incumbent=("factor_03",), first=48) for _ in range(2))
    assert first.statistics == second.statistics
    assert first.tests == second.tests


def test_a_figure_that_cannot_be_had_is_no_ground_to_replace_the_incumbent(result):
    found = optimizer.judge(result, incumbent=("factor_03",), first=100)
    assert found.walk is None
    assert found.reasons["walk_forward"] == "112 months are needed, 108 are there"
    assert np.isnan(found.statistics["walk_forward_best"])
    assert any("against the incumbent" in objection for objection in found.verdicts["top_1_percent"])


def test_luck_is_refused_in_words():
    panel = planted_panel(3, months=84, names=60, premia=np.zeros(4))
    found = optimizer.judge(optimizer.search(panel.scores, panel.returns, **panel.labels, holdings=8, cost=0.005), first=48)
    assert any("superior ability" in objection for objection in found.verdicts["top_1_percent"])
