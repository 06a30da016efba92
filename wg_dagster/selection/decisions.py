"""Why each candidate is in the portfolio or is not: rows of `decisions`.

For each name: its score, what is expected of it, what one more unit of its weight adds to the downside deviation, which rules without
room concern it, and the rival: the name whose exchange with it comes nearest to paying. What a name that is not held would have needed
is given twice: `reduced_cost` suffices (with so much more, that exchange pays) and `reduced_cost_least` is needed (with less, the
certificate proves that no portfolio with the name is better). The truth lies between the two.
"""

import numpy as np
import polars as pl

from optimizer.entering import proven_raise
from optimizer.exchange import Exchanges, exchanges
from optimizer.mandate import Mandate
from optimizer.room import rooms, weight_limit
from optimizer.solution import Solution
from optimizer.terms import terms
from optimizer.universe import Universe
from wg_dagster.schemas.tables import TABLES
from wg_dagster.selection.inputs import Question
from wg_dagster.selection.portfolio import Decision, costed, weights_of, with_sector_names

NOT_HELD = 100  # names that are told about besides the holdings: those that came nearest
_ALWAYS = ("invested, at least", "invested, at most")  # says nothing of a name


def decision_rows(question: Question, decision: Decision) -> pl.DataFrame:
    """Rows of `decisions`, by security_id; none where no portfolio was solved."""
    solution, universe, risk = decision.solution, decision.universe, question.risk
    if solution is None or universe is None or risk is None:
        return TABLES["decisions"].empty()
    mandate, current = costed(question.strategy), weights_of(universe, question.current)
    found = exchanges(universe, mandate, solution.weights, current)
    least = _least(solution, universe, mandate, current)
    is_held = solution.weights > 0
    own = pl.DataFrame(
        {
            "security_id": universe.ids,
            "weight": solution.weights,
            "marginal_risk": marginal_downside(universe, mandate, solution.weights),
            "binding_rules": [with_sector_names(rules, risk) for rules in binding_rules(universe, mandate, solution.weights, current)],
            "reduced_cost": np.where(is_held, np.nan, np.maximum(found.amount, 0.0)),
            "reduced_cost_least": least,
            "rival_id": _rivals(found, universe),
            "rival_margin": np.where(is_held, np.maximum(found.amount, 0.0), np.nan),
        }
    ).with_columns(pl.col("reduced_cost", "reduced_cost_least", "rival_margin").fill_nan(None))
    ranks = question.candidates.select("security_id", "rank")
    nearest = pl.coalesce("reduced_cost", "reduced_cost_least").rank("ordinal") <= NOT_HELD
    return (
        own.join(
            question.scored.select("security_id", "sector", "composite", "expected_return"), on="security_id", how="left", validate="1:1"
        )
        .join(ranks, on="security_id", how="left", validate="1:1")
        .filter((pl.col("weight") > 0) | nearest)
        .with_columns(
            pl.lit(question.strategy.strategy_id).alias("strategy"),
            pl.lit(question.month).alias("month"),
            pl.lit(question.as_of).alias("as_of_date"),
        )
        .select(pl.col(name).cast(dtype) for name, dtype in TABLES["decisions"].schema.items())
        .sort("security_id")
    )


def marginal_downside(universe: Universe, mandate: Mandate, weights: np.ndarray) -> np.ndarray:
    """Slope (n,) of the forecast downside deviation in the weight of each name."""
    data = terms(universe, mandate, None, "ratio")
    losses = np.minimum(data.factors @ (data.loadings.T @ weights), 0.0)
    slopes = data.per_period * data.loadings @ (data.factors.T @ losses) + data.half_idio * weights
    return slopes / np.sqrt(data.squared_downside(weights))


def binding_rules(universe: Universe, mandate: Mandate, weights: np.ndarray, current: np.ndarray | None) -> list[str]:
    """Of each name (n,): rules without room that concern it, separated by semicolons."""
    binding = [room for room in rooms(weights, universe, mandate, current) if room.binds and room.rule not in _ALWAYS]
    own = weight_limit(weights, universe, mandate)
    return ["; ".join([*filter(None, [own[i]]), *(room.rule for room in binding if room.concerns[i])]) for i in range(len(universe))]


def _least(solution: Solution, universe: Universe, mandate: Mandate, current: np.ndarray | None) -> np.ndarray:
    if solution.certificate is None:
        return np.full(len(universe), np.nan)
    return proven_raise(solution.certificate, universe, mandate, solution.weights, current)


def _rivals(found: Exchanges, universe: Universe) -> list[str | None]:
    return [universe.ids[rival] if rival >= 0 else None for rival in found.rival]
