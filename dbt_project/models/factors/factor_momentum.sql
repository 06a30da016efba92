-- 騰落率 Momentum: total return over 60 sessions; both end closes and 56 of the 61 must be there.
-- One row a security and month end.

select
    members.month,
    members.as_of_date,
    members.security_id,
    members.market,
    case
        when sums.has_first_close and sums.close_count >= 56
            then exp(cast(sums.sum_log_return as double) / 1e9) - 1
    end as return_60d,
    sums.known_at,
    sums.close_count / 61.0 as coverage,
    {{ quality({
        "gaps": "sums.has_first_close and sums.return_count < 60",
        "short_history": "not sums.has_first_close or sums.close_count < 56",
    }) }} as quality

from {{ ref("int_members") }} as members
left join {{ ref("int_returns_60d") }} as sums
    on members.month = sums.month and members.security_id = sums.security_id
