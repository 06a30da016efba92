"""The station of factor diagnostics, once a strategy."""

from collections.abc import Sequence
from pathlib import Path

import polars as pl

from wg_dagster.calendars import month_shift
from wg_dagster.selection import diagnostics
from wg_dagster.selection.diagnostics import HORIZONS, diagnostic_rows
from wg_dagster.stations import HISTORY, Reader, Reads, Station
from wg_dagster.strategies import Strategy

_LOG = pl.col("log_return_1e9")


def _build(reader: Reader, months: Sequence[str], strategy: Strategy) -> dict[str, pl.DataFrame]:
    (month,) = months
    scores = reader.read("factor_scores")
    prices = reader.read("prices_clean", columns=["market", "security_id", "log_return_1e9"])
    return {
        "factor_diagnostics": diagnostic_rows(
            strategy,
            month,
            scores={one: scores.filter(pl.col("month") == one) for one in (month, *(month_shift(month, -lag) for lag in HORIZONS))},
            returns=month_returns(prices.filter(pl.col("market") == strategy.market)),
            before=reader.read("factor_diagnostics"),
        )
    }


def month_returns(prices: pl.DataFrame) -> pl.DataFrame:
    """| security_id | return |, total return over the sessions of a month; a session without a return counts as none."""
    summed = prices.drop_nulls("log_return_1e9").group_by("security_id").agg(_LOG.sum())
    return summed.select("security_id", ((_LOG / 1e9).exp() - 1).alias("return")).sort("security_id")


STATIONS = (
    Station(
        name="diagnostics",
        description="What each factor has been worth: coverage, turnover, rank IC and its t, returns of fifths, decay, correlations",
        group="selection",
        reads=(
            Reads("factor_scores", back=max(HORIZONS)),
            Reads("prices_clean"),
            Reads("factor_diagnostics", back=HISTORY, own=False),
        ),
        writes=("factor_diagnostics",),
        build=_build,
        code=(diagnostics, Path(__file__)),
        by_strategy=True,
    ),
)
