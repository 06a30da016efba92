-- 先読みなし Nothing was used before it was known.
{% test known_by_cutoff(model) %}
    select factors.month, factors.security_id, factors.known_at, month_ends.cutoff_at
    from {{ model }} as factors
    left join {{ ref("int_month_ends") }} as month_ends
        on factors.month = month_ends.month and factors.market = month_ends.market
    where factors.known_at > month_ends.cutoff_at or month_ends.cutoff_at is null
{% endtest %}
