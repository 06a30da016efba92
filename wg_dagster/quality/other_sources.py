"""Whether two sources tell the same: returns of traded closes against those of another source's adjusted closes."""

import polars as pl

from wg_dagster.quality.figures import Finding, counted, figures_of, verdicts
from wg_dagster.quality.thresholds import FEWEST_NAMES
from wg_dagster.quality.usual import as_usual
from wg_dagster.schemas.tables import TABLES

TRADED = ["month", "market", "security_id", "session_date", "return_1e9", "quality"]  # of prices_clean
_POINT = 10_000_000  # of a return in billionths: more than rounding of a close and of a dividend makes
_DAY = ["month", "market", "security_id", "session_date"]
_HALF = 0.5
_GAP = "(^|,)gap(,|$)"


def disagreement(adjusted: pl.DataFrame, traded: pl.DataFrame, station: str) -> pl.DataFrame:
    """The check `sources_disagree`: share of the sessions in both sources whose returns lie more than a point apart, by market.

    Parameters
    ----------
    adjusted
        | month | market | security_id | session_date | source | return_1e9 | of adjusted closes, one row a security and session.
    traded
        Rows of `prices_clean`. Sessions whose return spans a gap, or is none, are not compared.

    Returns
    -------
    Rows of `checks`, one a month with enough names in both.
    """
    told = traded.filter(~pl.col("quality").str.contains(_GAP)).drop("quality")
    both = adjusted.join(told, on=_DAY, how="inner", suffix="_traded", validate="1:1")
    off = (pl.col("return_1e9") - pl.col("return_1e9_traded")).abs() > _POINT
    judged = both.drop_nulls(["return_1e9", "return_1e9_traded"]).with_columns(off.alias("off"))
    enough = judged.filter(pl.col("security_id").n_unique().over("month", "market") >= FEWEST_NAMES)
    figures = figures_of(enough.group_by("month", "market").agg(counted(pl.col("off").mean(), pl.col("off").sum())))
    finding = Finding("sources_disagree", figures, lambda: _most(enough))
    found = [
        row for each in as_usual([finding], adjusted.select("month", "source")) for row in verdicts(each, station, "risk_returns", None)
    ]
    return pl.DataFrame(found, schema=TABLES["checks"].schema) if found else TABLES["checks"].empty()


def _most(judged: pl.DataFrame) -> pl.DataFrame:
    """Names of which the two sources tell another return on at least half of the sessions: another line, or another level."""
    return judged.group_by("month", "security_id").agg(pl.col("off").mean()).filter(pl.col("off") >= _HALF)
