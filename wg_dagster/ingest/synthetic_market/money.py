"""Bill rates and the yen: one value a day."""

from datetime import date

import numpy as np
import polars as pl

from wg_dagster.calendars import month_sessions
from wg_dagster.ingest.synthetic_market.parameters import Parameters
from wg_dagster.ingest.synthetic_market.rows import days, finish, known_by_day_end
from wg_dagster.ingest.synthetic_market.schedule import BEFORE

_YEN_START, _YEN_VOLATILITY = 115.0, 0.09  # yen a dollar; per year
_BILLS = {"us_bill": (0.022, 0.012, 0.0), "jp_bill": (0.001, 0.003, -0.003)}  # start, volatility per year, floor


def usdjpy(p: Parameters) -> list[np.ndarray]:
    """Yen a dollar at each New York session, by month."""
    log, out = float(np.log(_YEN_START)), []
    for month in p.months:
        steps = _YEN_VOLATILITY / np.sqrt(252) * p.stream("usdjpy", month).standard_normal(len(month_sessions("XNYS", month)))
        path = log + np.cumsum(steps - 0.0002 * (log - np.log(_YEN_START)))
        log = float(path[-1])
        out.append(np.round(np.exp(path), 3))
    return out


def yen_by_account_month(yen: list[np.ndarray]) -> np.ndarray:
    """Month-end rate for each month of accounts; the months before the span take the first one."""
    ends = np.array([path[-1] for path in yen])
    return np.concatenate([np.full(BEFORE, ends[0]), ends])


def rates(p: Parameters, yen: list[np.ndarray]) -> pl.DataFrame:
    """Rows of `rates`: the yen and two bill rates."""
    us = [day for month in p.months for day in month_sessions("XNYS", month)]
    jp = [day for month in p.months for day in month_sessions("XTKS", month)]
    frames = [
        _rows("US", "usdjpy", us, np.concatenate(yen)),
        _rows("US", "us_bill", us, _bill(p, "us_bill", "XNYS")),
        _rows("JP", "jp_bill", jp, _bill(p, "jp_bill", "XTKS")),
    ]
    return finish("rates", pl.concat(frames), "rates")


def _bill(p: Parameters, rate_id: str, calendar: str) -> np.ndarray:
    start, volatility, floor = _BILLS[rate_id]
    value, out = start, []
    for month in p.months:
        for shock in p.stream(rate_id, month).standard_normal(len(month_sessions(calendar, month))):
            value = max(value + 0.0008 * (start - value) + volatility / np.sqrt(252) * shock, floor)
            out.append(value)
    return np.round(np.array(out), 6)


def _rows(market: str, rate_id: str, dates: list[date], values: np.ndarray) -> pl.DataFrame:
    on = np.array(dates, dtype="datetime64[D]")
    return pl.DataFrame({"rate_id": np.full(len(on), rate_id), "date": days(on), "known_at": known_by_day_end(market, on), "value": values})
