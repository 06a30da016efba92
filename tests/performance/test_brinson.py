import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from wg_dagster.performance.brinson import brinson_fachler, group_weights_and_returns


def test_the_first_quarter_of_bacons_example():
    """Allocation (0.3 - 0.2)(-0.04 - 0.064) = -1.04 % for Japan; selection 0.4 (0.2 - 0.1) = 4 % for the United Kingdom."""
    effects = brinson_fachler(
        np.array([0.4, 0.3, 0.3]), np.array([0.4, 0.2, 0.4]), np.array([0.2, -0.05, 0.06]), np.array([0.1, -0.04, 0.08])
    )
    assert 100 * effects.allocation == pytest.approx([0.0, -1.04, -0.16], abs=1e-12)
    assert 100 * effects.selection == pytest.approx([4.0, -0.2, -0.8], abs=1e-12)
    assert 100 * effects.interaction == pytest.approx([0.0, -0.1, 0.2], abs=1e-12)
    assert 100 * effects.allocation.sum() == pytest.approx(-1.2, abs=1e-12)


def test_a_sector_that_the_portfolio_leaves_out_has_no_selection():
    effects = brinson_fachler(np.array([1.0, 0.0]), np.array([0.5, 0.5]), np.array([0.02, np.nan]), np.array([0.01, 0.05]))
    assert effects.selection_with_interaction[1] == 0.0
    assert effects.allocation[1] == pytest.approx((0.0 - 0.5) * (0.05 - 0.03), abs=1e-16)


def test_a_sector_that_the_benchmark_does_not_hold_is_all_selection():
    effects = brinson_fachler(np.array([0.6, 0.4]), np.array([1.0, 0.0]), np.array([0.02, 0.07]), np.array([0.02, np.nan]))
    assert effects.allocation == pytest.approx([0.0, 0.0], abs=1e-16)
    assert effects.selection_with_interaction == pytest.approx([0.0, 0.4 * (0.07 - 0.02)], abs=1e-16)


@given(st.integers(0, 10_000), st.integers(1, 6), st.integers(0, 2), st.integers(0, 2))
def test_effects_add_up_to_the_active_return(seed, groups, left_out_by_portfolio, left_out_by_benchmark):
    random = np.random.default_rng(seed)
    own, index = (_weights(random, groups, left_out) for left_out in (left_out_by_portfolio, left_out_by_benchmark))
    own_returns, index_returns = random.normal(0.0, 0.1, (2, groups))
    effects = brinson_fachler(own, index, own_returns, index_returns)
    total = (effects.allocation + effects.selection_with_interaction).sum()
    assert total == pytest.approx(own @ own_returns - index @ index_returns, abs=1e-14)


def test_groups_of_names_carry_their_weight_and_their_own_return():
    weights = np.array([[0.2], [0.3], [0.5]])
    returns = np.array([[0.10], [0.00], [-0.02]])
    group_weights, group_returns = group_weights_and_returns(weights, returns, np.array([0, 0, 1]), 3)
    assert group_weights == pytest.approx(np.array([[0.5, 0.5, 0.0]]))
    assert group_returns == pytest.approx(np.array([[0.2 * 0.10 / 0.5, -0.02, 0.0]]))


def _weights(random, groups, left_out):
    weights = random.dirichlet(np.ones(groups))
    weights[: min(left_out, groups - 1)] = 0.0
    return weights / weights.sum()
