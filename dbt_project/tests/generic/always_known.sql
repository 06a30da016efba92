-- 必須項目 None of these columns is ever null.
{% test always_known(model, columns) %}
    select *
    from {{ model }}
    where {{ columns | join(" is null or ") }} is null
{% endtest %}
