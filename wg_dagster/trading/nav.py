"""The month's accounts as rows: trades, holdings and nav."""

import numpy as np
import polars as pl

from wg_dagster.schemas.tables import TABLES
from wg_dagster.strategies import Strategy
from wg_dagster.trading.holdings import Account, Month, Trades


def trade_rows(strategy: Strategy, month: str, trades: tuple[Trades, ...]) -> pl.DataFrame:
    """Rows of `trades`: one row a security whose units changed at that session, exits included."""
    frames = [_traded(strategy, month, trade) for trade in trades]
    return pl.concat([TABLES["trades"].empty(), *frames]).sort("trade_date", "security_id")


def holding_rows(strategy: Strategy, month: str, run: Month) -> pl.DataFrame:
    """Rows of `holdings`: one row a session and security that is held at its end."""
    frames = [
        pl.DataFrame(
            {
                "strategy": strategy.strategy_id,
                "month": month,
                "session_date": day,
                "security_id": list(account.security_ids),
                "units": account.values / account.prices,
                "price": account.prices,
                "weight": account.values / account.nav,
            },
            schema_overrides={"security_id": pl.String},
        ).filter(pl.col("weight") > 0.0)
        for day, account in run.accounts
    ]
    return pl.concat([TABLES["holdings"].empty(), *frames])


def nav_rows(strategy: Strategy, month: str, run: Month) -> pl.DataFrame:
    """Rows of `nav`: one row a session."""
    rows = [
        {
            "strategy": strategy.strategy_id,
            "month": month,
            "session_date": day,
            "currency": strategy.currency,
            "nav": account.nav,
            "cash_weight": account.cash / account.nav,
        }
        for day, account in run.accounts
    ]
    return pl.DataFrame(rows, schema=TABLES["nav"].schema)


def last_account(holdings: pl.DataFrame, nav: pl.DataFrame) -> Account | None:
    """The account at the end of the last session of these rows; None where nothing was held."""
    if nav.is_empty():
        return None
    last = nav.sort("session_date").tail(1).to_dicts()[0]
    held = holdings.filter(pl.col("session_date") == last["session_date"]).sort("security_id")
    values = held["weight"].to_numpy() * last["nav"]
    return Account(tuple(held["security_id"]), values, held["price"].to_numpy(), last["cash_weight"] * last["nav"])


def _traded(strategy: Strategy, month: str, trade: Trades) -> pl.DataFrame:
    before, after = trade.before, trade.after
    rows = pl.DataFrame(
        {
            "strategy": strategy.strategy_id,
            "month": month,
            "trade_date": trade.trade_date,
            "security_id": list(before.security_ids),
            "currency": strategy.currency,
            "units_before": _over(before.values, before.prices),
            "units_after": _over(after.values, after.prices),
            "weight_before": before.values / before.nav,
            "weight_after": after.values / after.nav,
            "price": after.prices,
            "cost": trade.costs,
        },
        schema_overrides={"security_id": pl.String},
    )
    return rows.filter(pl.Series(before.values != after.values))


def _over(values: np.ndarray, prices: np.ndarray) -> np.ndarray:
    """Units; a name that is not held needs no price."""
    return np.divide(values, prices, out=np.zeros_like(values), where=values > 0.0)
