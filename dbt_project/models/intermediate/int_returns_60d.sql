-- 60日集計 Exact sums over the last 60 sessions (traded value: 20; closes: 61), in units of 1e-9, that momentum,
-- volatility, US beta and liquidity share. x: US return, z: the one before, y: the name's return over the bill rate,
-- all over the sessions that have the three. One row a security and month.

{{ config(materialized="view") }}

select
    month,
    security_id,
    close_count,
    has_first_close,
    return_count,
    zero_return_count,
    sum_log_return,
    sum_log_return_squared,
    traded_value_count,
    sum_traded_value_cents,
    market_cap_63_sessions_ago,
    window_known_at as known_at,
    pair_count,
    has_bill_rate,
    pair_known_at,
    {% for item in ["x", "z", "y"] %}
        cast(sum_{{ item }} as hugeint) as sum_{{ item }},
    {% endfor %}
    sum_xx,
    sum_zz,
    sum_xz,
    sum_yy,
    sum_xy,
    sum_zy

from {{ ref("int_price_windows") }}
