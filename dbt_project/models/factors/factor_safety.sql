-- 財務安全性 Safety: low leverage (assets over equity, negative), operating cash flow over liabilities, current assets
-- over current liabilities (5 at most); the first two not for financial companies. One row a security and month end.

{% set components = ["negative_leverage", "cash_flow_to_debt", "current_ratio"] %}

with
ratios as (
    select
        *,
        case when not is_financial and assets > 0 and equity > 0 then -assets / equity end as negative_leverage,
        {% for window in flow_windows() %}
            case
                when not is_financial and total_liabilities > 0
                    then operating_cash_flow_{{ window }} / total_liabilities
            end as cash_flow_to_debt_{{ window }},
        {% endfor %}
        case when current_liabilities > 0 then least(5, current_assets / current_liabilities) end as current_ratio
    from {{ ref("int_member_statements") }}
),

best as (
    select
        *,
        {{ best_window("cash_flow_to_debt") }} as cash_flow_to_debt,
        {{ best_window_name("cash_flow_to_debt") }} as cash_flow_to_debt_window
    from ratios
)

select
    month,
    as_of_date,
    security_id,
    market,
    negative_leverage,
    cash_flow_to_debt,
    current_ratio,
    coalesce(greatest({{ windows_known_at() }}, balance_known_at), known_at) as known_at,
    {{ coverage(components) }} as coverage,
    {{ quality(dict(window_flags(["cash_flow_to_debt_window"]), financial="is_financial")) }} as quality

from best
