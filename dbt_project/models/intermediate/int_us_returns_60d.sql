-- 米国株リターン The 64 sessions that end at each month end (age 0 = the last) and, beside each, the return of the
-- S&P 500: for New York that of the same session over the bill rate; for Tokyo the sum over the US sessions that
-- closed between the previous and this Tokyo close (0 if none did). One row a month, market and session.

with
month_ends as (select * from {{ ref("int_month_ends") }}),

sessions as (select * from {{ ref("stg_sessions") }}),

benchmarks as (
    select *
    from {{ ref("stg_benchmarks") }}
    where benchmark_id = 'sp500'
),

bills as (
    select *
    from {{ ref("stg_rates") }}
    where rate_id = 'us_bill'
),

looked_back as (
    select
        month_ends.month,
        month_ends.market,
        month_ends.cutoff_at,
        month_ends.session_index - sessions.session_index as age,
        sessions.session_date
    from month_ends
    inner join sessions
        on month_ends.market = sessions.market
        and sessions.session_index between month_ends.session_index - 63 and month_ends.session_index
),

us_sessions as (
    select
        sessions.session_date,
        sessions.close_at,
        markets.market
    from sessions
    cross join (select distinct market from month_ends) as markets
    where sessions.market = 'US'
),

-- each US session belongs to the first session of the market that closes with it or after it
us_closes as (
    select
        us_sessions.session_date as us_session_date,
        sessions.market,
        sessions.session_date
    from us_sessions
    asof inner join sessions
        on us_sessions.market = sessions.market and us_sessions.close_at <= sessions.close_at
),

bill_returns as (
    select
        looked_back.month,
        looked_back.session_date,
        cast(round(ln(1 + max_by(bills.value, bills.rate_date)) / 252 * 1e9) as bigint) as bill_return_1e9
    from looked_back
    inner join bills
        on bills.rate_date between looked_back.session_date - 31 and looked_back.session_date
        and looked_back.cutoff_at >= bills.known_at
    where looked_back.market = 'US'
    group by looked_back.month, looked_back.session_date
),

us_returns as (
    select
        looked_back.month,
        looked_back.market,
        looked_back.session_date,
        count(us_closes.us_session_date) = count(benchmarks.log_return_1e9) as is_complete,
        coalesce(cast(sum(benchmarks.log_return_1e9) as bigint), 0) as us_return_1e9,
        max(benchmarks.known_at) as known_at
    from looked_back
    left join us_closes
        on looked_back.market = us_closes.market and looked_back.session_date = us_closes.session_date
    left join benchmarks
        on us_closes.us_session_date = benchmarks.session_date
        and looked_back.cutoff_at >= benchmarks.known_at
    group by looked_back.month, looked_back.market, looked_back.session_date
),

aligned as (
    select
        looked_back.*,
        bill_returns.bill_return_1e9,
        case
            when us_returns.is_complete
                then us_returns.us_return_1e9 - coalesce(bill_returns.bill_return_1e9, 0)
        end as us_return_1e9,
        us_returns.known_at
    from looked_back
    inner join us_returns
        on looked_back.month = us_returns.month
        and looked_back.market = us_returns.market
        and looked_back.session_date = us_returns.session_date
    left join bill_returns
        on looked_back.market = 'US'
        and looked_back.month = bill_returns.month
        and looked_back.session_date = bill_returns.session_date
)

select
    *,
    lead(us_return_1e9) over (partition by month, market order by age) as us_return_lag_1e9

from aligned
