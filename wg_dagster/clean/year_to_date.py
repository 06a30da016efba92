"""Sales that a firm reports from the start of its fiscal year although its other income is of the quarter alone.

Two and three times the first quarter's sales may be a season or growth: only the whole year tells. As long as it is not known the
third quarter is flagged; once it is, sales that only fit when read from the start of the year are differenced, and never before that instant.
"""

from datetime import UTC, datetime

import polars as pl

from wg_dagster.clean.quarters import APART, Q4_RANGE, STEADY, instants_of, steady, with_part, with_state
from wg_dagster.clean.views import merged_flags

FLAG = "revenue_from_year_start"
_BEGINNING = datetime(1900, 1, 1, tzinfo=UTC)
_PARTS = ("q1", "q2", "q3")
_STATEMENT = ["security_id", "stream", "period_end_date"]


def with_revenue_read(states: pl.DataFrame) -> pl.DataFrame:
    """Add `revenue_is_cumulative`, and versions of second and third quarters whose sales are read otherwise from an instant on."""
    states = states.with_columns(pl.col("income_is_cumulative").alias("revenue_is_cumulative"))
    firms = _suspects(states)
    if firms.is_empty():
        return states
    judged = _judged(states.join(firms, on=["security_id", "stream"], how="semi"))
    again = pl.concat([_versions(states, judged, part) for part in ("q2", "q3")])
    if again.is_empty():
        return states
    kept = states.join(again, on=[*_STATEMENT, "is_year", "known_at"], how="anti")
    return pl.concat([kept, again]).sort(*_STATEMENT, "is_year", "known_at")


def _suspects(states: pl.DataFrame) -> pl.DataFrame:
    """Firms with a fiscal year that is at most twice its third quarter: of nine months it is four thirds, of a quarter four times."""
    alone = states.filter(~pl.col("is_year") & (pl.col("label") == 3) & ~pl.col("income_is_cumulative") & (pl.col("revenue") > 0))
    third = alone.select("security_id", "stream", pl.col("period_end_date").alias("_end"), pl.col("revenue").alias("_third"))
    years = states.filter(pl.col("is_year") & (pl.col("revenue") > 0)).select(*_STATEMENT, "revenue")
    pairs = years.join(third, on=["security_id", "stream"], how="inner")
    days = (pl.col("period_end_date") - pl.col("_end")).dt.total_days()
    small = pl.col("revenue") <= 2 * pl.col("_third")  # the fourth of steady quarters is at most twice their mean, half of the year
    return pairs.filter(days.is_between(*APART[1]) & small).select("security_id", "stream").unique()


def _judged(states: pl.DataFrame) -> pl.DataFrame:
    """Each fiscal year whose three quarters are known, at each instant at which one of the four changed: `from_start`, and the quarters' ends."""
    seen = with_state(instants_of(states, _BEGINNING), states.filter("is_year"), "year").filter(pl.col("year.known_at").is_not_null())
    seen = seen.with_columns(pl.lit(4, pl.Int8).alias("number"))
    for label in (1, 2, 3):
        seen = with_part(seen, states, label)
    one, two, three = (pl.col(f"{part}.revenue") for part in _PARTS)
    year = pl.col("year.revenue")
    usual = (one + two + three) / 3
    alone = (year - 3 * usual).is_between(Q4_RANGE[0] * usual, Q4_RANGE[1] * usual) & (usual > 0)
    fits = steady(one, two - one, three - two, year - three, within=STEADY)
    own = pl.any_horizontal(pl.col(f"{part}.income_is_cumulative") for part in _PARTS)
    return seen.select(*_STATEMENT, "known_at", "q2.end", "q3.end", (fits & ~alone & ~own).fill_null(value=False).alias("from_start"))


def _versions(states: pl.DataFrame, judged: pl.DataFrame, part: str) -> pl.DataFrame:
    """Versions of the statements of one quarter whose sales run from the start of the year as far as known at each instant."""
    told = judged.select("security_id", "stream", pl.col(f"{part}.end").alias("period_end_date"), "known_at", "from_start")
    told = (
        told.drop_nulls("period_end_date")
        .sort(*_STATEMENT, "known_at", "from_start")
        .unique([*_STATEMENT, "known_at"], keep="last", maintain_order=True)
    )
    ever = told.filter("from_start").select(_STATEMENT).unique()
    told = told.join(ever, on=_STATEMENT, how="semi")
    own = states.filter(~pl.col("is_year")).join(ever, on=_STATEMENT, how="semi")
    instants = pl.concat([own.select(*_STATEMENT, "known_at"), told.select(*_STATEMENT, "known_at")]).unique().sort("known_at", *_STATEMENT)
    read = instants.join_asof(told.sort("known_at"), on="known_at", by=_STATEMENT, check_sortedness=False)
    stood = read.join_asof(own.sort("known_at"), on="known_at", by=_STATEMENT, check_sortedness=False)
    from_start = pl.col("from_start").fill_null(value=False)
    return (
        stood.filter(pl.col("is_year").is_not_null())
        .with_columns(
            (from_start | pl.col("income_is_cumulative")).alias("revenue_is_cumulative"),  # what the filing itself says stands
            merged_flags(pl.col("quality"), pl.when(from_start).then(pl.lit(FLAG))).alias("quality"),
        )
        .select(states.columns)
    )
