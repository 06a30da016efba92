"""A month of the account: earn each session's return, sell what was delisted, trade at the first session.

The account holds one unit of currency at inception. A name's value grows by its total return, so dividends are reinvested in the same
name at the close, and units are the value over the close: a split changes the units and nothing else.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date

import numpy as np

from wg_dagster.trading.rebalance import rebalance


@dataclass(frozen=True)
class Account:
    """Values (names,) and last prices (names,) of the securities, and the cash, at the end of a session."""

    security_ids: tuple[str, ...]
    values: np.ndarray
    prices: np.ndarray
    cash: float

    @property
    def nav(self) -> float:
        """Value of everything held."""
        return float(self.values.sum() + self.cash)


@dataclass(frozen=True)
class Market:
    """Closes and total returns (names, sessions), NaN = none, and the last session of each name (date.max while listed)."""

    security_ids: tuple[str, ...]
    sessions: tuple[date, ...]
    closes: np.ndarray
    returns: np.ndarray
    listed_to: Mapping[str, date]


@dataclass(frozen=True)
class Trades:
    """What one session's trades changed: arrays (names,); the cost of each as a fraction of the nav before them."""

    trade_date: date
    before: Account
    after: Account
    costs: np.ndarray


@dataclass(frozen=True)
class Month:
    """The account at the end of each session, the trades, and the names that had no price at the rebalance."""

    accounts: tuple[tuple[date, Account], ...]
    trades: tuple[Trades, ...]
    untraded: tuple[str, ...]


def opening_account() -> Account:
    """One unit of cash."""
    return Account((), np.zeros(0), np.zeros(0), 1.0)


def run_month(account: Account, market: Market, targets: Mapping[str, float] | None, *, rate: float) -> Month:
    """Carry an account through the sessions of a month; `targets` are traded at the close of the first (None = no trades).

    Order within a session: the old portfolio earns the return up to the close; names that were delisted before this session are sold
    at their last price, without cost; then the rebalance trades at the close.
    """
    account = _aligned(account, market.security_ids)
    weights = np.array([(targets or {}).get(security_id, 0.0) for security_id in market.security_ids])
    accounts, trades, untraded = [], [], ()
    for k, day in enumerate(market.sessions):
        account = _earn(account, market.closes[:, k], market.returns[:, k])
        gone = _delisted(account, market, k)
        if gone.any():
            paid_out = replace(account, values=np.where(gone, 0.0, account.values), cash=account.cash + float(account.values[gone].sum()))
            trades.append(Trades(day, account, paid_out, np.zeros(len(gone))))
            account = paid_out
        if k == 0 and targets:
            can_trade = np.isfinite(market.closes[:, 0])
            traded = rebalance(account.values, account.cash, weights, can_trade=can_trade, rate=rate)
            rebalanced = replace(account, values=traded.values, cash=traded.cash)
            trades.append(Trades(day, account, rebalanced, traded.costs / account.nav))
            wanted = ~can_trade & ((weights > 0.0) | (account.values > 0.0))
            untraded = tuple(security_id for security_id, missed in zip(market.security_ids, wanted, strict=True) if missed)
            account = rebalanced
        accounts.append((day, account))
    return Month(tuple(accounts), tuple(trades), untraded)


def _aligned(account: Account, security_ids: tuple[str, ...]) -> Account:
    """The same account, with a place for every security of the month."""
    place = {security_id: k for k, security_id in enumerate(security_ids)}
    values, prices = np.zeros(len(security_ids)), np.full(len(security_ids), np.nan)
    places = [place[security_id] for security_id in account.security_ids]
    values[places], prices[places] = account.values, account.prices
    return Account(security_ids, values, prices, account.cash)


def _earn(account: Account, closes: np.ndarray, returns: np.ndarray) -> Account:
    """A session without a return leaves the value as it was; one without a close leaves the last price."""
    values = account.values * (1.0 + np.nan_to_num(returns))
    return replace(account, values=values, prices=np.where(np.isfinite(closes), closes, account.prices))


def _delisted(account: Account, market: Market, k: int) -> np.ndarray:
    ended = np.array([market.listed_to[security_id] < market.sessions[k] for security_id in market.security_ids], dtype=bool)
    return ended & (account.values > 0.0) & ~np.isfinite(market.closes[:, k])
