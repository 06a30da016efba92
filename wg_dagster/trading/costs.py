"""What a trade costs: commission and half of the spread, as a share of the value that changes hands."""

import numpy as np

from wg_dagster.strategies import Costs


def cost_rate(costs: Costs) -> float:
    """Cost of buying or selling one unit of value at the close."""
    return costs.commission + costs.half_spread


def trading_costs(values_before: np.ndarray, values_after: np.ndarray, *, rate: float) -> np.ndarray:
    """Cost of each name's trade, in the currency of the values; buying and selling cost the same."""
    return rate * np.abs(values_after - values_before)
