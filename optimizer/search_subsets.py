"""The subsets of the factors as numbers: subset s holds factor i where bit i of s + 1 is set."""

import numpy as np


def subset_count(factors: int) -> int:
    """Number of non-empty subsets.

    >>> subset_count(14)
    16383
    """
    return (1 << factors) - 1


def membership(factors: int) -> np.ndarray:
    """(subsets, factors) table of who is in which subset."""
    masks = np.arange(1, 1 << factors)
    return (masks[:, None] >> np.arange(factors) & 1).astype(bool)


def subset_of(chosen: tuple[str, ...], factors: tuple[str, ...]) -> int:
    """Position of a subset given by names; ValueError if a name is unknown or nothing is chosen.

    >>> subset_of(("value", "size"), ("size", "momentum", "value"))
    4
    """
    if not chosen:
        raise ValueError("an empty subset has no place in the grid")
    return sum(1 << factors.index(factor) for factor in set(chosen)) - 1


def names_of(subset: int, factors: tuple[str, ...]) -> tuple[str, ...]:
    """Names in a subset, in the order of `factors`.

    >>> names_of(4, ("size", "momentum", "value"))
    ('size', 'value')
    """
    return tuple(factor for i, factor in enumerate(factors) if (subset + 1) >> i & 1)


def with_and_without(factor: int, factors: int) -> tuple[np.ndarray, np.ndarray]:
    """Subsets that hold a factor beside others, and the same subsets without it, pair by pair."""
    masks = np.arange(1, 1 << factors)
    without = masks[masks >> factor & 1 == 0]
    return without + (1 << factor) - 1, without - 1
