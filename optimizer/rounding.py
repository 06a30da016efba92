"""Weights as they are published: whole multiples of a billionth that sum exactly to what is invested."""

import numpy as np

UNIT = 1_000_000_000


def exact_weights(weights: np.ndarray, *, budget: float, smallest: float, largest: float | np.ndarray) -> np.ndarray:
    """Round (m,) weights to billionths whose sum is the budget, by largest remainder.

    The units that are missing go to the largest remainders, ties to the first names; no weight leaves its bounds.

    Examples
    --------
    >>> exact_weights(np.array([1 / 3, 1 / 3, 1 / 3]), budget=1.0, smallest=0.0, largest=0.5).tolist()
    [0.333333334, 0.333333333, 0.333333333]
    """
    least = int(np.ceil(smallest * UNIT - 1e-6))
    most = np.broadcast_to(np.floor(np.asarray(largest) * UNIT + 1e-6).astype(np.int64), np.shape(weights))
    scaled = np.asarray(weights, dtype=float) / np.sum(weights) * budget * UNIT
    units = np.clip(np.floor(scaled), least, most).astype(np.int64)
    missing = round(budget * UNIT) - int(units.sum())
    step = 1 if missing > 0 else -1
    order = np.argsort(-step * (scaled - units), kind="stable")
    while missing != 0:
        has_room = [i for i in order if (units[i] < most[i] if step > 0 else units[i] > least)]
        if not has_room:
            break
        for i in has_room[: abs(missing)]:
            units[i] += step
            missing -= step
    return units / UNIT
