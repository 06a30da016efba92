"""Every table of the lake, in the order of the chain: raw, reference, clean, factors, strategy, search, control.

The `month` of raw tables, and of clean tables that are stored by known_at, is `calendars.month_of_instant(known_at)` (UTC-5), so that
everything visible at a month's cut-off lies in partitions up to that month.
"""

import polars as pl

from wg_dagster.schemas.clean_tables import CLEAN, REFERENCE
from wg_dagster.schemas.columns import COLUMNS, FACTORS
from wg_dagster.schemas.contract import Table, table
from wg_dagster.schemas.raw_tables import RAW
from wg_dagster.schemas.search_tables import SEARCH
from wg_dagster.schemas.strategy_tables import STRATEGY

FACTOR_COMPONENTS: dict[str, str] = {
    "profitability": "operating_margin return_on_equity return_on_assets",
    "growth": "sales_growth profit_growth",
    "activity": "asset_turnover",
    "safety": "negative_leverage cash_flow_to_debt current_ratio",
    "value": "profit_yield book_to_price",
    "shareholder_return": "dividend_yield_12m",
    "surprise": "earnings_surprise forecast_revision_rate standardised_unexpected_earnings",
    "eps_stability": "eps_change_stability",
    "us_beta": "us_beta_60d",
    "size": "log_market_cap",
    "price_level": "log_price",
    "momentum": "return_60d",
    "volatility": "volatility_60d",
    "liquidity": "log_traded_value_20d",
}
for _component in " ".join(FACTOR_COMPONENTS.values()).split():
    COLUMNS[_component] = (pl.Float64, "component metric; definition in seeds/factor_components.csv")

_FACTORS = [
    table(
        f"factor_{factor}",
        f"Component metrics of {factor}; one row a security and month end",
        f"as_of_date security_id market {FACTOR_COMPONENTS[factor]} known_at coverage quality",
        key="month security_id",
    )
    for factor in FACTORS
]

_CONTROL = [
    table(
        "checks",
        "Verdicts of the quality checks, one row a check and month",
        "table check_name strategy severity passed failed_rows total_rows details",
        key="station month strategy table check_name",
        partition_by="station month",
    ),
    table(
        "quarantine",
        "Rows that broke a rule, as they came",
        "table rule source source_file source_line security_id vendor_symbol session_date severity row_json",
        key="station month table rule source_file source_line vendor_symbol session_date row_json",
        partition_by="station month",
    ),
    table(
        "alerts",
        "What was raised; what had passed and came back is a new row",
        "alert_id station month severity title body raised_at",
        key="alert_id raised_at",
        partition_by="",
    ),
    table(
        "runs",
        "Runs that changed the lake",
        "run_id command started_at ended_at status details",
        key="run_id",
        partition_by="",
    ),
]
COLUMNS["table"] = (pl.String, "table of the lake")

RAW_TABLES = tuple(table.name for table in RAW)
STRATEGY_TABLES = tuple(table.name for table in STRATEGY)
SEARCH_TABLES = tuple(table.name for table in SEARCH)
FACTOR_TABLES = tuple(table.name for table in _FACTORS)
TABLES: dict[str, Table] = {table.name: table for group in (RAW, REFERENCE, CLEAN, _FACTORS, STRATEGY, SEARCH, _CONTROL) for table in group}
