{#- 表を湖へ Build in memory, then replace the months month_start..month_end of the lake's table. -#}
{% materialization lake, adapter="duckdb" %}
    {%- set relation = this.incorporate(type="table") -%}
    {{ run_hooks(pre_hooks) }}
    {% call statement("main") %}
        create or replace table {{ relation }} as ({{ sql }})
    {% endcall %}
    {% do adapter.commit() %}
    {% do adapter.store_relation(
        "lake", relation, [], "", "delta",
        {"month_start": var("month_start"), "month_end": var("month_end")}
    ) %}
    {{ run_hooks(post_hooks) }}
    {#- no model reads a factor, only the tests of a build do #}
    {% if flags.WHICH == "run" %}
        {% do adapter.drop_relation(relation) %}
        {% do adapter.commit() %}
    {% endif %}
    {{ return({"relations": [relation]}) }}
{% endmaterialization %}
