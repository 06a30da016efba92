"""Golden figures: three markets, four quarters, Bacon (2008) tables 8.1 to 8.5; recomputed to six decimals of a percent."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from wg_dagster.performance.brinson import brinson_fachler
from wg_dagster.performance.linking import carino, frongello, grap, link, menchero

# Rows are quarters; columns United Kingdom, Japan, United States.
OWN_WEIGHTS = np.array([[0.4, 0.3, 0.3], [0.7, 0.2, 0.1], [0.3, 0.5, 0.2], [0.3, 0.5, 0.2]])
INDEX_WEIGHTS = np.array([[0.4, 0.2, 0.4], [0.4, 0.3, 0.3], [0.5, 0.4, 0.1], [0.4, 0.4, 0.2]])
OWN_RETURNS = np.array([[0.2, -0.05, 0.06], [-0.05, 0.03, -0.05], [-0.2, 0.08, -0.15], [0.1, -0.07, 0.25]])
INDEX_RETURNS = np.array([[0.1, -0.04, 0.08], [-0.07, 0.04, -0.1], [-0.25, 0.05, -0.2], [0.05, -0.05, 0.1]])
OWN = (OWN_WEIGHTS * OWN_RETURNS).sum(axis=1)
INDEX = (INDEX_WEIGHTS * INDEX_RETURNS).sum(axis=1)
ACTIVE = np.prod(1 + OWN) - np.prod(1 + INDEX)
EFFECTS = brinson_fachler(OWN_WEIGHTS, INDEX_WEIGHTS, OWN_RETURNS, INDEX_RETURNS)
DAYS = st.integers(1, 25).flatmap(lambda days: st.tuples(*(arrays(float, days, elements=st.floats(-0.2, 0.2)) for _ in range(2))))


def test_the_quarters_and_the_year_are_those_of_the_book():
    assert pytest.approx([8.3, -3.4, -5.0, 4.5], abs=1e-12) == 100 * OWN
    assert pytest.approx([6.4, -4.6, -12.5, 2.0], abs=1e-12) == 100 * INDEX
    assert pytest.approx(13.265573, abs=5e-7) == 100 * ACTIVE


@pytest.mark.parametrize(
    ("method", "coefficients", "allocation", "allocation_sum", "selection", "selection_sum"),
    [
        (carino, [0.904313, 1.011216, 1.064441, 0.940245], [1.6510, -0.6055, 0.1491], 1.194514, [8.0400, 0.1829, 3.8482], 12.071059),
        (menchero, [0.990844, 0.986159, 1.028324, 0.994860], [1.5623, -0.7754, 0.1353], 0.922181, [8.3788, 0.0531, 3.9115], 12.343392),
        (grap, [0.851445, 0.966578, 1.067102, 0.993869], [1.6737, -0.5450, 0.1073], 1.235964, [7.8504, 0.1580, 4.0211], 12.029609),
    ],
)
def test_each_method_links_the_year_as_printed(method, coefficients, allocation, allocation_sum, selection, selection_sum):
    found = method(OWN, INDEX)
    assert found == pytest.approx(coefficients, abs=5.1e-7)
    linked_allocation = 100 * link(EFFECTS.allocation, found)
    linked_selection = 100 * link(EFFECTS.selection_with_interaction, found)
    assert linked_allocation == pytest.approx(allocation, abs=5.1e-5)
    assert linked_allocation.sum() == pytest.approx(allocation_sum, abs=5.1e-7)
    assert linked_selection == pytest.approx(selection, abs=5.1e-5)
    assert linked_selection.sum() == pytest.approx(selection_sum, abs=5.1e-7)
    assert linked_allocation.sum() + linked_selection.sum() == pytest.approx(100 * ACTIVE, abs=1e-13)


def test_frongello_period_by_period_equals_grap():
    effects = np.hstack([EFFECTS.allocation, EFFECTS.selection_with_interaction])
    assert frongello(effects, OWN, INDEX) == pytest.approx(link(effects, grap(OWN, INDEX)), abs=1e-16)


def test_grap_sums_at_three_periods_too():
    """A known port of another package leaves the middle factor wrong there and sums to 0.0939156."""
    assert grap(OWN[:3], INDEX[:3]) @ (OWN[:3] - INDEX[:3]) == pytest.approx(0.1056951, abs=5e-8)


@pytest.mark.parametrize("method", [carino, menchero, grap])
@given(returns=DAYS)
def test_linked_active_returns_are_the_active_return_of_the_span(method, returns):
    own, index = returns
    total = np.prod(1 + own) - np.prod(1 + index)
    assert method(own, index) @ (own - index) == pytest.approx(total, abs=1e-12)


@pytest.mark.parametrize("method", [carino, menchero, grap])
def test_a_portfolio_that_is_the_benchmark_links_without_dividing_by_zero(method):
    same = np.array([0.01, -0.02, 0.03])
    found = method(same, same)
    assert np.isfinite(found).all()
    assert found @ (same - same) == 0.0


def test_the_carino_coefficient_is_continuous_where_both_are_equal():
    near, same = carino(np.array([0.01 + 1e-12, 0.02]), np.array([0.01, 0.02])), carino(np.array([0.01, 0.02]), np.array([0.01, 0.02]))
    assert near == pytest.approx(same, abs=1e-11)


def test_one_period_needs_no_linking():
    for method in (carino, menchero, grap):
        assert method(np.array([0.03]), np.array([0.01])) == pytest.approx([1.0], abs=1e-14)
