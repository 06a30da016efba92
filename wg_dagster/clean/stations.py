"""The stations from raw to clean: what each reads, what it writes, and the function between."""

from collections.abc import Sequence

import polars as pl

from wg_dagster import calendars
from wg_dagster.clean import (
    actions,
    benchmarks,
    captures,
    forecasts,
    fundamentals,
    identity,
    jumps,
    labels,
    prices,
    quarantine,
    quarters,
    rates,
    renames,
    risk,
    securities,
    shares,
    spans,
    statements,
    views,
    year_to_date,
)
from wg_dagster.clean.quarantine import gathered
from wg_dagster.quality import other_sources
from wg_dagster.schemas.tables import TABLES
from wg_dagster.stations import HISTORY, Reader, Reads, Station

_WHO = (Reads("symbol_spans", back=HISTORY), Reads("securities", back=HISTORY))
_WHO_CODE = (calendars, identity, quarantine, renames, spans, views)
_YEAR = 12
_HALF_YEAR = 6  # of rows that are carried whole, for the few that are set aside


def identity_of(reader: Reader) -> identity.Identity:
    """What symbols meant, from everything seen up to the months that are built."""
    return identity.identify(reader.read("symbol_spans"), reader.read("securities"))


def build_spans(reader: Reader, months: Sequence[str]) -> dict[str, pl.DataFrame]:
    """Where each symbol was seen."""
    seen = []
    for table in spans.SEEN_IN:
        dates = ["session_date"] if table in spans.PRICED else []
        rows = reader.read(table, columns=["month", "source", "vendor_symbol", "known_at", "currency", *dates])
        rows = rows.filter(pl.col("month").is_in(list(months)))
        seen.append(spans.symbol_spans(table, rows).select(TABLES["symbol_spans"].columns))
    return {"symbol_spans": pl.concat(seen)}


def build_reference(reader: Reader, months: Sequence[str]) -> dict[str, pl.DataFrame]:
    """Sessions and the map of symbols."""
    del months
    who = identity_of(reader)
    mapped = who.holders.with_columns(pl.lit(calendars.end_of_day("XNYS", calendars.LAST_DAY)).cast(pl.Datetime("us", "UTC")).alias("_at"))
    mapped = who.with_issuer(mapped, as_of="_at")
    return {"sessions": calendars.sessions(), "security_map": mapped.select(TABLES["security_map"].columns)}


def build_securities(reader: Reader, months: Sequence[str]) -> dict[str, pl.DataFrame]:
    """What was known of each security."""
    return {"securities_clean": securities.securities_clean(reader.read("securities"), identity_of(reader), months)}


def build_actions(reader: Reader, months: Sequence[str]) -> dict[str, pl.DataFrame]:
    """Splits and dividends."""
    raw = reader.read("prices").filter(pl.col("month").is_in(list(months)))
    rows, broken = actions.corporate_actions(raw, identity_of(reader))
    return {"corporate_actions": rows, "quarantine": broken}


def build_fundamentals(reader: Reader, months: Sequence[str]) -> dict[str, pl.DataFrame]:
    """Versions of quarters and years."""
    rows, broken = fundamentals.fundamentals_clean(reader.read("fundamentals"), identity_of(reader), months)
    return {"fundamentals_clean": rows, "quarantine": broken}


def build_prices(reader: Reader, months: Sequence[str]) -> dict[str, pl.DataFrame]:
    """Daily prices with returns and sizes."""
    known = prices.Known(
        reader.read("securities_clean").filter(pl.col("month").is_in(list(months))),
        reader.read("corporate_actions"),
        reader.read("fundamentals_clean", columns=_SHARE_COLUMNS),
    )
    rows, broken = prices.prices_clean(reader.monthly("prices"), identity_of(reader), known, months)
    return {"prices_clean": rows, "quarantine": broken}


def build_risk_returns(reader: Reader, months: Sequence[str]) -> dict[str, pl.DataFrame]:
    """Returns before the first traded prices; later ones are held against those of the traded prices."""
    who = identity_of(reader)
    moved, broken = risk.adjusted_returns(reader.monthly("adjusted_prices"), who, months)
    if moved.is_empty():
        return {"quarantine": broken}
    rows, extreme = risk.risk_returns(moved, who, months)
    traded = reader.read("prices_clean", columns=other_sources.TRADED)
    checks = other_sources.disagreement(moved, traded, "clean.risk_returns")
    return {"risk_returns": rows, "checks": checks, "quarantine": gathered(broken, extreme)}


def build_forecasts(reader: Reader, months: Sequence[str]) -> dict[str, pl.DataFrame]:
    """Forecasts and announced earnings."""
    who, inside = identity_of(reader), pl.col("month").is_in(list(months))
    expected, broken = forecasts.forecasts_clean(reader.read("forecasts").filter(inside), who)
    announced, odd = forecasts.announcements_clean(reader.read("earnings_announcements").filter(inside), who)
    return {"forecasts_clean": expected, "announcements_clean": announced, "quarantine": gathered(broken, odd)}


def build_benchmarks(reader: Reader, months: Sequence[str]) -> dict[str, pl.DataFrame]:
    """Levels, returns and members of the benchmarks."""
    nav, broken = benchmarks.benchmark_nav(reader.read("index_levels"), months)
    members, unknown = benchmarks.benchmark_members(reader.read("index_members"), identity_of(reader), months)
    return {"benchmark_nav": nav, "benchmark_members": members, "quarantine": gathered(broken, unknown)}


def build_rates(reader: Reader, months: Sequence[str]) -> dict[str, pl.DataFrame]:
    """Bill and exchange rates."""
    rows, broken = rates.rates_clean(reader.read("rates"), months)
    return {"rates_clean": rows, "quarantine": broken}


_SHARE_COLUMNS = [
    "security_id",
    "known_at",
    "period_end_date",
    "period_kind",
    "is_derived",
    "net_income",
    "eps_diluted",
    "eps_basic",
    "shares_outstanding",
]

STATIONS: tuple[Station, ...] = (
    Station(
        "clean/symbol_spans",
        "Where each vendor symbol was seen",
        "clean",
        tuple(Reads(table) for table in spans.SEEN_IN),
        ("symbol_spans",),
        build_spans,
        (spans, views),
        batch=_YEAR,
    ),
    Station(
        "clean/reference",
        "Sessions, and which security each symbol means",
        "clean",
        (Reads("symbol_spans", ahead=True), Reads("securities", ahead=True)),
        ("sessions", "security_map"),
        build_reference,
        _WHO_CODE,
        batch=_YEAR,
    ),
    Station(
        "clean/securities",
        "What was known of each security",
        "clean",
        _WHO,
        ("securities_clean",),
        build_securities,
        (*_WHO_CODE, securities),
        batch=_YEAR,
    ),
    Station(
        "clean/actions",
        "Splits and dividends, given or read from closes",
        "clean",
        (Reads("prices"), *_WHO),
        ("corporate_actions",),
        build_actions,
        (*_WHO_CODE, captures, actions),
        batch=_YEAR,
    ),
    Station(
        "clean/fundamentals",
        "Versions of standalone quarters and fiscal years",
        "clean",
        (Reads("fundamentals", back=HISTORY), *_WHO, Reads("securities_clean")),  # the last for its checks: who has filed
        ("fundamentals_clean",),
        build_fundamentals,
        (*_WHO_CODE, fundamentals, labels, quarters, statements, shares, year_to_date),
        batch=_YEAR,
    ),
    Station(
        "clean/prices",
        "Daily prices as known at each month's cut-off, with returns, shares and market cap",
        "clean",
        (
            Reads("prices", back=prices.LOOK_BACK),
            Reads("securities_clean"),
            Reads("corporate_actions", back=HISTORY),
            Reads("fundamentals_clean", back=HISTORY),
            *_WHO,
        ),
        ("prices_clean",),
        build_prices,
        (*_WHO_CODE, captures, jumps, prices, shares),
        batch=_YEAR,
    ),
    Station(
        "clean/risk_returns",
        "Returns before the first traded prices, for risk only",
        "clean",
        (Reads("adjusted_prices", back=1), *_WHO, Reads("prices_clean")),  # the last for its check: what another source tells
        ("risk_returns",),
        build_risk_returns,
        (*_WHO_CODE, captures, risk, other_sources),
        batch=_HALF_YEAR,
    ),
    Station(
        "clean/forecasts",
        "Company forecasts and announced earnings",
        "clean",
        (Reads("forecasts"), Reads("earnings_announcements"), *_WHO, Reads("securities_clean")),  # the last for its checks: who is listed
        ("forecasts_clean", "announcements_clean"),
        build_forecasts,
        (*_WHO_CODE, forecasts),
        batch=_YEAR,
    ),
    Station(
        "clean/benchmarks",
        "Benchmark levels, returns and members",
        "clean",
        (Reads("index_levels", back=1), Reads("index_members", back=HISTORY), *_WHO, Reads("prices_clean")),  # for its checks: do they fit
        ("benchmark_nav", "benchmark_members"),
        build_benchmarks,
        (*_WHO_CODE, benchmarks),
        batch=_YEAR,
    ),
    Station(
        "clean/rates",
        "Bill and exchange rates, each day once",
        "clean",
        (Reads("rates", back=HISTORY),),
        ("rates_clean",),
        build_rates,
        (rates, quarantine),
        batch=_YEAR,
    ),
)
