{#- 期間 The windows of a year's flows in order of trust. -#}
{% macro flow_windows() -%}
    {{ return(["quarters", "annual", "annualised_3", "annualised_2"]) }}
{%- endmacro %}

{#- 採用期間 The value of the best window that has one, from a column of each window; and that window's name. -#}
{% macro best_window(value, windows=flow_windows()) -%}
    coalesce({% for window in windows %}{{ value }}_{{ window }}{{ ", " if not loop.last }}{% endfor %})
{%- endmacro %}

{% macro best_window_name(value, windows=flow_windows()) -%}
    case {% for window in windows %}when {{ value }}_{{ window }} is not null then '{{ window }}' {% endfor %}end
{%- endmacro %}

{#- What else is said of the window that gave the value. -#}
{% macro at_best_window(value, item, windows=flow_windows()) -%}
    case {% for window in windows %}when {{ value }}_{{ window }} is not null then {{ item }}_{{ window }} {% endfor %}end
{%- endmacro %}

{#- When the newest of the windows was known; null without one. -#}
{% macro windows_known_at(windows=flow_windows()) -%}
    greatest({% for window in windows %}known_at_{{ window }}{{ ", " if not loop.last }}{% endfor %})
{%- endmacro %}

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
