-- 株主還元性 Shareholder return: dividends of the last twelve months per share of today over the close. Who pays none
-- has 0; where fewer than twelve months of ex-days were seen it is unknown. One row a security and month end.

select
    members.month,
    members.as_of_date,
    members.security_id,
    members.market,
    case
        when dividends.month_count = 12 then cast(dividends.dividends_1e9 as double) / 1e9 / members.close
    end as dividend_yield_12m,
    greatest(members.known_at, dividends.known_at) as known_at,
    coalesce(dividends.month_count, 0) / 12.0 as coverage,
    concat_ws(
        ',',
        case when coalesce(dividends.month_count, 0) < 12 then 'short_history' end,
        case when dividends.has_special then 'special_dividend' end,
        case when dividends.unseen_sessions > 0 then 'unseen_sessions_' || dividends.unseen_sessions end
    ) as quality

from {{ ref("int_members") }} as members
left join {{ ref("int_dividends_12m") }} as dividends
    on members.month = dividends.month and members.security_id = dividends.security_id
