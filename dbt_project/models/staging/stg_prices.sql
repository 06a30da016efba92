-- 株価 Prices and returns of the sessions that a factor may look back on. One row a security and session.

select
    month,
    security_id,
    session_date,
    market,
    currency,
    close,
    traded_value,
    cash_dividend,
    log_return_1e9,
    market_cap,
    shares_source,
    known_at

from {{ source("lake", "prices_clean") }}

where {{ within_months(12) }}
