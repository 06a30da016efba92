"""Numbers only: scores, risk, portfolios, measures. Arrays in, arrays out."""

from optimizer.certificate import Certificate, replay
from optimizer.errors import BadPanel, BadUniverse, Infeasible, OptimizerError, SolverFailed, TooFewReturns
from optimizer.evidence import Evidence, judge
from optimizer.explain import explain
from optimizer.frontier import frontier
from optimizer.mandate import BrokenRule, Mandate, check
from optimizer.risk_model import RiskModel, fit_risk_model
from optimizer.search import Search, extend, months_after, search
from optimizer.solve import Solution, solve
from optimizer.universe import Universe

__all__ = [
    "BadPanel",
    "BadUniverse",
    "BrokenRule",
    "Certificate",
    "Evidence",
    "Infeasible",
    "Mandate",
    "OptimizerError",
    "RiskModel",
    "Search",
    "Solution",
    "SolverFailed",
    "TooFewReturns",
    "Universe",
    "check",
    "explain",
    "extend",
    "fit_risk_model",
    "frontier",
    "judge",
    "months_after",
    "replay",
    "search",
    "solve",
]
