import math

import empyrical
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from optimizer import measures
from optimizer.errors import TooFewReturns

# Bacon, Practical Portfolio Performance Measurement and Attribution, 2nd edition, p. 65: 24 monthly returns in percent.
BACON = (
    np.array(
        [0.3, 2.6, 1.1, -1.0, 1.5, 2.5, 1.6, 6.7, -1.4, 4.0, -0.5, 8.1, 4.0, -3.7, -6.1, 1.7, -4.9, -2.2, 7.0, 5.8, -6.5, 2.4, -0.5, -0.9]
    )
    / 100
)
YEARS_OF_RETURNS = arrays(float, st.integers(12, 60), elements=st.floats(-0.3, 0.3))


def test_the_seed_convention_gives_the_published_ratio_of_bacons_portfolio():
    assert measures.sortino_ratio(BACON, periods_per_year=12) == pytest.approx(1.304826, abs=5e-7)


def test_the_arithmetic_variant_is_another_figure():
    assert measures.sortino_arithmetic(BACON, periods_per_year=12) == pytest.approx(1.359217, abs=5e-7)


def test_one_period_a_year_gives_the_ratio_per_period():
    assert measures.sortino_arithmetic(BACON, periods_per_year=1) == pytest.approx(0.392372, abs=5e-7)


def test_downside_deviation_of_bacons_portfolio_at_half_a_percent_a_month():
    assert measures.downside_deviation(BACON, periods_per_year=1, target=0.005) == pytest.approx(0.025537, abs=5e-7)


def test_a_sortino_ratio_worked_by_hand():
    """Eleven months of 2 % and one of -6 %: the shortfall is 0.06 in one month of twelve."""
    returns = np.array([0.02] * 11 + [-0.06])
    by_hand = (1.02**11 * 0.94 - 1) / math.sqrt(0.06**2 / 12 * 12)
    assert measures.sortino_ratio(returns, periods_per_year=12) == pytest.approx(by_hand, rel=1e-14)


def test_the_target_is_taken_from_the_return_and_from_the_shortfall():
    returns = np.array([0.02] * 11 + [-0.06])
    by_hand = (1.02**11 * 0.94 - 1.01**12) / math.sqrt(0.07**2)
    assert measures.sortino_ratio(returns, periods_per_year=12, target=0.01) == pytest.approx(by_hand, rel=1e-14)


def test_without_a_loss_the_ratio_is_nan_and_never_infinite():
    assert math.isnan(measures.sortino_ratio(np.full(12, 0.01), periods_per_year=12))
    assert math.isnan(measures.sortino_arithmetic(np.zeros(12), periods_per_year=12))


def test_a_constant_series_has_no_sharpe_ratio():
    assert math.isnan(measures.sharpe_ratio(np.full(12, 0.01), periods_per_year=12))


@pytest.mark.parametrize(
    "measure", [measures.sortino_ratio, measures.sortino_arithmetic, measures.sharpe_ratio, measures.annualised_return, measures.volatility]
)
def test_less_than_a_year_is_not_annualised(measure):
    with pytest.raises(TooFewReturns, match=r"needs 12 returns.*got 11"):
        measure(np.full(11, -0.01), periods_per_year=12)


@given(YEARS_OF_RETURNS)
def test_arithmetic_measures_equal_those_of_an_independent_library(returns):
    """Oracle: empyrical. Its ratios are infinite or noise without a loss or a spread, where ours are nan."""
    deviation = measures.downside_deviation(returns, periods_per_year=12)
    assert deviation == pytest.approx(empyrical.downside_risk(returns, 0, annualization=12), rel=1e-12)
    assert measures.volatility(returns, periods_per_year=12) == pytest.approx(
        empyrical.annual_volatility(returns, annualization=12), rel=1e-12
    )
    assert measures.annualised_return(returns, periods_per_year=12) == pytest.approx(
        empyrical.annual_return(returns, annualization=12), rel=1e-12, abs=1e-12
    )
    if deviation > 1e-9:
        oracle = empyrical.sortino_ratio(returns, 0, annualization=12)
        assert measures.sortino_arithmetic(returns, periods_per_year=12) == pytest.approx(oracle, rel=1e-12, abs=1e-12)
    if np.std(returns) > 1e-9:
        oracle = empyrical.sharpe_ratio(returns, 0, annualization=12)
        assert measures.sharpe_ratio(returns, periods_per_year=12) == pytest.approx(oracle, rel=1e-12, abs=1e-12)


@given(YEARS_OF_RETURNS, st.integers(0, 1000))
def test_relative_measures_equal_those_of_an_independent_library(returns, seed):
    benchmark = np.random.default_rng(seed).normal(0.0, 0.04, len(returns))
    assert measures.beta(returns, benchmark) == pytest.approx(empyrical.beta(returns, benchmark), rel=1e-9, abs=1e-12)
    by_definition = np.std(returns - benchmark, ddof=1) * math.sqrt(12)
    assert measures.tracking_error(returns, benchmark, periods_per_year=12) == pytest.approx(by_definition, rel=1e-12)
    per_month = empyrical.excess_sharpe(returns, benchmark)
    assert measures.information_ratio(returns, benchmark, periods_per_year=12) == pytest.approx(
        per_month * math.sqrt(12), rel=1e-12, abs=1e-12
    )


@given(arrays(float, st.integers(1, 40), elements=st.floats(-0.9, 2.0)))
def test_the_deepest_drawdown_equals_that_of_an_independent_library(returns):
    values = np.concatenate([[1.0], np.cumprod(1.0 + returns)])
    deepest = measures.max_drawdown(values)
    assert deepest == pytest.approx(empyrical.max_drawdown(returns), rel=1e-12, abs=1e-15)
    assert deepest == min([episode.depth for episode in measures.drawdowns(values)], default=0.0)


def test_an_episode_runs_from_the_peak_over_the_trough_to_the_recovery():
    values = np.array([100.0, 110.0, 99.0, 88.0, 100.0, 110.0, 120.0, 90.0])
    first, second = measures.drawdowns(values)
    assert (first.start, first.trough, first.recovery) == (1, 3, 5)
    assert first.depth == pytest.approx(88 / 110 - 1, rel=1e-15)
    assert (second.start, second.trough, second.recovery) == (6, 7, None)
    assert second.depth == pytest.approx(-0.25, rel=1e-15)


def test_values_that_only_rise_have_no_drawdown():
    assert measures.drawdowns(np.array([1.0, 1.0, 1.1])) == []
    assert measures.max_drawdown(np.array([1.0, 1.0, 1.1])) == 0.0


@given(arrays(float, st.integers(2, 40), elements=st.floats(0.1, 10.0)))
def test_episodes_do_not_overlap_and_cover_every_value_below_its_peak(values):
    covered = np.zeros(len(values), dtype=bool)
    last_end = 0
    for episode in measures.drawdowns(values):
        end = len(values) if episode.recovery is None else episode.recovery
        assert last_end <= episode.start < episode.trough < end
        covered[episode.start + 1 : end] = True
        last_end = end
    assert (covered == (measures.running_drawdown(values) < 0.0)).all()


def test_the_gain_needed_brings_the_value_back_to_its_peak():
    assert measures.gain_needed_to_recover(-0.1361) == pytest.approx(0.1575, abs=5e-5)
    assert (1 - 0.1361) * (1 + measures.gain_needed_to_recover(-0.1361)) == pytest.approx(1.0, rel=1e-15)
    assert measures.gain_needed_to_recover(-1.0) == math.inf
    assert measures.gain_needed_to_recover(0.0) == 0.0


def test_a_tie_is_no_hit():
    assert measures.hit_rate(np.array([0.02, 0.01, -0.01, 0.00]), np.array([0.01, 0.01, -0.02, 0.01])) == 0.5
    assert math.isnan(measures.hit_rate(np.array([]), np.array([])))


def test_a_still_benchmark_gives_no_beta():
    assert math.isnan(measures.beta(BACON, np.zeros(24)))
    assert math.isnan(measures.beta(BACON[:1], BACON[:1]))


def test_scaling_the_returns_scales_beta_and_volatility():
    assert measures.beta(2 * BACON, BACON) == pytest.approx(2.0, rel=1e-14)
    assert measures.volatility(2 * BACON, periods_per_year=12) == pytest.approx(
        2 * measures.volatility(BACON, periods_per_year=12), rel=1e-14
    )


def test_the_risk_free_rate_may_change_each_period():
    rates = np.linspace(0.0, 0.004, 24)
    assert measures.sharpe_ratio(BACON, periods_per_year=12, risk_free=rates) == pytest.approx(
        empyrical.sharpe_ratio(BACON - rates, 0, annualization=12), rel=1e-12
    )


class TestArithmeticOfTheLetter:
    """Figures that a monthly letter prints, worked back to each other."""

    def test_g1_the_gap_of_wealth_is_not_the_gap_in_points(self):
        """-4.33 % against +5.83 %: the letter prints -10.16 points, wealth differs by -9.60 %."""
        assert measures.relative_wealth(-0.0433, 0.0583) == pytest.approx(-0.0960, abs=5e-5)

    def test_g4_seventy_eight_points_are_thirty_four_percent_of_wealth(self):
        assert measures.relative_wealth(2.0795, 1.2962) == pytest.approx(0.3411, abs=5e-5)

    @pytest.mark.parametrize(
        ("since_inception", "month", "before"), [(-0.1361, -0.0433, -0.0970), (0.2048, -0.0071, 0.2134), (2.0795, 0.0433, 1.9517)]
    )
    def test_g5_the_return_before_the_month_compounds_with_it(self, since_inception, month, before):
        assert measures.total_return(np.array([before, month])) == pytest.approx(since_inception, abs=2e-4)

    def test_g9_a_positive_sharpe_with_a_loss_needs_an_absurd_volatility(self):
        needed = measures.volatility_implied(0.28, -0.1361)
        assert needed == pytest.approx(0.889, abs=5e-4)
        assert needed**2 - 0.56 * needed + 2 * math.log(0.8639) == pytest.approx(0.0, abs=1e-12)
        assert math.isnan(measures.volatility_implied(0.1, 0.5))
