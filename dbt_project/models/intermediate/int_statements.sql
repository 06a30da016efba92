-- 既知の財務 The version of each quarter and fiscal year that stood at each instant at which a member looks back
-- (period_number 1 = newest),
-- as far back as two years of flows reach. One row a security, instant, kind and period.

with
looks as (
    select distinct
        security_id,
        statements_known_at as seen_at
    from {{ ref("int_members") }}
    where statements_known_at is not null
),

versions as (
    select
        * exclude (month),
        lead(known_at) over version_order as superseded_at
    from {{ ref("stg_fundamentals") }}
    where strftime(period_end_date, '%Y-%m') >= {{ months_back(58) }}
    window version_order as (partition by security_id, period_kind, period_end_date order by known_at)
)

select
    looks.seen_at,
    versions.*,
    row_number() over newest_first as period_number

from looks
inner join versions
    on looks.security_id = versions.security_id
    and looks.seen_at >= versions.known_at
    and looks.seen_at < coalesce(versions.superseded_at, timestamptz 'infinity')
    and versions.period_end_date > cast(looks.seen_at as date) - interval 40 month

window newest_first as (
    partition by versions.security_id, looks.seen_at, versions.period_kind
    order by versions.period_end_date desc
)
