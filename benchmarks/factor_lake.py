"""Fills a lake with clean tables of any size, for the benchmarks of the factors: seeded, a year at a time, no raw rows.

Names are born and die (7 % a year), pay dividends, split, file quarters and years, restate some, and announce beside an estimate.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date

import numpy as np
import polars as pl

from wg_dagster import calendars
from wg_dagster.schemas.tables import TABLES
from wg_dagster.warehouse import Warehouse

FIRST_YEAR, LAST_YEAR = 2005, 2024
DEATHS = 0.07  # of the names, at each turn of the year
FILED_BEFORE = 24  # months of statements that a name brings to its listing


@dataclass(frozen=True)
class Life:
    """When a name was listed: years, both included."""

    security_id: str
    slot: int
    first_year: int
    last_year: int


def fill(warehouse: Warehouse, *, names: int, years: int = 20, seed: int = 11) -> None:
    """Write all clean tables for the last `years` years up to 2024."""
    rng = np.random.default_rng(seed)
    first = LAST_YEAR - years + 1
    lives = _lives(names, first, rng)
    warehouse.replace("sessions", calendars.sessions())
    level = rng.uniform(2.5, 5.0, names)
    for year in range(first, LAST_YEAR + 1):
        alive = [life for life in lives if life.first_year <= year <= life.last_year]
        prices = _prices(sorted(alive, key=lambda life: life.slot), year, level, rng)
        actions = prices.filter((pl.col("split_ratio") != 1) | (pl.col("cash_dividend") > 0))
        securities = prices.group_by("month", "security_id").agg(as_of_date=pl.col("session_date").max())
        financial = pl.col("security_id").str.ends_with("7")
        listed = securities.with_columns(market=pl.lit("US"), is_financial=financial, is_eligible=pl.lit(value=True))
        for table, rows in {"prices_clean": prices, "corporate_actions": actions, "securities_clean": listed}.items():
            _write(warehouse, table, rows)
    for table, rows in _slow_tables(lives, first, rng):
        _write(warehouse, table, rows)
    warehouse.settle()


def _write(warehouse: Warehouse, table: str, rows: pl.DataFrame) -> None:
    fitted = [
        pl.col(name).cast(dtype) if name in rows.columns else pl.lit("" if name == "quality" else None, dtype=dtype).alias(name)
        for name, dtype in TABLES[table].schema.items()
    ]
    warehouse.write_months(table, rows.select(fitted), rows["month"].unique().sort().to_list())


def _lives(names: int, first: int, rng: np.random.Generator) -> list[Life]:
    lives: list[Life] = []
    born = [(slot, first) for slot in range(names)]
    for year in range(first, LAST_YEAR + 1):
        dying = set(np.flatnonzero(rng.random(names) < DEATHS)) if year < LAST_YEAR else set(range(names))
        ended = [one for one in born if one[0] in dying]
        lives += [Life(f"US{len(lives) + k:06d}", slot, begun, year) for k, (slot, begun) in enumerate(ended)]
        born = [one for one in born if one[0] not in dying] + [(slot, year + 1) for slot, _ in ended]
    return lives


def _sessions(first: date, last: date) -> pl.DataFrame:
    return calendars.sessions().filter((pl.col("exchange") == "XNYS") & pl.col("session_date").is_between(first, last))


def _prices(alive: list[Life], year: int, level: np.ndarray, rng: np.random.Generator) -> pl.DataFrame:
    """One row a name and session; `level` (names,), the logarithm of the total-return price, moves on."""
    sessions = _sessions(date(year, 1, 1), date(year, 12, 31))
    shape = (len(alive), sessions.height)
    market = rng.normal(0.0003, 0.011, sessions.height)
    returns = np.round((market * rng.uniform(0.5, 1.5, (len(alive), 1)) + rng.normal(0, 0.018, shape)) * 1e9).astype(np.int64)
    returns[rng.random(shape) < 0.01] = 0
    closes = np.exp(level[:, None] + np.cumsum(returns, axis=1) / 1e9)
    level += returns.sum(axis=1) / 1e9
    dividends = np.where((np.arange(len(alive)) % 2 == 0)[:, None] & (np.arange(sessions.height) % 63 == 20), closes * 0.005, 0.0)
    splits = np.where(rng.random(shape) < 0.0001, 2.0, 1.0)
    volumes = rng.integers(1_000, 1_000_000, shape)
    ids = pl.DataFrame({"security_id": [life.security_id for life in alive]})
    return ids.join(sessions, how="cross").with_columns(
        market=pl.lit("US"),
        currency=pl.lit("USD"),
        close=pl.Series(closes.ravel()),
        volume=pl.Series(volumes.ravel()),
        traded_value=pl.Series((closes * volumes).ravel()),
        split_ratio=pl.Series(splits.ravel()),
        cash_dividend=pl.Series(dividends.ravel()),
        return_1e9=pl.Series(np.round(np.expm1(returns / 1e9) * 1e9).astype(np.int64).ravel()),
        log_return_1e9=pl.Series(returns.ravel()),
        shares_outstanding=pl.lit(1e8),
        shares_source=pl.lit("reported"),
        market_cap=pl.Series((closes * 1e8).ravel()),
        known_at=pl.col("close_at"),
    )


def _slow_tables(lives: list[Life], first: int, rng: np.random.Generator) -> Iterator[tuple[str, pl.DataFrame]]:
    quarters = _quarters(lives, rng)
    years = _years(quarters)
    restated = quarters.filter(pl.Series(rng.random(quarters.height) < 0.05)).with_columns(
        revenue=pl.col("revenue") * 1.1, known_at=pl.col("known_at").dt.offset_by("40d")
    )
    statements = pl.concat([quarters, restated, years.select(quarters.columns)])
    yield "fundamentals_clean", _by_knowledge(statements)
    actual = np.round(rng.normal(0.5, 0.2, quarters.height), 2)
    announced = quarters.select("security_id", "period_end_date", known_at=pl.col("known_at").dt.offset_by("-2d")).with_columns(
        announcement_date=pl.col("known_at").dt.date(),
        actual_eps=pl.Series(actual),
        estimate_eps=pl.Series(np.round(actual + rng.normal(0, 0.05, quarters.height), 2)),
    )
    yield "announcements_clean", _by_knowledge(announced)
    sessions = _sessions(date(first, 1, 1), date(LAST_YEAR, 12, 31)).with_columns(known_at=pl.col("close_at"))
    returns = np.round(rng.normal(0.0003, 0.011, sessions.height) * 1e9).astype(np.int64)
    index = {"benchmark_id": "sp500", "currency": "USD"}
    level = pl.Series(np.exp(np.cumsum(returns) / 1e9))
    yield "benchmark_nav", sessions.with_columns(*(pl.lit(v).alias(k) for k, v in index.items()), level=level, log_return_1e9=returns)
    rates = [sessions.with_columns(rate_id=pl.lit(name), value=pl.lit(value)) for name, value in (("us_bill", 0.02), ("usdjpy", 120.0))]
    yield "rates_clean", pl.concat(rates).with_columns(date=pl.col("session_date"))


def _by_knowledge(rows: pl.DataFrame) -> pl.DataFrame:
    last = f"{LAST_YEAR}-12"
    return rows.with_columns(month=calendars.month_of_instant(pl.col("known_at"))).filter(pl.col("month") <= last)


def _quarters(lives: list[Life], rng: np.random.Generator) -> pl.DataFrame:
    ends = [end for end in calendars.months_between(f"{FIRST_YEAR - 3}-01", f"{LAST_YEAR}-12") if end[5:] in {"03", "06", "09", "12"}]
    born = [calendars.month_shift(f"{life.first_year}-01", -FILED_BEFORE) for life in lives]
    names = pl.DataFrame({"security_id": [life.security_id for life in lives], "born": born, "died": [life.last_year for life in lives]})
    grid = names.join(pl.DataFrame({"end": ends}), how="cross").filter(
        pl.col("end") >= pl.col("born"), pl.col("end") <= pl.concat_str(pl.col("died"), pl.lit("-12"))
    )
    size = grid.height
    revenue = np.round(rng.lognormal(18, 0.2, size))
    profit = np.round(revenue * rng.normal(0.1, 0.05, size))
    end_date = pl.col("end").str.to_date("%Y-%m").dt.month_end()
    items = {
        "revenue": revenue,
        "operating_profit": profit,
        "interest_expense": np.round(profit * 0.1),
        "pretax_income": np.round(profit * 0.9),
        "net_income": np.round(profit * 0.7),
        "operating_cash_flow": np.round(profit * 1.2),
        "eps_diluted": np.round(profit * 0.7 / 1e7, 2),
        "assets": np.round(revenue * 6),
        "current_assets": np.round(revenue * 2),
        "current_liabilities": np.round(revenue * 1.2),
        "total_liabilities": np.round(revenue * 3),
        "equity": np.round(revenue * 3),
    }
    hours = pl.Series(rng.integers(30 * 24, 60 * 24, size)).cast(pl.Duration("ms"))
    filed = end_date.cast(pl.Datetime("us", "UTC")) + hours * 3_600_000
    return grid.select("security_id", period_end_date=end_date).with_columns(
        *(pl.Series(name, values) for name, values in items.items()),
        issuer_id=pl.col("security_id"),
        period_kind=pl.lit("quarter"),
        fiscal_year=pl.col("period_end_date").dt.year(),
        is_derived=pl.col("period_end_date").dt.month() == 12,
        currency=pl.lit("USD"),
        accounting_standard=pl.lit("usgaap"),
        shares_outstanding=pl.lit(1e7),
        known_at=grid.select(filed).to_series(),
    )


def _years(quarters: pl.DataFrame) -> pl.DataFrame:
    flows = ("revenue", "operating_profit", "interest_expense", "pretax_income", "net_income", "operating_cash_flow", "eps_diluted")
    return (
        quarters.sort("security_id", "period_end_date")
        .with_columns(pl.col(item).rolling_sum(4).over("security_id") for item in flows)
        .filter("is_derived", pl.col("revenue").is_not_null())
        .with_columns(period_kind=pl.lit("annual"), is_derived=pl.lit(value=False))
    )
