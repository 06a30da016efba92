"""One month of one strategy as arrays: what was held, what the benchmark's proxy held, what each name returned, what was booked.

Days run from the month's first session to its last; in the month of inception the first session only sets the start, because its
trade is filled at the close. Weights are those at the start of a day, that is, at the end of the session before it.
"""

from dataclasses import dataclass
from datetime import date

import numpy as np
import polars as pl

from wg_dagster.calendars import month_shift
from wg_dagster.performance.returns import changes, same_dates

NANO = 1e-9


@dataclass(frozen=True, eq=False)
class Book:
    """Arrays over n names (sorted ids: universe and holdings) and T days.

    weights, proxy : (n, T) of the portfolio and of the proxy at the start of the day; the rest of the portfolio is cash.
    returns : (n, T), NaN where a name has none that day.
    booked, index : (T,) returns of the nav and of the benchmark; trading, cost : (T,) what trades added to the booked return.
    member : (n,) positions of the universe's rows; session_returns : (m, S) their returns on every session of the month.
    """

    security_ids: list[str]
    days: list[date]
    weights: np.ndarray
    proxy: np.ndarray
    returns: np.ndarray
    booked: np.ndarray
    index: np.ndarray
    trading: np.ndarray
    cost: np.ndarray
    member: np.ndarray
    session_returns: np.ndarray

    @property
    def cash(self) -> np.ndarray:
        """Weight of cash at the start of each day, (T,)."""
        return 1.0 - self.weights.sum(axis=0)

    @property
    def proxy_return(self) -> np.ndarray:
        """Return of the proxy portfolio, (T,)."""
        return (self.proxy * np.nan_to_num(self.returns)).sum(axis=0)


def open_book(
    month: str,
    universe: pl.DataFrame,
    *,
    nav: pl.DataFrame,
    levels: pl.DataFrame,
    holdings: pl.DataFrame,
    trades: pl.DataFrame,
    prices: pl.DataFrame,
) -> Book | None:
    """Arrays of a month, or None where there is no nav, no universe of the month before, or no benchmark level.

    `universe` holds the members of the month before; `levels` is `benchmark_nav` of the own benchmark; the other tables may hold
    more months and names than are needed.
    """
    dated = same_dates(nav.filter(pl.col("month").is_in([month_shift(month, -1), month])), levels)
    inside = (dated["month"] == month).to_numpy()
    start = dated[max(int(np.argmax(inside)) - 1, 0) :] if inside.any() else dated[:0]
    if start.height < 2 or start["level"].null_count() or universe.is_empty():
        return None
    ends, sessions = start["session_date"].to_list(), dated.filter(inside)["session_date"].to_list()
    held = holdings.filter(pl.col("session_date").is_in(ends[:-1]))
    ids = sorted({*universe["security_id"], *held["security_id"]})
    member = np.searchsorted(np.array(ids), universe["security_id"].to_numpy())
    returns = _grid(prices.with_columns(pl.col("return_1e9") * NANO), "return_1e9", ids, sessions, np.nan)
    opening = np.zeros(len(ids))
    opening[member] = universe["benchmark_weight"].fill_null(0.0).to_numpy()
    days = len(ends) - 1
    trading, cost = _trade_lines(trades, prices, start)
    return Book(
        security_ids=ids,
        days=ends[1:],
        weights=_grid(held, "weight", ids, ends[:-1], 0.0),
        proxy=drifted(opening, returns)[:, -days:],
        returns=returns[:, -days:],
        booked=changes(start["nav"].to_numpy()),
        index=changes(start["level"].to_numpy()),
        trading=trading,
        cost=cost,
        member=member,
        session_returns=returns[member],
    )


def drifted(opening: np.ndarray, returns: np.ndarray) -> np.ndarray:
    """Weights (n, T) at the start of each day of a portfolio (n,) that is bought once; a name without a return keeps its value."""
    growth = np.cumprod(1.0 + np.nan_to_num(returns), axis=1)
    values = opening[:, None] * np.column_stack([np.ones(len(opening)), growth[:, :-1]])
    return values / values.sum(axis=0)


def _grid(rows: pl.DataFrame, column: str, ids: list[str], days: list[date], empty: float) -> np.ndarray:
    """Values of a long frame as (names, days)."""
    names = pl.DataFrame({"security_id": ids}).with_row_index("_name")
    dates = pl.DataFrame({"session_date": days}).with_row_index("_day")
    placed = rows.select("security_id", "session_date", pl.col(column).cast(pl.Float64).alias("_value")).drop_nulls("_value")
    placed = placed.join(dates, on="session_date", how="inner").join(names, on="security_id", how="inner")
    grid = np.full((len(ids), len(days)), empty)
    grid[placed["_name"].to_numpy(), placed["_day"].to_numpy()] = placed["_value"].to_numpy()
    return grid


def _trade_lines(trades: pl.DataFrame, prices: pl.DataFrame, start: pl.DataFrame) -> tuple[np.ndarray, np.ndarray]:
    """Trading and cost (T,) from the fills, as parts of the booked return of their session; nothing by difference.

    Trading is units bought x (close - fill) over the nav of the session before: zero for a fill at the close, and for a delisted name,
    which has no close. Costs are fractions of the nav just before the trade, which is the booked end value over (1 - costs).
    """
    closes = prices.select("security_id", pl.col("session_date").alias("trade_date"), "close")
    gain = (pl.col("units_after") - pl.col("units_before")) * (pl.col("close") - pl.col("price"))
    daily = (
        trades.join(closes, on=["security_id", "trade_date"], how="left", validate="m:1")
        .sort("trade_date", "security_id")
        .group_by("trade_date", maintain_order=True)
        .agg(gain.fill_null(0.0).sum().alias("gain"), pl.col("cost").sum())
    )
    days = start.select(pl.col("session_date").alias("trade_date"), "nav").with_columns(pl.col("nav").shift(1).alias("nav_before"))
    found = days[1:].join(daily, on="trade_date", how="left").sort("trade_date").with_columns(pl.col("gain", "cost").fill_null(0.0))
    nav, nav_before, gained, cost = (found[name].to_numpy() for name in ("nav", "nav_before", "gain", "cost"))
    return gained / nav_before, -cost / (1.0 - cost) * nav / nav_before
