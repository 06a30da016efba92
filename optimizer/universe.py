"""The names a portfolio may hold, with what is expected of them and their risk; refuses what cannot be computed with."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from optimizer.errors import BadUniverse, TooFewReturns
from optimizer.risk_model import RiskModel

_PER_NAME = ("mu", "exposures", "idio_var", "sector", "benchmark", "beta", "industry", "capacity", "impact")
_NUMBERS = ("mu", "exposures", "factor_returns", "idio_var", "benchmark", "benchmark_exposure", "beta", "sector_weights")
_OPTIONAL = ("industry_weights", "impact", "scenarios")


VOLATILITIES = (1e-3, 10.0)  # an index outside of these is given in wrong units, and solvers would see noise
_NOT_GIVEN: np.ndarray = np.empty(0)


def _not_given() -> np.ndarray:
    return _NOT_GIVEN


@dataclass(frozen=True, eq=False)
class Universe:
    """Candidates of one date: n names, K factors, T periods, S sectors.

    Attributes
    ----------
    ids, issuers
        One of each a name; ids are distinct, issuers repeat where a company has several share classes.
    mu : (n,)
        Expected total return per year.
    exposures : (n, K)
        B.
    factor_returns : (T, K)
        F, scenarios with mean zero, oldest first.
    idio_var : (n,)
        D, specific variance per year, positive.
    sector : (n,)
        Codes 0..S-1.
    benchmark : (n,)
        Index weights of these names; they may sum to less than one.
    benchmark_exposure : (K,)
    benchmark_vol
        Forecast volatility of the whole index per year, by the same risk model.
    beta : (n,)
        Forecast beta on the whole index, by the same risk model.
    sector_weights : (S,)
        Of the whole index.
    industry : (n,), industry_weights : (G,)
        As sectors, where the mandate has an industry band; else one industry for all.
    capacity : (n,)
        Largest weight that the market of a name can take; infinite when not given.
    impact : (n,)
        Market impact: a trade of weight x costs impact x^(3/2) a year; zero when not given.
    scenarios : (T', n)
        Returns of each name a period, for the downside by scenarios; none when not given.
    """

    ids: Sequence[str]
    issuers: Sequence[str]
    mu: np.ndarray
    exposures: np.ndarray
    factor_returns: np.ndarray
    idio_var: np.ndarray
    sector: np.ndarray
    benchmark: np.ndarray
    benchmark_exposure: np.ndarray
    benchmark_vol: float
    beta: np.ndarray
    sector_weights: np.ndarray
    periods_per_year: int
    industry: np.ndarray = field(default_factory=_not_given)
    industry_weights: np.ndarray = field(default_factory=_not_given)
    capacity: np.ndarray = field(default_factory=_not_given)
    impact: np.ndarray = field(default_factory=_not_given)
    scenarios: np.ndarray = field(default_factory=_not_given)

    def __post_init__(self) -> None:
        """Turn everything into tuples and float arrays, and check them."""
        n = len(self.ids)
        absent = {
            "industry": np.zeros(n, int),
            "industry_weights": np.ones(1),
            "capacity": np.full(n, np.inf),
            "impact": np.zeros(n),
            "scenarios": np.empty((0, n)),
        }
        for name, value in absent.items():
            given = getattr(self, name)
            object.__setattr__(self, name, np.ascontiguousarray(value if given is _NOT_GIVEN else given, dtype=value.dtype))
        for name in ("ids", "issuers"):
            object.__setattr__(self, name, tuple(str(value) for value in getattr(self, name)))
        for name in _NUMBERS:
            object.__setattr__(self, name, np.ascontiguousarray(getattr(self, name), dtype=float))
        object.__setattr__(self, "sector", np.ascontiguousarray(self.sector, dtype=np.int64))
        _check_shapes(self)
        _check_values(self)

    def __len__(self) -> int:
        return len(self.ids)

    @classmethod
    def from_model(
        cls,
        model: RiskModel,
        *,
        ids: Sequence[str],
        mu: np.ndarray,
        sector: np.ndarray,
        benchmark: np.ndarray,
        issuers: Sequence[str] | None = None,
        members: np.ndarray | None = None,
        sector_count: int | None = None,
        capacity: np.ndarray | None = None,
        impact: np.ndarray | None = None,
        industry: np.ndarray | None = None,
    ) -> "Universe":
        """Candidates out of a risk model that covers the whole index.

        All arguments have one entry for each name of `model`; `benchmark` is the index (any scale), `members` the
        positions of the candidates (all names when not given).
        """
        optional = {"capacity": capacity, "impact": impact, "industry": industry}
        given = {name: np.asarray(value) for name, value in optional.items() if value is not None}
        if industry is not None:
            given["industry_weights"] = np.bincount(np.asarray(industry), np.asarray(benchmark, dtype=float) / np.sum(benchmark))
        benchmark = np.asarray(benchmark, dtype=float) / np.sum(benchmark)
        members = np.arange(len(ids)) if members is None else np.asarray(members)
        sector = np.asarray(sector)
        return cls(
            ids=[ids[i] for i in members],
            issuers=[(issuers or ids)[i] for i in members],
            mu=np.asarray(mu)[members],
            exposures=model.exposures[members],
            factor_returns=model.factor_returns,
            idio_var=model.idio_var[members],
            sector=sector[members],
            benchmark=benchmark[members],
            benchmark_exposure=model.exposures.T @ benchmark,
            benchmark_vol=model.volatility(benchmark),
            beta=model.betas(benchmark)[members],
            sector_weights=np.bincount(sector, benchmark, minlength=sector_count or 0),
            periods_per_year=model.periods_per_year,
            **{name: value if name == "industry_weights" else value[members] for name, value in given.items()},
        )

    def take(self, index: np.ndarray) -> "Universe":
        """Universe of the names at `index`, in that order; the index stays the same."""
        chosen = {name: getattr(self, name)[index] for name in _PER_NAME}
        ids, issuers = ([names[i] for i in index] for names in (self.ids, self.issuers))
        return replace(self, ids=ids, issuers=issuers, scenarios=self.scenarios[:, index], **chosen)

    def expected_return(self, weights: np.ndarray) -> float:
        """Expected return mu'w per year."""
        return float(self.mu @ weights)

    def volatility(self, weights: np.ndarray) -> float:
        """Forecast standard deviation per year: P/T |F B'w|^2 + sum D w^2 under the root."""
        scenarios = self.factor_returns @ (self.exposures.T @ weights)
        return float(np.sqrt(self.periods_per_year / len(scenarios) * scenarios @ scenarios + self.idio_var @ weights**2))

    def downside_deviation(self, weights: np.ndarray) -> float:
        """Forecast downside deviation per year against a target of zero.

        DD^2 = P/T sum_t min(f_t'B'w + mu'w/P, 0)^2 + 1/2 sum_i D_i w_i^2: scenarios of the factors, and half of the
        specific variance, since a symmetric part falls below zero half of the time.
        """
        scenarios = self.factor_returns @ (self.exposures.T @ weights) + self.expected_return(weights) / self.periods_per_year
        losses = np.minimum(scenarios, 0.0)
        return float(np.sqrt(self.periods_per_year / len(losses) * losses @ losses + 0.5 * self.idio_var @ weights**2))

    def scenario_downside_deviation(self, weights: np.ndarray) -> float:
        """Downside deviation per year over the scenarios of the names themselves: P/T sum_t min(r_t'w, 0)^2 under the root."""
        losses = np.minimum(self.scenarios @ weights, 0.0)
        return float(np.sqrt(self.periods_per_year / len(losses) * losses @ losses))

    def ratio(self, weights: np.ndarray) -> float:
        """Forecast Sortino ratio: expected return over downside deviation."""
        return self.expected_return(weights) / self.downside_deviation(weights)


def _check_shapes(universe: Universe) -> None:
    n = len(universe.ids)
    periods, factors = universe.factor_returns.shape if universe.factor_returns.ndim == 2 else (0, 0)
    expected = {
        "issuers": (n,),
        "mu": (n,),
        "exposures": (n, factors),
        "factor_returns": (periods, factors),
        "idio_var": (n,),
        "sector": (n,),
        "benchmark": (n,),
        "benchmark_exposure": (factors,),
        "beta": (n,),
        "sector_weights": (np.size(universe.sector_weights),),
        "industry": (n,),
        "industry_weights": (np.size(universe.industry_weights),),
        "capacity": (n,),
        "impact": (n,),
        "scenarios": (len(universe.scenarios), n),
    }
    for name, shape in expected.items():
        if np.shape(getattr(universe, name)) != shape:
            raise BadUniverse(f"{name} has shape {np.shape(getattr(universe, name))}, {n} ids and {factors} factors need {shape}")
    if n == 0:
        raise BadUniverse("no names")
    if periods < 2:
        raise TooFewReturns(f"{periods} periods of factor returns; at least 2 are needed")


def _check_values(universe: Universe) -> None:
    if len(set(universe.ids)) != len(universe.ids):
        names, times = np.unique(universe.ids, return_counts=True)
        twice = names[times > 1].tolist()
        raise BadUniverse(f"ids repeat: {', '.join(twice[:5])}; pass each name once")
    for name in (*_NUMBERS, *_OPTIONAL):
        bad = ~np.isfinite(getattr(universe, name))
        if bad.any():
            where = int(np.argwhere(bad)[0][0])
            who = f"name {universe.ids[where]}" if name in _PER_NAME else f"row {where}"
            raise BadUniverse(f"{name} is NaN or infinite in {int(bad.sum())} places, first at {who}; drop the name or fill it before")
    rules = {
        "idio_var must be positive": universe.idio_var > 0,
        "benchmark weights must not be negative": universe.benchmark >= 0,
        "sector codes must point into sector_weights": (universe.sector >= 0) & (universe.sector < len(universe.sector_weights)),
        "industry codes must point into industry_weights": (universe.industry >= 0) & (universe.industry < len(universe.industry_weights)),
        "capacity and impact must not be negative": (universe.capacity >= 0) & (universe.impact >= 0),
    }
    for rule, holds in rules.items():
        if not holds.all():
            raise BadUniverse(f"{rule}: {int((~holds).sum())} names break this, first {universe.ids[int(np.argmin(holds))]}")
    if (universe.sector_weights < 0).any() or abs(universe.sector_weights.sum() - 1) > 1e-6:
        raise BadUniverse(f"sector_weights are the index's and sum to 1, not {universe.sector_weights.sum():.8g}")
    if not (np.isfinite(universe.benchmark_vol) and universe.benchmark_vol > 0 and universe.periods_per_year > 0):
        raise BadUniverse(f"benchmark_vol {universe.benchmark_vol} and periods_per_year {universe.periods_per_year} must be positive")
    if not VOLATILITIES[0] <= universe.benchmark_vol <= VOLATILITIES[1]:
        raise BadUniverse(
            f"benchmark_vol {universe.benchmark_vol:.3g} is no volatility per year as a fraction (0.16 is 16 %); check the units"
        )
