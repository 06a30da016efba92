"""From what is held to the target weights, net of what the trades themselves cost."""

from dataclasses import dataclass

import numpy as np

from wg_dagster.trading.costs import trading_costs

_ROUNDS = 30  # each round shrinks the error by the cost rate (below 1 %): 8 reach double precision
_ROUNDING = 1e-14  # cash below this share of the value is rounding


@dataclass(frozen=True)
class Rebalanced:
    """Values after the trades (names,), the cost of each name's trade (names,), and the cash that is left."""

    values: np.ndarray
    costs: np.ndarray
    cash: float


def rebalance(values: np.ndarray, cash: float, target_weights: np.ndarray, *, can_trade: np.ndarray, rate: float) -> Rebalanced:
    """Trade to target weights of the value that is left after costs.

    A name that cannot trade keeps its value. Where that leaves too little for the others, they share what there is in proportion to
    their targets; what a name that cannot be bought leaves over stays in cash, so no other name is pushed over its limit.

    Parameters
    ----------
    values
        (names,) before the trades, at the fill prices.
    cash
        Before the trades.
    target_weights
        (names,) of the value after costs; 0 = sell. They sum to one or less.
    can_trade
        (names,) True where the name has a price at this session.
    rate
        Cost of one unit of traded value.
    """
    wealth = values.sum() + cash
    after, costs = values, np.zeros_like(values)
    for _ in range(_ROUNDS):
        after = _affordable(values, wealth - costs.sum(), target_weights, can_trade)
        costs = trading_costs(values, after, rate=rate)
    left = wealth - costs.sum() - after.sum()
    return Rebalanced(after, costs, float(left) if left > _ROUNDING * wealth else 0.0)


def _affordable(values: np.ndarray, wealth: float, target_weights: np.ndarray, can_trade: np.ndarray) -> np.ndarray:
    wanted = np.where(can_trade, target_weights * wealth, 0.0)
    room = wealth - values[~can_trade].sum()
    scale = min(1.0, room / wanted.sum()) if wanted.sum() > 0.0 else 1.0
    return np.where(can_trade, wanted * scale, values)
