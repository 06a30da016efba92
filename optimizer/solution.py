"""A portfolio with what is known about it."""

import hashlib
from dataclasses import dataclass, field

import numpy as np

from optimizer.certificate import Certificate
from optimizer.mandate import Mandate
from optimizer.universe import Universe

METHOD = "lines, exchange, branching 3"  # part of the fingerprint: change it when results change
_ARRAYS = (
    *("mu", "exposures", "factor_returns", "idio_var", "sector", "benchmark", "benchmark_exposure", "beta", "sector_weights"),
    *("industry", "industry_weights", "capacity", "impact", "scenarios"),
)


@dataclass(frozen=True, eq=False)
class Solution:
    """A portfolio, and how far from the best it can be.

    Attributes
    ----------
    weights : (n,)
        In the order of the universe; zero where not held; whole billionths.
    status
        'certified' (gap within the target) or 'feasible'.
    objective
        'ratio': expected return net of trading cost over downside deviation. 'min_downside' where no portfolio has a
        positive expected return: a negative ratio is not worth maximising, it would reward risk.
    ratio
        Of these weights, net of cost, by the definition (not by the solver).
    bound, gap, bound_kind
        No portfolio of the mandate has a larger ratio than `bound`; gap = bound / ratio - 1. For 'min_downside' the
        bound is a downside deviation that none goes below, and the gap is relative to it.
    turnover
        Half the sum of weight changes; zero where nothing was given as held before.
    scenario_ratio
        The same ratio over the universe's own scenarios of the names; nan without them.
    certificate
        The multipliers that prove `bound`; `replay` needs nothing else.
    return_floor
        Of a point of the frontier: the mandate of its certificate is that with objective 'min_downside' and this floor.
    risk_ratio, beta
        Forecast volatility over the index's; forecast beta.
    fingerprint
        Of universe, mandate, current weights and method: same fingerprint, same weights.
    """

    weights: np.ndarray
    status: str
    objective: str
    ratio: float
    bound: float
    gap: float
    bound_kind: str
    risk_ratio: float
    beta: float
    names: int
    message: str
    fingerprint: str
    turnover: float = 0.0
    scenario_ratio: float = float("nan")
    certificate: Certificate | None = field(default=None, repr=False)
    return_floor: float | None = None


def fingerprint(universe: Universe, mandate: Mandate, current: np.ndarray | None) -> str:
    """Of everything that determines a solution; the names in the order of their ids."""
    digest = hashlib.sha256(METHOD.encode())
    digest.update(repr((universe.ids, universe.issuers, universe.benchmark_vol, universe.periods_per_year, mandate)).encode())
    for name in _ARRAYS:
        digest.update(np.ascontiguousarray(getattr(universe, name)).tobytes())
    digest.update(b"" if current is None else current.tobytes())
    return digest.hexdigest()[:16]
