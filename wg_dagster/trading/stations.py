"""The station `trading`: last month's decision becomes this month's trades, holdings and nav."""

from collections.abc import Sequence
from datetime import date
from pathlib import Path

import numpy as np
import polars as pl

from wg_dagster import calendars, strategies
from wg_dagster.calendars import CALENDAR_OF_MARKET, month_sessions, month_shift
from wg_dagster.quality.gate import verdict
from wg_dagster.schemas.tables import TABLES
from wg_dagster.stations import Reader, Reads, Station
from wg_dagster.strategies import Strategy
from wg_dagster.trading import costs, holdings, nav, rebalance
from wg_dagster.trading.costs import cost_rate
from wg_dagster.trading.holdings import Account, Market, Month, opening_account, run_month
from wg_dagster.trading.nav import holding_rows, last_account, nav_rows, trade_rows


def trade_month(
    strategy: Strategy,
    month: str,
    *,
    portfolio: pl.DataFrame,
    held: Account | None,
    prices: pl.DataFrame,
    securities: pl.DataFrame,
) -> Month | None:
    """Trades and daily accounts of a month; None where nothing was held and nothing was decided.

    Parameters
    ----------
    portfolio
        | security_id | weight |: decided the night of last month's last session; empty = no decision, the account is held as it is.
    held
        The account at the end of last month; None = not yet invested.
    prices
        `prices_clean` of the month.
    securities
        `securities_clean` of the month: says who was delisted, and when; a name without a row counts as delisted once it has no price.
    """
    if portfolio.is_empty() and held is None:
        return None
    targets = dict(portfolio.select("security_id", "weight").iter_rows())
    wanted = sorted({*targets, *(held.security_ids if held else ())})
    market = market_of(strategy, month, wanted, prices=prices, securities=securities)
    if not market.sessions:
        return None
    return run_month(held or opening_account(), market, targets or None, rate=cost_rate(strategy.costs))


def market_of(strategy: Strategy, month: str, security_ids: Sequence[str], *, prices: pl.DataFrame, securities: pl.DataFrame) -> Market:
    """Closes and returns of some securities over the sessions of a month that have happened (none where the first has not)."""
    rows = prices.filter((pl.col("market") == strategy.market) & (pl.col("month") == month))
    last = max(rows["session_date"].unique().to_list(), default=date.min)
    sessions = tuple(day for day in month_sessions(CALENDAR_OF_MARKET[strategy.market], month) if day <= last)
    ids = pl.DataFrame({"security_id": pl.Series(security_ids, dtype=pl.String)}).with_row_index("name")
    days = pl.DataFrame({"session_date": pl.Series(sessions, dtype=pl.Date)}).with_row_index("day")
    placed = rows.join(ids, on="security_id", how="inner", validate="m:1").join(days, on="session_date", how="inner", validate="m:1")
    name, day = placed["name"].to_numpy(), placed["day"].to_numpy()
    closes, returns = (np.full((len(security_ids), len(sessions)), np.nan) for _ in range(2))
    closes[name, day] = placed["close"].to_numpy()
    returns[name, day] = placed["return_1e9"].cast(pl.Float64).fill_null(np.nan).to_numpy() / 1e9
    return Market(tuple(security_ids), sessions, closes, returns, _listed_to(security_ids, securities.filter(pl.col("month") == month)))


def _listed_to(security_ids: Sequence[str], securities: pl.DataFrame) -> dict[str, date]:
    """Last session of each security; one that the month's list of securities no longer has ended before the month."""
    known = dict(securities.select("security_id", pl.col("listed_to").fill_null(date.max)).iter_rows())
    return {security_id: known.get(security_id, date.min) for security_id in security_ids}


def _build(reader: Reader, months: Sequence[str], strategy: Strategy) -> dict[str, pl.DataFrame]:
    (month,) = months
    before = pl.col("month") == month_shift(month, -1)
    run = trade_month(
        strategy,
        month,
        portfolio=reader.read("model_portfolios").filter(before),
        held=last_account(reader.read("holdings").filter(before), reader.read("nav").filter(before)),
        prices=reader.read("prices_clean", columns=["month", "security_id", "session_date", "market", "close", "return_1e9"]),
        securities=reader.read("securities_clean", columns=["month", "security_id", "listed_to"]),
    )
    if run is None:
        return {}
    return {
        "trades": trade_rows(strategy, month, run.trades),
        "holdings": holding_rows(strategy, month, run),
        "nav": nav_rows(strategy, month, run),
        "checks": _untraded(strategy, month, run),
    }


def _untraded(strategy: Strategy, month: str, run: Month) -> pl.DataFrame:
    """The check `all_names_traded`: names without a price at the rebalance were kept as they were, or not bought."""
    row = verdict(
        "trading",
        month,
        "trades",
        "all_names_traded",
        passed=not run.untraded,
        severity="WARN",
        failed_rows=len(run.untraded),
        total_rows=len(run.accounts[0][1].security_ids),
        strategy=strategy.strategy_id,
        details={"security_ids": list(run.untraded)} if run.untraded else None,
    )
    return pl.DataFrame([row], schema=TABLES["checks"].schema)


STATIONS = (
    Station(
        name="trading",
        description="Last month's decision traded at the first session; holdings and nav of each session",
        group="trading",
        reads=(
            Reads("model_portfolios", back=1, own=False),
            Reads("holdings", back=1, own=False),
            Reads("nav", back=1, own=False),
            Reads("prices_clean"),
            Reads("securities_clean"),
        ),
        writes=("trades", "holdings", "nav"),
        build=_build,
        code=(calendars, costs, holdings, nav, rebalance, strategies, Path(__file__)),
        by_strategy=True,
    ),
)
