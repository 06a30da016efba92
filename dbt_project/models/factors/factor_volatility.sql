-- 変動性 Volatility: annualised standard deviation of the last 60 daily log total returns (48 at least).
-- One row a security and month end.

select
    members.month,
    members.as_of_date,
    members.security_id,
    members.market,
    case
        when sums.return_count >= 48 then sqrt(
                cast(
                    sums.return_count * sums.sum_log_return_squared
                    - sums.sum_log_return * sums.sum_log_return as double
                )
                / (sums.return_count * (sums.return_count - 1))
                * {{ sessions_per_year("members.market") }}
            ) / 1e9
    end as volatility_60d,
    sums.known_at,
    sums.return_count / 60.0 as coverage,
    {{ quality({"short_history": "sums.return_count < 48"}) }} as quality

from {{ ref("int_members") }} as members
left join {{ ref("int_returns_60d") }} as sums
    on members.month = sums.month and members.security_id = sums.security_id
