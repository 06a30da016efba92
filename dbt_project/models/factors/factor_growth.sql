-- 成長性 Growth: change of sales and of profit (Japan: ordinary profit, US: operating profit) over a year, relative to
-- the average size of both ends. One row a security and month end.

{% set components = ["sales_growth", "profit_growth"] %}
{% set windows = ["quarters", "annual"] %}

with
ratios as (
    select
        *,
        {% for window in windows %}
            case
                when revenue_{{ window }} > 0 and revenue_year_ago_{{ window }} > 0
                    then {{ relative_change("revenue_" ~ window, "revenue_year_ago_" ~ window) }}
            end as sales_growth_{{ window }},
            coalesce(
                case
                    when market = 'JP'
                        then {{ relative_change("ordinary_profit_" ~ window, "ordinary_profit_year_ago_" ~ window) }}
                end,
                {{ relative_change("operating_profit_" ~ window, "operating_profit_year_ago_" ~ window) }}
            ) as profit_growth_{{ window }},
            market = 'JP'
            and (ordinary_profit_{{ window }} is null or ordinary_profit_year_ago_{{ window }} is null)
                as is_operating_{{ window }},
        {% endfor %}
        {{ windows_known_at(windows) }} as inputs_known_at
    from {{ ref("int_member_statements") }}
),

best as (
    select
        *,
        {% for component in components %}
            {{ best_window(component, windows) }} as {{ component }},
            {{ best_window_name(component, windows) }} as {{ component }}_window,
        {% endfor %}
        {{ at_best_window("profit_growth", "is_operating", windows) }} as is_operating
    from ratios
)

select
    month,
    as_of_date,
    security_id,
    market,
    sales_growth,
    profit_growth,
    coalesce(inputs_known_at, known_at) as known_at,
    {{ coverage(components) }} as coverage,
    {{ quality(dict(
        window_flags(["sales_growth_window", "profit_growth_window"]),
        operating_profit="is_operating",
    )) }} as quality

from best
