-- 60日集計 Exact sums over the last 60 sessions (traded value: 20; closes: 61), in units of 1e-9, that momentum,
-- volatility, US beta and liquidity share. One row a security and month.

with
prices as (
    select *
    from {{ ref("stg_prices") }}
    where {{ within_months(4) }}
),

us_returns as (select * from {{ ref("int_us_returns_60d") }}),

-- y: return of the name over the bill rate; x: US return of the session; z: the one before
observed as (
    select
        us_returns.month,
        us_returns.age,
        prices.security_id,
        prices.close,
        prices.market_cap,
        prices.traded_value,
        prices.log_return_1e9,
        prices.known_at,
        us_returns.bill_return_1e9 is not null as has_bill_rate,
        greatest(prices.known_at, us_returns.known_at) as pair_known_at,
        us_returns.age < 60
        and prices.log_return_1e9 is not null
        and us_returns.us_return_1e9 is not null
        and us_returns.us_return_lag_1e9 is not null as is_pair,
        cast(prices.log_return_1e9 - coalesce(us_returns.bill_return_1e9, 0) as hugeint) as y,
        cast(us_returns.us_return_1e9 as hugeint) as x,
        cast(us_returns.us_return_lag_1e9 as hugeint) as z
    from us_returns
    inner join prices
        on us_returns.market = prices.market
        and us_returns.session_date = prices.session_date
        and us_returns.cutoff_at >= prices.known_at
)

select
    month,
    security_id,
    count(close) filter (where age <= 60) as close_count,
    bool_or(age = 60 and close is not null) as has_first_close,
    count(log_return_1e9) filter (where age < 60) as return_count,
    count(*) filter (where age < 60 and log_return_1e9 = 0) as zero_return_count,
    sum(log_return_1e9) filter (where age < 60) as sum_log_return,
    sum(cast(log_return_1e9 as hugeint) * log_return_1e9) filter (where age < 60) as sum_log_return_squared,
    count(traded_value) filter (where age < 20) as traded_value_count,
    sum(cast(round(traded_value * 100) as bigint)) filter (where age < 20) as sum_traded_value_cents,
    max(market_cap) filter (where age = 63) as market_cap_63_sessions_ago,
    max(known_at) as known_at,
    count(*) filter (where is_pair) as pair_count,
    bool_and(has_bill_rate) filter (where is_pair) as has_bill_rate,
    max(pair_known_at) as pair_known_at,
    sum(y) filter (where is_pair) as sum_y,
    sum(x) filter (where is_pair) as sum_x,
    sum(z) filter (where is_pair) as sum_z,
    sum(y * y) filter (where is_pair) as sum_yy,
    sum(x * x) filter (where is_pair) as sum_xx,
    sum(z * z) filter (where is_pair) as sum_zz,
    sum(x * z) filter (where is_pair) as sum_xz,
    sum(x * y) filter (where is_pair) as sum_xy,
    sum(z * y) filter (where is_pair) as sum_zy

from observed

group by month, security_id
