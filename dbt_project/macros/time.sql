{#- 月 The first month that an increment reads: `back` months before the first month it builds. -#}
{% macro months_back(back) -%}
    {%- set first = var("month_start").split("-") -%}
    {%- set month = first[0] | int * 12 + first[1] | int - 1 - back -%}
    '{{ "%04d-%02d" | format(month // 12, month % 12 + 1) }}'
{%- endmacro %}

{#- Only partitions that a row of the built months may see. -#}
{% macro within_months(back) -%}
    month between {{ months_back(back) }} and '{{ var("month_end") }}'
{%- endmacro %}

{#- 市場の日付 The exchange's calendar day of an instant (New York standard time, Tokyo). -#}
{% macro exchange_date(instant, market) -%}
    cast({{ instant }} + (case {{ market }} when 'JP' then interval 9 hour else interval (-5) hour end) as date)
{%- endmacro %}

{#- 立会日数 Sessions of a year: New York 252, Tokyo 245. -#}
{% macro sessions_per_year(market) -%}
    (case {{ market }} when 'JP' then 245 else 252 end)
{%- endmacro %}

{#- 鮮度 Statements older than 15 months say nothing of today. -#}
{% macro is_fresh(period_end_date) -%}
    {{ period_end_date }} >= as_of_date - interval 15 month
{%- endmacro %}

{#- 減衰 Full weight for 63 sessions, then linear to nothing at 126. -#}
{% macro decay(age) -%}
    greatest(0.0, least(1.0, (126 - {{ age }}) / 63.0))
{%- endmacro %}
