"""Raw tables: what vendors sent, as it came, with its source and the instant at which it was known."""

from wg_dagster.schemas.columns import BALANCE_ITEMS, FLOW_ITEMS, PER_SHARE_ITEMS
from wg_dagster.schemas.contract import table

ITEMS = " ".join(FLOW_ITEMS + PER_SHARE_ITEMS + BALANCE_ITEMS)
_SOURCE = "source source_file source_line vendor_symbol known_at known_at_rule"
_SOURCE_OF_INDEX = "source source_file source_line known_at known_at_rule"

RAW = [
    table(
        "securities",
        "What a vendor said of a listed line; a change is a new row",
        f"{_SOURCE} name exchange currency sector industry security_type issuer share_class adr_ratio lot_size "
        "is_financial listed_from listed_to delisting_reason quality",
        key="source vendor_symbol known_at source_file source_line",
    ),
    table(
        "prices",
        "Daily prices as traded; a later capture of the same session is a new row",
        f"{_SOURCE} session_date currency open high low close volume split_ratio cash_dividend vendor_adjusted_close quality",
        key="source vendor_symbol session_date known_at source_file source_line",
    ),
    table(
        "adjusted_prices",
        "Closes adjusted with later knowledge, split- and dividend-free: for risk and index series only",
        f"{_SOURCE} session_date currency adjusted_close quality",
        key="source vendor_symbol session_date known_at source_file source_line",
    ),
    table(
        "fundamentals",
        "Statements as filed; a restatement is a new row",
        f"{_SOURCE} period_end_date fiscal_period fiscal_year currency accounting_standard is_consolidated "
        f"income_is_cumulative cash_flow_is_cumulative filing_type {ITEMS} shares_outstanding quality",
        key="source vendor_symbol period_end_date fiscal_period known_at source_file source_line",
    ),
    table(
        "forecasts",
        "Forecasts of a fiscal year as published; a revision is a new row",
        f"{_SOURCE} fiscal_year_end_date item currency value value_low value_high issuer_of_forecast scope quality",
        key="source vendor_symbol fiscal_year_end_date item issuer_of_forecast known_at source_file source_line",
    ),
    table(
        "earnings_announcements",
        "Announced against expected earnings per share",
        f"{_SOURCE} period_end_date announcement_date release_time currency actual_eps estimate_eps quality",
        key="source vendor_symbol announcement_date known_at source_file source_line",
    ),
    table(
        "index_levels",
        "Daily index levels",
        f"{_SOURCE_OF_INDEX} index_id session_date currency level is_total_return is_net is_proxy quality",
        key="source index_id session_date known_at source_file source_line",
    ),
    table(
        "index_members",
        "Membership of indexes; weight null where unknown",
        f"{_SOURCE} index_id valid_from valid_to weight quality",
        key="source index_id vendor_symbol valid_from known_at source_file source_line",
    ),
    table(
        "rates",
        "Bill rates per year (us_bill, jp_bill) and exchange rates (usdjpy)",
        f"{_SOURCE_OF_INDEX} rate_id date value quality",
        key="source rate_id date known_at source_file source_line",
    ),
]
