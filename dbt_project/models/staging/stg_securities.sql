-- 銘柄 What was known of a security at the cut-off. One row a security and month.

select
    month,
    security_id,
    market,
    is_financial

from {{ source("lake", "securities_clean") }}

where {{ within_months(0) }}
