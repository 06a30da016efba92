"""The risk model of a market at a month's cut-off, over all its eligible companies, and the benchmarks as portfolios of them.

It covers the whole market and not one strategy's universe, so that a portfolio of small names can be held against the S&P 500.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

import numpy as np
import polars as pl

from optimizer.cross_section import Design, design
from optimizer.risk_model import RiskModel, fit_risk_model
from wg_dagster.calendars import CALENDAR_OF_MARKET, session_dates
from wg_dagster.schemas.columns import FACTORS
from wg_dagster.selection.scores import score_matrix
from wg_dagster.selection.universe import benchmark_issuers, market_lines, with_benchmark_weight, within_ranks
from wg_dagster.strategies import STRATEGIES, Strategy

RISK_SESSIONS = 500
SESSIONS_PER_YEAR = {"US": 252, "JP": 245}
LEAST_KNOWN = 0.2  # a style that fewer companies have is left out of the risk model
SP500 = "sp500"


@dataclass(frozen=True, eq=False)
class MarketRisk:
    """Risk model of the companies of a market, sorted by security_id; benchmarks are weights (n,) over them."""

    lines: pl.DataFrame
    sector: np.ndarray
    model: RiskModel
    benchmark: np.ndarray
    sp500: np.ndarray | None  # None for Japan

    def places(self, security_ids: pl.Series) -> np.ndarray:
        """Position of each security among the companies."""
        place = {security_id: k for k, security_id in enumerate(self.lines["security_id"])}
        return np.array([place[security_id] for security_id in security_ids], dtype=np.int64)


@dataclass(frozen=True, eq=False)
class MarketPanel:
    """What a market's risk model is fitted to: its companies by security_id, their sectors and exposures, and their returns (n, T)."""

    lines: pl.DataFrame
    sector: np.ndarray
    exposures: Design
    returns: np.ndarray


def market_panel(
    strategy: Strategy,
    month: str,
    *,
    securities: pl.DataFrame,
    prices: pl.DataFrame,
    older_returns: pl.DataFrame,
    factors: Mapping[str, pl.DataFrame],
    components: pl.DataFrame,
) -> MarketPanel:
    """Returns of the last 500 sessions, with the exposures of the month's cut-off; arguments as of `market_risk`."""
    lines = market_lines(strategy.market, month, securities=securities, prices=prices).sort("security_id")
    names = tuple(lines["sector"].unique().sort())
    sector = lines["sector"].replace_strict(list(names), list(range(len(names))), return_dtype=pl.Int64).to_numpy()
    styles = score_matrix(lines["security_id"], factors, components, market=strategy.market)
    styles[:, np.isfinite(styles).mean(axis=0) < LEAST_KNOWN] = np.nan
    exposures = design(sector, styles, lines["market_cap"].to_numpy(), names, FACTORS)
    return MarketPanel(lines, sector, exposures, return_matrix(lines, strategy.market, prices, older_returns))


def market_risk(
    strategy: Strategy,
    month: str,
    *,
    universe: pl.DataFrame,
    securities: pl.DataFrame,
    prices: pl.DataFrame,
    older_returns: pl.DataFrame,
    factors: Mapping[str, pl.DataFrame],
    components: pl.DataFrame,
    benchmark_members: pl.DataFrame,
) -> MarketRisk:
    """Fit the risk model on the last 500 sessions, with the exposures of the month's cut-off.

    Parameters
    ----------
    universe
        `universe_members` of the strategy and month: their benchmark weights are the own benchmark.
    prices, older_returns
        `prices_clean` and `risk_returns` of the last 26 months; the second fills sessions that the first does not have.
    factors
        Rows of `factor_<name>` of the month, by factor; scores are taken over the whole market here.

    Raises
    ------
    TooFewReturns
        If fewer than 60 sessions have returns.
    """
    panel = market_panel(
        strategy,
        month,
        securities=securities,
        prices=prices,
        older_returns=older_returns,
        factors=factors,
        components=components,
    )
    lines = panel.lines
    model = fit_risk_model(panel.returns, panel.exposures, periods_per_year=SESSIONS_PER_YEAR[strategy.market])
    own = lines.join(universe.select("security_id", "benchmark_weight"), on="security_id", how="left", maintain_order="left")
    benchmark = own["benchmark_weight"].fill_null(0.0).to_numpy()
    members = benchmark_issuers(SP500, month, securities=securities, benchmark_members=benchmark_members)
    return MarketRisk(lines, panel.sector, model, benchmark, _sp500(strategy, lines, members, benchmark))


def return_matrix(lines: pl.DataFrame, market: str, prices: pl.DataFrame, older_returns: pl.DataFrame) -> np.ndarray:
    """(names, sessions) total returns of the last 500 sessions up to the lines' as_of_date, oldest first; NaN = no return."""
    as_of = lines["as_of_date"][0]
    sessions = [day for day in session_dates(CALENDAR_OF_MARKET[market]) if day <= as_of][-RISK_SESSIONS:]
    returns = np.full((lines.height, len(sessions)), np.nan)
    for rows in (older_returns, prices):  # a return as known beats one from adjusted prices
        name, session, value = _placed(rows.filter(pl.col("market") == market), lines, sessions)
        returns[name, session] = value
    return returns


def _placed(rows: pl.DataFrame, lines: pl.DataFrame, sessions: list[date]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Row, column and value of each return of the named lines and sessions."""
    days = pl.Series(sessions, dtype=pl.Date)
    found = rows.select(
        pl.col("security_id").cast(pl.Enum(lines["security_id"]), strict=False).to_physical().alias("name"),
        pl.col("session_date").cast(pl.Int32).alias("day"),
        pl.col("return_1e9").alias("value"),
        pl.col("session_date").is_in(days.implode()).alias("is_session"),
    ).filter("is_session", pl.col("name").is_not_null(), pl.col("value").is_not_null())
    session = np.searchsorted(days.cast(pl.Int32).to_numpy(), found["day"].to_numpy())
    return found["name"].to_numpy(), session, found["value"].to_numpy() / 1e9


def _sp500(strategy: Strategy, lines: pl.DataFrame, members: pl.DataFrame, own: np.ndarray) -> np.ndarray | None:
    """Weights of the S&P 500 over the lines; without members, the universe of the strategy that is measured against it, by market cap."""
    if SP500 not in strategy.benchmarks:
        return None
    if strategy.benchmarks[0] == SP500:
        return own
    rule = next(other.universe for other in STRATEGIES.values() if other.benchmarks[0] == SP500)
    has_members = not members.join(lines, on="issuer_id", how="semi").is_empty()
    stand_in = with_benchmark_weight(lines if has_members else within_ranks(lines, rule), members)
    joined = lines.select("security_id").join(
        stand_in.select("security_id", "benchmark_weight"), on="security_id", how="left", maintain_order="left"
    )
    return joined["benchmark_weight"].fill_null(0.0).to_numpy()
