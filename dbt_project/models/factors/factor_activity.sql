-- 活動性 Activity: sales over mean total assets (総資本回転率); not for financial companies.
-- One row a security and month end.

with
ratios as (
    select
        members.*,
        flows.flow_window,
        flows.window_rank,
        case
            when not members.is_financial and flows.revenue > 0 then flows.revenue / {{ mean_balance("assets") }}
        end as asset_turnover,
        balances.assets_year_ago is null as is_end_balance,
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
        {{ best_window("asset_turnover") }} as asset_turnover,
        {{ best_window_name("asset_turnover") }} as asset_turnover_window,
        bool_or(is_end_balance) as is_end_balance,
        coalesce(max(inputs_known_at), max(known_at)) as known_at
    from ratios
    group by month, as_of_date, security_id, market, is_financial
)

select
    month,
    as_of_date,
    security_id,
    market,
    asset_turnover,
    known_at,
    {{ coverage(["asset_turnover"]) }} as coverage,
    {{ quality(dict(
        window_flags(["asset_turnover_window"]),
        end="is_end_balance and asset_turnover is not null",
        financial="is_financial",
    )) }} as quality

from best
