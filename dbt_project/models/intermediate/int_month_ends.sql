-- 月末 The last session of each month to be built, and the instant that ends its day. One row a month and market.

select
    month,
    market,
    session_date as as_of_date,
    session_index,
    cutoff_at

from {{ ref("stg_sessions") }}

where is_month_end and month between '{{ var("month_start") }}' and '{{ var("month_end") }}'
