{#- 品質 Sorted flags with commas from {flag: condition}; empty when nothing is to say. -#}
{% macro quality(flags) -%}
    concat_ws(
        ','
        {%- for flag in flags | sort -%}
            , case when {{ flags[flag] }} then '{{ flag }}' end
        {%- endfor -%}
    )
{%- endmacro %}

{#- Flags of the windows that the ratios of a factor used, besides the normal four quarters. -#}
{% macro window_flags(windows) -%}
    {%- set flags = {} -%}
    {%- for name in ["annual", "annualised_2", "annualised_3"] -%}
        {%- do flags.update({name: "'" ~ name ~ "' in (" ~ windows | join(", ") ~ ")"}) -%}
    {%- endfor -%}
    {{ return(flags) }}
{%- endmacro %}

{#- 充足率 Share of the wanted components that have a value. -#}
{% macro coverage(components) -%}
    cast(
        {%- for component in components %} cast({{ component }} is not null as integer) {{ "+" if not loop.last }} {%- endfor -%}
        as double
    ) / {{ components | length }}
{%- endmacro %}
