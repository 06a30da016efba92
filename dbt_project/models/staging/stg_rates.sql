-- 金利・為替 Bill rates per year and exchange rates. One row a rate and day.

select
    rate_id,
    date as rate_date,
    value,
    known_at

from {{ source("lake", "rates_clean") }}

where {{ within_months(6) }} and value is not null
