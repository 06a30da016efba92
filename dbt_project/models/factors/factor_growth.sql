-- 成長性 Growth: change of sales and of profit (Japan: ordinary profit, US: operating profit) over a year, relative to
-- the average size of both ends. One row a security and month end.

{% set components = ["sales_growth", "profit_growth"] %}

with
ratios as (
    select
        members.*,
        flows.flow_window,
        flows.window_rank,
        case
            when flows.revenue > 0 and flows.revenue_year_ago > 0
                then {{ relative_change("flows.revenue", "flows.revenue_year_ago") }}
        end as sales_growth,
        coalesce(
            case
                when members.market = 'JP'
                    then {{ relative_change("flows.ordinary_profit", "flows.ordinary_profit_year_ago") }}
            end,
            {{ relative_change("flows.operating_profit", "flows.operating_profit_year_ago") }}
        ) as profit_growth,
        members.market = 'JP'
        and (flows.ordinary_profit is null or flows.ordinary_profit_year_ago is null) as is_operating,
        flows.known_at as inputs_known_at
    from {{ ref("int_members") }} as members
    left join {{ ref("int_flows") }} as flows
        on members.security_id = flows.security_id
        and members.statements_known_at = flows.seen_at
        and flows.flow_window in ('quarters', 'annual')
        and {{ is_fresh("flows.window_end_date") }}
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
        coalesce(min_by(is_operating, window_rank) filter (where profit_growth is not null), false) as is_operating,
        coalesce(max(inputs_known_at), max(known_at)) as known_at
    from ratios
    group by month, as_of_date, security_id, market
)

select
    month,
    as_of_date,
    security_id,
    market,
    sales_growth,
    profit_growth,
    known_at,
    {{ coverage(components) }} as coverage,
    {{ quality(dict(
        window_flags(["sales_growth_window", "profit_growth_window"]),
        operating_profit="is_operating",
    )) }} as quality

from best
