"""Hand-made raw rows and a lake in memory: small markets whose numbers can be worked out on paper."""

from collections.abc import Sequence
from datetime import UTC, date, datetime

import polars as pl

from wg_dagster.calendars import end_of_day, month_of_instant, month_sessions
from wg_dagster.clean.identity import Identity, identify
from wg_dagster.clean.spans import SEEN_IN, symbol_spans
from wg_dagster.clean.stations import STATIONS
from wg_dagster.schemas.tables import RAW_TABLES, TABLES
from wg_dagster.stations import Station

CALENDAR = {"US": "XNYS", "JP": "XTKS"}


def at(day: date | str, hour: int = 21, minute: int = 0) -> datetime:
    """A UTC instant; 21:00 is after the close in New York on the same date."""
    day = date.fromisoformat(day) if isinstance(day, str) else day
    return datetime(day.year, day.month, day.day, hour, minute, tzinfo=UTC)


def day_end(day: date | str, market: str = "US") -> datetime:
    return end_of_day(CALENDAR[market], date.fromisoformat(day) if isinstance(day, str) else day)


def frame(table: str, rows: Sequence[dict]) -> pl.DataFrame:
    """Raw rows in the columns of the contract; what is not given is null, lines are numbered."""
    spec = TABLES[table]
    filled = [
        {"source": "vendor", "source_file": "hand", "source_line": line, "known_at_rule": "reported", "quality": "", **row}
        for line, row in enumerate(rows, start=1)
    ]
    made = pl.DataFrame(
        [{name: row.get(name) for name in spec.columns if name != "month"} for row in filled],
        schema={k: v for k, v in spec.schema.items() if k != "month"},
    )
    return made.with_columns(month_of_instant(pl.col("known_at")).alias("month")).select(spec.columns)


def price(symbol: str, day: date | str, close: float | None, market: str = "US", **other: object) -> dict:
    """One price row, told at the end of its day: no split, no dividend unless given."""
    day = date.fromisoformat(day) if isinstance(day, str) else day
    row = {
        "vendor_symbol": symbol,
        "session_date": day,
        "known_at": day_end(day, market),
        "currency": "USD" if market == "US" else "JPY",
        "open": close,
        "high": close,
        "low": close,
        "close": close,
        "volume": 1000,
        "split_ratio": 1.0,
        "cash_dividend": 0.0,
    }
    return {**row, **other}


def prices(symbol: str, month: str, closes: Sequence[float | None], market: str = "US", **other: object) -> list[dict]:
    """Rows on the first sessions of a month."""
    return [price(symbol, day, close, market, **other) for day, close in zip(month_sessions(CALENDAR[market], month), closes, strict=False)]


def listing(symbol: str, known: datetime, **other: object) -> dict:
    row = {
        "vendor_symbol": symbol,
        "known_at": known,
        "name": symbol,
        "exchange": "XNYS",
        "currency": "USD",
        "security_type": "common",
        "sector": "Industrials",
    }
    return {**row, **other}


def filing(symbol: str, period_end: date | str, period: str, known: datetime, **items: object) -> dict:
    """A filing of the New York kind: income of the quarter alone, cash flow from the start of the year."""
    row = {
        "vendor_symbol": symbol,
        "period_end_date": date.fromisoformat(period_end) if isinstance(period_end, str) else period_end,
        "fiscal_period": period,
        "known_at": known,
        "currency": "USD",
        "accounting_standard": "usgaap",
        "is_consolidated": True,
        "income_is_cumulative": False,
        "cash_flow_is_cumulative": True,
        "filing_type": "original",
    }
    return {**row, "fiscal_year": row["period_end_date"].year, **items}


def raw_tables(**tables: Sequence[dict]) -> dict[str, pl.DataFrame]:
    """All raw tables; those that are not given have no rows."""
    return {name: frame(name, tables.get(name, [])) for name in RAW_TABLES}


def who(raw: dict[str, pl.DataFrame]) -> Identity:
    """What the symbols of these rows mean."""
    spans = pl.concat([symbol_spans(table, raw[table]).select(TABLES["symbol_spans"].columns) for table in SEEN_IN])
    return identify(spans, raw["securities"])


def known_until(raw: dict[str, pl.DataFrame], instant: datetime) -> dict[str, pl.DataFrame]:
    """The rows that one could have had at an instant."""
    return {name: rows.filter(pl.col("known_at") <= instant) for name, rows in raw.items()}


class MemoryReader:
    """A reader of frames: the declared months, as the real one gives them."""

    def __init__(self, tables: dict[str, pl.DataFrame], station: Station, months: Sequence[str]) -> None:
        self._tables, self._months = tables, months
        self._reads = {reads.table: reads for reads in station.reads}

    def read(self, table: str, *, columns: Sequence[str] | None = None) -> pl.DataFrame:
        rows = self._tables[table]
        stored = sorted(rows["month"].unique())
        covered = self._reads[table].covers(min(self._months), max(self._months), stored)
        rows = rows.filter(pl.col("month").is_in(covered))
        return rows.select(columns) if columns else rows

    def monthly(self, table: str) -> list[pl.DataFrame]:
        return self.read(table).partition_by("month", maintain_order=True)


def clean(raw: dict[str, pl.DataFrame], months: Sequence[str], *, before: dict[str, pl.DataFrame] | None = None) -> dict[str, pl.DataFrame]:
    """All clean tables of these months, in stored order; `before` holds clean months that were built earlier."""
    tables = {name: spec.empty() for name, spec in TABLES.items() if "month" in spec.columns} | raw | (before or {})
    held = []
    for station in STATIONS:
        for table, rows in station.build(MemoryReader(tables, station, months), months).items():
            spec = TABLES[table]
            stored = rows.select(pl.col(name).cast(dtype) for name, dtype in spec.schema.items()).sort(spec.key, maintain_order=True)
            if table == "quarantine":
                held.append(stored.with_columns(pl.lit(station.name).alias("station")))
            elif "month" in spec.partition_by:
                assert set(stored["month"]) <= set(months), f"{station.name} wrote other months of {table}"
                assert not stored.select(spec.key).is_duplicated().any(), f"{station.name} broke the grain of {table}"
                tables[table] = pl.concat([tables[table].filter(~pl.col("month").is_in(list(months))), stored]).sort(spec.key)
            else:
                tables[table] = stored
    return tables | {"quarantine": pl.concat(held).filter(pl.col("month").is_in(list(months))).sort(TABLES["quarantine"].key)}
