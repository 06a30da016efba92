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
    own = components.filter(pl.col("market").is_in(["both", market])).sort("component")
    order = _Order(security_ids)
    for factor, wanted in own.partition_by("factor", as_dict=True, maintain_order=True).items():
        rows = factors[str(factor[0])]
        if rows.is_empty() or security_ids.is_empty():
            continue
        ranked = [score_component(values) for values in order.columns(rows, wanted["component"].to_list())]
        directions, weights = wanted["direction"].to_numpy().astype(float), wanted["weight"].to_numpy().astype(float)
        scores[:, FACTORS.index(str(factor[0]))] = factor_score(np.column_stack(ranked), directions, weights)
    return scores


def component_values(security_ids: pl.Series, rows: pl.DataFrame, names: list[str]) -> np.ndarray:
    """(names, components) raw metrics in the order of the securities; NaN = unknown."""
    return np.column_stack(_Order(security_ids).columns(rows, names))


class _Order:
    """The order of the securities, into which the rows of many tables are brought; most tables of a month share one order."""

    def __init__(self, security_ids: pl.Series) -> None:
        self._security_ids = security_ids
        self._enum = pl.Enum(security_ids)
        self._seen = security_ids
        self._places: tuple[np.ndarray, np.ndarray] | None = None  # of `_seen`: rows that are wanted, and where they belong

    def columns(self, rows: pl.DataFrame, names: list[str]) -> list[np.ndarray]:
        """Values of some columns, one a security; NaN = unknown."""
        self._look(rows["security_id"])
        given = [rows[name].cast(pl.Float64).to_numpy() for name in names]
        if self._places is None:
            return given
        wanted, places = self._places
        ordered = [np.full(len(self._security_ids), np.nan) for _ in names]
        for values, known in zip(ordered, given, strict=True):
            values[places] = known[wanted]
        return ordered

    def _look(self, security_ids: pl.Series) -> None:
        if security_ids.equals(self._seen):
            return
        place = security_ids.cast(self._enum, strict=False).to_physical()
        wanted = place.is_not_null()
        same = security_ids.equals(self._security_ids)
        self._seen, self._places = security_ids, None if same else (wanted.to_numpy(), place.filter(wanted).to_numpy())


def uncovered(strategy: Strategy, scores: pl.DataFrame) -> dict[str, float]:
    """Share of the members that have each of the strategy's factors, the scarcest first."""
    shares = {factor: (scores[factor].count() / scores.height if scores.height else 0.0) for factor in strategy.factors}
    return dict(sorted(shares.items(), key=lambda item: (item[1], item[0])))
