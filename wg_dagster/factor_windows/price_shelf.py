"""Prices of the latest sessions of one market as dense arrays, session by name: months come in, windows of sessions go out."""

from dataclasses import dataclass

import numpy as np
import polars as pl

from wg_dagster.errors import OutsideData
from wg_dagster.factor_windows.exact import LARGEST, split
from wg_dagster.factor_windows.looks import NEVER

LARGEST_VALUE = 2.0**46  # of a day's trading, in units of the currency: its hundredths are still exact
LONGEST = 64  # sessions of the longest window
COLUMNS = (
    *("security_id", "session_date", "market", "currency", "close", "traded_value", "cash_dividend"),
    *("log_return_1e9", "market_cap", "shares_source", "known_at"),
)
_SPARE = 100  # sessions to take in before the shelf is moved up


@dataclass(frozen=True)
class Prices:
    """Dense arrays of the same sessions (rows) and names (columns); 0 or nothing where a row is missing."""

    has_close: np.ndarray  # 1 or 0, in 8 bits, which add up fast
    has_return: np.ndarray  # 1.0 or 0.0
    high: np.ndarray  # log return in 1e-9, as exact.split gives it
    low: np.ndarray
    is_unchanged: np.ndarray  # a return of 0; 1 or 0 in 8 bits
    has_value: np.ndarray  # a traded value; 1 or 0 in 8 bits
    cents: np.ndarray  # int64: traded value in hundredths
    market_cap: np.ndarray  # NaN where unknown
    known_at: np.ndarray  # int64 microseconds; NEVER where there is no row

    def last(self, sessions: int) -> "Prices":
        """The newest of these sessions."""
        return Prices(*(values[len(values) - sessions :] for values in vars(self).values()))


class PriceShelf:
    """Takes the months of one market in order and keeps the sessions that a window may still reach."""

    def __init__(self, names: np.ndarray) -> None:
        """`names` (names,): security ids in order, the columns of all arrays."""
        self.names = names
        self._ids = pl.Enum(names.tolist())
        size = (LONGEST + _SPARE, len(names))
        kinds = (np.uint8, float, float, float, np.uint8, np.uint8, np.int64, float, np.int64)
        self._all = Prices(*(np.zeros(size, kind) for kind in kinds))
        self._end = LONGEST  # before the first month there is nothing
        self._clear(0, LONGEST)

    def place(self, rows: pl.DataFrame, sessions: np.ndarray) -> pl.DataFrame:
        """The rows of names of the shelf on these sessions (dates, in order), with `code` (of the name) and `day` (of the session)."""
        runs = rows["security_id"].rle()  # rows are stored by name
        codes = runs.struct.field("value").cast(self._ids, strict=False).to_physical().cast(pl.Int64)
        repeated = np.repeat(codes.fill_null(-1).to_numpy(), runs.struct.field("len").to_numpy())
        dates = rows["session_date"].to_numpy()
        days = np.searchsorted(sessions, dates)
        days[sessions[np.minimum(days, len(sessions) - 1)] != dates] = -1
        placed = rows.with_columns(code=pl.Series(repeated, dtype=pl.Int64), day=pl.Series(days, dtype=pl.Int64))
        return placed if min(repeated.min(initial=0), days.min(initial=0)) >= 0 else placed.filter(pl.col("code") >= 0, pl.col("day") >= 0)

    def add(self, placed: pl.DataFrame, sessions: int) -> None:
        """Take in the placed rows of a month of that many sessions."""
        if self._end + sessions > LONGEST + _SPARE:
            self._move_up()
        first, self._end = self._end, self._end + sessions
        self._clear(first, self._end)
        _check(placed)
        at = (first + placed["day"].to_numpy()) * len(self.names) + placed["code"].to_numpy()
        returns, values, shelf = placed["log_return_1e9"], placed["traded_value"], self._all
        high, low = split(returns.fill_null(0).to_numpy())
        new = Prices(
            has_close=placed["close"].is_not_null().to_numpy(),
            has_return=returns.is_not_null().to_numpy(),
            high=high,
            low=low,
            is_unchanged=(returns == 0).fill_null(value=False).to_numpy(),
            has_value=values.is_not_null().to_numpy(),
            cents=np.floor(values.fill_null(0.0).to_numpy() * 100 + 0.5).astype(np.int64),
            market_cap=placed["market_cap"].fill_null(np.nan).to_numpy(),
            known_at=placed["known_at"].to_physical().to_numpy(),
        )
        for name, column in vars(new).items():
            getattr(shelf, name).reshape(-1)[at] = column

    def window(self) -> Prices:
        """The newest LONGEST sessions."""
        return Prices(*(values[self._end - LONGEST : self._end] for values in vars(self._all).values()))

    def _clear(self, first: int, end: int) -> None:
        for name, values in vars(self._all).items():
            values[first:end] = np.nan if name == "market_cap" else NEVER if name == "known_at" else 0

    def _move_up(self) -> None:
        for values in vars(self._all).values():
            values[:LONGEST] = values[self._end - LONGEST : self._end].copy()
        self._end = LONGEST


def _check(placed: pl.DataFrame) -> None:
    """Numbers that the sums cannot hold are errors of the source."""
    wild = placed.filter((pl.col("log_return_1e9").abs() >= LARGEST) | (pl.col("traded_value").abs() >= LARGEST_VALUE))
    if wild.height:
        row = wild.row(0, named=True)
        raise OutsideData(
            f"prices_clean: {row['security_id']} on {row['session_date']}: a logarithmic return of {(row['log_return_1e9'] or 0) / 1e9:g} and a traded "
            f"value of {row['traded_value']} are out of all reason; mend the row in the vendor's file or quarantine it (`wg check`)"
        )
