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

priced as (
    select
        announcements.*,
        sessions.session_index,
        greatest(
            -0.1, least(0.1, (announcements.actual_eps - announcements.estimate_eps) / closes.last_close)
        ) as surprise
    from announcements
    inner join {{ ref("int_announced_closes") }} as closes
        on announcements.security_id = closes.security_id
        and announcements.announcement_date = closes.announcement_date
    asof inner join {{ ref("stg_sessions") }} as sessions
        on announcements.market = sessions.market and announcements.known_at <= sessions.cutoff_at
),

-- each announcement at the month ends at which it lives
live as (
    select
        month_ends.month,
        priced.security_id,
        priced.announcement_date,
        priced.known_at,
        priced.surprise * {{ decay("(month_ends.session_index - priced.session_index)") }} as surprise
    from priced
    inner join {{ ref("int_month_ends") }} as month_ends
        on priced.market = month_ends.market
        and priced.known_at <= month_ends.cutoff_at
        and month_ends.session_index between priced.session_index and priced.session_index + 125
),

newest as (
    select *
    from live
    qualify row_number() over (
            partition by month, security_id
            order by announcement_date desc, known_at desc
        ) = 1
)

select
    newest.month,
    newest.security_id,
    newest.surprise,
    newest.known_at

from newest
semi join members
    on newest.month = members.month and newest.security_id = members.security_id
