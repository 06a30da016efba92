"""What members, momentum, volatility, US beta, liquidity and dividends need of prices, in one pass over the months.

Every month end looks back on its last 64 sessions (age 0 is the last). All sums are of whole numbers (returns in 1e-9), so a month
built alone equals the same month of a long range bit by bit.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl
import pyarrow as pa

from wg_dagster.calendars import month_shift, months_between
from wg_dagster.factor_windows import columns
from wg_dagster.factor_windows.exact import HUGEINT, Digits, as_hugeint, as_int64, minus, plus, products, split
from wg_dagster.factor_windows.looks import NEVER
from wg_dagster.factor_windows.price_shelf import COLUMNS, Prices, PriceShelf

MONTHS_BACK = 12  # of price rows that a month end may see
_YEAR, _WINDOW = 12, 4  # months of ex-days, and months that hold the sessions of a window
_SESSIONS, _CLOSES, _VALUES = 60, 61, 20
Split = tuple[np.ndarray, np.ndarray]
_EX_DAYS = ("security_id", "session_date", "market", "cash_dividend", "known_at")
Reader = Callable[[str, Sequence[str]], pl.DataFrame]  # month, columns -> rows of prices_clean


@dataclass(frozen=True)
class UsSide:
    """What a month end knows of the US market in its last 60 sessions, oldest first; numbers in 1e-9."""

    is_pair: np.ndarray  # there is a US return, and one before it
    has_bill_rate: np.ndarray
    x: np.ndarray  # US return
    z: np.ndarray  # the US return before
    b: np.ndarray  # bill rate; 0 where unknown
    known_at: np.ndarray


def price_windows(read: Reader, sessions: pl.DataFrame, securities: pl.DataFrame, us_returns: pl.DataFrame) -> pa.Table:
    """One row a security and month that has a close at the month's last session.

    Parameters
    ----------
    read
        Columns of a month of `prices_clean`.
    sessions
        `stg_sessions`: month, market, session_date, is_month_end, cutoff_at.
    securities
        `stg_securities`: month, security_id, market; its names and months are built.
    us_returns
        `int_us_returns_60d`: 64 rows a month and market.

    Returns
    -------
    The table of the dbt model `int_price_windows`.
    """
    months = us_returns["month"].unique().sort().to_list()
    if not months:
        return _SCHEMA.empty_table()
    markets = [_Market(name, months, sessions, securities, us_returns) for name in securities["market"].unique().sort()]
    parts = []
    for month in months_between(month_shift(months[0], 1 - _YEAR), months[-1]):
        rows = read(month, COLUMNS if month >= month_shift(months[0], -_WINDOW) else _EX_DAYS)
        parts += [part for market in markets for part in market.take(month, rows)]
    return pa.concat_tables(parts) if parts else _SCHEMA.empty_table()


class _Market:
    """Months of one market come in, the rows of month ends come out."""

    def __init__(self, name: str, months: list[str], sessions: pl.DataFrame, securities: pl.DataFrame, us_returns: pl.DataFrame) -> None:
        self.name = name
        self._first = months[0]
        names = securities.filter(pl.col("market") == name)["security_id"].unique().sort()
        self._shelf = PriceShelf(names.to_numpy())
        own = sessions.filter(pl.col("market") == name).sort("session_date")
        self._days = {str(key[0]): days for key, days in own.partition_by("month", as_dict=True).items()}
        own = us_returns.filter(pl.col("market") == name)
        self._us = {str(key[0]): _us_side(rows) for key, rows in own.partition_by("month", as_dict=True).items()}
        self._seen: dict[str, tuple[np.ndarray, np.ndarray]] = {}

    def take(self, month: str, rows: pl.DataFrame) -> Iterator[pa.Table]:
        """What of the month could be known at its own cut-off; the table of its month end if it is to be built."""
        if month not in self._days:  # before the calendar begins
            none = np.zeros(len(self._shelf.names), np.int64)
            self._seen[month] = none, none
            return
        days = self._days[month]
        cutoff = days.filter("is_month_end")["cutoff_at"].item()
        in_time = rows["known_at"].max()
        if in_time is None or in_time > cutoff or not (rows["market"] == self.name).all():
            rows = rows.filter(pl.col("market") == self.name, pl.col("known_at") <= cutoff)
        placed = self._shelf.place(rows, days["session_date"].to_numpy())
        self._seen[month] = _ex_days(placed, len(self._shelf.names))
        if month >= month_shift(self._first, -_WINDOW):
            self._shelf.add(placed, days.height)
        if month in self._us:
            last = placed[np.flatnonzero(placed["day"].to_numpy() == days.height - 1)]
            yield self._month_end(month, last.filter(pl.col("close") > 0))
        self._seen.pop(month_shift(month, 1 - _YEAR), None)

    def _month_end(self, month: str, last: pl.DataFrame) -> pa.Table:
        window, codes = self._shelf.window(), last["code"].to_numpy()
        year = np.array([self._seen[one] for one in months_between(month_shift(month, 1 - _YEAR), month)])[:, :, codes]
        values = (
            {name: pl.repeat(text, len(codes), eager=True).to_arrow() for name, text in (("month", month), ("market", self.name))}
            | {name: last[name].to_arrow() for name in ("security_id", "currency", "close", "market_cap", "shares_source", "known_at")}
            | _own_sums(window, codes)
            | _pair_sums(window, self._us[month], codes)
            | {
                "month_count": columns.as_wholes((year[:, 0] > 0).sum(axis=0)),
                "unseen_sessions": columns.as_wholes(year[:, 1].sum(axis=0)),
            }
        )
        return pa.table([values[name] for name in _SCHEMA.names], schema=_SCHEMA)


def _ex_days(placed: pl.DataFrame, size: int) -> tuple[np.ndarray, np.ndarray]:
    """Sessions of each name on which a dividend would have been seen, and those on which not."""
    codes, is_seen = placed["code"].to_numpy(), placed["cash_dividend"].is_not_null().to_numpy()
    visible = np.bincount(codes, is_seen, size).astype(np.int64)
    return visible, np.bincount(codes, minlength=size) - visible


def _us_side(us_returns: pl.DataFrame) -> UsSide:
    rows = us_returns.filter(pl.col("age") < _SESSIONS).sort("age", descending=True)
    x, z, b = (rows[name].fill_null(0).to_numpy() for name in ("us_return_1e9", "us_return_lag_1e9", "bill_return_1e9"))
    is_pair = (rows["us_return_1e9"].is_not_null() & rows["us_return_lag_1e9"].is_not_null()).to_numpy()
    known_at = rows["known_at"].to_physical().fill_null(NEVER).to_numpy()
    side = UsSide(is_pair, rows["bill_return_1e9"].is_not_null().to_numpy(), x, z, b, known_at)
    missing = _SESSIONS - rows.height  # the calendar's first months have fewer sessions before them
    return (
        UsSide(*(np.concatenate([np.full(missing, values.dtype.type(0)), values]) for values in vars(side).values())) if missing else side
    )


def _own_sums(window: Prices, codes: np.ndarray) -> dict[str, pa.Array]:
    """Counts and sums of each name's own closes, returns and traded values."""
    closes, returns, values = window.last(_CLOSES), window.last(_SESSIONS), window.last(_VALUES)
    count = _added(returns.has_return, codes)
    some, value_count = count > 0, _added(values.has_value, codes)
    return {
        "close_count": columns.as_wholes(_added(closes.has_close, codes)),
        "has_first_close": columns.as_flags(closes.has_close[0][codes] > 0),
        "return_count": columns.as_wholes(count),
        "zero_return_count": columns.as_wholes(_added(returns.is_unchanged, codes), some),
        "sum_log_return": columns.as_wholes(as_int64([_added(returns.low, codes), _added(returns.high, codes)]), some),
        "sum_log_return_squared": as_hugeint(_squares(returns, codes), some),
        "traded_value_count": columns.as_wholes(value_count),
        "sum_traded_value_cents": columns.as_wholes(_added(values.cents, codes), value_count > 0),
        "market_cap_63_sessions_ago": columns.as_numbers(window.market_cap[0][codes]),
        "window_known_at": columns.as_instants(window.known_at.max(axis=0)[codes]),
    }


def _added(values: np.ndarray, codes: np.ndarray) -> np.ndarray:
    """Whole sums over the sessions, of the names asked for; up to 64 small counts fit into 8 bits."""
    return np.add.reduce(values, axis=0, dtype=values.dtype)[codes].astype(np.int64)


def _squares(prices: Prices, codes: np.ndarray) -> Digits:
    """Sums of squared returns."""
    high, low = prices.high, prices.low
    sums = (np.einsum("ij,ij->j", left, right) for left, right in ((low, low), (high, low), (high, high)))
    return [digit[codes] * weight for digit, weight in zip(sums, (1, 2, 1), strict=True)]


def _pair_sums(window: Prices, us: UsSide, codes: np.ndarray) -> dict[str, pa.Array]:
    """Sums over the sessions that have a return of the name and the US returns beside it; y is the name's return over the bill rate."""
    prices = window.last(_SESSIONS)
    if not us.is_pair.all():
        prices = Prices(*(values[us.is_pair] for values in vars(prices).values()))
    x, z, b = (split(values[us.is_pair]) for values in (us.x, us.z, us.b))
    weights = np.column_stack([np.ones(len(x[0])), *x, *z, *b])
    high, low = ((values.T @ weights)[codes] for values in (prices.high, prices.low))
    r = [low[:, 0], high[:, 0]]
    xr, zr, br = ([low[:, k + 1], low[:, k] + high[:, k + 1], high[:, k]] for k in (1, 3, 5))
    rr = _squares(prices, codes)
    count, is_billed, us_known_at, (sum_x, sum_z, sum_b, xx, zz, bb, xz, bx, bz) = _us_sums(prices.has_return[:, codes], us, x, z, b)
    some = count > 0
    exact = {"xx": xx, "zz": zz, "xz": xz, "yy": plus(minus(rr, br, br), bb), "xy": minus(xr, bx), "zy": minus(zr, bz)}
    return {
        "pair_count": columns.as_wholes(count),
        "has_bill_rate": columns.as_flags(is_billed, some),
        "pair_known_at": columns.as_instants(np.maximum(window.known_at.max(axis=0)[codes], us_known_at)),
        **{f"sum_{name}": columns.as_wholes(as_int64(value), some) for name, value in (("x", sum_x), ("z", sum_z), ("y", minus(r, sum_b)))},
        **{f"sum_{name}": as_hugeint(value, some) for name, value in exact.items()},
    }


def _us_sums(
    has_return: np.ndarray, us: UsSide, x: Split, z: Split, b: Split
) -> tuple[np.ndarray, np.ndarray, np.ndarray, tuple[Digits, ...]]:
    """Pairs, whether all have a bill rate, when the last was known, and sums of x, z, b, xx, zz, bb, xz, bx, bz over each name's pairs."""
    singles, doubles = (x, z, b), [products(*pair) for pair in ((x, x), (z, z), (b, b), (x, z), (b, x), (b, z))]
    digits = [part for high, low in singles for part in (low, high)] + [digit for double in doubles for digit in double]
    sums = has_return.T @ np.column_stack([np.ones(len(x[0])), ~us.has_bill_rate[us.is_pair], *digits])
    known_at = us.known_at[us.is_pair]
    latest = np.full(has_return.shape[1], known_at.max(initial=NEVER))
    gappy = sums[:, 0] < len(known_at)
    latest[gappy] = np.where(has_return[:, gappy] > 0, known_at[:, None], NEVER).max(axis=0, initial=NEVER)
    columns = iter(sums[:, 2:].T)
    numbers = tuple([next(columns) for _ in range(size)] for size in [2] * len(singles) + [3] * len(doubles))
    return sums[:, 0].astype(np.int64), sums[:, 1] == 0, latest, numbers


_SCHEMA = pa.schema(
    {
        **dict.fromkeys(("month", "security_id", "market", "currency"), columns.TEXT),
        **dict.fromkeys(("close", "market_cap"), pa.float64()),
        "shares_source": columns.TEXT,
        "known_at": columns.UTC,
        "close_count": pa.int64(),
        "has_first_close": pa.bool_(),
        **dict.fromkeys(("return_count", "zero_return_count", "sum_log_return"), pa.int64()),
        "sum_log_return_squared": HUGEINT,
        **dict.fromkeys(("traded_value_count", "sum_traded_value_cents"), pa.int64()),
        "market_cap_63_sessions_ago": pa.float64(),
        "window_known_at": columns.UTC,
        "pair_count": pa.int64(),
        "has_bill_rate": pa.bool_(),
        "pair_known_at": columns.UTC,
        **dict.fromkeys(("sum_x", "sum_z", "sum_y"), pa.int64()),
        **dict.fromkeys(("sum_xx", "sum_zz", "sum_xz", "sum_yy", "sum_xy", "sum_zy"), HUGEINT),
        **dict.fromkeys(("month_count", "unseen_sessions"), pa.int64()),
    }
)
