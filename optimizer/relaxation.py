"""The problem without whole positions: any number of names, any small weight. Its optimum bounds every portfolio.

Variables [y, a, v, t, i, tau]: y = tau w, a = loadings'y, v losses of the scenarios, t traded weight of held names,
i market impacts.
The least downside deviation with net return scaled to one is the greatest ratio; all rules are cones in (y, tau).
Only a enters the T scenarios, so their rows are as wide as there are factors, whatever the number of names.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
import scipy.sparse as sp

from optimizer.cone import Answer, Cone, in_turn, minimise
from optimizer.limits import Limits
from optimizer.terms import Terms


@dataclass(frozen=True, eq=False)
class Relaxed:
    """Optimum of the relaxation: (n,) weights, and the bound (a ratio from above, or a downside deviation from below)."""

    status: str
    solver: str
    weights: np.ndarray
    bound: float


def relax(terms: Terms, limits: Limits) -> Relaxed:
    """Solve the relaxation; `status` is solved, infeasible or failed."""
    everyone = np.arange(len(terms.mu))
    gains = terms.gains(everyone)
    scale = 1.0 if terms.goal == "min_downside" else float(terms.mu.max()) / 2  # tau is near one then
    answer = minimise(_cone(terms, limits, gains, scale))
    if answer.status != "solved":
        return Relaxed(answer.status, answer.solver, np.empty(0), np.nan)
    return Relaxed(answer.status, answer.solver, answer.x[: len(everyone)] / answer.x[-1], _bound(answer, terms.goal, scale, limits))


def _bound(answer: Answer, goal: str, scale: float, limits: Limits) -> float:
    """From the dual value, which is on the safe side of the optimum."""
    downside = limits.volatility_cap * np.sqrt(max(2.0 * min(answer.value, answer.dual_value), 1e-300))
    return float(scale / downside if goal == "ratio" else downside)


def _cone(terms: Terms, limits: Limits, gains: np.ndarray, scale: float) -> Cone:
    n, k, held = len(terms.mu), terms.factor_count, terms.held
    periods, wide, h = *terms.factors.shape, len(held)
    impacts = n if terms.has_impact else 0
    widths = {"y": n, "a": wide, "v": periods, "t": h, "i": impacts, "tau": 1}

    def rows(**blocks: Any) -> sp.csr_matrix:
        sparse = {name: sp.csr_matrix(block) for name, block in blocks.items()}
        height = next(iter(sparse.values())).shape[0]
        return sp.hstack([sparse.get(name, sp.csr_matrix((height, width))) for name, width in widths.items()], format="csr")

    chosen = sp.csr_matrix((np.ones(h), (np.arange(h), held)), shape=(h, n))
    is_new = np.ones(n)
    is_new[held] = 0.0
    zero = [rows(y=terms.loadings.T, a=-sp.eye(wide))]  # a = loadings'y
    spent = rows(y=np.ones((1, n)), tau=[[-limits.budget]])
    nonnegative = [
        rows(
            y=-gains[None, :n], t=-gains[None, n : n + h], i=-gains[None, n + h : -1], tau=-gains[None, -1:]
        ),  # net return at least `scale`
        rows(y=-sp.eye(n)),  # nothing is sold short
        rows(y=sp.eye(n), tau=-limits.caps[:, None]),
        rows(y=limits.matrix, tau=-limits.bounds[:, None]),
        rows(a=-terms.factors, v=-sp.eye(periods)),  # a loss is at least -x
        rows(v=-sp.eye(periods)),
    ]
    if limits.cash_room > 0:
        nonnegative += [spent, rows(y=-np.ones((1, n)), tau=[[limits.budget - limits.cash_room]])]
    else:
        zero.append(spent)
    if h:
        before = terms.current[held, None]
        nonnegative += [rows(y=chosen, t=-sp.eye(h), tau=-before), rows(y=-chosen, t=-sp.eye(h), tau=before)]
    if terms.limits_trades:
        given_up = terms.current.sum() - terms.current[held].sum()
        nonnegative.append(rows(y=is_new[None], t=np.ones((1, h)), tau=[[given_up - limits.traded_most]]))
    exposure = rows(a=np.column_stack([-terms.risk_root, np.zeros(k)])) if terms.is_factor_downside else None
    second_order = [
        rows(tau=[[-limits.volatility_cap]]),
        rows(y=-terms.risk_root @ terms.risk_loadings.T) if exposure is None else exposure,
        rows(y=-sp.diags(np.sqrt(terms.idio))),
    ]
    power = []
    if impacts:
        traded = rows(y=-sp.diags(is_new), t=-chosen.T)
        power = [in_turn(rows(i=-sp.eye(n)), rows(tau=-np.ones((n, 1))), traded)]
    A = sp.vstack([*zero, *nonnegative, *second_order, *power], format="csc")
    b = np.zeros(A.shape[0])
    equalities = sum(block.shape[0] for block in zero)
    b[equalities] = -scale
    # Half of the squared downside deviation, in units of the volatility cap so that tolerances mean the same anywhere.
    squares = np.r_[terms.half_idio, np.zeros(wide), np.full(periods, terms.per_period), np.zeros(h + impacts + 1)]
    diagonal = squares / limits.volatility_cap**2
    inequalities = sum(block.shape[0] for block in nonnegative)
    return Cone(
        sp.diags(diagonal).tocsc(),
        np.zeros(len(diagonal)),
        A,
        b,
        equalities,
        inequalities,
        (sum(block.shape[0] for block in second_order),),
        impacts,
    )
