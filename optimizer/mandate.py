"""The limits a portfolio obeys (運用方針), and the check that it does, which knows nothing of solvers."""

from dataclasses import dataclass

import numpy as np

from optimizer.errors import BadUniverse
from optimizer.universe import Universe

BUDGET_TOLERANCE = 1e-9
TOLERANCE = 1e-7  # a hundredth of a thousandth of a point: rounding of the solver, far below what a rule means


@dataclass(frozen=True)
class Mandate:
    """Limits of a model portfolio; weights are fractions of its value.

    Each default is the rule of the service: 20 to 25 names, each under 10 %, sectors near the market's, risk within
    10 % of the index.
    """

    names: tuple[int, int] = (20, 25)
    weight: tuple[float, float] = (0.01, 0.0999)  # strictly under 10 %, so 9.99 % is the target's ceiling
    sector_band: float = 0.05  # points around the benchmark's sector weight
    risk_band: tuple[float, float] = (0.9, 1.1)  # forecast volatility over that of the risk reference
    risk_floor: str = "beta"  # beta >= risk_band[0]: convex, and cannot be met by idiosyncratic noise; "vol", "none"
    cash: float = 0.0
    trading_cost: float = 0.0  # per year and unit of weight bought or sold; expected returns are net of it

    def __post_init__(self) -> None:
        """Refuse limits that contradict themselves."""
        rules = {
            f"names {self.names}: at least one, and not more than the most": 1 <= self.names[0] <= self.names[1],
            f"weight {self.weight}: 0 < smallest <= largest <= 1": 0 < self.weight[0] <= self.weight[1] <= 1,
            f"sector_band {self.sector_band} and trading_cost {self.trading_cost}: not negative": min(self.sector_band, self.trading_cost)
            >= 0,
            f"risk_band {self.risk_band}: 0 <= floor < cap": 0 <= self.risk_band[0] < self.risk_band[1],
            f"risk_floor {self.risk_floor!r}: beta, vol or none": self.risk_floor in {"beta", "vol", "none"},
            f"cash {self.cash}: from 0 to under 1": 0 <= self.cash < 1,
        }
        for rule, holds in rules.items():
            if not holds:
                raise BadUniverse(f"mandate: {rule}")


@dataclass(frozen=True)
class BrokenRule:
    """A limit, and the value that lies beyond it."""

    rule: str
    limit: float
    value: float


def check(weights: np.ndarray, universe: Universe, mandate: Mandate) -> list[BrokenRule]:
    """Rules of the mandate that (n,) weights break; empty when they obey.

    Names are the positive weights. The cap of a name binds its issuer: share classes are added up.
    """
    weights = np.asarray(weights, dtype=float)
    if weights.shape != (len(universe),) or not np.isfinite(weights).all():
        return [BrokenRule("weights are one finite number a name", len(universe), float(np.isfinite(weights).sum()))]
    floor_value = {"beta": universe.beta @ weights, "vol": universe.volatility(weights) / universe.benchmark_vol, "none": np.inf}
    held = weights[weights > 0]
    total, fewest, most = 1.0 - mandate.cash, *mandate.names
    sides = [
        ("weights sum to one less cash, at least", ">=", total, weights.sum(), BUDGET_TOLERANCE),
        ("weights sum to one less cash, at most", "<=", total, weights.sum(), BUDGET_TOLERANCE),
        ("no weight is negative", ">=", 0.0, weights.min(), 0.0),
        ("names, at least", ">=", fewest, len(held), 0.0),
        ("names, at most", "<=", most, len(held), 0.0),
        ("smallest weight", ">=", mandate.weight[0], held.min(initial=np.inf), TOLERANCE),
        *((f"issuer {issuer}", "<=", mandate.weight[1], weight, TOLERANCE) for issuer, weight in _by_issuer(weights, universe)),
        *_sector_sides(weights, universe, mandate),
        ("volatility over the index's, at most", "<=", mandate.risk_band[1], floor_value["vol"], TOLERANCE),
        (f"{mandate.risk_floor}, at least", ">=", mandate.risk_band[0], floor_value[mandate.risk_floor], TOLERANCE),
    ]
    return [
        BrokenRule(rule, float(limit), float(value))
        for rule, side, limit, value, tolerance in sides
        if (value < limit - tolerance if side == ">=" else value > limit + tolerance)
    ]


def _by_issuer(weights: np.ndarray, universe: Universe) -> list[tuple[str, float]]:
    issuers, position = np.unique(np.asarray(universe.issuers), return_inverse=True)
    return list(zip(issuers.tolist(), np.bincount(position, weights).tolist(), strict=True))


def _sector_sides(weights: np.ndarray, universe: Universe, mandate: Mandate) -> list[tuple[str, str, float, float, float]]:
    held = np.bincount(universe.sector, weights, minlength=len(universe.sector_weights))
    return [
        side
        for sector, (weight, market) in enumerate(zip(held, universe.sector_weights, strict=True))
        for side in (
            (f"sector {sector}, at least", ">=", market - mandate.sector_band, weight, TOLERANCE),
            (f"sector {sector}, at most", "<=", market + mandate.sector_band, weight, TOLERANCE),
        )
    ]
