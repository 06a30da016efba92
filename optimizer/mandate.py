"""The limits a portfolio obeys (運用方針)."""

from dataclasses import dataclass


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
    risk_floor: str = "beta"  # beta >= risk_band[0]: convex, and cannot be met by idiosyncratic noise
    cash: float = 0.0
