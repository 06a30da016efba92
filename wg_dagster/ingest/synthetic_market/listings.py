"""What the vendor says of each line: at its listing, when its symbol or industry changes, and when it leaves."""

from datetime import date, timedelta

import polars as pl

from wg_dagster.ingest.synthetic_market.market import Simulated
from wg_dagster.ingest.synthetic_market.parameters import Parameters
from wg_dagster.ingest.synthetic_market.rows import finish, known_by_day_end
from wg_dagster.ingest.synthetic_market.sectors import INDUSTRIES
from wg_dagster.ingest.synthetic_market.traits import REASONS

ETFS = {
    "US": (("LARGE", "Large Companies Fund", "sp500"), ("SMALL", "Small Companies Fund", "russell2000")),
    "JP": (("9990", "Tokyo Fund", "topix"),),
}
_RECLASSIFIED = 0.004  # of the lines that stay, a year: the industry changes within the sector


def securities(p: Parameters, simulated: Simulated) -> pl.DataFrame:
    """Rows of `securities`: one at each listing and one at each change; a renamed line keeps its issuer and its `listed_from`."""
    rows = [row for company in range(simulated.companies.count) for row in _history(p, simulated, company)]
    rows += _funds(simulated)
    frame = pl.DataFrame(rows, infer_schema_length=None)
    known_at = known_by_day_end(simulated.market, frame["known_on"].to_numpy())
    return finish("securities", frame.drop("known_on").with_columns(known_at), f"securities/{simulated.market.lower()}")


def _history(p: Parameters, simulated: Simulated, company: int) -> list[dict]:
    companies = simulated.companies
    symbols, last = companies.symbols[company], companies.last_day(company)
    state = _at_listing(simulated, company)
    out = [state]
    changed = _reclassified(p, simulated, company)
    if changed is not None:
        out.append({**state, "industry": changed[0], "known_on": changed[1]})
        state = {**state, "industry": changed[0]}
    for symbol, since in symbols[1:]:
        # Told on the last session of the old symbol, before the row of the new one.
        last_before = max(day for month in simulated.months for day in month.dates if since - timedelta(days=14) < day < since)
        out.append({**state, "listed_to": last_before, "known_on": last_before})
        state = {**state, "vendor_symbol": symbol, "known_on": since}
        out.append(state)
    if last is not None:
        reason = REASONS[int(companies.lives.reason[company])]
        out.append({**state, "listed_to": last, "delisting_reason": reason, "known_on": last})
    return out


def _at_listing(simulated: Simulated, company: int) -> dict:
    companies, market = simulated.companies, simulated.market
    slot = int(companies.lives.slot[company])
    industry = INDUSTRIES[companies.industry[slot]]
    first = companies.first_day(company)
    is_adr = slot in companies.adr_ratio
    ratio = None if not is_adr or slot == companies.unknown_ratio else companies.adr_ratio[slot]
    pair = next((pair for pair in companies.twins if slot in pair), None)
    us_exchange = "XNAS" if companies.habits["nasdaq"][company] else "XNYS"
    return {
        "vendor_symbol": companies.symbols[company][0][0],
        "known_on": first,
        "name": companies.names[company],
        "exchange": us_exchange if market == "US" else "XTKS",
        "currency": "USD" if market == "US" else "JPY",
        "sector": industry.sector,
        "industry": industry.name,
        "security_type": "adr" if is_adr else "common",
        "issuer": f"{market}{companies.issuer(company):06d}",
        "share_class": "AB"[pair.index(slot)] if pair else None,
        "adr_ratio": ratio,
        "lot_size": 1 if market == "US" else 100,
        "is_financial": industry.sector == "Financials",
        "listed_from": first,
        "listed_to": None,
        "delisting_reason": None,
    }


def _reclassified(p: Parameters, simulated: Simulated, company: int) -> tuple[str, date] | None:
    """New industry of the same sector and the day it was told; None for almost all. Returns keep following the old one."""
    companies = simulated.companies
    if company >= int((companies.lives.born == 0).sum()) or companies.lives.died[company] >= 0 or len(companies.symbols[company]) > 1:
        return None
    if any(int(companies.lives.slot[company]) in pair for pair in companies.twins):
        return None
    rng = p.stream("reclassified", simulated.market, company)
    old = INDUSTRIES[companies.industry[companies.lives.slot[company]]]
    others = [line.name for line in INDUSTRIES if line.sector == old.sector and line.name != old.name]
    if rng.random() > _RECLASSIFIED * len(p.months) / 12 or not others:
        return None
    month = simulated.months[int(rng.integers(2, len(p.months)))]
    return others[int(rng.integers(len(others)))], month.dates[5]


def _funds(simulated: Simulated) -> list[dict]:
    first = simulated.months[0].dates[0]
    blank = dict.fromkeys(("sector", "industry", "share_class", "adr_ratio", "listed_to", "delisting_reason"))
    return [
        {
            "vendor_symbol": symbol,
            "known_on": first,
            "name": name,
            "exchange": "ARCX" if simulated.market == "US" else "XTKS",
            "currency": "USD" if simulated.market == "US" else "JPY",
            "security_type": "etf",
            "issuer": f"{simulated.market}F{symbol}",
            "lot_size": 1,
            "is_financial": False,
            "listed_from": first,
            **blank,
        }
        for symbol, name, _ in ETFS[simulated.market]
    ]
