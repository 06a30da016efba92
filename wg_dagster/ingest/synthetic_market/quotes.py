"""Daily price rows of one market and month: open, high, low, volume around the simulated closes."""

import numpy as np
import polars as pl

from wg_dagster.ingest.synthetic_market.listings import ETFS
from wg_dagster.ingest.synthetic_market.market import Month, Simulated, quoted
from wg_dagster.ingest.synthetic_market.parameters import Parameters
from wg_dagster.ingest.synthetic_market.rows import days, finish, known_by_day_end, symbols_on
from wg_dagster.ingest.synthetic_market.weather import YEAR

_TURNOVER = {"US": 0.006, "JP": 0.006}  # of the shares a day, at usual volatility
_FUND_SCALE, _FUND_VOLUME = 10.0, 2_000_000  # a tenth of the index level; shares a day


def price_rows(p: Parameters, simulated: Simulated, m: int, fund_levels: dict[str, np.ndarray]) -> pl.DataFrame:
    """Rows of `prices` for month `m`; `fund_levels` are the month's index levels that the funds follow."""
    month, market = simulated.months[m], simulated.market
    row, slot = np.nonzero(~np.isnan(month.close))
    dates = np.array(month.dates, dtype="datetime64[D]")
    shape = _bars(p, simulated, m)
    company = month.company[slot]
    cells = {name: pl.Series(values[row, slot]) for name, values in shape.items()}
    lines = pl.DataFrame(
        {
            "vendor_symbol": symbols_on(simulated.companies, company, dates[row]),
            "session_date": days(dates[row]),
            "known_at": known_by_day_end(market, dates[row]),
            **cells,
            "split_ratio": month.split[row, slot],
            "cash_dividend": month.dividend[row, slot],
        }
    )
    funds = [_fund(market, month, symbol, fund_levels[index]) for symbol, _, index in ETFS[market]]
    rows = pl.concat([lines, *funds]).with_columns(
        currency=pl.lit("USD" if market == "US" else "JPY"),
        vendor_adjusted_close="close",
        known_at_rule=pl.lit("first_seen"),
    )
    return finish("prices", rows, f"prices/{market.lower()}")


def _bars(p: Parameters, simulated: Simulated, m: int) -> dict[str, np.ndarray]:
    """Open, high, low and volume, (sessions, slots) each; busy sessions are those with large moves and with news."""
    month, market, companies = simulated.months[m], simulated.market, simulated.companies
    rng = p.stream("bars", market, p.months[m])
    gap, up, down, busy = rng.standard_normal((4, *month.close.shape))
    close = month.close
    before = np.vstack([month.previous[None, :], close[:-1]]) / month.split
    before = np.where(np.isnan(before), close, before)
    daily = np.maximum(np.abs(close / before - 1), 0.004)
    opened = quoted(market, before * np.exp(0.3 * daily * gap))
    high = np.maximum(np.maximum(opened, close), quoted(market, np.maximum(opened, close) * (1 + 0.35 * daily * np.abs(up))))
    low = np.minimum(np.minimum(opened, close), quoted(market, np.minimum(opened, close) * (1 - 0.3 * daily * np.minimum(np.abs(down), 3))))
    habit = companies.habits["turnover"][month.company] + 0.0 * close
    size = companies.slot_size
    surprise = 1 + 8 * np.minimum(daily, 0.15) * np.sqrt(YEAR) / 2 + 12 * np.abs(month.news_jump)
    turnover = _TURNOVER[market] * np.exp(0.35 * habit + 0.10 * size + 0.25 * busy) * surprise / 1.6
    later = np.cumprod(month.split[::-1], axis=0)[::-1] / month.split
    lot = 1 if market == "US" else 100
    shares = month.shares / later
    volume = np.where(np.isnan(close), 0.0, np.round(shares * turnover / lot) * lot)
    return {"open": opened, "high": high, "low": low, "close": close, "volume": volume.astype(np.int64)}


def _fund(market: str, month: Month, symbol: str, levels: np.ndarray) -> pl.DataFrame:
    """A fund that follows an index and pays nothing out."""
    dates = np.array(month.dates, dtype="datetime64[D]")
    close = quoted(market, levels / _FUND_SCALE)
    return pl.DataFrame(
        {
            "vendor_symbol": np.full(len(dates), symbol),
            "session_date": days(dates),
            "known_at": known_by_day_end(market, dates),
            "open": close,
            "high": close,
            "low": close,
            "close": close,
            "volume": np.full(len(dates), _FUND_VOLUME, dtype=np.int64),
            "split_ratio": np.ones(len(dates)),
            "cash_dividend": np.zeros(len(dates)),
        }
    )
