"""One problem to one other library, in its own environment and within a limit of processor seconds; prints a line of JSON.

Run by `benchmarks.optimizer_peers`: python optimizer_peers_run.py LIBRARY INSTANCE.npz CPU_SECONDS.
"""

import json
import resource
import sys
import time
import warnings

import numpy as np
import pandas as pd

LARGEST, MOST_NAMES, SMALLEST, BAND, PERIODS = 0.0999, 25, 0.01, 0.05, 252
TARGETS = 5


def skfolio(returns, sectors, market, *, seconds, is_counted):
    from skfolio.measures import RiskMeasure
    from skfolio.optimization import MeanRisk, ObjectiveFunction

    rows = [f"sector{k} <= {w + BAND:.10f}" for k, w in enumerate(market)]
    rows += [f"sector{k} >= {w - BAND:.10f}" for k, w in enumerate(market) if w > BAND]
    counted = {
        "cardinality": MOST_NAMES,
        "threshold_long": SMALLEST,
        "solver": "SCIP",
        "solver_params": {"scip_params": {"limits/time": seconds}},
    }
    model = MeanRisk(
        objective_function=ObjectiveFunction.MAXIMIZE_RATIO,
        risk_measure=RiskMeasure.SEMI_DEVIATION,
        min_acceptable_return=0.0,
        max_weights=LARGEST,
        groups={name: [f"sector{k}"] for name, k in zip(returns.columns, sectors, strict=True)},
        linear_constraints=rows,
        **(counted if is_counted else {}),
    )
    return model.fit(returns).weights_


def riskfolio(returns, sectors, market, *, seconds, is_counted):
    import riskfolio as rp

    portfolio = rp.Portfolio(returns=returns, upperlng=LARGEST)
    portfolio.assets_stats(method_mu="hist", method_cov="hist")
    members = (sectors[:, None] == np.arange(len(market))).astype(float).T
    portfolio.ainequality = np.vstack([members, -members])
    portfolio.binequality = np.r_[market + BAND, -np.maximum(market - BAND, 0.0)][:, None]
    portfolio.solvers = ["SCIP"] if is_counted else ["CLARABEL"]
    if is_counted:
        portfolio.card = MOST_NAMES
        portfolio.sol_params = {"SCIP": {"scip_params": {"limits/time": seconds}}}
    weights = portfolio.optimization(model="Classic", rm="SLPM", obj="Sharpe", rf=0, l=0, hist=True)
    return None if weights is None else weights["weights"].to_numpy()


def pypfopt(returns, sectors, market, **_):
    from cvxpy.error import SolverError
    from pypfopt import EfficientSemivariance
    from pypfopt.exceptions import OptimizationError

    mu = returns.mean() * PERIODS
    best, best_ratio = None, -np.inf
    names = {name: f"sector{k}" for name, k in zip(returns.columns, sectors, strict=True)}
    for share in np.linspace(0.5, 0.95, TARGETS):
        problem = EfficientSemivariance(mu, returns, frequency=PERIODS, benchmark=0, weight_bounds=(0, LARGEST))
        low = {f"sector{k}": max(w - BAND, 0.0) for k, w in enumerate(market)}
        problem.add_sector_constraints(names, low, {f"sector{k}": w + BAND for k, w in enumerate(market)})
        target = share * float(np.sort(mu)[::-1][: int(1 / LARGEST)].mean())
        try:
            problem.efficient_return(target)
        except (OptimizationError, SolverError, ValueError):  # a target out of reach
            continue
        weights = np.array(list(problem.weights))
        losses = np.minimum(returns.to_numpy() @ weights, 0.0)
        ratio = float(mu @ weights) / np.sqrt(PERIODS * np.mean(losses**2))
        if ratio > best_ratio:
            best, best_ratio = weights, ratio
    return best


LIBRARIES = {
    "skfolio": lambda *a, **k: skfolio(*a, **k, is_counted=False),
    "skfolio with SCIP": lambda *a, **k: skfolio(*a, **k, is_counted=True),
    "Riskfolio-Lib": lambda *a, **k: riskfolio(*a, **k, is_counted=False),
    "Riskfolio-Lib with SCIP": lambda *a, **k: riskfolio(*a, **k, is_counted=True),
    "PyPortfolioOpt": pypfopt,
}


def main() -> None:
    library, instance, seconds = sys.argv[1], sys.argv[2], int(sys.argv[3])
    warnings.simplefilter("ignore")
    resource.setrlimit(resource.RLIMIT_CPU, (seconds, seconds + 1))
    data = np.load(instance)
    returns = pd.DataFrame(data["returns"], columns=[f"s{i:05d}" for i in range(data["returns"].shape[1])])
    start = time.process_time()
    try:
        weights = LIBRARIES[library](returns, data["sector"], data["sector_weights"], seconds=seconds // 2)
        answer = {"weights": None if weights is None else np.asarray(weights, dtype=float).tolist(), "error": ""}
    except Exception as error:  # noqa: BLE001 (whatever a library says of its failure is the result)
        answer = {"weights": None, "error": f"{type(error).__name__}: {error}".splitlines()[0][:120]}
    print(json.dumps(answer | {"seconds": time.process_time() - start}))


if __name__ == "__main__":
    main()
