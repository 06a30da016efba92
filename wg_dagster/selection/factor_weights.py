"""The factor weights that a month's portfolio uses, and why: the manager's rule, and what the evidence known by then says of it."""

import polars as pl

from wg_dagster.calendars import CALENDAR_OF_MARKET, month_end
from wg_dagster.schemas.tables import TABLES
from wg_dagster.selection.evidence_panel import sign_of
from wg_dagster.selection.search_rules import INCUMBENT, tilted, weights_of
from wg_dagster.strategies import Strategy


def factor_weights(strategy: Strategy, month: str, *, evidence: pl.DataFrame, trial_weights: pl.DataFrame) -> pl.DataFrame:
    """Rows of `factor_weights` of a month.

    The incumbent's factors weigh alike, unless two things are so: the manager has set the strategy's `factor_rule` to a challenger,
    and the newest evidence before the month recommends that challenger. Its weights are then those chosen with that evidence.

    Parameters
    ----------
    evidence, trial_weights
        `search_evidence` and `trial_weights` of the strategy, of months before this one.
    """
    newest = evidence["month"].max() if evidence.height else None
    of_then = evidence.filter(pl.col("month") == newest) if newest else evidence
    said = {name: (value, note) for name, value, note in of_then.select("statistic", "value", "note").iter_rows()}
    rule, weights, reason = strategy.factor_rule, {}, ""
    if rule != INCUMBENT:
        value, note = said.get(f"recommend_{rule}", (None, f"no search evidence speaks of {rule}"))
        if value == 1.0:
            weights = weights_of(trial_weights.filter(pl.col("month") == newest), rule)
            reason = f"the manager chose {rule}, and the evidence of {newest} recommends it"
        else:
            reason = f"the manager chose {rule}, but the evidence does not allow it: {note}"
    if not weights:
        rule, weights = INCUMBENT, dict.fromkeys(strategy.factors, 1.0 / len(strategy.factors))
        origin = "assumed: the recipe is not published" if strategy.factors_assumed else "the strategy's published recipe"
        reason = reason or f"incumbent ({origin}); {_other_rules(said, newest)}"
    rows = [
        {
            "strategy": strategy.strategy_id,
            "month": month,
            "as_of_date": month_end(CALENDAR_OF_MARKET[strategy.market], month),
            "factor": factor,
            "sign": sign_of(strategy, factor),
            "weight": weight,
            "factor_rule": rule,
            "reason": reason,
            "evidence_month": newest,
            "matrix_sha256": said.get("matrix_sha256", (None, None))[1],
        }
        for factor, weight in sorted(weights.items())
    ]
    return pl.DataFrame(rows, schema=TABLES["factor_weights"].schema)


def weighed(strategy: Strategy, rows: pl.DataFrame) -> tuple[Strategy, dict[str, float] | None]:
    """The strategy with the factors of the month's `factor_weights`, and their weights (None = all alike, the incumbent)."""
    rule = rows["factor_rule"][0] if rows.height else INCUMBENT
    if rule == INCUMBENT:
        return strategy, None
    weights = weights_of(rows, rule)
    return tilted(strategy, weights), weights


def covered(strategy: Strategy, scores: pl.DataFrame) -> pl.DataFrame:
    """Scores with the share of this strategy's factors that each member has."""
    known = pl.sum_horizontal(pl.col(factor).is_not_null() for factor in strategy.factors) / len(strategy.factors)
    return scores.with_columns(known.cast(pl.Float64).alias("coverage"))


def _other_rules(said: dict[str, tuple[float | None, str]], newest: object) -> str:
    if newest is None:
        return "no search had been judged by then"
    advised = [name.removeprefix("recommend_") for name, (value, _) in sorted(said.items()) if name.startswith("recommend_") and value]
    return f"the evidence of {newest} recommends " + (f"{', '.join(advised)}, which the manager has not chosen" if advised else "no other")
