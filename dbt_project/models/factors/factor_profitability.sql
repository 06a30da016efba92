-- 収益性 Profitability: operating profit over sales, net profit over mean equity, net profit (Japan: ordinary profit)
-- over mean assets. One row a security and month end.

{% set components = ["operating_margin", "return_on_equity", "return_on_assets"] %}

with
ratios as (
    select
        members.*,
        flows.flow_window,
        flows.window_rank,
        flows.operating_profit / case when flows.revenue > 0 then flows.revenue end as operating_margin,
        flows.net_income / {{ mean_balance("equity") }} as return_on_equity,
        case members.market
            when 'JP' then coalesce(flows.ordinary_profit, flows.operating_profit)
            else flows.net_income
        end / {{ mean_balance("assets") }} as return_on_assets,
        members.market = 'JP' and flows.ordinary_profit is null and flows.operating_profit is not null
            as is_operating,
        balances.equity is not null and balances.equity_year_ago is null
        or balances.assets is not null and balances.assets_year_ago is null as is_end_balance,
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
        {% for component in components %}
            {{ best_window(component) }} as {{ component }},
            {{ best_window_name(component) }} as {{ component }}_window,
        {% endfor %}
        coalesce(min_by(is_operating, window_rank) filter (where return_on_assets is not null), false) as is_operating,
        bool_or(is_end_balance) as is_end_balance,
        coalesce(max(inputs_known_at), max(known_at)) as known_at
    from ratios
    group by month, as_of_date, security_id, market
)

select
    month,
    as_of_date,
    security_id,
    market,
    operating_margin,
    return_on_equity,
    return_on_assets,
    known_at,
    {{ coverage(components) }} as coverage,
    {{ quality(dict(
        window_flags(["operating_margin_window", "return_on_equity_window", "return_on_assets_window"]),
        end="is_end_balance and coalesce(return_on_equity, return_on_assets) is not null",
        operating_profit="is_operating",
    )) }} as quality

from best
