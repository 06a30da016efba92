"""How a company's business moves from month to month, and the accounts that come from it.

Sales follow what the share price has said, with a lag, so prices lead accounts; margins follow quality and the quarter's news. Balance
sheets move towards what the business needs; what is missing comes from spare cash, then from the owners, and part of what is left over
goes back to them. Every month assets = liabilities + equity, and the change of cash = the three cash flows. Event draws never enter, so
the accounts are the same in all worlds.
"""

from dataclasses import dataclass

import numpy as np

from wg_dagster.ingest.synthetic_market.sectors import FINANCIALS, SECTOR_OF
from wg_dagster.ingest.synthetic_market.traits import PERSISTENCE, TRAITS

FLOWS = ("revenue", "operating_profit", "interest_expense", "pretax_income", "ordinary_profit", "net_income")
CASH_FLOWS = ("operating_cash_flow", "investing_cash_flow", "financing_cash_flow", "buybacks", "issuance")
BALANCES = ("assets", "current_assets", "current_liabilities", "total_liabilities", "cash", "equity", "debt")
KEPT = (*FLOWS, *CASH_FLOWS, *BALANCES, "expected_income", "dividends")
ROW = {name: position for position, name in enumerate(KEPT)}
_TAX = {"US": 0.24, "JP": 0.30}
_RATE = {"US": 0.045, "JP": 0.015}  # interest on debt, before the mark-up of the weak
_FOLLOW = 0.035  # a month: how fast sales close the gap between price and business
_TOLD_AT_ONCE = 0.35  # part of a change in fair value that the price takes up in the month in which the trait moves
_MULTIPLE = {"US": 20.0, "JP": 16.0}  # normal price / earnings
_RETURNED = {"US": 0.40, "JP": 0.15}  # of net income goes back in buybacks, besides 3 % of the spare cash a month
_SHOCK_MEMORY = 0.5  # of margin shocks from quarter to quarter


@dataclass
class Business:
    """State of every slot: yearly sales, assets at work, liabilities / assets at work, spare cash, dividend a month, value of the firm."""

    sales: np.ndarray
    assets: np.ndarray
    liabilities: np.ndarray
    spare: np.ndarray
    debt: np.ndarray
    shock: np.ndarray
    impairment: np.ndarray
    dividend: np.ndarray
    log_value: np.ndarray  # market cap without event draws


def named(traits: np.ndarray) -> dict[str, np.ndarray]:
    """Traits by name from a (traits, slots) array."""
    return dict(zip(TRAITS, traits, strict=True))


def normal_margin(habits: dict[str, np.ndarray], traits: np.ndarray) -> np.ndarray:
    """Net margin of a normal quarter."""
    return habits["margin"] * np.exp(0.30 * named(traits)["quality"])


def valuation_gap(market: str, state: Business, habits: dict[str, np.ndarray], traits: np.ndarray) -> np.ndarray:
    """Log of market cap over what the business is normally worth: positive = dear."""
    return _plain_gap(market, state, habits) - fair_value(traits)


def fair_value(traits: np.ndarray) -> np.ndarray:
    """Log of what sales are worth through the traits alone: margins through quality, the multiple through growth and distress."""
    trait = named(traits)
    return 0.30 * trait["quality"] + 0.22 * trait["growth"] - 0.10 * trait["distress"]


def revaluation(before: np.ndarray, after: np.ndarray) -> np.ndarray:
    """Log return of a month in which traits move from `before` to `after` (traits, slots): on their surprises, not their fading."""
    surprise = _TOLD_AT_ONCE * fair_value(after - PERSISTENCE[:, None] * before)
    return surprise - surprise.var() / 2


def _plain_gap(market: str, state: Business, habits: dict[str, np.ndarray]) -> np.ndarray:
    """The gap as if all firms had middling traits: what sales follow."""
    return state.log_value - np.log(state.sales * habits["margin"]) - np.log(_MULTIPLE[market]) - habits["multiple"]


def open_books(market: str, habits: dict[str, np.ndarray], traits: np.ndarray, log_value: np.ndarray, luck: np.ndarray) -> Business:
    """Books of companies at their listing, from their market cap; `luck` is a standard normal a slot."""
    multiple = np.log(_MULTIPLE[market]) + habits["multiple"] + fair_value(traits)
    sales = np.exp(log_value - multiple - 0.25 * luck) / habits["margin"]
    assets = sales / habits["asset_turnover"]
    liabilities = _wanted_liabilities(habits, traits)
    nothing = np.zeros_like(sales)
    debt = habits["debt"] * liabilities * assets
    dividend = habits["payout"] * sales * normal_margin(habits, traits) / 12
    return Business(sales, assets, liabilities, nothing.copy(), debt, nothing.copy(), nothing.copy(), dividend, log_value)


def new_quarter(state: Business, starts: np.ndarray, news: np.ndarray, draws: np.ndarray, traits: np.ndarray) -> None:
    """Draw the margin shock of the fiscal quarters that start now: part memory, part the news that will be announced, part noise.

    `draws` (3, slots): standard normal, then two uniform ones for a rare impairment, likelier and larger where distress is high.
    """
    fresh = 0.8 * news + 0.6 * draws[0]
    state.shock = np.where(starts, _SHOCK_MEMORY * state.shock + np.sqrt(1 - _SHOCK_MEMORY**2) * fresh, state.shock)
    impaired = draws[1] < np.minimum(0.02 * np.exp(0.6 * named(traits)["distress"]), 0.3)
    state.impairment = np.where(starts, impaired * (0.03 + 0.07 * draws[2]), state.impairment)


def pass_month(
    market: str,
    state: Business,
    habits: dict[str, np.ndarray],
    traits: np.ndarray,
    *,
    industry: np.ndarray,
    calendar_month: int,
    noise: np.ndarray,
    pays_dividend: np.ndarray,
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """One month of business.

    Returns
    -------
    The month's accounts (KEPT, slots), the net issuance and the dividends as fractions of market cap. `state` moves on.
    """
    trait = named(traits)
    season = 1 + habits["season"] * np.cos(2 * np.pi * (calendar_month - habits["season_peak"]) / 12)
    revenue = state.sales / 12 * season * np.exp(0.02 * noise[0])
    margin = normal_margin(habits, traits)
    unsteady = 0.38 * np.exp(np.clip(0.45 * trait["junk"], -1.5, 1.2))
    weak = 0.9 * margin * np.maximum(trait["distress"] - 0.6, 0)
    net = revenue * (margin * (1 + unsteady * state.shock) - weak - state.impairment)
    expected = revenue * (margin - weak)
    tax = np.where(net > 0, _TAX[market], 0.05)
    interest = state.debt * (_RATE[market] + 0.01 * np.maximum(trait["distress"], 0)) / 12
    pretax = net / (1 - tax)
    other = 0.004 * revenue * noise[1]
    extraordinary = state.impairment * revenue if market == "JP" else 0.0
    operating = pretax + interest - other + extraordinary

    gap = _plain_gap(market, state, habits) - 0.10 * trait["growth"]
    cash_before, debt_before = habits["cash"] * state.assets + state.spare, state.debt
    equity_at_work = state.assets * (1 - state.liabilities)
    state.sales = state.sales * np.exp((0.02 + 0.08 * trait["growth"]) / 12 + _FOLLOW * np.clip(gap, -1.2, 1.2) + 0.012 * noise[2])
    state.assets = state.assets * np.exp(0.05 * (np.log(state.sales / habits["asset_turnover"]) - np.log(state.assets)))
    state.liabilities = state.liabilities + 0.03 * (_wanted_liabilities(habits, traits) - state.liabilities)
    state.debt = habits["debt"] * state.liabilities * state.assets
    wanted_dividend = habits["payout"] * np.maximum(state.sales * margin / 12 * (1 - weak / margin), 0)
    state.dividend = state.dividend + 0.08 * (wanted_dividend - state.dividend)

    cap = np.exp(state.log_value)
    months_paid = 3 if market == "US" else 6
    dividends = np.where(pays_dividend, np.minimum(months_paid * state.dividend, 0.05 * cap), 0.0)
    needed = state.assets * (1 - state.liabilities) - equity_at_work - net + dividends
    buybacks = np.minimum(np.maximum(state.spare - needed, 0), _RETURNED[market] * np.maximum(net, 0) + 0.03 * state.spare)
    issuance = np.maximum(needed - state.spare, 0)
    state.spare = state.spare + issuance - buybacks - needed
    total = state.assets + state.spare
    cash = habits["cash"] * state.assets + state.spare
    operating_flow = net + 0.05 * state.assets / 12 * (SECTOR_OF[industry] != FINANCIALS) + 0.03 * revenue * noise[3]
    financing_flow = issuance - buybacks - dividends + state.debt - debt_before
    investing_flow = cash - cash_before - operating_flow - financing_flow
    owed = state.liabilities * state.assets
    short_debts = owed * np.minimum(habits["current_liabilities"] * np.exp(0.12 * trait["distress"]), 0.95)
    current_assets = habits["current_assets"] * state.assets + state.spare
    rows = {
        "revenue": revenue,
        "operating_profit": operating,
        "interest_expense": interest,
        "pretax_income": pretax,
        "ordinary_profit": pretax + extraordinary,
        "net_income": net,
        "operating_cash_flow": operating_flow,
        "investing_cash_flow": investing_flow,
        "financing_cash_flow": financing_flow,
        "buybacks": buybacks,
        "issuance": issuance,
        "assets": total,
        "current_assets": current_assets,
        "current_liabilities": short_debts,
        "total_liabilities": owed,
        "cash": cash,
        "equity": total - owed,
        "debt": state.debt,
        "expected_income": expected,
        "dividends": dividends,
    }
    issued = np.clip((issuance - buybacks) / cap, -0.02, 0.05)
    return np.stack([rows[name] for name in KEPT]), issued, dividends / cap


def _wanted_liabilities(habits: dict[str, np.ndarray], traits: np.ndarray) -> np.ndarray:
    """Liabilities over assets that the firm drifts to; the distressed may owe more than they have."""
    trait = named(traits)
    room = np.minimum(0.12, 0.6 * (1 - habits["liabilities"]))
    return np.clip(habits["liabilities"] + room * trait["leverage"] + 0.06 * np.maximum(trait["distress"] - 1.5, 0), 0.08, 1.06)
