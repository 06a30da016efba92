"""One convex cone problem, solved; when a solver stops without an answer the next one tries.

    minimise 1/2 x'Px + q'x   subject to   b - Ax in K,   K = zero x nonnegative x second order x power

A power cone is |c| <= a^(2/3) b^(1/3), so that a >= c^(3/2) / b^(1/2): the market impact of a trade.

Limits are iterations, never a clock, and one thread is used: the same problem gives the same bits.
"""

import warnings
from dataclasses import dataclass
from typing import Any

import clarabel
import numpy as np
import scipy.sparse as sp

TIGHT, LOOSE = 1e-8, 1e-6
POWER = 2 / 3
_ENGINE: Any = clarabel  # a compiled module without types
USUAL_SOLVER = f"clarabel {TIGHT:g}"
_STATUS, _NO_POINT = {"Solved": "solved", "AlmostSolved": "rough"}, ("PrimalInfeasible", "AlmostPrimalInfeasible")


@dataclass(frozen=True, eq=False)
class Cone:
    """Problem data; P upper triangular, rows of A in the order zero, nonnegative, second order, power (three rows each).

    `second_order` are the sizes of the second order cones; when not given, all rows that are left are one cone.
    """

    P: sp.csc_matrix
    q: np.ndarray
    A: sp.csc_matrix
    b: np.ndarray
    zero: int
    nonnegative: int
    second_order: tuple[int, ...] = ()
    powers: int = 0

    @property
    def cones(self) -> tuple[int, ...]:
        """Sizes of the second order cones."""
        left = len(self.b) - self.zero - self.nonnegative - 3 * self.powers
        return self.second_order or ((left,) if left else ())


@dataclass(frozen=True, eq=False)
class Answer:
    """Point x, multipliers z of the rows (b - Ax in K, so z in the dual cone), and both objective values.

    `status` is solved, infeasible or failed; `rough` is a point short of the tolerances. x and z are empty unless there is
    a point; z of an infeasible problem may be the multipliers that prove it: z'(b - Ax) < 0 for all x.
    """

    status: str
    solver: str
    x: np.ndarray
    z: np.ndarray
    value: float
    dual_value: float


def minimise(cone: Cone, *, persistent: bool = True, tolerance: float = TIGHT) -> Answer:
    """Solve with Clarabel; if `persistent`, then with looser tolerances, then with SCS."""
    answer = _clarabel(cone, tolerance)
    if answer.status in {"failed", "rough"} and persistent:
        answer = _clarabel(cone, LOOSE)
    if answer.status in {"failed", "rough"} and persistent:
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
    kinds += [_ENGINE.SecondOrderConeT(size) for size in cone.cones]
    kinds += [_ENGINE.PowerConeT(POWER)] * cone.powers
    found = _ENGINE.DefaultSolver(cone.P, cone.q, cone.A, cone.b, kinds, settings).solve()
    name, status = f"clarabel {tolerance:g}", str(found.status)
    if status in _STATUS:
        return Answer(_STATUS[status], name, np.array(found.x), np.array(found.z), found.obj_val, found.obj_val_dual)
    if status in _NO_POINT:
        return Answer("infeasible", name, np.empty(0), np.array(found.z), np.nan, np.nan)
    return Answer("failed", name, *_NOTHING)


def _scs(cone: Cone) -> Answer:
    """Last resort, first order: slower and less exact, but it stops for other reasons than interior points do."""
    import cvxpy as cp

    head, tail = cone.zero, cone.zero + cone.nonnegative
    x = cp.Variable(len(cone.q))
    slack = cone.b - cone.A @ x
    rows = [slack[:head] == 0] if head else []
    rows += [slack[head:tail] >= 0]
    start = tail
    for size in cone.cones:
        rows.append(cp.SOC(slack[start], slack[start + 1 : start + size]))
        start += size
    if cone.powers:
        triples = slack[start:]
        rows.append(cp.PowCone3D(triples[0::3], triples[1::3], triples[2::3], POWER))
    whole = cone.P + sp.triu(cone.P, 1).T
    problem = cp.Problem(cp.Minimize(0.5 * cp.quad_form(x, cp.psd_wrap(whole)) + cone.q @ x), rows)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)  # that the answer is inaccurate; the status says so, and then it is not used
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


def in_turn(*blocks: sp.spmatrix | np.ndarray) -> sp.csr_matrix:
    """Rows of equally high blocks, one of each in turn: the rows of many small cones of the same kind."""
    height = blocks[0].shape[0]
    order = np.arange(height * len(blocks)).reshape(len(blocks), height).T.ravel()
    return sp.vstack([sp.csr_matrix(block) for block in blocks], format="csr")[order]


_NOTHING = (np.empty(0), np.empty(0), np.nan, np.nan)
