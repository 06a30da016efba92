-- 財務 Versions of statements, long enough for twenty quarters. One row a security, period, kind and version.
-- What claims to be known before its period had ended is not a statement.

select
    month,
    security_id,
    known_at,
    period_end_date,
    period_kind,
    is_derived,
    currency,
    accounting_standard,
    revenue,
    operating_profit,
    interest_expense,
    pretax_income,
    ordinary_profit,
    net_income,
    operating_cash_flow,
    coalesce(eps_diluted, eps_basic) as eps,
    shares_outstanding,
    assets,
    current_assets,
    current_liabilities,
    total_liabilities,
    equity

from {{ source("lake", "fundamentals_clean") }}

where {{ within_months(90) }} and cast(known_at as date) >= period_end_date
