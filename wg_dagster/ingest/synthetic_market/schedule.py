"""When each company's fiscal quarters end, when it announces and files them, and how large the news is.

One row a company and fiscal quarter, as a dictionary of equally long arrays. Weak companies are late more often.
"""

from dataclasses import dataclass

import numpy as np
import polars as pl

from wg_dagster.calendars import CALENDAR_OF_MARKET, month_shift, session_dates
from wg_dagster.ingest.synthetic_market.companies import Companies
from wg_dagster.ingest.synthetic_market.parameters import Parameters
from wg_dagster.ingest.synthetic_market.traits import TRAITS

BEFORE = 15  # months of accounts before the first price, so that the first filings are whole
ZONES = {"US": "America/New_York", "JP": "Asia/Tokyo"}
_QUARTER_LABELS = np.array(["FY", "Q1", "Q2", "Q3"])


@dataclass
class Quarters:
    """Arrays with one entry a company and fiscal quarter, in order of company and period end.

    `end` is a position among the account months (BEFORE months earlier than the span); `news` is the size of the surprise in standard
    deviations; `reaction` is the session whose close shows it.
    """

    company: np.ndarray
    slot: np.ndarray
    end: np.ndarray
    period: np.ndarray
    fiscal_year: np.ndarray
    period_end: np.ndarray
    announced: np.ndarray
    announced_minute: np.ndarray
    reaction: np.ndarray
    filed: np.ndarray
    filed_minute: np.ndarray
    news: np.ndarray
    months_into_year: np.ndarray


def account_months(p: Parameters) -> list[str]:
    """Months for which there are accounts."""
    return [month_shift(p.first, -k) for k in range(BEFORE, 0, -1)] + p.months


def quarter_news(p: Parameters, market: str, twins: list[tuple[int, int]]) -> np.ndarray:
    """News of the fiscal quarter that starts in a month, (account months, slots)."""
    news = np.stack([p.stream("news", market, month).standard_normal(p.names(market)) for month in account_months(p)])
    for first, second in twins:
        news[:, second] = news[:, first]
    return news


def schedule(p: Parameters, companies: Companies, news: np.ndarray) -> Quarters:
    """All quarters whose whole fiscal year up to their end the company lived through."""
    months, lives = account_months(p), companies.lives
    calendar_month = np.array([int(month[5:]) for month in months])
    fiscal_end = companies.habits["fiscal_end"]
    company, end = np.nonzero((calendar_month[None, :] - fiscal_end[:, None]) % 3 == 0)
    into_year = (calendar_month[end] - fiscal_end[company]) % 12
    into_year = np.where(into_year == 0, 12, into_year)
    year_start = end - into_year + 1
    earliest = np.where(lives.born[company] == 0, 0, lives.born[company] + BEFORE + 1)
    whole = year_start >= earliest
    company, end, into_year = company[whole], end[whole], into_year[whole]
    slot = lives.slot[company]
    year = np.array([int(month[:4]) for month in months])[end] + ((calendar_month[end] > fiscal_end[company]) * 1)
    period_end = _month_ends(months)[end]
    week_filer = _week_filer(companies)
    period_end = np.where(company == week_filer, _last_saturday(period_end), period_end)
    distress = lives.traits[np.clip(end - BEFORE, 0, None), TRAITS.index("distress"), slot]
    dates = _dates(p, companies, company, end, period_end, into_year, distress)
    label = _QUARTER_LABELS[into_year // 3 % 4]
    quarters = Quarters(company, slot, end, label, year, period_end, *dates, news[end - 2, slot], into_year)
    return _while_listed(quarters, companies)


def instants(market: str, days: np.ndarray, minutes: np.ndarray) -> pl.Series:
    """UTC instants of local days and minutes after midnight."""
    local = pl.Series("known_at", days.astype("datetime64[us]") + minutes.astype("timedelta64[m]"))
    return local.dt.replace_time_zone(ZONES[market]).dt.convert_time_zone("UTC")


def _dates(p: Parameters, companies: Companies, *where: np.ndarray) -> tuple[np.ndarray, ...]:
    """Days and minutes of announcement and filing, and the session that reacts."""
    company, end, period_end, into_year, distress = where
    market, n = companies.market, len(company)
    draws = _draws(p, companies, company, end)
    late = draws[0] < np.minimum(0.02 * np.exp(0.8 * distress), 0.4)
    annual = into_year == 12
    usual = (22 + 22 * draws[1] + 10 * annual) if market == "US" else (32 + 12 * draws[1])
    lag = (usual + late * (20 + 30 * draws[2])).astype(int)
    sessions = np.array(session_dates(CALENDAR_OF_MARKET[market]), dtype="datetime64[D]")
    position = np.searchsorted(sessions, period_end + lag)
    if market == "JP":
        during = draws[3] < 0.3
        minute = np.where(during, 13 * 60, 15 * 60 + 30)
        return sessions[position], minute, sessions[position + ~during], sessions[position], minute
    minute = np.select([draws[3] < 0.48, draws[3] < 0.95], [7 * 60 + 30, 16 * 60 + 20], default=11 * 60)
    pause = np.where(draws[4] < 0.5, 0, (draws[4] * 16).astype(int))
    filed = np.searchsorted(sessions, sessions[position] + pause)
    return sessions[position], minute, sessions[position + (minute > 16 * 60)], sessions[filed], np.full(n, 17 * 60)


def _draws(p: Parameters, companies: Companies, company: np.ndarray, end: np.ndarray) -> np.ndarray:
    """Five uniform numbers a quarter from the stream of its month, equal for the two classes of one company."""
    slots = companies.lives.slot[company].copy()
    for first, second in companies.twins:
        slots[slots == second] = first
    table = np.stack([p.stream("filing days", companies.market, month).random((5, len(companies.industry))) for month in account_months(p)])
    return table[end, :, slots].T


def _while_listed(quarters: Quarters, companies: Companies) -> Quarters:
    """Only what was announced and filed while the company was listed."""
    last = companies.last_session[quarters.company]
    kept = np.isnat(last) | (quarters.filed <= last)
    return Quarters(**{name: values[kept] for name, values in vars(quarters).items()})


def _week_filer(companies: Companies) -> int:
    """The retailer-like company whose quarters end on Saturdays: the first long-lived US company."""
    if companies.market != "US":
        return -1
    ordinary = [
        slot
        for slot in range(len(companies.industry))
        if slot not in companies.adr_ratio and all(slot not in pair for pair in companies.twins)
    ]
    lasting = [k for k in range(companies.count) if companies.lives.died[k] < 0 and companies.lives.born[k] == 0]
    return next(k for k in lasting if companies.lives.slot[k] in ordinary)


def _month_ends(months: list[str]) -> np.ndarray:
    starts = np.array([*months, month_shift(months[-1], 1)], dtype="datetime64[M]")
    return starts[1:].astype("datetime64[D]") - 1


def _last_saturday(days: np.ndarray) -> np.ndarray:
    weekday = (days.astype("datetime64[D]").view("int64") + 3) % 7  # Monday = 0
    return days - ((weekday - 5) % 7)
