-- サプライズ未定 Members for which neither a company forecast nor an announcement gives a surprise: for them alone the
-- seasonal random walk (SUE) is asked. One row a security and month.

select
    members.month,
    members.security_id

from {{ ref("int_members") }} as members
left join {{ ref("int_surprise_forecast") }} as forecast
    on members.month = forecast.month and members.security_id = forecast.security_id
left join {{ ref("int_surprise_announced") }} as announced
    on members.month = announced.month and members.security_id = announced.security_id

where coalesce(forecast.change_to_market_cap, announced.surprise) is null
