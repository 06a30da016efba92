"""Faults that are planted in the vendor rows, few and always at the same places, so that every check has something to find.

Each is told in the truth: table, market, vendor symbol, date and kind. The market itself (returns, indexes) knows nothing of them.
"""

from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np
import polars as pl

from wg_dagster.calendars import month_of_instant
from wg_dagster.ingest.synthetic_market.filings import ITEMS
from wg_dagster.ingest.synthetic_market.market import Simulated
from wg_dagster.ingest.synthetic_market.parameters import EVENT_MONTH, Parameters
from wg_dagster.ingest.synthetic_market.rows import symbols_on

# (market, kind, months before the end of the span)
_IN_PRICES = (
    ("US", "duplicate_row", 40),
    ("US", "duplicate_row", 10),
    ("JP", "duplicate_row", 20),
    ("US", "negative_price", 14),
    ("US", "zero_price", 7),
    ("US", "price_times_100", 18),
    ("JP", "price_times_100", 33),
    ("US", "high_below_low", 12),
    ("JP", "high_below_low", 5),
    ("US", "missing_currency", 16),
    ("JP", "missing_currency", 9),
    ("US", "future_session", 11),
    ("US", "stale_repeat", 22),
    ("US", "null_close", 8),
    ("US", "nan_close", 13),
    ("US", "negative_volume", 6),
)
_IN_FUNDAMENTALS = (("US", "units_times_1000", 15), ("JP", "period_end_after_publication", 19), ("US", "missing_currency", 4))
_STALE_SESSIONS = 12
_AHEAD = timedelta(days=7)  # how far ahead a future-dated row lies
_UNAPPLIED_SPLIT = (12, 36)  # months before the end in which one split is not told
_WRONG: dict[str, dict[str, pl.Expr]] = {
    "negative_price": {"close": -pl.col("close")},
    "zero_price": {"close": pl.lit(0.0)},
    "price_times_100": {name: pl.col(name) * 100 for name in ("open", "high", "low", "close", "vendor_adjusted_close")},
    "high_below_low": {"high": pl.col("low") * 0.97},
    "missing_currency": {"currency": pl.lit(None, pl.String)},
    "null_close": {"close": pl.lit(None, pl.Float64)},
    "nan_close": {"close": pl.lit(float("nan"))},
    "negative_volume": {"volume": -pl.col("volume")},
    "unapplied_split": {"split_ratio": pl.lit(1.0)},
}
_MONEY = [item for item in ITEMS if not item.startswith(("eps", "dividend", "treasury", "shares"))]


@dataclass(frozen=True)
class PriceFault:
    """A fault in the price rows of one line: the session is a position in its month."""

    market: str
    kind: str
    month: int
    session: int
    symbol: str


def price_plan(p: Parameters, simulated: Simulated) -> list[PriceFault]:
    """Where faults are planted in a market's prices; lines that just trade, away from month ends and corporate actions."""
    market, count = simulated.market, len(simulated.months)
    plan = []
    for k, (_, kind, before_end) in enumerate(fault for fault in _IN_PRICES if fault[0] == market):
        m = max(count - 1 - before_end, 1 + k % 3)
        session = 4 if kind == "stale_repeat" else 6 + k % 7
        plan.append(PriceFault(market, kind, m, session, _plain_line(p, simulated, m, f"{kind} {before_end}")))
    return plan + _untold_split(p, simulated)


def plant_in_prices(rows: pl.DataFrame, simulated: Simulated, faults: list[PriceFault]) -> pl.DataFrame:
    """The month's price rows with its faults; new rows come at the end of the file."""
    for fault in faults:
        rows = _plant(rows, fault, simulated.months[fault.month].dates)
    return rows


def plant_in_fundamentals(p: Parameters, market: str, rows: pl.DataFrame) -> tuple[pl.DataFrame, list[dict]]:
    """Filings with their faults, and what was planted."""
    planted = []
    for _, kind, before_end in (fault for fault in _IN_FUNDAMENTALS if fault[0] == market):
        month = p.months[max(len(p.months) - 1 - before_end, 1)]
        inside = rows.with_row_index("at").filter((pl.col("month") == month) & (pl.col("filing_type") == "original"))
        if inside.is_empty():
            continue
        row = inside.row(int(p.stream("faults", market, kind).integers(inside.height)), named=True)
        rows = _PLANTED[kind](rows, row["at"])
        period_end = rows["period_end_date"][row["at"]]
        planted.append({"table": "fundamentals", "market": market, "vendor_symbol": row["vendor_symbol"], "date": period_end, "kind": kind})
    return rows, planted


def told(simulated: Simulated, faults: list[PriceFault]) -> list[dict]:
    """The planted price faults as truth rows, one a faulty row."""
    out = []
    for fault in faults:
        dates = simulated.months[fault.month].dates
        sessions = range(fault.session, fault.session + _STALE_SESSIONS) if fault.kind == "stale_repeat" else [fault.session]
        for session in sessions:
            day = dates[session] if fault.kind != "future_session" else dates[session] + _AHEAD
            out.append({"table": "prices", "market": fault.market, "vendor_symbol": fault.symbol, "date": day, "kind": fault.kind})
    return out


def _plain_line(p: Parameters, simulated: Simulated, m: int, what: str) -> str:
    """Symbol of a middling line that trades all month without split or dividend."""
    month, companies = simulated.months[m], simulated.companies
    n = len(companies.industry)
    plain = ~np.isnan(month.close).any(axis=0) & (month.split == 1).all(axis=0) & (month.dividend == 0).all(axis=0)
    special = [slot for pair in companies.twins for slot in pair] + list(companies.adr_ratio)
    renamed = [int(companies.lives.slot[k]) for k, symbols in enumerate(companies.symbols) if len(symbols) > 1]
    plain[[*special, *renamed]] = False
    plain[: n // 10] = False
    choices = np.flatnonzero(plain)
    slot = choices[int(p.stream("faults", simulated.market, what).random() * len(choices))]
    return symbols_on(companies, month.company[[slot]], np.array(month.dates[:1], dtype="datetime64[D]"))[0]


def _untold_split(p: Parameters, simulated: Simulated) -> list[PriceFault]:
    """The newest ordinary split of a period is not told; splits after the event differ between worlds, so none of them is taken."""
    if simulated.market != "US":
        return []
    count = len(simulated.months)
    for m in range(count - 1 - _UNAPPLIED_SPLIT[0], max(count - 1 - _UNAPPLIED_SPLIT[1], 0), -1):
        month = simulated.months[m]
        if p.months[m] >= EVENT_MONTH:
            continue
        rows, slots = np.nonzero((month.split >= 2) & ~np.isnan(month.close))
        if len(rows):
            day = np.array([month.dates[rows[0]]], dtype="datetime64[D]")
            symbol = symbols_on(simulated.companies, month.company[slots[:1]], day)[0]
            return [PriceFault("US", "unapplied_split", m, int(rows[0]), symbol)]
    return []


def _plant(rows: pl.DataFrame, fault: PriceFault, dates: tuple[date, ...]) -> pl.DataFrame:
    day = dates[fault.session]
    here = (pl.col("vendor_symbol") == fault.symbol) & (pl.col("session_date") == day)
    if fault.kind == "duplicate_row":
        return _append(rows, rows.filter(here))
    if fault.kind == "future_session":
        return _append(rows, rows.filter(here).with_columns(session_date=pl.lit(day + _AHEAD)))
    if fault.kind == "stale_repeat":
        return _repeat(rows, fault, dates)
    return rows.with_columns(pl.when(here).then(wrong).otherwise(pl.col(name)).alias(name) for name, wrong in _WRONG[fault.kind].items())


def _append(rows: pl.DataFrame, more: pl.DataFrame) -> pl.DataFrame:
    return pl.concat([rows, more.with_columns(source_line=pl.lit(rows["source_line"].max(), pl.Int64) + 1)])


def _repeat(rows: pl.DataFrame, fault: PriceFault, dates: tuple[date, ...]) -> pl.DataFrame:
    last = rows.filter((pl.col("vendor_symbol") == fault.symbol) & (pl.col("session_date") == dates[fault.session - 1])).row(0, named=True)
    stale = dates[fault.session : fault.session + _STALE_SESSIONS]
    here = (pl.col("vendor_symbol") == fault.symbol) & pl.col("session_date").is_in(stale)
    names = ("open", "high", "low", "close", "volume", "vendor_adjusted_close")
    return rows.with_columns(pl.when(here).then(pl.lit(last[name])).otherwise(pl.col(name)).alias(name) for name in names)


def _thousandfold(rows: pl.DataFrame, at: int) -> pl.DataFrame:
    """An amendment a few weeks later whose figures are in the wrong unit."""
    amended = rows[at].with_columns(
        pl.col(_MONEY) * 1000,
        filing_type=pl.lit("amendment"),
        known_at=pl.col("known_at").dt.offset_by("4w"),
    )
    return pl.concat([rows, _relocated(amended, rows)])


def _relocated(row: pl.DataFrame, rows: pl.DataFrame) -> pl.DataFrame:
    """The row at the end of the file of its month."""
    row = row.with_columns(month=month_of_instant(pl.col("known_at")))
    month, old = row["month"][0], row["source_file"][0]
    file = f"{old.rsplit('/', 1)[0]}/{month}"
    lines = rows.filter(pl.col("source_file") == file).height
    return row.with_columns(source_file=pl.lit(file), source_line=pl.lit(lines + 1, pl.Int64))


def _after_publication(rows: pl.DataFrame, at: int) -> pl.DataFrame:
    here = pl.int_range(pl.len()) == at
    later = pl.col("known_at").dt.date().dt.offset_by("45d")
    return rows.with_columns(period_end_date=pl.when(here).then(later).otherwise("period_end_date"))


def _without_currency(rows: pl.DataFrame, at: int) -> pl.DataFrame:
    return rows.with_columns(currency=pl.when(pl.int_range(pl.len()) != at).then("currency"))


_PLANTED = {
    "units_times_1000": _thousandfold,
    "period_end_after_publication": _after_publication,
    "missing_currency": _without_currency,
}
