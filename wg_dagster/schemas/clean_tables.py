"""Reference and clean tables: one security a line, one version at an instant."""

from wg_dagster.schemas.contract import table
from wg_dagster.schemas.raw_tables import ITEMS

REFERENCE = [
    table(
        "sessions",
        "The sessions of each exchange calendar (XNYS, XTKS) with their cut-off instants",
        "exchange session_date month session_index is_month_end open_at close_at cutoff_at",
        key="exchange session_date",
        partition_by="",
    ),
    table(
        "security_map",
        "Which security a vendor's symbol meant, and when",
        "source vendor_symbol valid_from valid_to security_id issuer_id",
        key="source vendor_symbol valid_from",
        partition_by="",
    ),
]

CLEAN = [
    table(
        "symbol_spans",
        "When each vendor symbol was seen in a raw month, table by table: what identities are decided from; month = month of known_at",
        "source vendor_symbol table currency valid_from valid_to known_at",
        key="month source vendor_symbol table known_at valid_from",
    ),
    table(
        "securities_clean",
        "One row a security and month: what was known of it at the month's cut-off",
        "as_of_date security_id issuer_id vendor_symbol name market exchange currency sector industry security_type "
        "share_class adr_ratio lot_size is_financial is_eligible listed_from listed_to delisting_reason quality",
        key="month security_id",
    ),
    table(
        "prices_clean",
        "One row a security and session, as known at the cut-off of the session's month",
        "security_id session_date session_index market currency close volume traded_value split_ratio cash_dividend "
        "return_1e9 log_return_1e9 shares_outstanding shares_source market_cap known_at quality",
        key="month security_id session_date",
    ),
    table(
        "corporate_actions",
        "Sessions with a split or a dividend; month = month of the session",
        "security_id session_date market split_ratio cash_dividend known_at quality",
        key="month security_id session_date",
    ),
    table(
        "risk_returns",
        "Returns from adjusted prices for sessions before prices_clean begins: for risk only",
        "security_id session_date market return_1e9 quality",
        key="month security_id session_date",
    ),
    table(
        "fundamentals_clean",
        "One row a version of a standalone quarter or fiscal year; month = month of known_at. Each row is the "
        "complete state of its period after that filing (a null in a later filing keeps the earlier value)",
        f"security_id issuer_id known_at known_at_rule period_end_date period_kind fiscal_period fiscal_year is_derived "
        f"currency accounting_standard {ITEMS} shares_outstanding quality",
        key="month security_id period_end_date period_kind known_at",
    ),
    table(
        "forecasts_clean",
        "One row a published forecast; month = month of known_at",
        "security_id known_at fiscal_year_end_date item value issuer_of_forecast scope quality",
        key="month security_id fiscal_year_end_date item issuer_of_forecast known_at",
    ),
    table(
        "announcements_clean",
        "One row an earnings announcement; month = month of known_at",
        "security_id known_at announcement_date period_end_date actual_eps estimate_eps quality",
        key="month security_id announcement_date known_at",
    ),
    table(
        "benchmark_nav",
        "Daily benchmark levels and returns",
        "benchmark_id session_date session_index currency level return_1e9 log_return_1e9 is_total_return is_proxy known_at",
        key="month benchmark_id session_date",
    ),
    table(
        "benchmark_members",
        "Membership at each month's cut-off; weight null where unknown",
        "benchmark_id as_of_date security_id weight quality",
        key="month benchmark_id security_id",
    ),
    table(
        "rates_clean",
        "One row a rate and day",
        "rate_id date value known_at",
        key="month rate_id date",
    ),
]
