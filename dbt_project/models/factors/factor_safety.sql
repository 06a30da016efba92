-- 財務安全性 Safety: low leverage (assets over equity, negative), operating cash flow over liabilities, current assets
-- over current liabilities (5 at most); the first two not for financial companies. One row a security and month end.

{% set components = ["negative_leverage", "cash_flow_to_debt", "current_ratio"] %}

with
ratios as (
    select
        members.*,
        flows.flow_window,
        flows.window_rank,
        case
            when not members.is_financial and balances.assets > 0 and balances.equity > 0
                then -balances.assets / balances.equity
        end as negative_leverage,
        case
            when not members.is_financial and balances.total_liabilities > 0
                then flows.operating_cash_flow / balances.total_liabilities
        end as cash_flow_to_debt,
        case
            when balances.current_liabilities > 0
                then least(5, balances.current_assets / balances.current_liabilities)
        end as current_ratio,
        greatest(flows.known_at, balances.known_at) as inputs_known_at
    from {{ ref("int_members") }} as members
    left join {{ ref("int_flows") }} as flows
        on members.security_id = flows.security_id
        and members.statements_known_at = flows.seen_at
        and {{ is_fresh("flows.window_end_date") }}
    left join {{ ref("int_balances") }} as balances
        on members.security_id = balances.security_id
        and members.statements_known_at = balances.seen_at
        and {{ is_fresh("balances.closing_date") }}
),

best as (
    select
        month,
        as_of_date,
        security_id,
        market,
        is_financial,
        any_value(negative_leverage) as negative_leverage,
        {{ best_window("cash_flow_to_debt") }} as cash_flow_to_debt,
        {{ best_window_name("cash_flow_to_debt") }} as cash_flow_to_debt_window,
        any_value(current_ratio) as current_ratio,
        coalesce(max(inputs_known_at), max(known_at)) as known_at
    from ratios
    group by month, as_of_date, security_id, market, is_financial
)

select
    month,
    as_of_date,
    security_id,
    market,
    negative_leverage,
    cash_flow_to_debt,
    current_ratio,
    known_at,
    {{ coverage(components) }} as coverage,
    {{ quality(dict(window_flags(["cash_flow_to_debt_window"]), financial="is_financial")) }} as quality

from best
