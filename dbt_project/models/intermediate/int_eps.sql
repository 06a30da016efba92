-- 四半期EPS Quarterly earnings per share on the share basis of the as-of date, with the year before: from statements,
-- and as a second series from announcements (never spliced). A derived quarter divides its net income by shares.
-- One row a security, view (what it has seen), series and quarter; quarter_number 1 = newest.

with
members as (select * from {{ ref("int_members") }}),

splits as (
    select
        security_id,
        session_date,
        known_at,
        split_ratio
    from {{ ref("stg_corporate_actions") }}
    where split_ratio != 1
),

views as (
    select distinct
        security_id,
        market,
        'statements' as series,
        statements_known_at as seen_at,
        splits_known_at
    from members
    union all
    select distinct
        security_id,
        market,
        'announcements' as series,
        announcements_known_at as seen_at,
        splits_known_at
    from members
),

statements as (
    select
        *,
        lag(net_income / nullif(eps, 0)) over (
            partition by security_id, seen_at order by period_end_date
        ) as implied_shares
    from {{ ref("int_statements") }}
    where period_kind = 'quarter'
),

announced as (
    select
        views.*,
        announcements.period_end_date,
        announcements.actual_eps,
        announcements.known_at
    from views
    inner join {{ ref("stg_announcements") }} as announcements
        on views.security_id = announcements.security_id
        and views.seen_at >= announcements.known_at
        and views.seen_at - interval 48 month < announcements.known_at
    where views.series = 'announcements'
    qualify row_number() over (
            partition by views.security_id, views.seen_at, views.splits_known_at, announcements.period_end_date
            order by announcements.known_at desc, announcements.announcement_date desc
        ) = 1
),

as_reported as (
    select
        views.*,
        statements.period_end_date,
        case
            when statements.is_derived
                then statements.net_income
                    / nullif(coalesce(statements.shares_outstanding, statements.implied_shares), 0)
            else statements.eps
        end as reported_eps,
        statements.known_at,
        statements.first_known_at
    from views
    inner join statements
        on views.security_id = statements.security_id and views.seen_at = statements.seen_at
    where views.series = 'statements'
    union all by name
    select
        * exclude (actual_eps),
        actual_eps as reported_eps,
        known_at as first_known_at
    from announced
),

seen_splits as (
    select
        as_reported.security_id,
        as_reported.series,
        as_reported.seen_at,
        as_reported.splits_known_at,
        as_reported.period_end_date,
        product(splits.split_ratio order by splits.session_date) as split_factor
    from as_reported
    inner join splits
        on as_reported.security_id = splits.security_id
        and as_reported.splits_known_at >= splits.known_at
        and {{ exchange_date("as_reported.known_at", "as_reported.market") }} < splits.session_date
    group by all
),

on_todays_shares as (
    select
        as_reported.*,
        as_reported.reported_eps / coalesce(seen_splits.split_factor, 1) as eps,
        row_number() over (
            partition by as_reported.security_id, as_reported.series, as_reported.seen_at, as_reported.splits_known_at
            order by as_reported.period_end_date desc
        ) as quarter_number
    from as_reported
    left join seen_splits
        on as_reported.security_id = seen_splits.security_id
        and as_reported.series = seen_splits.series
        and as_reported.seen_at = seen_splits.seen_at
        and as_reported.splits_known_at = seen_splits.splits_known_at
        and as_reported.period_end_date = seen_splits.period_end_date
)

select
    security_id,
    series,
    seen_at,
    splits_known_at,
    quarter_number,
    period_end_date,
    known_at,
    first_known_at,
    eps,
    case
        when period_end_date - lead(period_end_date, 4) over newest_first between 350 and 380
            then lead(eps, 4) over newest_first
    end as eps_year_ago,
    case
        when period_end_date - lead(period_end_date, 3) over newest_first between 259 and 289
            then {{ four_quarters("eps") }}
    end as eps_4q,
    case
        when period_end_date - lead(period_end_date, 4) over newest_first between 350 and 380
            and lead(period_end_date, 4) over newest_first
            - lead(period_end_date, 7) over newest_first between 259 and 289
            then lead(eps, 4) over newest_first
                + lead(eps, 5) over newest_first
                + lead(eps, 6) over newest_first
                + lead(eps, 7) over newest_first
    end as eps_4q_year_ago

from on_todays_shares

window newest_first as (
    partition by security_id, series, seen_at, splits_known_at order by quarter_number
)
