"""Whether two sources tell the same: returns of traded closes against those of another source's adjusted closes."""

from collections.abc import Sequence

import polars as pl

from wg_dagster.quality.figures import Finding, counted, figures_of
from wg_dagster.quality.looks import Stored
from wg_dagster.quality.thresholds import FEWEST_NAMES

_POINT = 10_000_000  # of a return in billionths: more than rounding of a close and of a dividend makes
_DAY = ["month", "market", "security_id", "session_date"]


def check_risk_returns(rows: pl.DataFrame, months: Sequence[str], stored: Stored) -> list[Finding]:
    """Share of the sessions of names in both sources whose returns lie more than a point apart, by market.

    `rows`: `risk_returns` of the months, from adjusted closes; they are held against the returns of `prices_clean`. Sessions whose return
    spans a gap, or is none, are not compared.
    """
    traded = stored("prices_clean").filter(~pl.col("quality").str.split(",").list.contains("gap")).drop("quality")
    both = rows.filter(pl.col("month").is_in(list(months))).join(traded, on=_DAY, how="inner", suffix="_traded", validate="1:1")
    off = (pl.col("return_1e9") - pl.col("return_1e9_traded")).abs() > _POINT
    judged = both.drop_nulls(["return_1e9", "return_1e9_traded"]).with_columns(off.alias("off"))
    enough = judged.filter(pl.col("security_id").n_unique().over("month", "market") >= FEWEST_NAMES)
    figures = figures_of(enough.group_by("month", "market").agg(counted(pl.col("off").mean(), pl.col("off").sum())))
    return [Finding("sources_disagree", figures, lambda: _most(enough))]


def _most(judged: pl.DataFrame) -> pl.DataFrame:
    """Names of which the two sources tell another return on at least half of the sessions: another line, or another level."""
    return judged.group_by("month", "security_id").agg(pl.col("off").mean()).filter(pl.col("off") >= 0.5)
