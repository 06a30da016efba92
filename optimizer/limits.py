"""A mandate written as rows over the names of a universe: what every solver here is given."""

from dataclasses import dataclass, replace

import numpy as np

from optimizer.mandate import Mandate
from optimizer.universe import Universe
from optimizer.volatility_floor import Reach, main_axes, most_gained


@dataclass(frozen=True, eq=False)
class Limits:
    """Linear rules a'w <= bound, and the few that are not linear.

    Attributes
    ----------
    rules, matrix (R, n), bounds (R,)
        Name, row and bound of each linear rule: sectors, issuers with several share classes, floor of risk.
    budget
        Sum of the weights.
    smallest, largest
        Of the weight of a held name.
    fewest, most
        Held names.
    volatility_cap, volatility_floor
        Per year; no floor is zero.
    reach
        How far portfolios reach in the factors; needed with a volatility floor alone.
    sector_low, sector_high : (S,)
    caps : (n,)
        Largest weight of each name: `largest`, or less by its capacity; zero where it may not be held.
    cash_room
        How much less than the budget may be invested.
    traded_most
        Sum of weight changes; infinite where nothing limits it.
    smallest_trade
        Of a name that stays.
    """

    rules: tuple[str, ...]
    matrix: np.ndarray
    bounds: np.ndarray
    budget: float
    smallest: float
    largest: float
    fewest: int
    most: int
    volatility_cap: float
    sector_low: np.ndarray
    sector_high: np.ndarray
    caps: np.ndarray
    cash_room: float
    traded_most: float
    smallest_trade: float
    volatility_floor: float
    reach: Reach | None

    def take(self, index: np.ndarray) -> "Limits":
        """The same limits over the names at `index`."""
        return replace(self, matrix=self.matrix[:, index], caps=self.caps[index], most=min(self.most, len(index)))

    def tightened(self, margin: float) -> "Limits":
        """The same limits from `margin` inside, where their width allows it, so that rounding cannot break them."""
        width = self.largest - self.smallest
        inside = min(margin, width / 10, float((self.sector_high - self.sector_low).min()) / 10)
        return replace(
            self,
            bounds=self.bounds - inside,
            smallest=self.smallest + inside,
            largest=self.largest - inside,
            caps=np.maximum(self.caps - inside, 0.0),
            traded_most=self.traded_most - inside,
            smallest_trade=self.smallest_trade + inside if self.smallest_trade else 0.0,
            volatility_cap=self.volatility_cap * (1 - inside),
            volatility_floor=self.volatility_floor * (1 + inside),
        )


def limits(universe: Universe, mandate: Mandate, *, floor: np.ndarray | None = None) -> Limits:
    """Write the mandate as rows over the universe.

    Parameters
    ----------
    floor : (n,), optional
        Coefficients g of the risk floor g'w >= risk_band[0], in units of the index; none when not given. Beta is one:
        volatility over the index's is never less than beta. Without it a floor on volatility is kept as a number.
    """
    low = np.maximum(universe.sector_weights - mandate.sector_band, 0.0)
    high = np.minimum(universe.sector_weights + mandate.sector_band, 1.0)
    rows = _group_rows("sector", universe.sector, universe.sector_weights, mandate.sector_band)
    issuers, position, classes = np.unique(np.asarray(universe.issuers), return_inverse=True, return_counts=True)
    rows.extend((f"issuer {issuers[i]}", (position == i).astype(float), mandate.weight[1]) for i in np.flatnonzero(classes > 1))
    if mandate.industry_band is not None:
        rows.extend(_group_rows("industry", universe.industry, universe.industry_weights, mandate.industry_band))
    for column, least, most in mandate.exposure_bands:
        middle, slopes = universe.benchmark_exposure[column], universe.exposures[:, column]
        rows.append((f"exposure {column}, at least", -slopes, -(middle + least)))
        rows.append((f"exposure {column}, at most", slopes, middle + most))
    if mandate.return_floor is not None:
        rows.append(("expected return, at least", -universe.mu, -mandate.return_floor))
    if floor is not None:
        rows.append((f"{mandate.risk_floor}, at least", -floor, -mandate.risk_band[0]))
    has_floor = mandate.risk_floor == "vol" and floor is None
    given = Limits(
        rules=tuple(name for name, _, _ in rows),
        matrix=np.array([row for _, row, _ in rows]),
        bounds=np.array([bound for _, _, bound in rows]),
        budget=1.0 - mandate.cash,
        smallest=mandate.weight[0],
        largest=mandate.weight[1],
        fewest=mandate.names[0],
        most=min(mandate.names[1], len(universe)),
        volatility_cap=mandate.risk_band[1] * universe.benchmark_vol,
        sector_low=low,
        sector_high=high,
        caps=_caps(universe, mandate),
        cash_room=0.0 if mandate.cash_most is None else mandate.cash_most - mandate.cash,
        traded_most=np.inf if mandate.turnover is None else 2.0 * mandate.turnover,
        smallest_trade=mandate.smallest_trade,
        volatility_floor=mandate.risk_band[0] * universe.benchmark_vol if has_floor else 0.0,
        reach=None,
    )
    return replace(given, reach=_first_reach(universe, given)) if has_floor else given


def _first_reach(universe: Universe, given: Limits) -> Reach:
    """By counts and sizes of weights alone."""
    axes = main_axes(universe.factor_returns)
    along = axes @ universe.exposures.T
    days = most_gained(universe.factor_returns @ universe.exposures.T + universe.mu / universe.periods_per_year, given)
    return Reach(days, axes, -most_gained(-along, given), most_gained(along, given)).seen_by(universe.factor_returns)


def _group_rows(kind: str, codes: np.ndarray, market: np.ndarray, band: float) -> list[tuple[str, np.ndarray, float]]:
    rows = []
    for group, (least, most) in enumerate(zip(np.maximum(market - band, 0.0), np.minimum(market + band, 1.0), strict=True)):
        members = (codes == group).astype(float)
        rows.append((f"{kind} {group}, at most", members, most))
        if least > 0:
            rows.append((f"{kind} {group}, at least", -members, -least))
    return rows


def _caps(universe: Universe, mandate: Mandate) -> np.ndarray:
    caps = np.minimum(mandate.weight[1], universe.capacity)
    caps[(caps < mandate.weight[0]) | np.isin(universe.ids, mandate.excluded)] = 0.0
    return caps
