-- 価格水準 Price level: logarithm of the close as traded; an adjusted close would leak later splits.
-- One row a security and month end.

select
    month,
    as_of_date,
    security_id,
    market,
    ln(close) as log_price,
    known_at,
    1.0 as coverage,
    '' as quality

from {{ ref("int_members") }}
