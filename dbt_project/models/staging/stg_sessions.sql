-- 立会日 Sessions with their cut-off. One row a market and session.

select
    month,
    case exchange when 'XTKS' then 'JP' else 'US' end as market,
    session_date,
    session_index,
    is_month_end,
    close_at,
    cutoff_at

from {{ source("lake", "sessions") }}
