"""Checks of daily prices: who has a close, whose close stands still, what moved without a reason."""

from collections.abc import Sequence
from itertools import pairwise

import polars as pl

from wg_dagster.calendars import CALENDAR_OF_MARKET, month_sessions
from wg_dagster.quality.figures import Figure, Finding, counted, figures_of
from wg_dagster.quality.looks import PRICE_COLUMNS, Stored
from wg_dagster.quality.thresholds import FEWEST_NAMES, LARGE_RETURN, REPEATED_SESSIONS, STALE_SESSIONS

_NANO = 1e9
_SESSIONS = 1_000_000  # more than any calendar has: name and session in one number sort faster than two columns
_PART = ("month", "market")


def check_prices(rows: pl.DataFrame, months: Sequence[str], stored: Stored) -> list[Finding]:
    """Coverage, staleness, volume, jumps and flags of `prices_clean`, by market."""
    ends = last_closes(pl.concat([stored("prices_clean"), rows.select(PRICE_COLUMNS)]))
    own, flagged = ends.filter(pl.col("month").is_in(list(months))), rows.filter(pl.col("quality") != "")
    return [
        _priced_names(ends, months),
        _stale_names(own),
        _zero_volume(rows),
        _names_with(rows, own, "jumps", _jumped(), share=True),
        _names_with(flagged, own, "suspected_splits", _flagged("split_suspected")),
        _names_with(flagged, own, "repeated_bars", _flagged("stale"), sessions=REPEATED_SESSIONS),
        _month_end_priced(own),
    ]


def last_closes(rows: pl.DataFrame) -> pl.DataFrame:
    """| month | market | security_id | session_date | still | is_last |: the last row of each name and month.

    `still` counts the sessions since its close was another one; `is_last` says that it lies on the market's last session of the month.
    """
    name = pl.col("security_id").cast(pl.Categorical).to_physical()
    ordered = rows.with_columns(name.alias("_name"), (name.cast(pl.Int64) * _SESSIONS + pl.col("session_index")).alias("_key")).sort("_key")
    begins = pl.col("_name").ne_missing(pl.col("_name").shift())
    ends = pl.col("_name").ne_missing(pl.col("_name").shift(-1)) | pl.col("month").ne_missing(pl.col("month").shift(-1))
    moved = pl.when(begins | (pl.col("close") != pl.col("close").shift())).then("session_index").forward_fill()
    return (
        ordered.with_columns((pl.col("session_index") - moved).alias("still"))
        .filter(ends)
        .select(*_PART, "security_id", "session_date", "still")
        .with_columns((pl.col("session_date") == pl.col("session_date").max().over(_PART)).alias("is_last"))
    )


def _priced_names(ends: pl.DataFrame, months: Sequence[str]) -> Finding:
    """Share of the names that closed on the month before's last session and close on this one's."""
    following = {before: month for before, month in pairwise(sorted({*ends["month"].unique(), *months})) if month in months}
    closing = ends.filter("is_last").select(*_PART, "security_id")
    expected = (
        closing.with_columns(pl.col("month").replace_strict(following, default=None, return_dtype=pl.String))
        .drop_nulls("month")
        .join(closing.with_columns(pl.lit(value=True).alias("there")), on=[*_PART, "security_id"], how="left", validate="1:1")
    )
    lost = pl.col("there").is_null()
    return Finding("priced_names", _of_many(expected, (~lost).mean(), lost.sum()), lambda: expected.filter(lost))


def _stale_names(ends: pl.DataFrame) -> Finding:
    stale = (pl.col("still") >= STALE_SESSIONS) | ~pl.col("is_last")
    return Finding("stale_names", _of_many(ends, stale.mean(), stale.sum()), lambda: ends.filter(stale))


def _zero_volume(rows: pl.DataFrame) -> Finding:
    quiet = pl.col("volume").fill_null(0) == 0
    return Finding("zero_volume", _of_many(rows, quiet.mean(), quiet.sum()), lambda: rows.filter(quiet))


def _jumped() -> pl.Expr:
    without_action = (pl.col("split_ratio").fill_null(1.0) == 1.0) & (pl.col("cash_dividend").fill_null(0.0) == 0.0)
    return (pl.col("return_1e9").abs() > LARGE_RETURN * _NANO).fill_null(value=False) & without_action


def _flagged(flag: str) -> pl.Expr:
    return pl.col("quality").str.split(",").list.contains(flag)


def _names_with(
    rows: pl.DataFrame, ends: pl.DataFrame, check: str, condition: pl.Expr, *, sessions: int = 1, share: bool = False
) -> Finding:
    """Names with a condition on at least some sessions of the month: their number, or their share of all."""
    found = rows.filter(condition).group_by(*_PART, "security_id").len().filter(pl.col("len") >= sessions)
    failed = {(month, market): count for month, market, count in found.group_by(_PART).len().iter_rows()}
    names = ends.group_by(_PART).len().iter_rows()
    measured = ((month, market, failed.get((month, market), 0), total) for month, market, total in names)
    figures = [Figure(month, market, count / (total if share else 1), count, total) for month, market, count, total in measured]
    return Finding(check, figures, lambda: found)


def _month_end_priced(ends: pl.DataFrame) -> Finding:
    """Sessions of the month after the last one that has rows."""
    figures = []
    for month, market, last, names in ends.group_by(_PART).agg(pl.col("session_date").max(), pl.len().alias("names")).iter_rows():
        missing = sum(session > last for session in month_sessions(CALENDAR_OF_MARKET[market], month))
        figures.append(Figure(month, market, float(missing), missing, names))
    return Finding("month_end_priced", figures)


def _of_many(rows: pl.DataFrame, value: pl.Expr, failed: pl.Expr) -> list[Figure]:
    """Figures by market, where there are enough names to speak of a share."""
    return figures_of(rows.group_by(_PART).agg(counted(value, failed)).filter(pl.col("total") >= FEWEST_NAMES))
