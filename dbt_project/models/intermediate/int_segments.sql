-- 区間 Sessions that the same month ends look back on in the same way form a segment: prices are added up once a segment
-- and each month end takes whole segments. x: US return, z: the one before, b: bill rate, as the month ends know them;
-- session_bit marks the session within its segment. One row a market, session, and what was known of x, z and b.

with
looks as (select * from {{ ref("int_us_returns_60d") }}),

month_ends as (
    select *
    from {{ ref("stg_sessions") }}
    where is_month_end
),

alike as (
    select
        market,
        session_date,
        us_return_1e9 as x,
        us_return_lag_1e9 as z,
        coalesce(bill_return_1e9, 0) as b,
        bill_return_1e9 is not null as has_bill_rate,
        us_return_1e9 is not null and us_return_lag_1e9 is not null as is_pair,
        known_at as us_known_at,
        bool_or(age = 60) as is_first_close,
        bool_or(age = 63) as is_oldest,
        string_agg(month || {{ look_back("age") }}, ',' order by month) as seen_by
    from looks
    group by market, session_date, us_return_1e9, us_return_lag_1e9, bill_return_1e9, known_at
),

numbered as (
    select
        *,
        dense_rank() over (order by market, seen_by, is_pair) as segment_id
    from alike
)

select
    numbered.*,
    cast(1 as bigint) << (row_number() over (
        partition by numbered.segment_id order by numbered.session_date
    ) - 1) as session_bit,
    month_ends.cutoff_at

from numbered
inner join {{ ref("stg_sessions") }} as sessions
    on numbered.market = sessions.market and numbered.session_date = sessions.session_date
inner join month_ends
    on sessions.market = month_ends.market and sessions.month = month_ends.month
