"""Fourteen scores a member: components winsorised and ranked among the members, signed, weighted, standardised again."""

from collections.abc import Mapping

import numpy as np
import polars as pl

from optimizer.scoring import factor_score, score_component
from wg_dagster.schemas.columns import FACTORS
from wg_dagster.strategies import Strategy


def factor_scores(
    strategy: Strategy, month: str, *, universe: pl.DataFrame, factors: Mapping[str, pl.DataFrame], components: pl.DataFrame
) -> pl.DataFrame:
    """Scores of the members of one strategy and month, standardised over these members alone.

    Parameters
    ----------
    universe
        `universe_members` of the strategy and month.
    factors
        Rows of `factor_<name>` of the month, by name of the factor.
    components
        | component | factor | direction | weight | market |, the definition of the scores.

    Returns
    -------
    Columns of `factor_scores`, sorted by security_id; null = unknown. `coverage` is the share of the strategy's own factors.
    """
    members = universe.filter(pl.col("month") == month).sort("security_id")
    scores = score_matrix(members["security_id"], factors, components, market=strategy.market)
    own = [FACTORS.index(factor) for factor in strategy.factors]
    coverage = np.isfinite(scores[:, own]).mean(axis=1) if members.height else np.zeros(0)
    return members.select("strategy", "month", "as_of_date", "security_id").with_columns(
        *(pl.Series(factor, scores[:, k]).fill_nan(None) for k, factor in enumerate(FACTORS)), pl.Series("coverage", coverage)
    )


def score_matrix(security_ids: pl.Series, factors: Mapping[str, pl.DataFrame], components: pl.DataFrame, *, market: str) -> np.ndarray:
    """(names, 14) scores of the named securities in the order of FACTORS; NaN = unknown."""
    scores = np.full((len(security_ids), len(FACTORS)), np.nan)
    defined = components.filter(pl.col("market").is_in(["both", market])).sort("component")
    for k, factor in enumerate(FACTORS):
        wanted = defined.filter(pl.col("factor") == factor)
        if factors[factor].is_empty() or wanted.is_empty() or security_ids.is_empty():
            continue
        values = component_values(security_ids, factors[factor], wanted["component"].to_list())
        ranked = np.column_stack([score_component(values[:, c]) for c in range(values.shape[1])])
        scores[:, k] = factor_score(ranked, wanted["direction"].to_numpy().astype(float), wanted["weight"].to_numpy().astype(float))
    return scores


def component_values(security_ids: pl.Series, rows: pl.DataFrame, names: list[str]) -> np.ndarray:
    """(names, components) raw metrics in the order of the securities; NaN = unknown."""
    values = np.full((len(security_ids), len(names)), np.nan)
    place = rows["security_id"].cast(pl.Enum(security_ids), strict=False).to_physical()
    wanted = place.is_not_null()
    values[place.filter(wanted).to_numpy()] = rows.filter(wanted).select(pl.col(names).cast(pl.Float64).fill_null(np.nan)).to_numpy()
    return values


def uncovered(strategy: Strategy, scores: pl.DataFrame) -> dict[str, float]:
    """Share of the members that have each of the strategy's factors, the scarcest first."""
    shares = {factor: (scores[factor].count() / scores.height if scores.height else 0.0) for factor in strategy.factors}
    return dict(sorted(shares.items(), key=lambda item: (item[1], item[0])))
