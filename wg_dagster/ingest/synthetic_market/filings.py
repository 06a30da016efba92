"""Statements as companies file them: original filings, amendments, and what is left out.

New York reports quarters alone for income and year to date for cash flows, and a fiscal year instead of a fourth quarter; Tokyo reports
everything from the start of the fiscal year. Weak and small companies leave more out, and bad news is amended more often.
"""

import numpy as np
import polars as pl

from wg_dagster.calendars import CALENDAR_OF_MARKET, session_dates
from wg_dagster.ingest.synthetic_market.business import BALANCES, CASH_FLOWS, FLOWS, ROW
from wg_dagster.ingest.synthetic_market.companies import Companies
from wg_dagster.ingest.synthetic_market.market import Simulated
from wg_dagster.ingest.synthetic_market.parameters import Parameters
from wg_dagster.ingest.synthetic_market.rows import days, finish, known, symbols_on
from wg_dagster.ingest.synthetic_market.schedule import BEFORE, Quarters, instants
from wg_dagster.ingest.synthetic_market.sectors import FINANCIALS, SECTOR_OF
from wg_dagster.ingest.synthetic_market.traits import TRAITS

ITEMS = (*FLOWS, *CASH_FLOWS, *BALANCES, "eps_basic", "eps_diluted", "dividend_per_share", "treasury_shares", "shares_outstanding")

_COUNTS = ("treasury_shares", "shares_outstanding")
_AMENDED = 0.025  # of all filings; three times as many after news worse than one standard deviation
_NOT_FOR_FINANCIALS = ("operating_profit", "current_assets", "current_liabilities")
_LEFT_OUT = {
    "current_assets": 0.02,
    "current_liabilities": 0.02,
    "operating_profit": 0.015,
    "operating_cash_flow": 0.015,
    "eps_diluted": 0.02,
    "debt": 0.03,
}
YEN_FILER_RATIO = 2.0  # the receipt with this ratio files in yen


def fundamentals(p: Parameters, simulated: Simulated, yen: np.ndarray) -> pl.DataFrame:
    """All filings of a market, amendments included; `yen` = yen a dollar in each account month."""
    quarters = simulated.quarters
    values = statement_items(simulated)
    currency = _file_in_own_currency(simulated, values, yen)
    _leave_out(p, simulated, values)
    everything = np.arange(len(quarters.company))
    original = _frame(simulated, values, currency, everything, filed=quarters.filed, minute=quarters.filed_minute, kind="original")
    chosen, filed, changed = _amendments(p, simulated, values)
    amended = _frame(simulated, changed, currency, chosen, filed=filed, minute=np.full(len(chosen), 17 * 60 + 10), kind="amendment")
    return finish("fundamentals", pl.concat([original, amended]), f"fundamentals/{simulated.market.lower()}")


def statement_items(simulated: Simulated) -> dict[str, np.ndarray]:
    """Every figure of every original filing in the market's currency, before anything is left out."""
    market, quarters, accounts = simulated.market, simulated.quarters, simulated.accounts
    income = window_sums(accounts, quarters, income_months(market, quarters))
    to_date = window_sums(accounts, quarters, quarters.months_into_year)
    balance = accounts[quarters.end, :, quarters.slot].T
    step = 1e3 if market == "US" else 1e6  # filers round to thousands of dollars, millions of yen
    values = {name: np.round(income[ROW[name]] / step) * step for name in FLOWS}
    values |= {name: np.round(to_date[ROW[name]] / step) * step for name in CASH_FLOWS}
    values |= {name: np.round(balance[ROW[name]] / step) * step for name in BALANCES}
    firm = firm_shares(simulated)
    values["eps_basic"] = np.round(income[ROW["net_income"]] / firm, 4)
    values["eps_diluted"] = np.round(income[ROW["net_income"]] / firm * np.where(income[ROW["net_income"]] > 0, 0.985, 1.0), 4)
    values["dividend_per_share"] = np.round(income[ROW["dividends"]] / firm, 4)
    values["treasury_shares"] = np.round(0.02 * firm)
    values["shares_outstanding"] = np.round(firm * simulated.companies.line_share()[quarters.slot])
    return values


def firm_shares(simulated: Simulated) -> np.ndarray:
    """Ordinary shares of the whole firm at each period end, without treasury shares."""
    quarters = simulated.quarters
    return simulated.shares[quarters.end, quarters.slot] * simulated.companies.ordinary_per_line()[quarters.slot]


def window_sums(accounts: np.ndarray, quarters: Quarters, months: np.ndarray) -> np.ndarray:
    """Flows of each filing over its last `months` months, (KEPT, filings)."""
    total = np.zeros((accounts.shape[1], len(quarters.end)))
    for back in range(12):
        inside = back < months
        total[:, inside] += accounts[quarters.end[inside] - back, :, quarters.slot[inside]].T
    return total


def income_months(market: str, quarters: Quarters) -> np.ndarray:
    """Months that the income items of a filing cover."""
    alone = np.where(quarters.period == "FY", 12, 3)
    return alone if market == "US" else quarters.months_into_year


def standards(companies: Companies, company: np.ndarray) -> np.ndarray:
    """Accounting standard of each company."""
    slots = companies.lives.slot[company]
    if companies.market == "US":
        return np.where(np.isin(slots, list(companies.adr_ratio)), "ifrs", "usgaap")
    return np.where(companies.habits["ifrs"][company], "ifrs", "jgaap")


def _file_in_own_currency(simulated: Simulated, values: dict[str, np.ndarray], yen: np.ndarray) -> np.ndarray:
    """Currency of each filing; figures of the yen filer in New York are changed into yen."""
    quarters, companies = simulated.quarters, simulated.companies
    in_yen = np.isin(quarters.slot, [slot for slot, ratio in companies.adr_ratio.items() if ratio == YEN_FILER_RATIO])
    rate = yen[quarters.end]
    for name, figures in values.items():
        if name not in _COUNTS:
            figures[in_yen] = np.round(figures[in_yen] * rate[in_yen], 2)
    return np.where(in_yen, "JPY", "USD") if simulated.market == "US" else np.full(len(in_yen), "JPY")


def _leave_out(p: Parameters, simulated: Simulated, values: dict[str, np.ndarray]) -> None:
    """Blank what the standard, the industry or the company does not report."""
    market, quarters, companies = simulated.market, simulated.quarters, simulated.companies
    financial = SECTOR_OF[companies.industry[quarters.slot]] == FINANCIALS
    for name in _NOT_FOR_FINANCIALS:
        values[name][financial] = np.nan
    values["ordinary_profit"][standards(companies, quarters.company) != "jgaap"] = np.nan
    if market == "JP":
        half = companies.habits["half_year_cash_flow"][quarters.company] & np.isin(quarters.months_into_year, (3, 9))
        for name in CASH_FLOWS:
            values[name][half] = np.nan
    weakness = np.exp(0.6 * _distress(simulated) - 0.4 * companies.lives.size[quarters.company])
    chance = _by_quarter(p, simulated, "left out", len(_LEFT_OUT))
    for k, (name, rate) in enumerate(_LEFT_OUT.items()):
        values[name][chance[k] < np.minimum(rate * weakness, 0.5)] = np.nan


def _amendments(p: Parameters, simulated: Simulated, values: dict[str, np.ndarray]) -> tuple[np.ndarray, np.ndarray, dict[str, np.ndarray]]:
    """Which filings are amended, when, and to what: profit was overstated, mostly."""
    quarters, market = simulated.quarters, simulated.market
    chance, wait, size = _by_quarter(p, simulated, "amendments", 3)
    rate = _AMENDED * np.where(quarters.news < -1, 3.0, 1.0) * np.exp(0.3 * np.clip(_distress(simulated), -2, 2))
    sessions = np.array(session_dates(CALENDAR_OF_MARKET[market]), dtype="datetime64[D]")
    filed = sessions[np.minimum(np.searchsorted(sessions, quarters.filed + (20 + 180 * wait).astype(int)), len(sessions) - 1)]
    last = simulated.companies.last_session[quarters.company]
    chosen = np.flatnonzero((chance < rate) & (np.isnat(last) | (filed <= last)))
    changed = {name: figures[chosen].copy() for name, figures in values.items()}
    step = 1e3 if market == "US" else 1e6
    loss = np.round(np.abs(changed["net_income"]) * (0.03 + 0.3 * (size[chosen] - 0.15)) / step) * step
    for name in ("net_income", "pretax_income", "ordinary_profit", "operating_profit", "equity", "assets"):
        changed[name] = changed[name] - loss
    for name in ("eps_basic", "eps_diluted"):
        changed[name] = np.round(changed[name] - loss / firm_shares(simulated)[chosen], 4)
    return chosen, filed[chosen], changed


def _distress(simulated: Simulated) -> np.ndarray:
    quarters = simulated.quarters
    return simulated.companies.lives.traits[np.clip(quarters.end - BEFORE, 0, None), TRAITS.index("distress"), quarters.slot]


def _by_quarter(p: Parameters, simulated: Simulated, what: str, count: int) -> np.ndarray:
    """Uniform numbers (count, filings) from a stream of each account month, so that a longer span changes nothing before."""
    quarters, n = simulated.quarters, len(simulated.companies.industry)
    table = np.stack([p.stream(what, simulated.market, k).random((count, n)) for k in range(int(quarters.end.max(initial=0)) + 1)])
    return table[quarters.end, :, quarters.slot].T


def _frame(
    simulated: Simulated,
    values: dict[str, np.ndarray],
    currency: np.ndarray,
    chosen: np.ndarray,
    *,
    filed: np.ndarray,
    minute: np.ndarray,
    kind: str,
) -> pl.DataFrame:
    """One row a chosen filing; `values` and `filed` have one entry each, `currency` one a quarter."""
    quarters, market = simulated.quarters, simulated.market
    company = quarters.company[chosen]
    return pl.DataFrame(
        {
            "vendor_symbol": symbols_on(simulated.companies, company, filed),
            "known_at": instants(market, filed, minute),
            "period_end_date": days(quarters.period_end[chosen]),
            "fiscal_period": quarters.period[chosen],
            "fiscal_year": quarters.fiscal_year[chosen].astype(np.int32),
            "currency": currency[chosen],
            "accounting_standard": standards(simulated.companies, company),
            "is_consolidated": np.full(len(chosen), fill_value=True),
            "income_is_cumulative": np.full(len(chosen), fill_value=market == "JP"),
            "cash_flow_is_cumulative": np.full(len(chosen), fill_value=True),
            "filing_type": np.full(len(chosen), kind),
            **{name: known(values[name]) for name in ITEMS},
        }
    )
