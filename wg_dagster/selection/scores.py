"""Fourteen scores a member: components winsorised and ranked among the members, signed, weighted, standardised again."""

from collections.abc import Mapping, Sequence

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
    return with_scores(members.select("strategy", "month", "as_of_date", "security_id"), scores, coverage)


def with_scores(members: pl.DataFrame, scores: np.ndarray, coverage: np.ndarray) -> pl.DataFrame:
    """The members with a column a factor, null where it is unknown, and the coverage."""
    columns = pl.DataFrame(scores, schema=list(FACTORS)).with_columns(pl.all().fill_nan(None), pl.Series("coverage", coverage))
    return pl.concat([members, columns], how="horizontal")


def score_matrix(security_ids: pl.Series, factors: Mapping[str, pl.DataFrame], components: pl.DataFrame, *, market: str) -> np.ndarray:
    """(names, 14) scores of the named securities in the order of FACTORS; NaN = unknown."""
    scores = np.full((len(security_ids), len(FACTORS)), np.nan)
    order = _Order(security_ids)
    for factor, defined in _defined(components, market).items():
        rows = factors[factor]
        if rows.is_empty() or security_ids.is_empty():
            continue
        names, directions, weights = zip(*defined, strict=True)
        ranked = [score_component(values) for values in order.columns(rows, names)]
        scores[:, FACTORS.index(factor)] = factor_score(np.column_stack(ranked), np.array(directions, float), np.array(weights, float))
    return scores


def _defined(components: pl.DataFrame, market: str) -> dict[str, list[tuple[str, int, float]]]:
    """Factor -> its components that exist in a market, by name, each with direction and weight."""
    grouped: dict[str, list[tuple[str, int, float]]] = {}
    columns = (components[name] for name in ("component", "factor", "market", "direction", "weight"))
    for component, factor, where, direction, weight in sorted(zip(*columns, strict=True)):
        if where in ("both", market):
            grouped.setdefault(factor, []).append((component, direction, weight))
    return grouped


def component_values(security_ids: pl.Series, rows: pl.DataFrame, names: list[str]) -> np.ndarray:
    """(names, components) raw metrics in the order of the securities; NaN = unknown."""
    return np.column_stack(_Order(security_ids).columns(rows, names))


def _numbers(values: pl.Series) -> np.ndarray:
    return (values if values.dtype == pl.Float64 else values.cast(pl.Float64)).to_numpy()


class _Order:
    """The order of the securities, into which the rows of many tables are brought; most tables of a month share one order."""

    def __init__(self, security_ids: pl.Series) -> None:
        self._security_ids = security_ids
        self._enum = pl.Enum(security_ids)
        self._seen = security_ids
        self._places: tuple[np.ndarray, np.ndarray] | None = None  # of `_seen`: rows that are wanted, and where they belong

    def columns(self, rows: pl.DataFrame, names: Sequence[str]) -> list[np.ndarray]:
        """Values of some columns, one a security; NaN = unknown."""
        self._look(rows["security_id"])
        given = [_numbers(rows[name]) for name in names]
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
