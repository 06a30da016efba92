-- 流動性 Liquidity: logarithm of 1 + mean traded value over 20 sessions (15 at least); a session without a trade
-- counts as 0. One row a security and month end.

select
    members.month,
    members.as_of_date,
    members.security_id,
    members.market,
    case
        when sums.traded_value_count >= 15
            then ln(1 + cast(sums.sum_traded_value_cents as double) / 100 / sums.traded_value_count)
    end as log_traded_value_20d,
    sums.known_at,
    coalesce(sums.traded_value_count, 0) / 20.0 as coverage,
    {{ quality({"short_history": "coalesce(sums.traded_value_count, 0) < 15"}) }} as quality

from {{ ref("int_members") }} as members
left join {{ ref("int_returns_60d") }} as sums
    on members.month = sums.month and members.security_id = sums.security_id
