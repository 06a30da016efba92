{#- 平均残高 Mean of the closing and the year-ago balance; the closing one alone if no other is known. -#}
{% macro mean_balance(item) -%}
    case
        when {{ item }} > 0 and coalesce({{ item }}_year_ago, {{ item }}) > 0
            then ({{ item }} + coalesce({{ item }}_year_ago, {{ item }})) / 2
    end
{%- endmacro %}

{#- 変化率 Change over the average size of both ends: bounded by 2 and at home with losses. -#}
{% macro relative_change(now, before) -%}
    ({{ now }} - {{ before }}) / nullif((abs({{ now }}) + abs({{ before }})) / 2, 0)
{%- endmacro %}

{#- 採用期間 The value of the best window that has one, and that window's name. -#}
{% macro best_window(value) -%}
    min_by({{ value }}, window_rank)
{%- endmacro %}

{% macro best_window_name(value) -%}
    min_by(flow_window, window_rank) filter (where {{ value }} is not null)
{%- endmacro %}

{#- 直近4四半期 Sum of a quarter and the three before it; null if one is missing. -#}
{% macro four_quarters(item) -%}
    {{ item }}
        + lead({{ item }}, 1) over newest_first
        + lead({{ item }}, 2) over newest_first
        + lead({{ item }}, 3) over newest_first
{%- endmacro %}
