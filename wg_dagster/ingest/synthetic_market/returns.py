"""Returns of a month from traits, weather and luck: who is moved by what, and how a listing ends."""

from dataclasses import dataclass

import numpy as np

from wg_dagster.ingest.synthetic_market import weather
from wg_dagster.ingest.synthetic_market.business import Business, named, valuation_gap
from wg_dagster.ingest.synthetic_market.companies import start_caps
from wg_dagster.ingest.synthetic_market.sectors import SECTOR_OF
from wg_dagster.ingest.synthetic_market.traits import BANKRUPTCY, MERGER, PERFORMANCE

IDIOSYNCRATIC = {"US": 0.150, "JP": 0.165}  # per year, of a middling name
_FALL = {BANKRUPTCY: -1.5, PERFORMANCE: -0.7}  # log return over the last 60 sessions before the delisting
_FALL_SESSIONS = 60
_TAKEOVER_PREMIUM, _PINNED_SESSIONS, _PINNED = 0.22, 40, 0.08  # a bid, then near silence until the last session
_LARGEST = 3.5  # of a loading


@dataclass(frozen=True)
class Common:
    """What moves a market in a month; `overnight` is New York's part of each Tokyo session, `industry` (slots)."""

    sky: weather.MonthWeather
    overnight: np.ndarray | None
    industry: np.ndarray


def loadings(market: str, state: Business, habits: dict[str, np.ndarray], traits: np.ndarray, news: np.ndarray) -> np.ndarray:
    """Loadings of a month, known before it begins: (STYLES, slots)."""
    of = named(traits) | {
        "news": news,
        "cheapness": -valuation_gap(market, state, habits, traits) / 0.35,
        "size": (state.log_value - np.log(start_caps(market, np.zeros(1)))) / 1.3,
        "hidden_1": habits["hidden_1"],
        "hidden_2": habits["hidden_2"],
    }
    return np.stack([np.clip(of[name], -_LARGEST, _LARGEST) for name in weather.STYLES])


def beta(styles: np.ndarray, habits: dict[str, np.ndarray]) -> np.ndarray:
    """Beta to the own market, (slots,)."""
    return np.clip(1 + 0.22 * styles[weather.STYLES.index("junk")] + 0.15 * habits["beta"], 0.3, 2.2)


def daily_returns(market: str, common: Common, styles: np.ndarray, habits: dict[str, np.ndarray], own: np.ndarray) -> np.ndarray:
    """Log total returns (sessions, slots) without news, event draws and endings; `own` has unit variance.

    Half the variance is taken off, and a high beta earns no more than a low one, so nobody earns by being volatile.
    """
    sky, state = common.sky, int(common.sky.turbulent)
    junk, size = styles[weather.STYLES.index("junk")], styles[weather.STYLES.index("size")]
    slope = beta(styles, habits)
    own_year = IDIOSYNCRATIC[market] * np.exp(0.30 * junk - 0.08 * size)
    market_part = slope * sky.market[:, None]
    if common.overnight is not None:
        market_part = market_part + habits["new_york"] * slope * common.overnight[:, None]
    sector_part = sky.sectors[:, SECTOR_OF[common.industry]] + sky.industries[:, common.industry]
    own_part = own_year / np.sqrt(weather.YEAR) * sky.volatility[:, None] * own

    spread = own_year**2 + weather.SECTOR_VOLATILITY**2 + weather.INDUSTRY_VOLATILITY**2 + weather.STYLE_VOLATILITY**2 @ styles**2
    market_variance = (slope**2 - slope) * weather.MARKET_VOLATILITY[market][state] ** 2
    drag = (spread * (sky.volatility**2).mean() + market_variance) / weather.YEAR / 2
    flat = (1 - slope) * weather.MARKET_DRIFT[market][state] / weather.YEAR
    return market_part + sector_part + sky.styles @ styles + own_part - drag + flat


def endings(returns: np.ndarray, left: np.ndarray, reason: np.ndarray) -> np.ndarray:
    """Returns with what comes before a delisting: a long fall, or a bid and then silence.

    `left` (sessions, slots): sessions until the last one, NaN for who stays; `reason` (slots,).
    """
    near = np.nan_to_num(left, nan=np.inf)
    for why, fall in _FALL.items():
        falling = (near >= 0) & (near < _FALL_SESSIONS) & np.equal(reason, why)
        returns = np.where(falling, returns + fall / _FALL_SESSIONS, returns)
    bought = np.equal(reason, MERGER)
    returns = np.where((near < _PINNED_SESSIONS) & bought, _PINNED * returns, returns)
    return np.where((near == _PINNED_SESSIONS) & bought, _TAKEOVER_PREMIUM, returns)
