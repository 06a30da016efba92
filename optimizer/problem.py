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
    trades = cp.abs(y - tau * before)
    trading_cost = (0.0 if current is None else mandate.trading_cost) * cp.sum(trades)
    constraints: list[cp.Constraint] = []
    if current is not None and universe.impact.any():
        impacts = cp.Variable(n)  # |trade|^(3/2) / tau^(1/2)
        constraints += [cp.PowCone3D(impacts, tau * np.ones(n), y - tau * before, 2 / 3)]
        trading_cost += universe.impact @ impacts
    if current is not None and mandate.turnover is not None:
        constraints.append(cp.sum(trades) <= 2 * mandate.turnover * tau)
    losses = cp.neg(universe.factor_returns @ exposure + gross_return / periods)
    specific_deviations = cp.multiply(np.sqrt(universe.idio_var), y)
    downside = cp.norm2(cp.hstack([_per_root_period(universe) * losses, specific_deviations / np.sqrt(2)]))

    constraints += [
        gross_return - trading_cost >= 1,
        cp.sum(y) <= rules.budget * tau,
        cp.sum(y) >= (rules.budget - rules.cash_room) * tau,
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


def highest_line(universe: Universe, mandate: Mandate, *, slope: float, current: np.ndarray | None = None) -> float:
    """Greatest net return less `slope` times squared downside deviation, where a name is held by a share z of [0, 1].

    Held by a share, a weight between z x smallest and z x largest has the specific variance D w^2 / z, and a holding is
    traded by |w - z w0| and given up by (1 - z) w0. With every share zero or one these are the portfolios of the mandate.
    """
    n, periods = len(universe), universe.periods_per_year
    before = np.zeros(n) if current is None else current
    rules = limits(universe, mandate, floor=universe.beta if mandate.risk_floor == "beta" else None)
    w, z, square = cp.Variable(n, nonneg=True), cp.Variable(n, nonneg=True), cp.Variable(n, nonneg=True)
    unit = rules.largest**2

    exposure = universe.exposures.T @ w
    losses = cp.neg(universe.factor_returns @ exposure + universe.mu @ w / periods)
    downside = cp.sum_squares(_per_root_period(universe) * losses) + (universe.idio_var * unit) @ square / 2
    trades = cp.abs(w - cp.multiply(z, before)) + cp.multiply(1 - z, before)
    trading_cost = (0.0 if current is None else mandate.trading_cost) * cp.sum(trades)
    scenarios = _per_root_period(universe) * universe.factor_returns @ exposure

    constraints = [
        cp.SOC(square + z, cp.vstack([square - z, 2 * w / rules.largest]), axis=0),  # w^2 <= square z, in units of the largest
        z <= 1,
        cp.sum(z) >= rules.fewest,
        cp.sum(z) <= rules.most,
        w >= rules.smallest * z,
        w <= cp.multiply(rules.caps, z),
        cp.sum(w) <= rules.budget,
        cp.sum(w) >= rules.budget - rules.cash_room,
        rules.matrix @ w <= rules.bounds,
        (cp.sum_squares(scenarios) + (universe.idio_var * unit) @ square) / rules.volatility_cap**2 <= 1,
    ]
    if current is not None and mandate.turnover is not None:
        constraints.append(cp.sum(trades) <= 2 * mandate.turnover)
    problem = cp.Problem(cp.Maximize(universe.mu @ w - trading_cost - slope * downside), constraints)
    problem.solve(solver=cp.CLARABEL, tol_gap_abs=1e-6, tol_gap_rel=1e-6, tol_feas=1e-6)
    return float(problem.value)


def least_relief(universe: Universe, rules: Limits, current: np.ndarray | None = None) -> list[tuple[str, float]]:
    """Least total amount by which rules must give way before any weights, whole positions or not, obey them."""
    w = cp.Variable(len(universe), nonneg=True)
    uninvested = cp.Variable(nonneg=True)
    short = cp.Variable(len(rules.bounds), nonneg=True)
    too_volatile = cp.Variable(nonneg=True)
    too_much_traded = cp.Variable(nonneg=True)
    specific_deviations = cp.multiply(np.sqrt(universe.idio_var), w)
    scenarios = _per_root_period(universe) * universe.factor_returns @ (universe.exposures.T @ w)

    constraints = [
        cp.sum(w) + uninvested >= rules.budget - rules.cash_room,
        cp.sum(w) <= rules.budget,
        w <= rules.caps,
        rules.matrix @ w <= rules.bounds + short,
        cp.norm2(cp.hstack([scenarios, specific_deviations])) <= rules.volatility_cap + universe.benchmark_vol * too_volatile,
    ]
    if current is not None and np.isfinite(rules.traded_most):
        constraints.append(cp.norm1(w - current) / 2 <= rules.traded_most / 2 + too_much_traded)
    # Money left over would relieve every other rule, so it is dear: it tells of caps that cannot hold the portfolio.
    relief = UNINVESTED_PRICE * uninvested + cp.sum(short) + too_volatile + too_much_traded
    cp.Problem(cp.Minimize(relief), constraints).solve(solver=cp.CLARABEL)
    if short.value is None or uninvested.value is None or too_volatile.value is None:
        return []
    names = (*rules.rules, "volatility over the index's, at most", "turnover, at most", "weights sum to one less cash")
    amounts = np.r_[short.value, too_volatile.value, too_much_traded.value or 0.0, uninvested.value]
    return [(name, float(amount)) for name, amount in zip(names, amounts, strict=True) if amount > 1e-6]


def _positions(y: cp.Variable, tau: cp.Variable, rules: Limits, support: np.ndarray | None) -> list[cp.Constraint]:
    if support is None:
        return [y <= rules.caps * tau]
    is_held = np.isin(np.arange(y.size), support).astype(float)
    return [y >= rules.smallest * is_held * tau, y <= cp.multiply(rules.caps, is_held) * tau]


def _per_root_period(universe: Universe) -> float:
    return float(np.sqrt(universe.periods_per_year / len(universe.factor_returns)))
