"""A mandate written as rows over the names of a universe: what every solver here is given."""

from dataclasses import dataclass, replace

import numpy as np

from optimizer.mandate import Mandate
from optimizer.universe import Universe


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
    volatility_cap
        Per year.
    sector_low, sector_high : (S,)
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

    def tightened(self, margin: float) -> "Limits":
        """The same limits from `margin` inside, where their width allows it, so that rounding cannot break them."""
        width = self.largest - self.smallest
        inside = min(margin, width / 10, float((self.sector_high - self.sector_low).min()) / 10)
        return replace(
            self,
            bounds=self.bounds - inside,
            smallest=self.smallest + inside,
            largest=self.largest - inside,
            volatility_cap=self.volatility_cap * (1 - inside),
        )


def limits(universe: Universe, mandate: Mandate, *, floor: np.ndarray | None = None) -> Limits:
    """Write the mandate as rows over the universe.

    Parameters
    ----------
    floor : (n,), optional
        Coefficients g of the risk floor g'w >= risk_band[0], in units of the index; none when not given. Beta is one:
        volatility over the index's is never less than beta.
    """
    low = np.maximum(universe.sector_weights - mandate.sector_band, 0.0)
    high = np.minimum(universe.sector_weights + mandate.sector_band, 1.0)
    rows: list[tuple[str, np.ndarray, float]] = []
    for sector, (least, most) in enumerate(zip(low, high, strict=True)):
        members = (universe.sector == sector).astype(float)
        rows.append((f"sector {sector}, at most", members, most))
        if least > 0:
            rows.append((f"sector {sector}, at least", -members, -least))
    issuers, position, classes = np.unique(np.asarray(universe.issuers), return_inverse=True, return_counts=True)
    rows.extend((f"issuer {issuers[i]}", (position == i).astype(float), mandate.weight[1]) for i in np.flatnonzero(classes > 1))
    if floor is not None:
        rows.append((f"{mandate.risk_floor}, at least", -floor, -mandate.risk_band[0]))
    return Limits(
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
    )
