"""Trading to target weights, by arithmetic."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from wg_dagster.strategies import Costs
from wg_dagster.trading.costs import cost_rate, trading_costs
from wg_dagster.trading.rebalance import rebalance

ALL = np.array([True, True, True])


def test_a_cost_rate_is_commission_plus_half_of_the_spread():
    assert cost_rate(Costs(commission=0.0001, half_spread=0.0006)) == pytest.approx(0.0007, abs=1e-18)


def test_buying_and_selling_cost_the_same():
    assert trading_costs(np.array([100.0, 50.0]), np.array([50.0, 100.0]), rate=0.01).tolist() == [0.5, 0.5]


def test_without_costs_the_targets_are_met_exactly():
    traded = rebalance(np.array([60.0, 40.0, 0.0]), 0.0, np.array([0.5, 0.25, 0.25]), can_trade=ALL, rate=0.0)
    assert traded.values.tolist() == [50.0, 25.0, 25.0]
    assert traded.costs.tolist() == [0.0, 0.0, 0.0]
    assert traded.cash == 0.0


def test_buying_from_cash_leaves_what_the_costs_leave():
    """1 of cash buys x in all, with x + 1 % of x = 1."""
    traded = rebalance(np.zeros(3), 1.0, np.array([0.5, 0.3, 0.2]), can_trade=ALL, rate=0.01)
    assert traded.values.sum() == pytest.approx(1 / 1.01, abs=1e-15)
    assert traded.values / traded.values.sum() == pytest.approx([0.5, 0.3, 0.2], abs=1e-15)
    assert traded.costs.sum() == pytest.approx(1 - 1 / 1.01, abs=1e-15)


def test_weights_are_targets_of_the_value_after_costs():
    """Half of 100 moves: V' = 100 - 0.01 (|V'/2 - 100| + V'/2) = 99, so 49.5 each and 1 of costs."""
    traded = rebalance(np.array([100.0, 0.0]), 0.0, np.array([0.5, 0.5]), can_trade=ALL[:2], rate=0.01)
    assert traded.values == pytest.approx([49.5, 49.5], abs=1e-12)
    assert traded.costs == pytest.approx([0.505, 0.495], abs=1e-12)


def test_a_holding_that_cannot_trade_is_kept_and_the_others_share_the_rest():
    """30 is stuck; 70 is left for targets of 0.6 and 0.4."""
    traded = rebalance(np.array([30.0, 70.0, 0.0]), 0.0, np.array([0.0, 0.6, 0.4]), can_trade=np.array([False, True, True]), rate=0.0)
    assert traded.values == pytest.approx([30.0, 42.0, 28.0], abs=1e-12)
    assert traded.cash == 0.0


def test_what_a_name_that_cannot_be_bought_leaves_over_stays_in_cash():
    """The others must not be pushed over their limits."""
    traded = rebalance(np.array([50.0, 50.0, 0.0]), 0.0, np.array([0.4, 0.4, 0.2]), can_trade=np.array([True, True, False]), rate=0.0)
    assert traded.values == pytest.approx([40.0, 40.0, 0.0], abs=1e-12)
    assert traded.cash == pytest.approx(20.0, abs=1e-12)


@st.composite
def positions(draw):
    size = draw(st.integers(2, 8))
    amounts = st.lists(st.floats(0.0, 1e3), min_size=size, max_size=size)
    values = np.array(draw(amounts)) + 1e-3
    targets = np.array(draw(amounts)) + 1e-3
    can_trade = np.array(draw(st.lists(st.booleans(), min_size=size, max_size=size)))
    return values, draw(st.floats(0.0, 1e3)), targets / targets.sum(), can_trade, draw(st.floats(0.0, 0.01))


@given(positions())
def test_value_in_equals_value_out_plus_costs(position):
    values, cash, targets, can_trade, rate = position
    traded = rebalance(values, cash, targets, can_trade=can_trade, rate=rate)
    wealth = values.sum() + cash
    assert traded.values.sum() + traded.cash + traded.costs.sum() == pytest.approx(wealth, rel=1e-12)
    assert traded.costs == pytest.approx(rate * np.abs(traded.values - values), abs=1e-12 * wealth)
    assert traded.cash >= 0.0
    assert (traded.values >= 0.0).all()
    assert traded.values[~can_trade].tolist() == values[~can_trade].tolist()


@given(positions())
def test_no_name_that_trades_ends_above_its_target(position):
    values, cash, targets, can_trade, rate = position
    traded = rebalance(values, cash, targets, can_trade=can_trade, rate=rate)
    nav = traded.values.sum() + traded.cash
    assert (traded.values[can_trade] / nav <= targets[can_trade] + 1e-9).all()
