"""Checks of daily prices: who has a close, whose close stands still, what moved without a reason."""

from collections.abc import Sequence
from itertools import pairwise

import polars as pl

from wg_dagster.calendars import CALENDAR_OF_MARKET, month_sessions
from wg_dagster.quality.figures import Finding, figures
from wg_dagster.quality.looks import PRICE_COLUMNS, Stored
from wg_dagster.quality.thresholds import FEWEST_NAMES, LARGE_RETURN, REPEATED_SESSIONS, STALE_SESSIONS

_NANO = 1e9
_PART = ("month", "market")


def check_prices(rows: pl.DataFrame, months: Sequence[str], stored: Stored) -> list[Finding]:
    """Coverage, staleness, volume, jumps and flags of `prices_clean`, by market."""
    ends = last_closes(pl.concat([stored("prices_clean"), rows.select(PRICE_COLUMNS)]))
    names = ends.group_by(_PART).len("names")
    return [
        _priced_names(ends, months),
        _stale_names(ends.filter(pl.col("month").is_in(list(months)))),
        _zero_volume(rows),
        _names_with(rows, names, "jumps", _jumped(), share=True),
        _names_with(rows, names, "suspected_splits", _flagged("split_suspected")),
        _names_with(rows, names, "repeated_bars", _flagged("stale"), sessions=REPEATED_SESSIONS),
        _month_end_priced(rows),
    ]


def last_closes(rows: pl.DataFrame) -> pl.DataFrame:
    """| month | market | security_id | session_date | still | is_last |: the last row of each name and month.

    `still` counts the sessions since its close was another one; `is_last` says that it lies on the market's last session of the month.
    """
    ordered = (
        rows.drop_nulls("close")
        .with_columns(pl.col("security_id").cast(pl.Categorical).to_physical().alias("_code"))
        .sort("_code", "session_index")
    )
    begins = (pl.col("_code") != pl.col("_code").shift()).fill_null(value=True)
    moved = pl.when(begins | (pl.col("close") != pl.col("close").shift())).then("session_index").forward_fill()
    ends = ((pl.col("_code") != pl.col("_code").shift(-1)) | (pl.col("month") != pl.col("month").shift(-1))).fill_null(value=True)
    return (
        ordered.select(*PRICE_COLUMNS, (pl.col("session_index") - moved).alias("still"), ends.alias("_ends"))
        .filter("_ends")
        .select(*_PART, "security_id", "session_date", "still")
        .with_columns((pl.col("session_date") == pl.col("session_date").max().over(_PART)).alias("is_last"))
    )


def _priced_names(ends: pl.DataFrame, months: Sequence[str]) -> Finding:
    """Share of the names that closed on the month before's last session and close on this one's."""
    order = sorted({*ends["month"].unique(), *months})
    following = dict(pairwise(order))
    closing = ends.filter("is_last").select(*_PART, "security_id")
    expected = (
        closing.filter(pl.col("month").is_in(list(following)))
        .with_columns(pl.col("month").replace_strict(following, return_dtype=pl.String))
        .filter(pl.col("month").is_in(list(months)))
        .join(closing.with_columns(pl.lit(value=True).alias("there")), on=[*_PART, "security_id"], how="left")
    )
    lost = pl.col("there").is_null()
    return Finding("priced_names", _enough(_by_part(expected, 1 - lost.mean(), lost.sum())), lambda: expected.filter(lost))


def _stale_names(ends: pl.DataFrame) -> Finding:
    stale = (pl.col("still") >= STALE_SESSIONS) | ~pl.col("is_last")
    return Finding("stale_names", _enough(_by_part(ends, stale.mean(), stale.sum())), lambda: ends.filter(stale))


def _zero_volume(rows: pl.DataFrame) -> Finding:
    quiet = pl.col("volume").fill_null(0) == 0
    return Finding("zero_volume", _by_part(rows, quiet.mean(), quiet.sum()), lambda: rows.filter(quiet))


def _jumped() -> pl.Expr:
    without_action = (pl.col("split_ratio").fill_null(1.0) == 1.0) & (pl.col("cash_dividend").fill_null(0.0) == 0.0)
    return (pl.col("return_1e9").abs() > LARGE_RETURN * _NANO).fill_null(value=False) & without_action


def _flagged(flag: str) -> pl.Expr:
    return (pl.col("quality") != "") & pl.concat_str(pl.lit(","), "quality", pl.lit(",")).str.contains(f",{flag},", literal=True)


def _names_with(
    rows: pl.DataFrame, names: pl.DataFrame, check: str, condition: pl.Expr, *, sessions: int = 1, share: bool = False
) -> Finding:
    """Names with a condition on at least some sessions of the month: their number, or their share of all."""
    found = rows.filter(condition).group_by(*_PART, "security_id").len("sessions").filter(pl.col("sessions") >= sessions)
    counted = names.join(rows.select(_PART).unique(), on=_PART, how="semi").join(found.group_by(_PART).len("failed"), on=_PART, how="left")
    value = pl.col("failed") / (pl.col("names") if share else 1)
    counted = counted.with_columns(pl.col("failed").fill_null(0).cast(pl.Int64), pl.col("names").cast(pl.Int64))
    return Finding(
        check,
        counted.select(
            "month", pl.col("market").alias("part"), value.cast(pl.Float64).alias("value"), "failed", pl.col("names").alias("total")
        ),
        lambda: found,
    )


def _month_end_priced(rows: pl.DataFrame) -> Finding:
    """Sessions of the month after the last one that has rows."""
    last = rows.group_by(_PART).agg(pl.col("session_date").max(), pl.len().alias("rows")).sort(_PART)
    found = []
    for month, market, day, count in last.iter_rows():
        missing = sum(session > day for session in month_sessions(CALENDAR_OF_MARKET[market], month))
        found.append((month, market, float(missing), missing, count))
    return Finding("month_end_priced", figures(found))


def _by_part(rows: pl.DataFrame, value: pl.Expr, failed: pl.Expr) -> pl.DataFrame:
    grouped = rows.group_by(_PART).agg(
        value.cast(pl.Float64).alias("value"), failed.cast(pl.Int64).alias("failed"), pl.len().cast(pl.Int64).alias("total")
    )
    return grouped.rename({"market": "part"}).select("month", "part", "value", "failed", "total")


def _enough(counted: pl.DataFrame) -> pl.DataFrame:
    return counted.filter(pl.col("total") >= FEWEST_NAMES)
