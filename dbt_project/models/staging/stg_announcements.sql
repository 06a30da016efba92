-- 決算発表 Announced earnings per share and the estimate before. One row a security, announcement and version.

select
    month,
    security_id,
    known_at,
    announcement_date,
    coalesce(period_end_date, announcement_date) as period_end_date,
    actual_eps,
    estimate_eps

from {{ source("lake", "announcements_clean") }}

where {{ within_months(60) }} and actual_eps is not null
