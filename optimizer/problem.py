"""The portfolio problem as a page of a paper, in cvxpy: the reference that the fast path is tested against.

    maximise    (mu'w - c |w - w0|_1) / DD(w)

    DD(w)^2 = P/T sum_t min(f_t'B'w + mu'w / P, 0)^2 + 1/2 sum_i D_i w_i^2

over the portfolios of the mandate. With y = tau w and the numerator scaled to one, this is: minimise DD(y).

    w (n)     weights                      B (n, K)  exposures          mu (n)  expected returns a year
    y (n)     weights times tau            F (T, K)  factor scenarios   D (n)   specific variances a year
    tau       one over the net return      P         periods a year     w0 (n)  weights before trading
"""

import cvxpy as cp
import numpy as np

from optimizer.limits import Limits, limits
from optimizer.mandate import Mandate
from optimizer.universe import Universe

UNINVESTED_PRICE = 100.0


def best_ratio(
    universe: Universe,
    mandate: Mandate,
    *,
    support: np.ndarray | None = None,
    current: np.ndarray | None = None,
) -> tuple[float, np.ndarray]:
    """Greatest ratio and its weights (n,): of the relaxation, or of whole positions in the names of `support`.

    The risk floor is on beta, or absent.
    """
    n, periods = len(universe), universe.periods_per_year
    y, tau = cp.Variable(n, nonneg=True), cp.Variable(nonneg=True)
    before = np.zeros(n) if current is None else current
    rules = limits(universe, mandate, floor=universe.beta if mandate.risk_floor == "beta" else None)

    exposure = universe.exposures.T @ y
    gross_return = universe.mu @ y
    trading_cost = (0.0 if current is None else mandate.trading_cost) * cp.norm1(y - tau * before)
    losses = cp.neg(universe.factor_returns @ exposure + gross_return / periods)
    specific_deviations = cp.multiply(np.sqrt(universe.idio_var), y)
    downside = cp.norm2(cp.hstack([_per_root_period(universe) * losses, specific_deviations / np.sqrt(2)]))

    constraints = [
        gross_return - trading_cost >= 1,
        cp.sum(y) == rules.budget * tau,
        *_positions(y, tau, rules, support),
        rules.matrix @ y <= rules.bounds * tau,
        cp.norm2(cp.hstack([_per_root_period(universe) * universe.factor_returns @ exposure, specific_deviations]))
        <= rules.volatility_cap * tau,
    ]
    problem = cp.Problem(cp.Minimize(downside), constraints)
    problem.solve(solver=cp.CLARABEL)
    if y.value is None or tau.value is None:
        return np.nan, np.full(n, np.nan)
    return 1.0 / float(problem.value), y.value / tau.value


def least_relief(universe: Universe, rules: Limits) -> list[tuple[str, float]]:
    """Least total amount by which rules must give way before any weights, whole positions or not, obey them."""
    w = cp.Variable(len(universe), nonneg=True)
    uninvested = cp.Variable(nonneg=True)
    short = cp.Variable(len(rules.bounds), nonneg=True)
    too_volatile = cp.Variable(nonneg=True)
    specific_deviations = cp.multiply(np.sqrt(universe.idio_var), w)
    scenarios = _per_root_period(universe) * universe.factor_returns @ (universe.exposures.T @ w)

    constraints = [
        cp.sum(w) + uninvested == rules.budget,
        w <= rules.largest,
        rules.matrix @ w <= rules.bounds + short,
        cp.norm2(cp.hstack([scenarios, specific_deviations])) <= rules.volatility_cap + universe.benchmark_vol * too_volatile,
    ]
    # Money left over would relieve every other rule, so it is dear: it tells of caps that cannot hold the portfolio.
    cp.Problem(cp.Minimize(UNINVESTED_PRICE * uninvested + cp.sum(short) + too_volatile), constraints).solve(solver=cp.CLARABEL)
    if short.value is None or uninvested.value is None or too_volatile.value is None:
        return []
    names = (*rules.rules, "volatility over the index's, at most", "weights sum to one less cash")
    amounts = np.r_[short.value, too_volatile.value, uninvested.value]
    return [(name, float(amount)) for name, amount in zip(names, amounts, strict=True) if amount > 1e-6]


def _positions(y: cp.Variable, tau: cp.Variable, rules: Limits, support: np.ndarray | None) -> list[cp.Constraint]:
    if support is None:
        return [y <= rules.largest * tau]
    is_held = np.isin(np.arange(y.size), support).astype(float)
    return [y >= rules.smallest * is_held * tau, y <= rules.largest * is_held * tau]


def _per_root_period(universe: Universe) -> float:
    return float(np.sqrt(universe.periods_per_year / len(universe.factor_returns)))
