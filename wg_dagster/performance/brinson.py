"""Brinson-Fachler: where the active return came from, group by group (sectors or industries).

Weights are those at the start of a period and sum to one, cash included; arrays may carry a leading axis of periods: (..., S).
"""

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Effects:
    """Allocation, selection and interaction of each group, same shape as the weights; together the active return."""

    allocation: np.ndarray
    selection: np.ndarray
    interaction: np.ndarray

    @property
    def selection_with_interaction(self) -> np.ndarray:
        """Selection at the portfolio's own weights: with 25 names the interaction has no meaning of its own."""
        return self.selection + self.interaction


def brinson_fachler(
    portfolio_weights: np.ndarray,
    benchmark_weights: np.ndarray,
    portfolio_returns: np.ndarray,
    benchmark_returns: np.ndarray,
) -> Effects:
    """Effects of each group.

    A group that the benchmark does not hold has no return of its own there: the benchmark's total stands for it, so that all of it
    is selection. A group that the portfolio does not hold has no selection. Returns of empty groups may be NaN.
    """
    total = np.sum(benchmark_weights * np.nan_to_num(benchmark_returns), axis=-1, keepdims=True)
    reference = np.where(benchmark_weights > 0.0, np.nan_to_num(benchmark_returns), total)
    own = np.where(portfolio_weights > 0.0, np.nan_to_num(portfolio_returns), reference)
    active = portfolio_weights - benchmark_weights
    difference = own - reference
    return Effects(active * (reference - total), benchmark_weights * difference, active * difference)


def group_weights_and_returns(weights: np.ndarray, returns: np.ndarray, groups: np.ndarray, count: int) -> tuple[np.ndarray, np.ndarray]:
    """Weights (T, S) and returns (T, S) of groups from names: weights (n, T), returns (n, T), groups (n,) of codes below `count`."""
    members = np.zeros((count, len(groups)))
    members[groups, np.arange(len(groups))] = 1.0
    group_weights = (members @ weights).T
    contributions = (members @ (weights * returns)).T
    empty = group_weights <= 0.0
    return group_weights, np.divide(contributions, group_weights, out=np.zeros_like(contributions), where=~empty)
