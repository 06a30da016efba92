-- 収益性 Profitability: operating profit over sales, net profit over mean equity, net profit (Japan: ordinary profit)
-- over mean assets. One row a security and month end.

{% set components = ["operating_margin", "return_on_equity", "return_on_assets"] %}

with
ratios as (
    select
        *,
        {% for window in flow_windows() %}
            operating_profit_{{ window }}
            / case when revenue_{{ window }} > 0 then revenue_{{ window }} end as operating_margin_{{ window }},
            net_income_{{ window }} / {{ mean_balance("equity") }} as return_on_equity_{{ window }},
            case market
                when 'JP' then coalesce(ordinary_profit_{{ window }}, operating_profit_{{ window }})
                else net_income_{{ window }}
            end / {{ mean_balance("assets") }} as return_on_assets_{{ window }},
            market = 'JP' and ordinary_profit_{{ window }} is null as is_operating_{{ window }},
        {% endfor %}
        equity is not null and equity_year_ago is null
        or assets is not null and assets_year_ago is null as is_end_balance
    from {{ ref("int_member_statements") }}
),

best as (
    select
        *,
        {% for component in components %}
            {{ best_window(component) }} as {{ component }},
            {{ best_window_name(component) }} as {{ component }}_window,
        {% endfor %}
        {{ at_best_window("return_on_assets", "is_operating") }} as is_operating
    from ratios
)

select
    month,
    as_of_date,
    security_id,
    market,
    operating_margin,
    return_on_equity,
    return_on_assets,
    coalesce(greatest({{ windows_known_at() }}, balance_known_at), known_at) as known_at,
    {{ coverage(components) }} as coverage,
    {{ quality(dict(
        window_flags(["operating_margin_window", "return_on_equity_window", "return_on_assets_window"]),
        end="is_end_balance and coalesce(return_on_equity, return_on_assets) is not null",
        operating_profit="is_operating",
    )) }} as quality

from best
