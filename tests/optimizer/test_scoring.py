"""Scores by hand, and against scipy and statsmodels."""

import numpy as np
import pytest
import statsmodels.api as sm
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy.stats import norm
from scipy.stats.mstats import winsorize

from optimizer.errors import BadUniverse
from optimizer.scoring import (
    composite,
    expected_returns,
    factor_score,
    inverse_normal_rank,
    neutralise,
    score_component,
    standardise,
    winsorise,
)

NAN = np.nan
some_values = arrays(float, st.integers(2, 60), elements=st.integers(-50, 50).map(float))


def test_winsorising_clips_at_the_interpolated_quantiles():
    """101 values 0..100: the 1 % quantile is 1, the 99 % quantile is 99."""
    clipped = winsorise(np.arange(101.0))
    assert clipped.min() == 1.0
    assert clipped.max() == 99.0
    assert (clipped[1:100] == np.arange(1.0, 100.0)).all()


def test_winsorising_agrees_with_scipy_where_no_quantile_falls_between_values():
    """scipy replaces the 5 smallest of 101 by the sixth; the 5 % quantile of 0..100 is that sixth value, 5."""
    values = np.random.default_rng(0).permutation(101).astype(float)
    expected = np.asarray(winsorize(values, limits=(5 / 101, 5 / 101)))
    assert winsorise(values, lower=0.05, upper=0.95).tolist() == expected.tolist()


def test_a_missing_value_stays_missing_and_moves_no_quantile():
    values = np.arange(101.0)
    assert np.isnan(winsorise(np.r_[values, NAN])[-1])
    assert winsorise(np.r_[values, NAN])[:-1].tolist() == winsorise(values).tolist()


def test_nothing_known_gives_nothing_known():
    nothing = np.full(4, NAN)
    for function in (winsorise, inverse_normal_rank, score_component, lambda values: neutralise(values, np.zeros(4, int))):
        assert np.isnan(function(nothing)).all()


def test_ranks_become_blom_scores_and_ties_share_their_rank():
    """Ranks of 5, 7, 7, 9 are 1, 2.5, 2.5, 4 of 4: (r - 3/8) / 4.25."""
    expected = norm.ppf([(1 - 0.375) / 4.25, 0.5, 0.5, (4 - 0.375) / 4.25])
    assert inverse_normal_rank(np.array([5.0, 7.0, 7.0, 9.0])) == pytest.approx(expected, abs=1e-14)


@given(some_values)
def test_a_monotone_change_of_the_metric_leaves_the_ranks_scores_alone(values):
    assert inverse_normal_rank(values) == pytest.approx(inverse_normal_rank(np.exp(values / 10)), abs=1e-12)


@given(some_values, st.randoms(use_true_random=False))
def test_permuted_names_have_permuted_scores(values, random):
    order = list(range(len(values)))
    random.shuffle(order)
    assert score_component(values)[order] == pytest.approx(score_component(values[order]), abs=1e-12)


@given(some_values)
def test_a_score_has_mean_zero_and_deviation_one_or_is_all_zero(values):
    score = score_component(values)
    assert abs(score.mean()) < 1e-12
    assert score.std() == pytest.approx(0.0 if (score == 0).all() else 1.0, abs=1e-12)


@settings(deadline=None)
@given(st.sampled_from([1, 2, 3, 21, 199, 200, 401]), st.integers(0, 2**32 - 1), st.sampled_from([0, 2, 12]), st.floats(0, 1))
def test_a_component_is_scored_by_its_three_steps_to_the_last_bit(names, seed, digits, missing):
    """One sort serves the quantiles, the ranks and the ties; values rounded to no digit are nearly all ties."""
    chance = np.random.default_rng(seed)
    values = np.where(chance.random(names) < missing, NAN, chance.standard_normal(names).round(digits))
    tail = 0.01 if np.isfinite(values).sum() >= 200 else 0.05
    expected = standardise(inverse_normal_rank(winsorise(values, lower=tail, upper=1 - tail)))
    assert np.array_equal(score_component(values), expected, equal_nan=True)


@given(arrays(float, st.tuples(st.integers(1, 20), st.integers(1, 3)), elements=st.sampled_from([-1.5, -0.1, 0.0, 0.3, 2.0, NAN])))
def test_a_factor_is_the_weighted_mean_of_its_known_components(components):
    """Against the mean taken name by name."""
    count = components.shape[1]
    directions, weights = np.array([1.0, -1.0, 1.0])[:count], np.array([1.0, 2.0, 0.5])[:count]
    means = []
    for row in components:
        known = ~np.isnan(row)
        enough = 2 * known.sum() >= count
        means.append((row * directions * weights)[known].sum() / weights[known].sum() if enough else NAN)
    assert factor_score(components, directions, weights) == pytest.approx(standardise(np.array(means)), abs=1e-9, nan_ok=True)


def test_small_cross_sections_are_clipped_at_five_percent():
    """Of 100 names the 5 lowest tie (clipped to the 5 % quantile, 4.95); of 200 only the 2 lowest (1 %: 1.99)."""
    assert len(np.unique(score_component(np.arange(100.0)).round(12))) == 100 - 4 - 4
    assert len(np.unique(score_component(np.arange(200.0)).round(12))) == 200 - 1 - 1


def test_infinity_is_refused_with_its_row():
    with pytest.raises(BadUniverse, match="row 1"):
        winsorise(np.array([1.0, np.inf, 2.0]))


def test_a_factor_needs_half_of_its_components():
    """Three components: the name with two known has a score, the name with one has none."""
    components = np.array([[1.0, 1.0, 1.0], [0.0, 2.0, NAN], [-3.0, NAN, NAN], [-1.0, -1.0, -1.0]])
    score = factor_score(components, np.ones(3), np.ones(3))
    # Means 1, 1, -, -1; mean of them 1/3, deviation sqrt(8/9).
    expected = np.array([1 - 1 / 3, 1 - 1 / 3, NAN, -1 - 1 / 3]) / np.sqrt(8 / 9)
    assert score == pytest.approx(expected, nan_ok=True, abs=1e-14)


def test_one_of_two_components_is_enough():
    score = factor_score(np.array([[1.0, NAN], [NAN, -1.0], [NAN, NAN]]), np.ones(2), np.ones(2))
    assert score == pytest.approx([1.0, -1.0, NAN], nan_ok=True)


def test_directions_flip_and_weights_weigh():
    """(2 x 1 - 1 x 4) / 3 = -2/3 and (2 x -1 - 1 x -4) / 3 = 2/3: the second name is the better one."""
    score = factor_score(np.array([[1.0, 4.0], [-1.0, -4.0]]), np.array([1, -1]), np.array([2.0, 1.0]))
    assert score == pytest.approx([-1.0, 1.0])


def _sectors(*sizes):
    return np.repeat(np.arange(len(sizes)), sizes)


def test_neutral_scores_are_the_residuals_of_statsmodels():
    rng = np.random.default_rng(1)
    sector, cap, weights, score = _sectors(30, 20, 10), rng.normal(20, 2, 60), rng.uniform(1, 3, 60), rng.standard_normal(60)
    design = np.column_stack([np.eye(3)[sector], cap])
    residual = sm.WLS(score, design, weights=weights).fit().resid
    deviation = np.sqrt(np.average(residual**2, weights=weights))
    assert neutralise(score, sector, cap, weights) == pytest.approx(residual / deviation, abs=1e-9)


@settings(max_examples=25)
@given(st.integers(0, 10_000))
def test_no_sector_and_no_size_is_left_in_a_neutral_score(seed):
    rng = np.random.default_rng(seed)
    sector, cap, score = rng.permutation(_sectors(9, 8, 7, 6)), rng.normal(20, 2, 30), rng.standard_normal(30)
    score[rng.integers(0, 30, 3)] = NAN
    neutral = neutralise(score, sector, cap)
    known = ~np.isnan(score)
    assert (np.isnan(neutral) == ~known).all()
    if np.bincount(sector[known], minlength=4).min() >= 5:
        means = [neutral[known & (sector == code)].mean() for code in range(4)]
        assert means == pytest.approx(np.zeros(4), abs=1e-10)
    assert neutral[known] @ (cap[known] - cap[known].mean()) == pytest.approx(0.0, abs=1e-9)


def test_sectors_under_five_names_are_judged_together():
    """Sectors of 3 and 4 names share one mean, so a sector that is better as a whole keeps part of its lead."""
    sector = _sectors(10, 3, 4)
    score = np.r_[np.linspace(-1, 1, 10), np.full(3, 2.0), np.full(4, -1.0)]
    neutral = neutralise(score, sector)
    assert (neutral[10:13] > 0).all()
    assert neutral[10:].sum() == pytest.approx(0.0, abs=1e-12)


def test_a_lonely_name_joins_the_next_smallest_sector():
    """Alone it would be its own mean and always exactly neutral."""
    neutral = neutralise(np.r_[np.linspace(-1, 1, 10), np.linspace(-1, 1, 6), 3.0], _sectors(10, 6, 1))
    assert neutral[-1] > 1.0


def test_a_score_that_is_its_sector_is_zero_when_neutral():
    assert (neutralise(np.repeat([1.0, -1.0], 6), _sectors(6, 6)) == 0).all()


def test_an_unknown_factor_is_neutral_in_the_composite_and_counted_in_its_coverage():
    """Means over two factors, the second wanted low: 1, 0.5, -1.5/2, nothing of the last (0 of 2 known)."""
    values, coverage = composite(np.array([[1.0, -1.0], [1.0, NAN], [-1.0, 0.5], [NAN, NAN]]), np.array([1, -1]), minimum_share=0.5)
    assert coverage.tolist() == [1.0, 0.5, 1.0, 0.0]
    assert values == pytest.approx([*standardise(np.array([1.0, 0.5, -0.75])), NAN], nan_ok=True)


def test_three_of_five_factors_are_sixty_percent():
    scores = np.array([[1.0, 1.0, 1.0, NAN, NAN], [0.0, 0.0, 0.0, 0.0, 0.0]])
    assert np.isfinite(composite(scores, np.ones(5), minimum_share=0.6)[0]).all()


def test_expected_returns_have_units():
    """3 % + 1.5 x 4 % + 12 x 0.05 x 10 % x 2 = 3 + 6 + 12 % a year."""
    mu = expected_returns(
        np.array([2.0]), np.array([1.5]), np.array([0.1]), risk_free=0.03, equity_premium=0.04, information_coefficient=0.05
    )
    assert mu == pytest.approx([0.21])
