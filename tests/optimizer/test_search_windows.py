"""Windows as sums of months, against the measures of the series themselves."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from optimizer.measures import sortino_ratio
from optimizer.search_booking import exact
from optimizer.search_windows import Sums, annualised, preference, preferences, worst_regime


def monthly_sums(returns):
    returns = np.asarray(returns, dtype=float)
    parts = (np.log1p(returns), returns, returns**2, np.minimum(returns, 0.0) ** 2)
    return Sums(np.ones(len(returns), dtype=int), *(exact(part) for part in parts), periods_per_year=12)


@pytest.fixture
def returns():
    return 0.01 + 0.05 * np.random.default_rng(4).standard_normal((60, 5))


def test_the_ratio_of_a_window_is_the_published_ratio(returns):
    window = slice(7, 50)
    expected = [sortino_ratio(series, periods_per_year=12) for series in returns[window].T]
    assert monthly_sums(returns).sortino(window) == pytest.approx(expected, rel=1e-9)


def test_no_loss_no_ratio():
    assert np.isnan(monthly_sums(np.full((12, 1), 0.01)).sortino(slice(None))).all()


@given(arrays(float, (12, 3), elements=st.floats(-0.5, 0.5)), st.permutations(range(12)))
def test_sums_do_not_hang_on_the_order_of_the_months(returns, order):
    sums = monthly_sums(returns)
    assert (sums.growth.sum(axis=0) == sums.growth[list(order)].sum(axis=0)).all()
    assert (sums.downside[:5].sum(axis=0) + sums.downside[5:].sum(axis=0) == sums.downside.sum(axis=0)).all()


def test_of_two_equal_losses_the_calmer_is_preferred():
    """-10 % with 5 % or 20 % risk: Sortino would be -2 and -0.5, the riskier ahead."""
    calm, risky, gain = preference(np.array([-0.10, -0.10, 0.001]), np.array([0.05, 0.20, 0.30]))
    assert risky < calm < 0 < gain


def test_a_gain_without_a_loss_is_not_infinite():
    assert preference(np.array([0.10, 0.10, 0.10]), np.array([0.0, 0.10, 0.10])).tolist() == pytest.approx([100.0, 1.0, 1.0])


def test_the_worst_regime_counts_and_thin_ones_are_drawn_to_the_whole():
    """24 months: half of the regime's own, half of the whole. First subset min(0.5 x 2 + 0.5, 0.75 x 1 + 0.25), second 0.5 x 0 + 0.5."""
    worst = worst_regime(np.array([1.0, 1.0]), np.array([[2.0, 0.0], [1.0, 3.0]]), np.array([24, 72]))
    assert worst == pytest.approx([1.0, 0.5])


def naive(sums, months):
    return preference(*annualised(sums.growth[months].sum(axis=0), sums.downside[months].sum(axis=0), sums.periods[months].sum(), 12))


def test_expanding_and_rolling_windows_are_what_summing_again_gives(returns):
    sums = monthly_sums(returns)
    expanding = dict(preferences(sums, first=24, every=6))
    assert sorted(expanding) == [24, 30, 36, 42, 48, 54, 60]
    for t, preferred in expanding.items():
        assert (preferred == naive(sums, np.arange(t))).all()
    for t, preferred in preferences(sums, first=30, every=7, rolling=24):
        assert (preferred == naive(sums, np.arange(t - 24, t))).all()


def test_regime_windows_are_what_summing_again_gives(returns):
    """Regimes with fewer than 24 months so far take no part; without any, all months count as one."""
    sums = monthly_sums(returns)
    cells = np.array([np.arange(60) % 2 == 0, np.arange(60) % 2 == 1, np.arange(60) < 10])
    for t, preferred in preferences(sums, first=24, every=12, cells=cells):
        inside = [np.flatnonzero(cell[:t]) for cell in cells]
        scored = [months for months in inside if len(months) >= 24]
        expected = naive(sums, np.arange(t))
        if scored:
            expected = worst_regime(expected, np.array([naive(sums, months) for months in scored]), np.array([len(m) for m in scored]))
        assert (preferred == expected).all()
