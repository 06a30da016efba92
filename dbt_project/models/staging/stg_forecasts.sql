-- 会社予想 Forecasts of a fiscal year by the company itself. One row a security, year, item, scope and publication.

select
    security_id,
    known_at,
    fiscal_year_end_date,
    item,
    scope,
    value

from {{ source("lake", "forecasts_clean") }}

where {{ within_months(36) }} and issuer_of_forecast = 'company' and value is not null
