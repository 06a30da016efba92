"""What each factor has been worth, month by month: coverage, turnover, rank IC and its t, returns of fifths, decay, correlations.

A score of month m-1 meets the return of month m, and the row is dated m: what a row says could be known at its month's cut-off.
"""

from collections.abc import Mapping
from itertools import combinations

import numpy as np
import polars as pl
from scipy.stats import rankdata

from wg_dagster.calendars import month_shift
from wg_dagster.schemas.columns import FACTORS
from wg_dagster.schemas.tables import TABLES
from wg_dagster.strategies import Strategy

HORIZONS = (1, 2, 3, 6, 12)  # months between a score and the month whose return it is held against
FIFTHS = 5
FEWEST_NAMES = 10  # a rank correlation of fewer names says nothing
FEWEST_MONTHS = 12
_SHOWN = (
    ("coverage", "coverage", ".0%"),
    ("rank autocorrelation", "rank_autocorrelation", ".2f"),
    ("rank IC of the month", "rank_ic_1", ".3f"),
    ("mean rank IC", "rank_ic_mean", ".3f"),
    ("its t", "rank_ic_t", ".1f"),
    ("highest less lowest fifth", "return_top_less_bottom", ".1%"),
)


def diagnostic_rows(
    strategy: Strategy, month: str, *, scores: Mapping[str, pl.DataFrame], returns: pl.DataFrame, before: pl.DataFrame
) -> pl.DataFrame:
    """Rows of `factor_diagnostics` of a month, sorted by factor and statistic; a figure that cannot be computed has no row.

    Parameters
    ----------
    scores
        `factor_scores` of the strategy by month, of the month itself and the twelve before it.
    returns
        | security_id | return |, total return of the month as a fraction.
    before
        `factor_diagnostics` of the strategy in earlier months: the history of the rank IC.
    """
    none = TABLES["factor_scores"].empty()
    now = scores.get(month, none)
    earlier = {months: scores.get(month_shift(month, -months), none) for months in HORIZONS}
    met = {
        months: rows.join(returns, on="security_id", how="inner", validate="1:1", maintain_order="left") for months, rows in earlier.items()
    }
    history = before.filter((pl.col("statistic") == "rank_ic_1") & (pl.col("month") < month)).sort("month")
    found: list[tuple[str, str, float]] = []
    correlations = {frozenset(both): rank_correlation(*_pair(now, now, *both)) for both in combinations(FACTORS, 2)}
    for factor in FACTORS:
        past = history.filter(pl.col("factor") == factor)["value"].to_numpy()
        figures = {
            **_shape(now, earlier[1], factor),
            **_earned(met, factor, past),
            **{f"correlation|{other}": correlations[frozenset((factor, other))] for other in FACTORS if other != factor},
        }
        found += [(factor, name, value) for name, value in figures.items() if np.isfinite(value)]
    rows = pl.DataFrame(found, schema={"factor": pl.String, "statistic": pl.String, "value": pl.Float64}, orient="row")
    placed = rows.with_columns(strategy=pl.lit(strategy.strategy_id), month=pl.lit(month))
    return placed.select(TABLES["factor_diagnostics"].columns).sort("factor", "statistic")


def diagnostics_page(rows: pl.DataFrame) -> str:
    """The main figures of one month's `factor_diagnostics` as a table in Markdown, one line a factor; a dash = no figure."""
    wide = {
        factor: dict(own.select("statistic", "value").iter_rows()) for (factor,), own in rows.partition_by("factor", as_dict=True).items()
    }
    head = f"| factor | {' | '.join(title for title, _, _ in _SHOWN)} |\n|{'---|' * (len(_SHOWN) + 1)}"
    cells = {factor: [format(wide[factor][name], form) if name in wide[factor] else "-" for _, name, form in _SHOWN] for factor in wide}
    return "\n".join([head, *(f"| {factor} | {' | '.join(cells[factor])} |" for factor in FACTORS if factor in cells)])


def rank_correlation(one: np.ndarray, other: np.ndarray) -> float:
    """Spearman's correlation of two (n,) series, ties sharing their average rank; NaN pairs left out, NaN under ten names."""
    known = np.isfinite(one) & np.isfinite(other)
    if known.sum() < FEWEST_NAMES:
        return float("nan")
    x, y = (rankdata(values[known]) - (known.sum() + 1) / 2 for values in (one, other))
    spread = np.sqrt((x @ x) * (y @ y))
    return float(x @ y / spread) if spread > 0 else float("nan")


def newey_west_t(values: np.ndarray) -> float:
    """Mean of a (T,) series over its standard error, robust to autocorrelation (Bartlett weights); NaN under twelve values.

    The lags are floor(4 (T / 100)^(2/9)), the rule of Newey and West (1994).
    """
    periods = len(values)
    if periods < FEWEST_MONTHS:
        return float("nan")
    centred = values - values.mean()
    lags = int(4 * (periods / 100) ** (2 / 9))
    covariances = [centred[lag:] @ centred[: periods - lag] / periods for lag in range(lags + 1)]
    variance = covariances[0] + 2 * sum((1 - lag / (lags + 1)) * covariances[lag] for lag in range(1, lags + 1))
    return float(values.mean() / np.sqrt(variance / periods)) if variance > 0 else float("nan")


def fifth_returns(scores: np.ndarray, returns: np.ndarray) -> np.ndarray:
    """(5,) mean return of the names by fifths of their (n,) scores, lowest first; ties stay together; NaN under ten names."""
    known = np.isfinite(scores) & np.isfinite(returns)
    if known.sum() < FEWEST_NAMES:
        return np.full(FIFTHS, np.nan)
    place = np.minimum(((rankdata(scores[known]) - 0.5) / known.sum() * FIFTHS).astype(int), FIFTHS - 1)
    count = np.bincount(place, minlength=FIFTHS)
    return np.divide(np.bincount(place, returns[known], FIFTHS), count, out=np.full(FIFTHS, np.nan), where=count > 0)


def _shape(now: pl.DataFrame, before: pl.DataFrame, factor: str) -> dict[str, float]:
    """Coverage, and how much of last month's order is left."""
    old, new = _pair(before, now, factor, factor)
    top_old, top_new = (_top(values) for values in (old, new))
    return {
        "coverage": now[factor].count() / now.height if now.height else float("nan"),
        "rank_autocorrelation": rank_correlation(old, new),
        "top_fifth_replaced": 1 - (top_old & top_new).sum() / top_new.sum() if top_old.any() and top_new.any() else float("nan"),
    }


def _earned(met: Mapping[int, pl.DataFrame], factor: str, past: np.ndarray) -> dict[str, float]:
    """What the scores of so many months before, beside their names' returns, were worth in this month."""
    figures = {}
    for months, rows in met.items():
        scores, earned = _pair(rows, rows, factor, "return")
        figures[f"rank_ic_{months}"] = rank_correlation(scores, earned)
        if months == 1:
            fifths = fifth_returns(scores, earned)
            figures |= {f"return_fifth_{k + 1}": float(value) for k, value in enumerate(fifths)}
            figures["return_top_less_bottom"] = float(fifths[-1] - fifths[0])
    known = np.append(past, figures["rank_ic_1"])
    known = known[np.isfinite(known)]
    figures["rank_ic_mean"] = float(known.mean()) if len(known) else float("nan")
    figures["rank_ic_t"] = newey_west_t(known)
    return figures


def _pair(left: pl.DataFrame, right: pl.DataFrame, one: str, other: str) -> tuple[np.ndarray, np.ndarray]:
    """Two columns of the names in both frames; NaN = unknown."""
    if left is right:
        return _numbers(left, one), _numbers(left, other)
    joined = left.select("security_id", pl.col(one).alias("one")).join(
        right.select("security_id", pl.col(other).alias("other")), on="security_id", how="inner", validate="1:1", maintain_order="left"
    )
    return _numbers(joined, "one"), _numbers(joined, "other")


def _numbers(rows: pl.DataFrame, column: str) -> np.ndarray:
    return rows[column].cast(pl.Float64).fill_null(np.nan).to_numpy()


def _top(values: np.ndarray) -> np.ndarray:
    """Which names lie in the highest fifth of the known values."""
    known = np.isfinite(values)
    if known.sum() < FEWEST_NAMES:
        return np.zeros(len(values), bool)
    return np.where(known, values, -np.inf) >= np.quantile(values[known], 1 - 1 / FIFTHS)
