-- 発表サプライズ Route 2: announced less estimated earnings per share over the last close before the announcement
-- day, at most 10 % of the price, fading from 63 to 126 sessions. One row a security and month with a live surprise.

with
members as (select * from {{ ref("int_members") }}),

announcements as (
    select
        announcements.*,
        securities.market
    from {{ ref("stg_announcements") }} as announcements
    inner join (
        select distinct
            security_id,
            market
        from members
    ) as securities
        on announcements.security_id = securities.security_id
    where announcements.estimate_eps is not null
        and announcements.{{ within_months(7) }}
        and announcements.announcement_date > cast(announcements.known_at as date) - interval 4 month
),

-- the fifteen days before an announcement: the last one with a close is its price
days_before as (
    select distinct
        announcements.security_id,
        announcements.announcement_date,
        announcements.announcement_date - steps.days_ago as session_date
    from announcements
    cross join (select cast(unnest(range(1, 16)) as integer) as days_ago) as steps
),

closes as (
    select
        prices.security_id,
        days_before.announcement_date,
        max_by(prices.close, prices.session_date) as last_close
    from {{ ref("stg_prices") }} as prices
    inner join days_before
        on prices.security_id = days_before.security_id and prices.session_date = days_before.session_date
    where prices.close > 0
    group by prices.security_id, days_before.announcement_date
),

priced as (
    select
        announcements.*,
        sessions.session_index,
        greatest(
            -0.1, least(0.1, (announcements.actual_eps - announcements.estimate_eps) / closes.last_close)
        ) as surprise
    from announcements
    inner join closes
        on announcements.security_id = closes.security_id
        and announcements.announcement_date = closes.announcement_date
    asof inner join {{ ref("stg_sessions") }} as sessions
        on announcements.market = sessions.market and announcements.known_at <= sessions.cutoff_at
)

select
    members.month,
    members.security_id,
    priced.surprise * {{ decay("(members.session_index - priced.session_index)") }} as surprise,
    priced.known_at

from members
inner join priced
    on members.security_id = priced.security_id
    and members.cutoff_at >= priced.known_at
    and members.session_index < priced.session_index + 126

qualify row_number() over (
        partition by members.month, members.security_id
        order by priced.announcement_date desc, priced.known_at desc
    ) = 1
