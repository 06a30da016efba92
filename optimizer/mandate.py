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
    turnover: float | None = None  # most half sum of weight changes, where something is held before
    smallest_trade: float = 0.0  # a held name is kept as it is, sold whole, or traded by at least this
    cash_most: float | None = None  # with it, cash is between `cash` and this; it earns nothing and carries no risk
    return_floor: float | None = None  # expected return per year before costs, at least
    industry_band: float | None = None  # points around the benchmark's industry weights
    exposure_bands: tuple[tuple[int, float, float], ...] = ()  # (factor column, low, high) of exposure less the index's
    excluded: tuple[str, ...] = ()  # ids that may not be held
    objective: str = "ratio"  # "min_downside": least downside deviation, whatever the expected return
    downside: str = "factor"  # "scenario": by the universe's own scenarios of each name

    def __post_init__(self) -> None:
        """Refuse limits that contradict themselves."""
        rules = {
            f"names {self.names}: at least one, and not more than the most": 1 <= self.names[0] <= self.names[1],
            f"weight {self.weight}: 0 < smallest <= largest <= 1": 0 < self.weight[0] <= self.weight[1] <= 1,
            f"sector_band {self.sector_band} and trading_cost {self.trading_cost}: not negative": min(self.sector_band, self.trading_cost)
            >= 0,
            f"risk_band {self.risk_band}: 0 <= floor < cap": 0 <= self.risk_band[0] < self.risk_band[1],
            f"risk_floor {self.risk_floor!r}: beta, vol or none": self.risk_floor in {"beta", "vol", "none"},
            f"cash {self.cash} to {self.cash_most}: 0 <= cash <= cash_most < 1": 0 <= self.cash <= (self.cash_most or self.cash) < 1,
            f"turnover {self.turnover} and smallest_trade {self.smallest_trade}: not negative": min(self.turnover or 0, self.smallest_trade)
            >= 0,
            f"industry_band {self.industry_band}: not negative": (self.industry_band or 0) >= 0,
            f"exposure_bands {self.exposure_bands}: (column, low <= high)": all(c >= 0 and a <= b for c, a, b in self.exposure_bands),
            f"objective {self.objective!r}: ratio or min_downside": self.objective in {"ratio", "min_downside"},
            f"downside {self.downside!r}: factor or scenario": self.downside in {"factor", "scenario"},
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


def check(weights: np.ndarray, universe: Universe, mandate: Mandate, current: np.ndarray | None = None) -> list[BrokenRule]:
    """Rules of the mandate that (n,) weights break; empty when they obey.

    Names are the positive weights. The cap of a name binds its issuer: share classes are added up. Rules of trading are
    looked at where the weights held before, `current` (n,), are given.
    """
    weights = np.asarray(weights, dtype=float)
    if weights.shape != (len(universe),) or not np.isfinite(weights).all():
        return [BrokenRule("weights are one finite number a name", len(universe), float(np.isfinite(weights).sum()))]
    floor_value = {"beta": universe.beta @ weights, "vol": universe.volatility(weights) / universe.benchmark_vol, "none": np.inf}
    held = weights[weights > 0]
    total, fewest, most = 1.0 - mandate.cash, *mandate.names
    least_total = total if mandate.cash_most is None else 1.0 - mandate.cash_most
    sides = [
        ("weights sum to one less cash, at least", ">=", least_total, weights.sum(), BUDGET_TOLERANCE),
        ("weights sum to one less cash, at most", "<=", total, weights.sum(), BUDGET_TOLERANCE),
        ("no weight is negative", ">=", 0.0, weights.min(), 0.0),
        ("names, at least", ">=", fewest, len(held), 0.0),
        ("names, at most", "<=", most, len(held), 0.0),
        ("smallest weight", ">=", mandate.weight[0], held.min(initial=np.inf), TOLERANCE),
        *((f"issuer {issuer}", "<=", mandate.weight[1], weight, TOLERANCE) for issuer, weight in _by_issuer(weights, universe)),
        *_group_sides("sector", weights, universe.sector, universe.sector_weights, mandate.sector_band),
        *_optional_sides(weights, universe, mandate),
        *([] if current is None else _trade_sides(weights, np.asarray(current), mandate)),
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


Side = tuple[str, str, float, float, float]


def _group_sides(kind: str, weights: np.ndarray, codes: np.ndarray, market: np.ndarray, band: float) -> list[Side]:
    held = np.bincount(codes, weights, minlength=len(market))
    return [
        side
        for group, (weight, middle) in enumerate(zip(held, market, strict=True))
        for side in (
            (f"{kind} {group}, at least", ">=", middle - band, weight, TOLERANCE),
            (f"{kind} {group}, at most", "<=", middle + band, weight, TOLERANCE),
        )
    ]


def _optional_sides(weights: np.ndarray, universe: Universe, mandate: Mandate) -> list[Side]:
    sides: list[Side] = []
    if mandate.industry_band is not None:
        sides += _group_sides("industry", weights, universe.industry, universe.industry_weights, mandate.industry_band)
    for column, low, high in mandate.exposure_bands:
        active = universe.exposures[:, column] @ weights - universe.benchmark_exposure[column]
        sides += [
            (f"exposure {column}, at least", ">=", low, active, TOLERANCE),
            (f"exposure {column}, at most", "<=", high, active, TOLERANCE),
        ]
    if mandate.return_floor is not None:
        sides.append(("expected return, at least", ">=", mandate.return_floor, universe.expected_return(weights), TOLERANCE))
    barred = np.isin(universe.ids, mandate.excluded)
    sides += [(f"excluded {universe.ids[i]}", "<=", 0.0, weights[i], 0.0) for i in np.flatnonzero(barred & (weights > 0))]
    over = np.flatnonzero(weights > universe.capacity)
    sides += [(f"capacity of {universe.ids[i]}", "<=", universe.capacity[i], weights[i], TOLERANCE) for i in over]
    return sides


def _trade_sides(weights: np.ndarray, current: np.ndarray, mandate: Mandate) -> list[Side]:
    trades = np.abs(weights - current)
    sides: list[Side] = []
    if mandate.turnover is not None:
        sides.append(("turnover, at most", "<=", mandate.turnover, trades.sum() / 2, TOLERANCE))
    if mandate.smallest_trade > 0:
        partial = trades[(trades > TOLERANCE) & (weights > 0)]
        sides.append(("smallest trade", ">=", mandate.smallest_trade, partial.min(initial=np.inf), TOLERANCE))
    return sides
