"""How much room a portfolio leaves under each rule of its mandate; a rule without room binds."""

from dataclasses import dataclass

import numpy as np

from optimizer.certificate import mandate_rules
from optimizer.mandate import Mandate
from optimizer.universe import Universe

NO_ROOM = 1e-6  # weights are found 1e-7 inside of the limits


@dataclass(frozen=True, eq=False)
class Room:
    """A rule, its limit, the portfolio's value, how far the value is inside of the limit (negative: beyond it), and which names count."""

    rule: str
    limit: float
    value: float
    room: float
    concerns: np.ndarray

    @property
    def binds(self) -> bool:
        """Whether the portfolio touches the rule."""
        return self.room <= NO_ROOM


def rooms(weights: np.ndarray, universe: Universe, mandate: Mandate, current: np.ndarray | None = None) -> list[Room]:
    """Room under every rule of the portfolio as a whole: counts, budget, sectors and other rows, risk, turnover.

    Limits of single names are left out, `weight_limit` tells of them. Rules of names count names, all others are in their own unit
    (fractions of the portfolio; volatility and beta over the index's).
    """
    rows, held, everyone = mandate_rules(universe, mandate), weights[weights > 0], np.ones(len(universe), dtype=bool)
    volatility = universe.volatility(weights) / universe.benchmark_vol
    found = [
        _at_least("names, at least", mandate.names[0], len(held), everyone),
        _at_most("names, at most", mandate.names[1], len(held), everyone),
        _at_least("invested, at least", rows.budget - rows.cash_room, weights.sum(), everyone),
        _at_most("invested, at most", rows.budget, weights.sum(), everyone),
    ]
    for rule, row, bound in zip(rows.rules, rows.matrix, rows.bounds, strict=True):
        value = float(row @ weights)
        is_floor = rule.endswith("at least")
        found.append(_at_least(rule, -bound, -value, row != 0) if is_floor else _at_most(rule, bound, value, row != 0))
    found.append(_at_most("volatility over the index's, at most", mandate.risk_band[1], volatility, everyone))
    if mandate.risk_floor == "vol":
        found.append(_at_least("volatility over the index's, at least", mandate.risk_band[0], volatility, everyone))
    if current is not None and mandate.turnover is not None:
        found.append(_at_most("turnover, at most", mandate.turnover, np.abs(weights - current).sum() / 2, everyone))
    return found


def weight_limit(weights: np.ndarray, universe: Universe, mandate: Mandate) -> list[str]:
    """Of each name (n,): the limit of its own weight that it touches; '' where none."""
    rows = mandate_rules(universe, mandate)
    lowest = (weights > 0) & (weights <= rows.smallest + NO_ROOM)
    highest = (weights > 0) & (weights >= rows.caps - NO_ROOM)
    words = np.where(lowest, "smallest weight", np.where(highest, "largest weight", np.where(rows.caps == 0, "may not be held", "")))
    return [str(word) for word in words]


def _at_most(rule: str, limit: float, value: float, concerns: np.ndarray) -> Room:
    return Room(rule, float(limit), float(value), float(limit - value), concerns)


def _at_least(rule: str, limit: float, value: float, concerns: np.ndarray) -> Room:
    return Room(rule, float(limit), float(value), float(value - limit), concerns)
