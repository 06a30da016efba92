"""How a company's business moves from month to month, and the accounts that come from it.

Sales follow what the share price has said, with a lag, so prices lead accounts; margins follow quality and the quarter's news. Balance
sheets move towards what the business needs, and what the owners put in or take out closes the gap: every month assets = liabilities +
equity, and the change of cash = the three cash flows. Event draws never enter, so the accounts are the same in all worlds.
"""

from dataclasses import dataclass

import numpy as np

from wg_dagster.ingest.synthetic_market.sectors import FINANCIALS, SECTOR_OF
from wg_dagster.ingest.synthetic_market.traits import TRAITS

FLOWS = ("revenue", "operating_profit", "interest_expense", "pretax_income", "ordinary_profit", "net_income")
CASH_FLOWS = ("operating_cash_flow", "investing_cash_flow", "financing_cash_flow", "buybacks", "issuance")
BALANCES = ("assets", "current_assets", "current_liabilities", "total_liabilities", "cash", "equity", "debt")
KEPT = (*FLOWS, *CASH_FLOWS, *BALANCES, "expected_income", "dividends")
ROW = {name: position for position, name in enumerate(KEPT)}
_TAX = {"US": 0.24, "JP": 0.30}
_RATE = {"US": 0.045, "JP": 0.015}  # interest on debt, before the mark-up of the weak
_FOLLOW = 0.045  # a month: how fast sales close the gap between price and business
_MULTIPLE = {"US": 20.0, "JP": 16.0}  # normal price / earnings
_PERSISTENCE = 0.5  # of margin shocks from quarter to quarter


@dataclass
class Business:
    """State of every slot: yearly sales, assets, liabilities / assets, margin shock, dividend rate a month, log value of the firm."""

    sales: np.ndarray
    assets: np.ndarray
    liabilities: np.ndarray
    cash: np.ndarray
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
    multiple = np.log(_MULTIPLE[market]) + habits["multiple"] + 0.22 * named(traits)["growth"] - 0.10 * named(traits)["distress"]
    return state.log_value - np.log(state.sales * normal_margin(habits, traits)) - multiple


def open_books(market: str, habits: dict[str, np.ndarray], traits: np.ndarray, log_value: np.ndarray, luck: np.ndarray) -> Business:
    """Books of companies at their listing, from their market cap; `luck` is a standard normal a slot."""
    multiple = np.log(_MULTIPLE[market]) + habits["multiple"] + 0.22 * named(traits)["growth"]
    sales = np.exp(log_value - multiple - 0.25 * luck) / normal_margin(habits, traits)
    assets = sales / habits["asset_turnover"]
    liabilities = _wanted_liabilities(habits, traits)
    nothing = np.zeros_like(sales)
    debt = habits["debt"] * liabilities * assets
    dividend = habits["payout"] * sales * normal_margin(habits, traits) / 12
    return Business(sales, assets, liabilities, habits["cash"] * assets, debt, nothing.copy(), nothing.copy(), dividend, log_value)


def new_quarter(state: Business, starts: np.ndarray, news: np.ndarray, draws: np.ndarray, traits: np.ndarray) -> None:
    """Draw the margin shock of the fiscal quarters that start now: part memory, part the news that will be announced, part noise.

    `draws` (3, slots): standard normal, then two uniform ones for a rare impairment, likelier and larger where distress is high.
    """
    fresh = 0.8 * news + 0.6 * draws[0]
    state.shock = np.where(starts, _PERSISTENCE * state.shock + np.sqrt(1 - _PERSISTENCE**2) * fresh, state.shock)
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

    gap = valuation_gap(market, state, habits, traits)
    before = (state.assets, state.liabilities, state.cash, state.debt)
    state.sales = state.sales * np.exp((0.02 + 0.05 * trait["growth"]) / 12 + _FOLLOW * np.clip(gap, -1.2, 1.2) + 0.012 * noise[2])
    state.assets = state.assets * np.exp(0.05 * (np.log(state.sales / habits["asset_turnover"]) - np.log(state.assets)))
    state.liabilities = state.liabilities + 0.03 * (_wanted_liabilities(habits, traits) - state.liabilities)
    state.cash = habits["cash"] * state.assets
    state.debt = habits["debt"] * state.liabilities * state.assets
    wanted_dividend = habits["payout"] * np.maximum(state.sales * margin / 12 * (1 - weak / margin), 0)
    state.dividend = state.dividend + 0.08 * (wanted_dividend - state.dividend)

    cap = np.exp(state.log_value)
    months_paid = 3 if market == "US" else 6
    dividends = np.where(pays_dividend, np.minimum(months_paid * state.dividend, 0.05 * cap), 0.0)
    equity = state.assets * (1 - state.liabilities)
    needed = equity - before[0] * (1 - before[1]) - net + dividends
    issuance, buybacks = np.maximum(needed, 0), np.maximum(-needed, 0)
    operating_flow = net + 0.05 * state.assets / 12 * (SECTOR_OF[industry] != FINANCIALS) + 0.03 * revenue * noise[3]
    financing_flow = issuance - buybacks - dividends + state.debt - before[3]
    investing_flow = state.cash - before[2] - operating_flow - financing_flow
    owed = state.liabilities * state.assets
    short_debts = owed * np.minimum(habits["current_liabilities"] * np.exp(0.12 * trait["distress"]), 0.95)
    current_assets = np.maximum(habits["current_assets"] * state.assets, state.cash)
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
        "assets": state.assets,
        "current_assets": current_assets,
        "current_liabilities": short_debts,
        "total_liabilities": owed,
        "cash": state.cash,
        "equity": equity,
        "debt": state.debt,
        "expected_income": expected,
        "dividends": dividends,
    }
    issued = np.clip(needed / cap, -0.02, 0.05)
    return np.stack([rows[name] for name in KEPT]), issued, dividends / cap


def _wanted_liabilities(habits: dict[str, np.ndarray], traits: np.ndarray) -> np.ndarray:
    """Liabilities over assets that the firm drifts to; the distressed may owe more than they have."""
    trait = named(traits)
    room = np.minimum(0.12, 0.6 * (1 - habits["liabilities"]))
    return np.clip(habits["liabilities"] + room * trait["leverage"] + 0.06 * np.maximum(trait["distress"] - 1.5, 0), 0.08, 1.06)
