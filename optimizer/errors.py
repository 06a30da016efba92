"""What can go wrong in the numbers, named by what happened.

OptimizerError
├── BadUniverse      names, returns or limits that no calculation may start from
├── BadPanel         scores and returns over months that no search may start from
├── TooFewReturns    fewer returns than the measure or model needs
├── Infeasible       no portfolio obeys the mandate; `shortfalls` says which rules and by how much
└── SolverFailed     every solver in the chain stopped without an answer, or its answer broke a rule
"""


class OptimizerError(Exception):
    """Root of the errors of this package."""


class BadUniverse(OptimizerError):
    """Names, returns or limits that no calculation may start from."""


class BadPanel(OptimizerError):
    """Scores and returns over months that no search may start from."""


class TooFewReturns(OptimizerError):
    """Fewer returns than the measure or model needs."""


class Infeasible(OptimizerError):
    """No portfolio obeys the mandate.

    Attributes
    ----------
    shortfalls
        (rule, short by) pairs, worst first: the smallest total relief under which a portfolio exists. Weights are
        fractions of the portfolio, beta and volatility are relative to the index, counts are names.
    """

    def __init__(self, message: str, shortfalls: list[tuple[str, float]] | None = None) -> None:
        super().__init__(message)
        self.shortfalls = shortfalls or []


class SolverFailed(OptimizerError):
    """Every solver in the chain stopped without an answer, or its answer broke a rule."""
