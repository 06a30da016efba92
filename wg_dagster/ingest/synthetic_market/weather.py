"""What moves many stocks at once: regimes, market returns, sectors, industries, premia, crashes, rates and the yen.

Volatility clusters: calm and turbulent months alternate by chance, and within them the volatility of a day remembers the last one.
"""

from dataclasses import dataclass
from datetime import date

import numpy as np

from wg_dagster.calendars import CALENDAR_OF_MARKET, month_sessions, session_dates
from wg_dagster.ingest.synthetic_market.parameters import Parameters
from wg_dagster.ingest.synthetic_market.sectors import INDUSTRIES, SECTORS

YEAR = 252.0
STYLES = ("quality", "growth", "leverage", "distress", "junk", "news", "cheapness", "size", "hidden_1", "hidden_2")
OBSERVABLE_STYLES = STYLES[:8]
# Volatility per year of the return to one unit of each style; the hidden ones are common moves that no factor of ours describes.
STYLE_VOLATILITY = np.array([0.045, 0.060, 0.035, 0.050, 0.090, 0.030, 0.055, 0.030, 0.060, 0.045])
# Premium per year to one unit; leverage, junk and size earn nothing. Growth and news are paid most: crashes and event draws take from them.
PREMIUM = np.array([0.030, 0.048, 0.0, -0.020, 0.0, 0.048, 0.025, 0.0, 0.0, 0.0])
GROWTH_HALF_LIFE = 72  # months: the growth premium is arbitraged away
MARKET_VOLATILITY = {"US": (0.110, 0.220), "JP": (0.110, 0.190)}  # calm, turbulent
MARKET_DRIFT = {"US": (0.140, -0.040), "JP": (0.090, -0.040)}
TO_TURBULENT, TO_CALM = 0.08, 0.25  # a month
SECTOR_VOLATILITY, INDUSTRY_VOLATILITY = 0.120, 0.100
CRASH_CHANCE = (0.015, 0.060)  # a month, calm and turbulent: the crowded news trade unwinds
CRASH_NEWS, CRASH_MARKET, CRASH_SPREAD = -0.050, -0.030, 0.3  # at size 1; sizes are lognormal
_REFERENCE_VOLATILITY = 0.14


@dataclass
class MonthWeather:
    """Common returns of one market and month: rows are its sessions."""

    dates: tuple[date, ...]
    market: np.ndarray
    volatility: np.ndarray  # relative to normal, per session
    sectors: np.ndarray
    industries: np.ndarray
    styles: np.ndarray
    premia: np.ndarray
    turbulent: bool


def regimes(p: Parameters) -> np.ndarray:
    """True in turbulent months, (months,); both markets share them."""
    state, states = False, []
    for month in p.months:
        chance = p.stream("regime", month).random()
        state = chance >= TO_CALM if state else chance < TO_TURBULENT
        states.append(state)
    return np.array(states)


def weather(p: Parameters, market: str) -> list[MonthWeather]:
    """Common returns of each month; Tokyo's market is its own part, without the part that New York brings."""
    turbulent = regimes(p)
    log_deviation, slow, out = 0.0, np.zeros(len(STYLES)), []
    for m, month in enumerate(p.months):
        dates = month_sessions(CALENDAR_OF_MARKET[market], month)
        rng = p.stream("weather", market, month)
        days = len(dates)
        deviations = _remember(log_deviation, rng.standard_normal(days))
        log_deviation = float(deviations[-1])
        annual = MARKET_VOLATILITY[market][int(turbulent[m])] * np.exp(deviations - 0.02)
        relative = np.sqrt(annual / _REFERENCE_VOLATILITY)
        slow = 0.9 * slow + np.sqrt(1 - 0.81) * rng.standard_normal(len(STYLES))
        premia = premia_of(m, turbulent=bool(turbulent[m]), slow=slow)
        crash = float(_crash(p, month, turbulent=bool(turbulent[m])))
        drift = MARKET_DRIFT[market][int(turbulent[m])] / YEAR + crash * CRASH_MARKET / days
        shock = premia / YEAR + np.where(np.array(STYLES) == "news", crash * CRASH_NEWS / days, 0.0)
        scale = relative[:, None] / np.sqrt(YEAR)
        out.append(
            MonthWeather(
                dates,
                drift - annual**2 / YEAR / 2 + annual / np.sqrt(YEAR) * fat_tails(rng, (days,)),
                relative,
                SECTOR_VOLATILITY * scale * fat_tails(rng, (days, len(SECTORS))),
                INDUSTRY_VOLATILITY * scale * fat_tails(rng, (days, len(INDUSTRIES))),
                shock + STYLE_VOLATILITY * scale * fat_tails(rng, (days, len(STYLES))),
                premia,
                bool(turbulent[m]),
            )
        )
    return out


def premia_of(month: int, *, turbulent: bool, slow: np.ndarray) -> np.ndarray:
    """Premia of a month, per year: they wander, quality pays in storms, cheapness in calm, and growth fades."""
    wander = np.where(PREMIUM != 0, 0.01 * slow, 0.0)
    state = np.ones(len(STYLES))
    state[STYLES.index("quality")] = 1.8 if turbulent else 0.8
    state[STYLES.index("cheapness")] = 0.4 if turbulent else 1.15
    state[STYLES.index("growth")] = 0.5 ** (month / GROWTH_HALF_LIFE)
    return PREMIUM * state + wander


def peril(*, turbulent: bool) -> np.ndarray:
    """What crashes cost each style on average, log return per year, (STYLES,)."""
    size = np.exp(CRASH_SPREAD**2 / 2)
    return np.where(np.array(STYLES) == "news", 12 * CRASH_CHANCE[int(turbulent)] * size * CRASH_NEWS, 0.0)


def fat_tails(rng: np.random.Generator, shape: tuple[int, ...]) -> np.ndarray:
    """Student t with 6 degrees of freedom and unit variance, cut at 8."""
    return np.clip(rng.standard_t(6, shape) / np.sqrt(1.5), -8, 8)


def new_york_overnight(p: Parameters, us: list[MonthWeather]) -> dict[date, float]:
    """US market log return that Tokyo finds at each session: all New York sessions since the last Tokyo close."""
    dates = np.array([day for month in us for day in month.dates], dtype="datetime64[D]")
    level = np.concatenate([[0.0], np.cumsum(np.concatenate([month.market for month in us]))])
    tokyo = [day for day in session_dates("XTKS") if p.first <= day.strftime("%Y-%m") <= p.last]
    seen = level[np.searchsorted(dates, np.array(tokyo, dtype="datetime64[D]"), side="left")]
    return dict(zip(tokyo, np.diff(seen, prepend=0.0).tolist(), strict=True))


def _remember(last: float, shocks: np.ndarray) -> np.ndarray:
    """Log deviation of volatility: 0.97 of yesterday's plus a shock."""
    out = np.empty(len(shocks))
    for day, shock in enumerate(shocks):
        last = 0.97 * last + 0.07 * shock
        out[day] = last
    return out


def _crash(p: Parameters, month: str, *, turbulent: bool) -> float:
    rng = p.stream("crash", month)
    arrives, size = rng.random() < CRASH_CHANCE[int(turbulent)], np.exp(CRASH_SPREAD * rng.standard_normal())
    return float(size) if arrives else 0.0
