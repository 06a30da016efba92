"""Checks of the factor tables: who has values, whether the values follow last month's, whether they tell names apart."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl

from wg_dagster.factor_components import components
from wg_dagster.quality.figures import Figure, Finding
from wg_dagster.quality.looks import Stored
from wg_dagster.quality.thresholds import FEWEST_NAMES, LIMITS_OF_FACTORS, NOT_JUDGED

_PREFIX = "factor_"
_CHECKS = ("component_coverage", "rank_drift", "level_drift", "constant_component")


@dataclass(frozen=True, eq=False)
class Panel:
    """A market's values of a factor.

    values : (months, names, components), NaN = unknown; member : (months, names), who has a row.
    """

    market: str
    months: list[str]
    components: list[str]
    values: np.ndarray
    member: np.ndarray


def check_factor(table: str, rows: pl.DataFrame, months: Sequence[str], stored: Stored) -> list[Finding]:
    """Coverage, drift and distribution of a factor table, by market and component."""
    factor = table.removeprefix(_PREFIX)
    seen = pl.concat([stored(table), rows])
    found: dict[str, list[Figure]] = {check: [] for check in _CHECKS}
    limits = LIMITS_OF_FACTORS.get(factor, {})
    for market in seen["market"].drop_nulls().unique().sort():
        panel = panel_of(factor, market, seen.filter(pl.col("market") == market))
        for check, figure in _measured(panel):
            if figure.month in months:
                found[check].append(figure._replace(limit=limits.get(check)))
    return [Finding(check, found[check]) for check in _CHECKS if (factor, check) not in NOT_JUDGED]


def panel_of(factor: str, market: str, rows: pl.DataFrame) -> Panel:
    """Rows of one market as arrays; the components are those that the market has."""
    names = components().filter((pl.col("factor") == factor) & pl.col("market").is_in(["both", market]))["component"].to_list()
    codes = rows.select(pl.col("month", "security_id").rank("dense").cast(pl.Int64) - 1)
    month, security = codes["month"].to_numpy(), codes["security_id"].to_numpy()
    shape = (int(month.max()) + 1, int(security.max()) + 1)
    values, member = np.full((*shape, len(names)), np.nan), np.zeros(shape, dtype=bool)
    values[month, security] = rows.select(pl.col(names).cast(pl.Float64).fill_null(np.nan)).to_numpy()
    member[month, security] = True
    return Panel(market, rows["month"].unique().sort().to_list(), names, values, member)


def _measured(panel: Panel) -> Iterator[tuple[str, Figure]]:
    there = np.isfinite(panel.values)
    count = there.sum(axis=1)
    ordered = np.sort(np.where(there, panel.values, np.nan), axis=1)  # NaN last
    low, middle, high = (_quantile(ordered, count, share) for share in (0.25, 0.5, 0.75))
    usual = (panel.values == middle[:, None, :]).sum(axis=1)
    common, correlation = _follows(panel.values, there)
    covered = (2 * there.sum(axis=2) >= len(panel.components)) & panel.member
    for m, month in enumerate(panel.months):
        members, known = int(panel.member[m].sum()), int(covered[m].sum())
        if members >= FEWEST_NAMES:
            yield "component_coverage", Figure(month, panel.market, known / members, members - known, members)
        for c, component in enumerate(panel.components):
            part, names = f"{panel.market} {component}", int(count[m, c])
            if names < FEWEST_NAMES:
                continue
            yield "constant_component", Figure(month, part, float(usual[m, c] / names), int(usual[m, c]), names)
            if m == 0 or common[m - 1, c] < FEWEST_NAMES:
                continue
            yield "rank_drift", Figure(month, part, float(correlation[m - 1, c]), int(common[m - 1, c]), names)
            if (spread := high[m - 1, c] - low[m - 1, c]) > 0.0:
                yield "level_drift", Figure(month, part, float(abs(middle[m, c] - middle[m - 1, c]) / spread), names, names)


def _quantile(ordered: np.ndarray, count: np.ndarray, share: float) -> np.ndarray:
    """(months, components) the value at this share of the known ones; NaN where there are none."""
    place = np.maximum(np.floor(share * (count - 1)), 0).astype(int)
    return np.take_along_axis(ordered, place[:, None, :], axis=1)[:, 0, :]


def _follows(values: np.ndarray, there: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Names in common with the month before, and the rank correlation over them: (months - 1, components) each.

    Equal values are ranked in the order of their names, in both months alike. The correlation is 0 where one side does not vary.
    """
    places = np.argsort(np.argsort(values, axis=1, kind="stable"), axis=1).astype(float)
    both = there[1:] & there[:-1]
    count = both.sum(axis=1)
    x, y = (
        np.where(both, side - (both * side).sum(axis=1, keepdims=True) / np.maximum(count, 1)[:, None, :], 0.0)
        for side in (places[1:], places[:-1])
    )
    scale = np.sqrt((x * x).sum(axis=1) * (y * y).sum(axis=1))
    return count, np.divide((x * y).sum(axis=1), scale, out=np.zeros_like(scale), where=scale > 0.0)
