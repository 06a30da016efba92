"""Every table of the lake: its columns, its partitions, its grain, in the order of the chain.

The `month` of raw tables, and of clean tables that are stored by known_at, is `calendars.month_of_instant(known_at)` (UTC-5), so that
everything visible at a month's cut-off lies in partitions up to that month.
"""

from dataclasses import dataclass

import polars as pl

from wg_dagster.schemas.columns import (
    BALANCE_ITEMS,
    COLUMNS,
    FACTORS,
    FLOW_ITEMS,
    PER_SHARE_ITEMS,
)

_ITEMS = " ".join(FLOW_ITEMS + PER_SHARE_ITEMS + BALANCE_ITEMS)
_SOURCE = "source source_file source_line vendor_symbol known_at known_at_rule"
_SOURCE_OF_INDEX = "source source_file source_line known_at known_at_rule"


@dataclass(frozen=True)
class Table:
    """A table of the lake: `columns` in stored order, `key` = its grain and its sort order."""

    name: str
    description: str
    columns: tuple[str, ...]
    partition_by: tuple[str, ...]
    key: tuple[str, ...]

    @property
    def schema(self) -> pl.Schema:
        """Name and type of each column, in stored order."""
        return pl.Schema({column: COLUMNS[column][0] for column in self.columns})

    def empty(self) -> pl.DataFrame:
        """No rows, all columns."""
        return pl.DataFrame(schema=self.schema)


def _table(name: str, description: str, columns: str, *, key: str, partition_by: str = "month") -> Table:
    partitions = tuple(partition_by.split())
    wanted = tuple(dict.fromkeys([*partitions, *columns.split()]))
    return Table(name, description, wanted, partitions, tuple(key.split()))


_RAW = [
    _table(
        "securities",
        "What a vendor said of a listed line; a change is a new row",
        f"{_SOURCE} name exchange currency sector industry security_type issuer share_class adr_ratio lot_size "
        "is_financial listed_from listed_to delisting_reason quality",
        key="source vendor_symbol known_at source_file source_line",
    ),
    _table(
        "prices",
        "Daily prices as traded; a later capture of the same session is a new row",
        f"{_SOURCE} session_date currency open high low close volume split_ratio cash_dividend vendor_adjusted_close quality",
        key="source vendor_symbol session_date known_at source_file source_line",
    ),
    _table(
        "adjusted_prices",
        "Closes adjusted with later knowledge, split- and dividend-free: for risk and index series only",
        f"{_SOURCE} session_date currency adjusted_close quality",
        key="source vendor_symbol session_date known_at source_file source_line",
    ),
    _table(
        "fundamentals",
        "Statements as filed; a restatement is a new row",
        f"{_SOURCE} period_end_date fiscal_period fiscal_year currency accounting_standard is_consolidated "
        f"income_is_cumulative cash_flow_is_cumulative filing_type {_ITEMS} shares_outstanding quality",
        key="source vendor_symbol period_end_date fiscal_period known_at source_file source_line",
    ),
    _table(
        "forecasts",
        "Forecasts of a fiscal year as published; a revision is a new row",
        f"{_SOURCE} fiscal_year_end_date item currency value value_low value_high issuer_of_forecast scope quality",
        key="source vendor_symbol fiscal_year_end_date item issuer_of_forecast known_at source_file source_line",
    ),
    _table(
        "earnings_announcements",
        "Announced against expected earnings per share",
        f"{_SOURCE} period_end_date announcement_date release_time currency actual_eps estimate_eps quality",
        key="source vendor_symbol announcement_date known_at source_file source_line",
    ),
    _table(
        "index_levels",
        "Daily index levels",
        f"{_SOURCE_OF_INDEX} index_id session_date currency level is_total_return is_net is_proxy quality",
        key="source index_id session_date known_at source_file source_line",
    ),
    _table(
        "index_members",
        "Membership of indexes; weight null where unknown",
        f"{_SOURCE} index_id valid_from valid_to weight quality",
        key="source index_id vendor_symbol valid_from known_at source_file source_line",
    ),
    _table(
        "rates",
        "Bill rates per year (us_bill, jp_bill) and exchange rates (usdjpy)",
        f"{_SOURCE_OF_INDEX} rate_id date value quality",
        key="source rate_id date known_at source_file source_line",
    ),
]

_REFERENCE = [
    _table(
        "sessions",
        "The sessions of each exchange calendar (XNYS, XTKS) with their cut-off instants",
        "exchange session_date month session_index is_month_end open_at close_at cutoff_at",
        key="exchange session_date",
        partition_by="",
    ),
    _table(
        "security_map",
        "Which security a vendor's symbol meant, and when",
        "source vendor_symbol valid_from valid_to security_id issuer_id",
        key="source vendor_symbol valid_from",
        partition_by="",
    ),
]

_CLEAN = [
    _table(
        "symbol_spans",
        "When each vendor symbol was seen in a raw month, table by table: what identities are decided from; month = month of known_at",
        "source vendor_symbol table currency valid_from valid_to known_at",
        key="month source vendor_symbol table known_at valid_from",
    ),
    _table(
        "securities_clean",
        "One row a security and month: what was known of it at the month's cut-off",
        "as_of_date security_id issuer_id vendor_symbol name market exchange currency sector industry security_type "
        "share_class adr_ratio lot_size is_financial is_eligible listed_from listed_to delisting_reason quality",
        key="month security_id",
    ),
    _table(
        "prices_clean",
        "One row a security and session, as known at the cut-off of the session's month",
        "security_id session_date session_index market currency close volume traded_value split_ratio cash_dividend "
        "return_1e9 log_return_1e9 shares_outstanding shares_source market_cap known_at quality",
        key="month security_id session_date",
    ),
    _table(
        "corporate_actions",
        "Sessions with a split or a dividend; month = month of the session",
        "security_id session_date market split_ratio cash_dividend known_at quality",
        key="month security_id session_date",
    ),
    _table(
        "risk_returns",
        "Returns from adjusted prices for sessions before prices_clean begins: for risk only",
        "security_id session_date market return_1e9 quality",
        key="month security_id session_date",
    ),
    _table(
        "fundamentals_clean",
        "One row a version of a standalone quarter or fiscal year; month = month of known_at. Each row is the "
        "complete state of its period after that filing (a null in a later filing keeps the earlier value)",
        f"security_id issuer_id known_at known_at_rule period_end_date period_kind fiscal_period fiscal_year is_derived "
        f"currency accounting_standard {_ITEMS} shares_outstanding quality",
        key="month security_id period_end_date period_kind known_at",
    ),
    _table(
        "forecasts_clean",
        "One row a published forecast; month = month of known_at",
        "security_id known_at fiscal_year_end_date item value issuer_of_forecast scope quality",
        key="month security_id fiscal_year_end_date item issuer_of_forecast known_at",
    ),
    _table(
        "announcements_clean",
        "One row an earnings announcement; month = month of known_at",
        "security_id known_at announcement_date period_end_date actual_eps estimate_eps quality",
        key="month security_id announcement_date known_at",
    ),
    _table(
        "benchmark_nav",
        "Daily benchmark levels and returns",
        "benchmark_id session_date session_index currency level return_1e9 log_return_1e9 is_total_return is_proxy known_at",
        key="month benchmark_id session_date",
    ),
    _table(
        "benchmark_members",
        "Membership at each month's cut-off; weight null where unknown",
        "benchmark_id as_of_date security_id weight quality",
        key="month benchmark_id security_id",
    ),
    _table(
        "rates_clean",
        "One row a rate and day",
        "rate_id date value known_at",
        key="month rate_id date",
    ),
]

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
    _table(
        f"factor_{factor}",
        f"Component metrics of {factor}; one row a security and month end",
        f"as_of_date security_id market {FACTOR_COMPONENTS[factor]} known_at coverage quality",
        key="month security_id",
    )
    for factor in FACTORS
]

_STRATEGY = [
    _table(
        "universe_members",
        "Who may be bought, with the weight in the benchmark (or its proxy)",
        "as_of_date security_id issuer_id sector industry is_financial market_cap traded_value_20d benchmark_weight",
        key="strategy month security_id",
        partition_by="strategy month",
    ),
    _table(
        "factor_scores",
        "Fourteen scores a member: winsorised, inverse-normal rank; null where unknown",
        f"as_of_date security_id {' '.join(FACTORS)} coverage",
        key="strategy month security_id",
        partition_by="strategy month",
    ),
    _table(
        "factor_diagnostics",
        "What each factor has been worth by the month's end, one row a factor and statistic: scores of earlier months meet its returns",
        "factor statistic value",
        key="strategy month factor statistic",
        partition_by="strategy month",
    ),
    _table(
        "factor_weights",
        "The factor weights that the month's portfolio uses, and why these",
        "as_of_date factor sign weight factor_rule reason evidence_month matrix_sha256",
        key="strategy month factor",
        partition_by="strategy month",
    ),
    _table(
        "candidates",
        "The ranked 100",
        "as_of_date rank security_id sector composite composite_raw expected_return coverage",
        key="strategy month rank",
        partition_by="strategy month",
    ),
    _table(
        "model_portfolios",
        "Target weights decided on the night of as_of_date",
        "as_of_date security_id weight",
        key="strategy month security_id",
        partition_by="strategy month",
    ),
    _table(
        "portfolio_solutions",
        "How each portfolio was found and how far from the best it can be",
        "as_of_date status objective ratio bound gap bound_kind names risk_ratio risk_ratio_sp500 beta max_weight "
        "turnover message fingerprint certificate",
        key="strategy month",
        partition_by="strategy month",
    ),
    _table(
        "decisions",
        "Why each candidate is in the portfolio or is not; one row a candidate of a portfolio that was solved",
        "as_of_date security_id sector weight rank composite expected_return marginal_risk binding_rules reduced_cost reduced_cost_least "
        "rival_id rival_margin",
        key="strategy month security_id",
        partition_by="strategy month",
    ),
    _table(
        "risk_forecasts",
        "Forecast volatility of the portfolio, its benchmark, the difference, each sector, and ten portfolios drawn at random",
        "as_of_date item forecast_volatility",
        key="strategy month item",
        partition_by="strategy month",
    ),
    _table(
        "risk_bias",
        "What became of last month's forecasts, and of those of the last 24 months",
        "item forecast_volatility realised_volatility z bias_24m realised_over_forecast_24m months",
        key="strategy month item",
        partition_by="strategy month",
    ),
    _table(
        "trades",
        "Fills of last month's decision at this month's first session, and sales of names that were delisted later in it",
        "trade_date security_id currency units_before units_after weight_before weight_after price cost",
        key="strategy month trade_date security_id",
        partition_by="strategy month",
    ),
    _table(
        "holdings",
        "Units and weights at the end of each session",
        "session_date security_id units price weight",
        key="strategy month session_date security_id",
        partition_by="strategy month",
    ),
    _table(
        "nav",
        "Daily value of one unit invested at inception, net of trading costs, gross of fees and withholding",
        "session_date currency nav cash_weight",
        key="strategy month session_date",
        partition_by="strategy month",
    ),
    _table(
        "performance",
        "Measures per window against each benchmark",
        "benchmark_id metric window basis value",
        key="strategy month benchmark_id metric window basis",
        partition_by="strategy month",
    ),
    _table(
        "factor_returns",
        "Monthly returns of market, sectors and styles in the strategy's universe",
        "factor value t_stat",
        key="strategy month factor",
        partition_by="strategy month",
    ),
    _table(
        "attribution",
        "Lines that add up to the booked active return of the month",
        "scheme effect item value",
        key="strategy month scheme effect item",
        partition_by="strategy month",
    ),
    _table(
        "exposures",
        "Scores of the portfolio and of the benchmark (or its proxy)",
        "as_of_date factor portfolio benchmark active",
        key="strategy month factor",
        partition_by="strategy month",
    ),
    _table(
        "report_facts",
        "Every figure that a letter may print",
        "letter_id fact_id metric value unit display_ja display_en source_table source_key",
        key="strategy month letter_id fact_id",
        partition_by="strategy month",
    ),
    _table(
        "letters",
        "The letters that were rendered",
        "letter_id language path content_hash",
        key="strategy month letter_id language",
        partition_by="strategy month",
    ),
]

# Built by the search alone (`wg search`, job `search`), not by the month's run: many rows, and years of months.
_SEARCH = [
    _table(
        "search_results",
        "What the best names of each set of factors earned in the month, as sums from which any window follows",
        "subset sessions log_growth total squares downside active_log_growth active_total active_squares active_downside traded",
        key="strategy month subset",
        partition_by="strategy month",
    ),
    _table(
        "search_premia",
        "What each factor paid in the month",
        "factor premium information",
        key="strategy month factor",
        partition_by="strategy month",
    ),
    _table(
        "trial_weights",
        "Factor weights of the incumbent, its challengers and all factors alike, as they would have been chosen at the month's cut-off",
        "factor_rule factor sign weight",
        key="strategy month factor_rule factor",
        partition_by="strategy month",
    ),
    _table(
        "trial_portfolios",
        "Target weights that the real portfolio construction finds for each of them",
        "as_of_date factor_rule security_id weight",
        key="strategy month factor_rule security_id",
        partition_by="strategy month",
    ),
    _table(
        "trial_holdings",
        "What each of them holds at the month's end",
        "session_date factor_rule security_id units price weight",
        key="strategy month factor_rule security_id",
        partition_by="strategy month",
    ),
    _table(
        "trial_nav",
        "Value of one unit invested in each of them, net of trading costs, at the month's end; status is of the month's decision",
        "session_date factor_rule currency nav cash_weight cost status turnover message",
        key="strategy month factor_rule",
        partition_by="strategy month",
    ),
    _table(
        "search_evidence",
        "What may be believed of the search at the month's end, one row a statistic",
        "statistic value note",
        key="strategy month statistic",
        partition_by="strategy month",
    ),
]

_CONTROL = [
    _table(
        "checks",
        "Verdicts of the quality checks, one row a check and month",
        "table check_name strategy severity passed failed_rows total_rows details",
        key="station month strategy table check_name",
        partition_by="station month",
    ),
    _table(
        "quarantine",
        "Rows that broke a rule, as they came",
        "table rule source source_file source_line security_id vendor_symbol session_date severity row_json",
        key="station month table rule source_file source_line vendor_symbol session_date row_json",
        partition_by="station month",
    ),
    _table(
        "alerts",
        "What was raised; what had passed and came back is a new row",
        "alert_id station month severity title body raised_at",
        key="alert_id raised_at",
        partition_by="",
    ),
    _table(
        "runs",
        "Runs that changed the lake",
        "run_id command started_at ended_at status details",
        key="run_id",
        partition_by="",
    ),
]
COLUMNS["table"] = (pl.String, "table of the lake")

RAW_TABLES = tuple(table.name for table in _RAW)
STRATEGY_TABLES = tuple(table.name for table in _STRATEGY)
SEARCH_TABLES = tuple(table.name for table in _SEARCH)
FACTOR_TABLES = tuple(table.name for table in _FACTORS)
TABLES: dict[str, Table] = {
    table.name: table for group in (_RAW, _REFERENCE, _CLEAN, _FACTORS, _STRATEGY, _SEARCH, _CONTROL) for table in group
}
