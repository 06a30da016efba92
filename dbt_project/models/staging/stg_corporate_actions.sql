-- 分割・配当 Splits and dividends, long enough for twenty quarters. One row a security and session.

select
    security_id,
    session_date,
    market,
    split_ratio,
    cash_dividend,
    known_at,
    quality

from {{ source("lake", "corporate_actions") }}

where {{ within_months(90) }}
