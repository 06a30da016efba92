"""What to ask each vendor for, and how: addresses, limits, the names of keys."""

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from wg_dagster.calendars import end_of_day, month_sessions, months_between
from wg_dagster.errors import BadInput, KeyRefused, UnknownValue
from wg_dagster.ingest.drop import days_of
from wg_dagster.ingest.fetch import Request
from wg_dagster.ingest.http_client import Patience, Server

CONTACT = "WG_SEC_CONTACT"  # the agency asks for a name and an address in every request
JQUANTS_KEY = "JQUANTS_API_KEY"
RATE_LIMIT = "WG_REQUESTS_PER_MINUTE"
FRED_SERIES = ("DGS3MO", "DEXJPUS")
FACTORS_FILE = "F-F_Research_Data_Factors_daily_CSV.zip"
_FIRST_DATA_SET = "2009-04"
_DAILY, _DIVIDENDS, _LIST = ("equities/bars/daily", "fins/summary"), "fins/dividend", "equities/master"
_MONTHLY = ("indices/bars/daily/topix", "markets/calendar")
_SETTLED = timedelta(hours=2)  # after the end of a day in Tokyo its last corrections are in
_PUBLISHED = timedelta(days=10)  # after the end of a quarter its data set is out


@dataclass(frozen=True)
class Vendor:
    """Hosts of a source, the variable of its key with the header that carries it, requests a minute, and its plan."""

    hosts: dict[str, str]
    plan: Callable[[Sequence[str], Sequence[str], datetime], list[Request]]
    key_name: str = ""
    header: str = ""
    per_minute: float = 60.0


def _edgar(months: Sequence[str], ciks: Sequence[str], now: datetime) -> list[Request]:
    """The list of tickers, and single companies or else the data sets of the quarters that are over."""
    found = [Request("company_tickers_exchange.json", "www", "/files/company_tickers_exchange.json", moving=True)]
    for cik in ciks:
        if not cik.isdigit():
            raise BadInput(f"--only {cik!r} is not a CIK; give numbers such as 320193")
        number = f"CIK{int(cik):010d}"
        found.append(Request(f"companyfacts/{number}.json", "data", f"/api/xbrl/companyfacts/{number}.json", moving=True))
        found.append(Request(f"submissions/{number}.json", "data", f"/submissions/{number}.json", moving=True))
    if ciks:
        return found
    quarters = dict.fromkeys((month[:4], (int(month[5:]) + 2) // 3) for month in months if month >= _FIRST_DATA_SET)
    for year, quarter in quarters:
        end = days_of([f"{year}-{3 * quarter:02d}"])[1]
        if end_of_day("XNYS", end) + _PUBLISHED <= now:
            found.append(Request(f"{year}q{quarter}.zip", "www", f"/files/dera/data/financial-statement-data-sets/{year}q{quarter}.zip"))
    return found


def _jquants(months: Sequence[str], only: Sequence[str], now: datetime) -> list[Request]:
    """Day by day prices and summaries; month by month the list of its last session, TOPIX and the calendar. Only days that are over.

    Notices of dividends need another contract with the vendor, so they are only asked for by name.
    """
    wanted = only or (*_DAILY, _LIST, *_MONTHLY)
    unknown = sorted(set(wanted) - {*_DAILY, _DIVIDENDS, _LIST, *_MONTHLY})
    if unknown:
        raise BadInput(f"--only {' '.join(unknown)} is no endpoint of jquants; known: {', '.join((*_DAILY, _DIVIDENDS, _LIST, *_MONTHLY))}")
    plan = []
    for month in months:
        sessions = [day for day in month_sessions("XTKS", month) if _is_over(day, now)]
        plan += [_of_day(path, day) for path in (*_DAILY, _DIVIDENDS) if path in wanted for day in sessions]
        plan += [_of_day(_LIST, day) for day in sessions[-1:] if _LIST in wanted]
        first, last = days_of([month])
        for path in [path for path in _MONTHLY if path in wanted and sessions]:
            query = {"from": f"{first}", "to": f"{last}"}
            name = f"{path.replace('/', '_')}/{last}.json"
            plan.append(Request(name, "api", f"/v2/{path}", query, paged=True, moving=not _is_over(last, now)))
    return plan


def _is_over(day: date, now: datetime) -> bool:
    return end_of_day("XTKS", day) + _SETTLED <= now


def _of_day(path: str, day: date) -> Request:
    return Request(f"{path.replace('/', '_')}/{day}.json", "api", f"/v2/{path}", {"date": f"{day}"}, paged=True)


def _reference(months: Sequence[str], series: Sequence[str], now: datetime) -> list[Request]:
    """Reference rates of the ECB, series of FRED, the daily factors."""
    first, last = days_of(months)
    fred = [
        Request(
            f"{name}.csv", "fred", "/graph/fredgraph.csv", {"id": name, "cosd": f"{first}", "coed": f"{min(last, now.date())}"}, moving=True
        )
        for name in (series or FRED_SERIES)
    ]
    return [
        Request("eurofxref-hist.zip", "ecb", "/stats/eurofxref/eurofxref-hist.zip", moving=True),
        *fred,
        Request(FACTORS_FILE, "french", f"/pages/faculty/ken.french/ftp/{FACTORS_FILE}", moving=True),
    ]


VENDORS = {
    "edgar": Vendor(
        {"www": "https://www.sec.gov", "data": "https://data.sec.gov"}, _edgar, key_name=CONTACT, header="User-Agent", per_minute=300
    ),
    "jquants": Vendor({"api": "https://api.jquants.com"}, _jquants, key_name=JQUANTS_KEY, header="x-api-key", per_minute=60),
    "reference": Vendor(
        {
            "ecb": "https://www.ecb.europa.eu",
            "fred": "https://fred.stlouisfed.org",
            "french": "https://mba.tuck.dartmouth.edu",
        },
        _reference,
        per_minute=30,
    ),
}


def plan_of(source: str, first: str, last: str, only: Sequence[str] = (), *, now: datetime) -> list[Request]:
    """The requests of a source for a range of months, as far as it is over at `now`; UnknownValue for a source without a plan."""
    return _vendor(source).plan(months_between(first, last), only, now)


def servers_of(source: str, base_url: str | None = None) -> dict[str, Server]:
    """The servers of a source; `base_url` stands for all its hosts. KeyRefused where the key is not in the environment."""
    vendor = _vendor(source)
    headers = {}
    if base_url and not base_url.startswith(("http://", "https://")):
        raise BadInput("--base-url should begin with http:// or https://")
    if vendor.key_name:
        key = os.environ.get(vendor.key_name, "").strip()
        if not key or not (key.isascii() and key.isprintable()):
            raise KeyRefused(f"source {source} needs the environment variable {vendor.key_name}; set it and try again")
        headers = {vendor.header: key}
    patience = Patience(per_minute=_per_minute(vendor))
    return {name: Server(base_url or url, headers, vendor.key_name, patience) for name, url in vendor.hosts.items()}


def _per_minute(vendor: Vendor) -> float:
    said = os.environ.get(RATE_LIMIT, "")
    try:
        limit = float(said) if said else vendor.per_minute
    except ValueError:
        limit = 0.0
    if limit <= 0:
        raise BadInput(f"{RATE_LIMIT} should be a positive number of requests a minute")
    return limit


def _vendor(source: str) -> Vendor:
    if source not in VENDORS:
        raise UnknownValue(f"nothing can be fetched for source {source!r}; known: {', '.join(VENDORS)}")
    return VENDORS[source]
