"""One convex cone problem, solved; when a solver stops without an answer the next one tries.

    minimise 1/2 x'Px + q'x   subject to   b - Ax in K,   K = zero x nonnegative x second order

Limits are iterations, never a clock, and one thread is used: the same problem gives the same bits.
"""

from dataclasses import dataclass
from typing import Any

import clarabel
import numpy as np
import scipy.sparse as sp

TIGHT, LOOSE = 1e-8, 1e-6
_ENGINE: Any = clarabel  # a compiled module without types
USUAL_SOLVER = f"clarabel {TIGHT:g}"
_SOLVED, _NO_POINT = "Solved", ("PrimalInfeasible", "AlmostPrimalInfeasible")


@dataclass(frozen=True, eq=False)
class Cone:
    """Problem data; P upper triangular, rows of A in the order zero, nonnegative, second order (one cone at most)."""

    P: sp.csc_matrix
    q: np.ndarray
    A: sp.csc_matrix
    b: np.ndarray
    zero: int
    nonnegative: int


@dataclass(frozen=True, eq=False)
class Answer:
    """Point x, multipliers z of the rows (b - Ax in K, so z in the dual cone), and both objective values.

    `status` is solved, infeasible or failed; x and z are empty unless solved.
    """

    status: str
    solver: str
    x: np.ndarray
    z: np.ndarray
    value: float
    dual_value: float


def minimise(cone: Cone, *, persistent: bool = True) -> Answer:
    """Solve with Clarabel; if `persistent`, then with looser tolerances, then with SCS."""
    answer = _clarabel(cone, TIGHT)
    if answer.status == "failed" and persistent:
        answer = _clarabel(cone, LOOSE)
    if answer.status == "failed" and persistent:
        answer = _scs(cone)
    return answer


def _clarabel(cone: Cone, tolerance: float) -> Answer:
    settings = _ENGINE.DefaultSettings()
    settings.verbose = False
    settings.max_threads = 1
    settings.direct_solve_method = "qdldl"
    settings.presolve_enable = False
    settings.tol_gap_abs = settings.tol_gap_rel = settings.tol_feas = tolerance
    kinds = [_ENGINE.ZeroConeT(cone.zero), _ENGINE.NonnegativeConeT(cone.nonnegative)]
    if len(cone.b) > cone.zero + cone.nonnegative:
        kinds.append(_ENGINE.SecondOrderConeT(len(cone.b) - cone.zero - cone.nonnegative))
    found = _ENGINE.DefaultSolver(cone.P, cone.q, cone.A, cone.b, kinds, settings).solve()
    name, status = f"clarabel {tolerance:g}", str(found.status)
    if status == _SOLVED:
        return Answer("solved", name, np.array(found.x), np.array(found.z), found.obj_val, found.obj_val_dual)
    return Answer("infeasible" if status in _NO_POINT else "failed", name, *_NOTHING)


def _scs(cone: Cone) -> Answer:
    """Last resort, first order: slower and less exact, but it stops for other reasons than interior points do."""
    import cvxpy as cp

    head, tail = cone.zero, cone.zero + cone.nonnegative
    x = cp.Variable(len(cone.q))
    slack = cone.b - cone.A @ x
    rows = [slack[:head] == 0] if head else []
    rows += [slack[head:tail] >= 0]
    if len(cone.b) > tail:
        rows.append(cp.SOC(slack[tail], slack[tail + 1 :]))
    whole = cone.P + sp.triu(cone.P, 1).T
    problem = cp.Problem(cp.Minimize(0.5 * cp.quad_form(x, cp.psd_wrap(whole)) + cone.q @ x), rows)
    try:
        problem.solve(solver=cp.SCS, eps_abs=1e-9, eps_rel=1e-9, max_iters=50_000)
    except cp.SolverError:
        return Answer("failed", "scs", *_NOTHING)
    if problem.status != cp.OPTIMAL or x.value is None:
        return Answer("infeasible" if problem.status == cp.INFEASIBLE else "failed", "scs", *_NOTHING)
    signs = [-1.0 if head and row is rows[0] else 1.0 for row in rows]
    multipliers = [sign * _stacked(row.dual_value) for sign, row in zip(signs, rows, strict=True)]
    # SCS gives a point, not a proof: its dual value is not better known than its own.
    return Answer("solved", "scs", np.array(x.value), np.concatenate(multipliers), float(problem.value), float(problem.value))


def _stacked(value: object) -> np.ndarray:
    parts = value if isinstance(value, list | tuple) else [value]
    return np.concatenate([np.ravel(np.asarray(part, dtype=float)) for part in parts])


_NOTHING = (np.empty(0), np.empty(0), np.nan, np.nan)
