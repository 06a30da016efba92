"""Checks of daily prices that look for another unit, another line, or a part of a file that did not come."""

from collections.abc import Sequence
from itertools import pairwise

import numpy as np
import polars as pl

from wg_dagster.calendars import CALENDAR_OF_MARKET, month_sessions
from wg_dagster.quality.figures import Figure, Finding, figures_of
from wg_dagster.quality.looks import PRICE_COLUMNS, Stored
from wg_dagster.quality.thresholds import FEWEST_NAMES

_PART = ("month", "market")
_SWAP_MOVE = 0.08  # log: names of nearly the same price cannot be told apart by it
_SWAP_WILD = 16.0  # times the median move of 15 sessions; half of it where the volumes were exchanged too
_SWAP_FIT = 0.05  # log: how near a close comes to what the other name closed at
_SWAP_MOST = 1000  # movers of a session beyond which pairs say nothing: the market itself fell
_SMALLEST_MOVE = 0.004
_CALM = 15  # sessions that say what an ordinary move is; they lie in the month before at the latest
_VOLUME_FACTOR = 100.0
_FEWEST_TRADED = 5  # sessions with volume in each of the two months


def check_breaks(rows: pl.DataFrame, months: Sequence[str], stored: Stored) -> list[Finding]:
    """Departures, levels, volumes, sessions and exchanged names of `prices_clean`, by market."""
    seen = pl.concat([stored("prices_clean"), rows.select(PRICE_COLUMNS)])
    names = {(month, market): count for month, market, count in rows.group_by(_PART).agg(pl.col("security_id").n_unique()).iter_rows()}
    flagged = rows.filter(pl.col("quality") != "")
    return [
        _named("untold_departures", _departed(seen, months, stored("securities_clean")), names),
        _named("level_breaks", rows.filter(_broke_level()), names),
        _repeated_sessions(rows, flagged),
        _thin_sessions(rows),
        _named("exchanged_names", _exchanged(seen, months), names),
        _named("volume_breaks", _volume_breaks(seen, months), names),
    ]


def _named(check: str, found: pl.DataFrame, names: dict[tuple[str, str], int]) -> Finding:
    """The number of names found, by month and market."""
    counts = {(month, market): count for month, market, count in found.group_by(_PART).agg(pl.col("security_id").n_unique()).iter_rows()}
    figures = [Figure(*part, float(counts.get(part, 0)), counts.get(part, 0), total) for part, total in sorted(names.items())]
    return Finding(check, figures, lambda: found)


def _broke_level() -> pl.Expr:
    """Five times the close before, or a fifth, where no action says why; also where such a move has no return."""
    quiet = (pl.col("split_ratio").fill_null(1.0) == 1.0) & (pl.col("cash_dividend").fill_null(0.0) == 0.0)
    far = (pl.col("return_1e9") > 4_000_000_000) | (pl.col("return_1e9") < -800_000_000)
    return _flag("jump") | (far.fill_null(value=False) & quiet)


def _flag(name: str) -> pl.Expr:
    return pl.col("quality").str.split(",").list.contains(name)


def _followed(seen: pl.DataFrame, months: Sequence[str]) -> dict[str, str]:
    """Month -> the month after it that is judged."""
    return {before: month for before, month in pairwise(sorted({*seen["month"].unique(), *months})) if month in months}


def _departed(seen: pl.DataFrame, months: Sequence[str], listings: pl.DataFrame) -> pl.DataFrame:
    """Names that closed on the last session of the month before and not on this month's, and that nobody said had left."""
    last = seen.select(*_PART, "security_id", "session_date").filter(pl.col("session_date") == pl.col("session_date").max().over(_PART))
    closing = last.select(*_PART, "security_id").unique()
    following = pl.col("month").replace_strict(_followed(seen, months), default=None, return_dtype=pl.String)
    expected = closing.with_columns(following.alias("month")).drop_nulls("month")
    told = listings.filter(pl.col("listed_to").is_not_null() & ~_flag("listed_to_inferred")).select("month", "security_id").unique()
    there = seen.select(_PART).unique()
    return (
        expected.join(closing, on=[*_PART, "security_id"], how="anti")
        .join(there, on=list(_PART), how="semi")
        .join(told, on=["month", "security_id"], how="anti")
    )


def _repeated_sessions(rows: pl.DataFrame, flagged: pl.DataFrame) -> Finding:
    """The largest share of a session's traded bars that are those of the session before, by month and market."""
    session = [*_PART, "session_date"]
    repeated = flagged.filter(_flag("stale")).group_by(session).agg(pl.len().alias("again"))
    traded = rows.filter(pl.col("volume") > 0).group_by(session).agg(pl.len().alias("bars")).filter(pl.col("bars") >= FEWEST_NAMES)
    shares = traded.join(repeated, on=session, how="left").with_columns(pl.col("again").fill_null(0))
    worst = (
        shares.sort(*session)
        .group_by(_PART, maintain_order=True)
        .agg(
            (pl.col("again") / pl.col("bars")).max().alias("value"),
            pl.col("again").max().cast(pl.Int64).alias("failed"),
            pl.col("bars").sum().alias("total"),
        )
    )
    return Finding("repeated_sessions", figures_of(worst))


def _thin_sessions(rows: pl.DataFrame) -> Finding:
    """Rows of the emptiest session over those of the median one; sessions after the last one that has rows are `month_end_priced`'s."""
    figures = []
    counts = rows.group_by(*_PART, "session_date").len().sort(*_PART, "session_date")
    for (month, market), sessions in counts.group_by(_PART, maintain_order=True):
        usual, last = float(np.median(sessions["len"].to_numpy())), sessions["session_date"][-1]
        wanted = sum(day <= last for day in month_sessions(CALENDAR_OF_MARKET[str(market)], str(month)))
        fewest = int(sessions["len"].to_numpy().min()) if sessions.height >= wanted else 0
        if usual >= FEWEST_NAMES:
            figures.append(Figure(str(month), str(market), fewest / usual, int(usual) - fewest, int(sessions["len"].sum())))
    return Finding("thin_sessions", figures)


def _volume_breaks(seen: pl.DataFrame, months: Sequence[str]) -> pl.DataFrame:
    """Names whose median volume is a hundred times that of the month before, or a hundredth."""
    usual = (
        seen.filter(pl.col("volume") > 0)
        .group_by(*_PART, "security_id")
        .agg(pl.col("volume").median().alias("now"), pl.len().alias("sessions"))
        .filter(pl.col("sessions") >= _FEWEST_TRADED)
        .drop("sessions")
    )
    following = pl.col("month").replace_strict(_followed(seen, months), default=None, return_dtype=pl.String)
    before = usual.with_columns(following.alias("month")).drop_nulls("month").rename({"now": "before"})
    ratio = pl.col("now") / pl.col("before")
    both = usual.join(before, on=[*_PART, "security_id"], how="inner")
    return both.filter((ratio >= _VOLUME_FACTOR) | (ratio <= 1 / _VOLUME_FACTOR))


def _exchanged(seen: pl.DataFrame, months: Sequence[str]) -> pl.DataFrame:
    """Pairs of names of one session that each continue where the other one closed, in price and in volume."""
    own = pl.col("security_id") == pl.col("security_id").shift()
    move = pl.col("close").log() - pl.col("close").shift().log()
    volume = pl.col("volume").cast(pl.Float64).clip(1.0).log()
    moved = (
        seen.sort("security_id", "session_index")
        .with_columns(
            pl.when(own).then(pl.col("close").shift().log()).alias("before"),
            pl.col("close").log().alias("after"),
            pl.max_horizontal(move.abs(), _SMALLEST_MOVE).rolling_median(_CALM, min_samples=5).shift().over("security_id").alias("calm"),
            volume.rolling_median(5, min_samples=1).shift().over("security_id").alias("usual"),
            volume.reverse().rolling_median(5, min_samples=1).reverse().over("security_id").alias("traded"),
        )
        .filter(own & pl.col("month").is_in(list(months)) & ((pl.col("after") - pl.col("before")).abs() > _SWAP_MOVE))
        .filter(pl.len().over("market", "session_date").is_between(2, _SWAP_MOST))
    )
    found = [pair for _, session in moved.group_by("market", "session_date", maintain_order=True) for pair in _pairs(session)]
    return pl.concat(found) if found else moved.select(*_PART, "security_id").clear()


def _pairs(session: pl.DataFrame) -> list[pl.DataFrame]:
    """Names that close where another one closed before, and it where they did, after moves that are out of the ordinary for both."""
    before, after, calm, usual, traded = (session[name].to_numpy().astype(float) for name in ("before", "after", "calm", "usual", "traded"))
    wild = np.abs(after - before) / calm
    wild = np.minimum(wild[:, None], wild[None, :])
    closer = np.abs(traded[:, None] - usual[None, :]) - np.abs(traded - usual)[:, None]  # negative: trades like the other one
    fits = np.abs(after[:, None] - before[None, :]) < _SWAP_FIT
    both = fits & fits.T & ((wild > _SWAP_WILD) | ((wild > _SWAP_WILD / 2) & (closer + closer.T < 0.0)))
    np.fill_diagonal(both, val=False)
    hit = np.flatnonzero(both.any(axis=1))
    return [session[hit.tolist()].select(*_PART, "security_id")] if hit.size else []
