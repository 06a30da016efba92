"""A generator of clean tables for tests and benchmarks of the factors: any number of names and months, seeded."""

import numpy as np
import polars as pl

from wg_dagster import calendars
from wg_dagster.schemas.tables import TABLES
from wg_dagster.warehouse import Warehouse

MARKETS = ("US", "JP")
_ITEMS_OF_MARKET = {"US": "pretax_income", "JP": "ordinary_profit"}


def write_lake(warehouse: Warehouse, tables: dict[str, pl.DataFrame]) -> None:
    """Fill the lake with these clean tables and the calendar."""
    warehouse.replace("sessions", calendars.sessions())
    for table, rows in tables.items():
        warehouse.write_months(table, rows, rows["month"].unique().sort().to_list())


def clean_rows(*, names: int, first: str, last: str, seed: int = 7, messy: bool = False) -> dict[str, pl.DataFrame]:
    """Clean tables of `names` securities, half of them in each market, from `first` to `last`."""
    rng = np.random.default_rng(seed)
    frames = [market_rows(market, names // len(MARKETS), first, last, rng, messy=messy) for market in MARKETS]
    tables = {table: pl.concat([frame[table] for frame in frames]) for table in frames[0]}
    return tables | {"benchmark_nav": benchmark_rows(first, last, rng), "rates_clean": rate_rows(first, last)}


def known_by(tables: dict[str, pl.DataFrame], month: str) -> dict[str, pl.DataFrame]:
    """What of the tables was known at the cut-off of a month; the market's own for its securities, Tokyo's for the rest."""
    return {table: _known_by(rows, month) for table, rows in tables.items()}


def _known_by(rows: pl.DataFrame, month: str) -> pl.DataFrame:
    if "known_at" not in rows.columns:
        return rows.filter(pl.col("month") <= month)
    us, jp = (calendars.cutoff(calendar, month) for calendar in ("XNYS", "XTKS"))
    if "security_id" not in rows.columns:
        return rows.filter(pl.col("known_at") <= max(us, jp))
    return rows.filter(pl.col("known_at") <= pl.when(pl.col("security_id").str.starts_with("US")).then(us).otherwise(jp))


def market_rows(market: str, names: int, first: str, last: str, rng: np.random.Generator, *, messy: bool) -> dict[str, pl.DataFrame]:
    """All clean tables of one market."""
    prices = price_rows(market, names, first, last, rng)
    statements = statement_rows(market, names, first, last, rng)
    if messy:
        prices, statements = disturbed_prices(prices, rng), disturbed_statements(statements, rng)
    actions = prices.filter((pl.col("split_ratio") != 1) | (pl.col("cash_dividend") > 0))
    return {
        "prices_clean": prices,
        "corporate_actions": fit("corporate_actions", actions),
        "securities_clean": security_rows(market, prices),
        "fundamentals_clean": statements,
        "forecasts_clean": forecast_rows(statements, rng) if market == "JP" else TABLES["forecasts_clean"].empty(),
        "announcements_clean": announcement_rows(statements, rng) if market == "US" else TABLES["announcements_clean"].empty(),
    }


def disturbed_prices(prices: pl.DataFrame, rng: np.random.Generator) -> pl.DataFrame:
    """Sessions without a row, returns and ex-days that cannot be seen, sleepy names, a name that leaves and a late one."""
    chance = pl.Series(rng.random(prices.height))
    number = pl.col("security_id").str.slice(2).cast(pl.Int64)
    sleepy = (number % 4 == 1) & (chance < 0.3)
    dates = prices["session_date"].unique().sort()
    return prices.with_columns(
        log_return_1e9=pl.when(sleepy).then(0).when((number % 4 == 2) & (chance > 0.97)).then(None).otherwise("log_return_1e9"),
        cash_dividend=pl.when((number % 4 == 3) & (chance > 0.99)).then(None).otherwise("cash_dividend"),
        shares_source=pl.when(number % 4 == 0).then(pl.lit("inferred")).otherwise("shares_source"),
    ).filter(
        ~((number % 4 == 2) & chance.is_between(0.95, 0.97)),
        ~((number == 3) & (pl.col("session_date") > dates[-40])),
        ~((number == 4) & (pl.col("session_date") < dates[-100])),
    )


def disturbed_statements(statements: pl.DataFrame, rng: np.random.Generator) -> pl.DataFrame:
    """Lost quarters, lost items, losses, IFRS reporters, and filings in the night of a month's last session."""
    chance = pl.Series(rng.random(statements.height))
    number = pl.col("security_id").str.slice(2).cast(pl.Int64)
    profits = ("operating_profit", "pretax_income", "ordinary_profit", "net_income", "eps_diluted")
    night = pl.col("known_at").dt.month_end().dt.truncate("1d").dt.offset_by(pl.concat_str((chance * 30).cast(pl.Int64), pl.lit("h")))
    moved = (number % 3 == 0) & (night > pl.col("known_at"))
    return (
        statements.with_columns(
            pl.when((number % 5 == 2) & (chance < 0.4)).then(-pl.col(item)).otherwise(item).alias(item) for item in profits
        )
        .with_columns(
            ordinary_profit=pl.when(number % 5 != 3).then("ordinary_profit"),
            operating_profit=pl.when(chance < 0.9).then("operating_profit"),
            total_liabilities=pl.when(number % 2 == 0).then("total_liabilities"),
            known_at=pl.when(moved).then(night).otherwise("known_at"),
        )
        .with_columns(month=calendars.month_of_instant(pl.col("known_at")))
        .filter(~((number % 4 == 1) & (pl.col("period_kind") == "quarter") & (chance > 0.9)))
        .unique(["security_id", "period_end_date", "period_kind", "known_at"], keep="first", maintain_order=True)
    )


def fit(table: str, rows: pl.DataFrame) -> pl.DataFrame:
    """The columns of a contract; what is not given is null (quality: empty)."""
    spec = TABLES[table].schema
    given = [
        pl.col(name).cast(dtype) if name in rows.columns else pl.lit("" if name == "quality" else None, dtype=dtype).alias(name)
        for name, dtype in spec.items()
    ]
    return rows.select(given)


def price_rows(market: str, names: int, first: str, last: str, rng: np.random.Generator) -> pl.DataFrame:
    calendar = calendars.CALENDAR_OF_MARKET[market]
    sessions = calendars.sessions().filter((pl.col("exchange") == calendar) & pl.col("month").is_between(pl.lit(first), pl.lit(last)))
    days = sessions.height
    returns = np.round(rng.normal(0.0003, 0.02, (names, days)) * 1e9).astype(np.int64)
    closes = 20 * np.exp(np.cumsum(returns, axis=1) / 1e9)
    dividend = np.zeros((names, days))
    dividend[::2, 60::63] = 0.1
    split = np.ones((names, days))
    split[::5, days // 2] = 2.0
    grid = pl.DataFrame({"security_id": [f"{market}{k:04d}" for k in range(names)]}).join(sessions, how="cross")
    return fit(
        "prices_clean",
        grid.with_columns(
            market=pl.lit(market),
            currency=pl.lit("USD" if market == "US" else "JPY"),
            close=pl.Series(closes.ravel()),
            volume=pl.lit(100_000),
            traded_value=pl.Series(closes.ravel() * 1e5),
            split_ratio=pl.Series(split.ravel()),
            cash_dividend=pl.Series(dividend.ravel()),
            return_1e9=pl.Series(np.round(np.expm1(returns / 1e9) * 1e9).astype(np.int64).ravel()),
            log_return_1e9=pl.Series(returns.ravel()),
            shares_outstanding=pl.lit(1e8),
            shares_source=pl.lit("reported"),
            market_cap=pl.Series(closes.ravel() * 1e8),
            known_at=pl.col("close_at"),
        ),
    )


def security_rows(market: str, prices: pl.DataFrame) -> pl.DataFrame:
    months = prices.group_by("month", "security_id").agg(as_of_date=pl.col("session_date").max()).sort("month", "security_id")
    return fit(
        "securities_clean",
        months.with_columns(
            market=pl.lit(market),
            issuer_id=pl.col("security_id"),
            is_financial=pl.col("security_id").str.ends_with("7"),
            is_eligible=pl.lit(value=True),
        ),
    )


def statement_rows(market: str, names: int, first: str, last: str, rng: np.random.Generator) -> pl.DataFrame:
    """Quarters and years known 45 days after their end; a tenth of the quarters is restated 40 days later."""
    ends = [end for end in calendars.months_between(calendars.month_shift(first, -72), last) if end[5:] in {"03", "06", "09", "12"}]
    periods = pl.DataFrame({"period_end_date": ends}).with_columns(pl.col("period_end_date").str.to_date("%Y-%m").dt.month_end())
    grid = pl.DataFrame({"security_id": [f"{market}{k:04d}" for k in range(names)]}).join(periods, how="cross")
    size = grid.height
    revenue = np.round(rng.lognormal(18, 0.2, size))
    profit = np.round(revenue * rng.normal(0.1, 0.05, size))
    quarters = grid.with_columns(
        issuer_id=pl.col("security_id"),
        period_kind=pl.lit("quarter"),
        fiscal_period=pl.concat_str(pl.lit("Q"), pl.col("period_end_date").dt.quarter().cast(pl.String)),
        fiscal_year=pl.col("period_end_date").dt.year(),
        is_derived=pl.col("period_end_date").dt.month() == 12,
        currency=pl.lit("USD" if market == "US" else "JPY"),
        accounting_standard=pl.lit("usgaap" if market == "US" else "jgaap"),
        revenue=pl.Series(revenue),
        operating_profit=pl.Series(profit),
        interest_expense=pl.Series(np.round(profit * 0.1)),
        net_income=pl.Series(np.round(profit * 0.7)),
        operating_cash_flow=pl.Series(np.round(profit * 1.2)),
        eps_diluted=pl.Series(np.round(profit * 0.7 / 1e8, 2)),
        assets=pl.Series(np.round(revenue * 6)),
        current_assets=pl.Series(np.round(revenue * 2)),
        current_liabilities=pl.Series(np.round(revenue * 1.2)),
        total_liabilities=pl.Series(np.round(revenue * 3)),
        equity=pl.Series(np.round(revenue * 3)),
        shares_outstanding=pl.lit(1e8),
        known_at=pl.col("period_end_date").cast(pl.Datetime("us")).dt.offset_by("45d18h").dt.replace_time_zone("UTC"),
        **{_ITEMS_OF_MARKET[market]: pl.Series(np.round(profit * 0.95))},
    ).with_columns(eps_diluted=pl.when("is_derived").then(None).otherwise("eps_diluted"))
    restated = quarters.filter(pl.Series(rng.random(size) < 0.1)).with_columns(
        revenue=pl.col("revenue") * 2, known_at=pl.col("known_at").dt.offset_by("40d")
    )
    flows = ("revenue", "operating_profit", "interest_expense", "net_income", "operating_cash_flow", _ITEMS_OF_MARKET[market])
    years = (
        quarters.sort("security_id", "period_end_date")
        .with_columns(pl.col(item).rolling_sum(4).over("security_id") for item in flows)
        .filter((pl.col("period_end_date").dt.month() == 12) & pl.col("revenue").is_not_null())
        .with_columns(period_kind=pl.lit("annual"), fiscal_period=pl.lit("FY"), is_derived=pl.lit(value=False))
    )
    rows = pl.concat([quarters, restated, years.select(quarters.columns)])
    rows = rows.with_columns(month=calendars.month_of_instant(pl.col("known_at"))).filter(pl.col("month") <= last)
    return fit("fundamentals_clean", rows)


def forecast_rows(statements: pl.DataFrame, rng: np.random.Generator) -> pl.DataFrame:
    """The forecast of the year comes with the results of the year before and is revised at each quarter."""
    quarters = statements.filter(pl.col("period_kind") == "quarter")
    year_end = pl.date(pl.col("period_end_date").dt.offset_by("1d").dt.year(), 12, 31)
    rows = quarters.unique(["security_id", "period_end_date"], keep="first", maintain_order=True).with_columns(
        fiscal_year_end_date=year_end, issuer_of_forecast=pl.lit("company"), scope=pl.lit("consolidated")
    )
    profit = rows.with_columns(
        item=pl.when(pl.col("ordinary_profit").is_null()).then(pl.lit("operating_profit")).otherwise(pl.lit("ordinary_profit")),
        value=pl.Series(np.round(rng.normal(1e7, 1e6, rows.height), -6)),
    )
    revenue = rows.with_columns(item=pl.lit("revenue"), value=pl.Series(np.round(rng.normal(1e8, 1e6, rows.height))))
    return fit("forecasts_clean", pl.concat([profit, revenue]))


def announcement_rows(statements: pl.DataFrame, rng: np.random.Generator) -> pl.DataFrame:
    quarters = statements.filter(pl.col("period_kind") == "quarter").unique(
        ["security_id", "period_end_date"], keep="first", maintain_order=True
    )
    actual = np.round(rng.normal(0.5, 0.2, quarters.height), 2)
    return fit(
        "announcements_clean",
        quarters.with_columns(
            announcement_date=pl.col("known_at").dt.date(),
            actual_eps=pl.Series(actual),
            estimate_eps=pl.when(pl.Series(rng.random(quarters.height) < 0.8)).then(0.5),
        ),
    )


def benchmark_rows(first: str, last: str, rng: np.random.Generator) -> pl.DataFrame:
    sessions = calendars.sessions().filter((pl.col("exchange") == "XNYS") & pl.col("month").is_between(pl.lit(first), pl.lit(last)))
    returns = np.round(rng.normal(0.0004, 0.01, sessions.height) * 1e9).astype(np.int64)
    return fit(
        "benchmark_nav",
        sessions.with_columns(
            benchmark_id=pl.lit("sp500"),
            currency=pl.lit("USD"),
            level=pl.Series(np.exp(np.cumsum(returns) / 1e9)),
            log_return_1e9=pl.Series(returns),
            is_total_return=pl.lit(value=True),
            is_proxy=pl.lit(value=False),
            known_at=pl.col("close_at"),
        ),
    )


def rate_rows(first: str, last: str) -> pl.DataFrame:
    sessions = calendars.sessions().filter((pl.col("exchange") == "XNYS") & pl.col("month").is_between(pl.lit(first), pl.lit(last)))
    days = sessions.select("month", date=pl.col("session_date"), known_at=pl.col("open_at"))
    values = {"us_bill": 0.02, "jp_bill": 0.001, "usdjpy": 140.0}
    return fit("rates_clean", pl.concat([days.with_columns(rate_id=pl.lit(name), value=pl.lit(value)) for name, value in values.items()]))
