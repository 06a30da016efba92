"""Numbers only: scores, risk, portfolios, measures. Arrays in, arrays out."""

from optimizer.errors import BadUniverse, Infeasible, OptimizerError, SolverFailed, TooFewReturns
from optimizer.explain import explain
from optimizer.mandate import BrokenRule, Mandate, check
from optimizer.risk_model import RiskModel, fit_risk_model
from optimizer.solve import Solution, solve
from optimizer.universe import Universe

__all__ = [
    "BadUniverse",
    "BrokenRule",
    "Infeasible",
    "Mandate",
    "OptimizerError",
    "RiskModel",
    "Solution",
    "SolverFailed",
    "TooFewReturns",
    "Universe",
    "check",
    "explain",
    "fit_risk_model",
    "solve",
]
