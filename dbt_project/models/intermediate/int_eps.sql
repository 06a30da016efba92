-- 四半期EPS Quarterly earnings per share on the share basis of the as-of date, newest first, from statements; as a second
-- series (never spliced) from announcements, for members without another surprise. A derived quarter divides its net
-- income by shares. One row a security, view (what it has seen) and series; lists count quarters from the newest.

-- the linter takes the variables of a list for columns
-- noqa: disable=RF01,RF02,RF03,RF04

with
members as (select * from {{ ref("int_members") }}),

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
        members.security_id,
        members.market,
        'announcements' as series,
        members.announcements_known_at as seen_at,
        members.splits_known_at
    from members
    inner join {{ ref("int_unsurprised") }} as unsurprised
        on members.month = unsurprised.month and members.security_id = unsurprised.security_id
),

versions as (
    select
        security_id,
        period_end_date,
        known_at,
        case when is_derived then net_income / nullif(shares_outstanding, 0) else eps end as eps,
        case when is_derived and shares_outstanding is null then net_income end as shareless_income,
        net_income / nullif(eps, 0) as implied_shares,
        lead(known_at) over version_order as superseded_at,
        min(known_at) over version_order as first_known_at
    from {{ ref("stg_fundamentals") }}
    where period_kind = 'quarter'
    window version_order as (partition by security_id, period_end_date order by known_at)
),

quarters as (
    select
        views.*,
        versions.* exclude (security_id, superseded_at)
    from views
    inner join versions
        on views.security_id = versions.security_id
        and views.seen_at >= versions.known_at
        and views.seen_at < coalesce(versions.superseded_at, timestamptz 'infinity')
        and versions.period_end_date > cast(views.seen_at as date) - interval 72 month
    where views.series = 'statements'
    union all by name
    select
        views.*,
        announcements.period_end_date,
        announcements.known_at,
        announcements.actual_eps as eps,
        announcements.known_at as first_known_at
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

listed as (
    select
        security_id,
        market,
        series,
        seen_at,
        splits_known_at,
        list(struct_pack(
            period_end_date := period_end_date,
            known_at := known_at,
            eps := eps,
            shareless_income := shareless_income,
            implied_shares := implied_shares
        ) order by period_end_date desc) as newest_first,
        arg_max(first_known_at, period_end_date) as first_known_at
    from quarters
    group by security_id, market, series, seen_at, splits_known_at
),

split_lists as (
    select
        views.security_id,
        views.splits_known_at,
        list(
            struct_pack(session_date := actions.session_date, ratio := actions.split_ratio)
            order by actions.session_date
        ) as splits
    from (
        select distinct
            security_id,
            splits_known_at
        from views
    ) as views
    inner join {{ ref("stg_corporate_actions") }} as actions
        on views.security_id = actions.security_id and views.splits_known_at >= actions.known_at
    where actions.split_ratio != 1
    group by views.security_id, views.splits_known_at
),

reported as (
    select
        listed.*,
        split_lists.splits,
        [quarter.period_end_date for quarter in newest_first] as ends,
        [quarter.known_at for quarter in newest_first] as known_ats,
        [
            coalesce(
                quarter.eps, quarter.shareless_income / nullif(newest_first[place + 1].implied_shares, 0)
            ) for quarter, place in newest_first
        ] as reported_eps
    from listed
    left join split_lists
        on listed.security_id = split_lists.security_id and listed.splits_known_at = split_lists.splits_known_at
),

on_todays_shares as (
    select
        * exclude (reported_eps),
        case
            when splits is null then reported_eps
            else [
                    per_share / coalesce(list_product([
                        split.ratio for split in splits
                        if {{ exchange_date("known_ats[place]", "market") }} < split.session_date
                    ]), 1) for per_share, place in reported_eps
                ]
        end as eps
    from reported
)

select
    security_id,
    series,
    seen_at,
    splits_known_at,
    known_ats,
    first_known_at,
    [
        {% for k in range(1, 10) %}
            case
                when ends[{{ k }}] - ends[{{ k + 4 }}] between 350 and 380
                    then cast(round((eps[{{ k }}] - eps[{{ k + 4 }}]) * 1e9) as hugeint)
            end{{ "," if not loop.last }}
        {% endfor %}
    ] as yearly_changes,
    [
        {% for k in range(1, 13) %}
            ends[{{ k }}] - ends[{{ k + 4 }}] between 350 and 380{{ "," if not loop.last }}
        {% endfor %}
    ] as is_year_apart,
    [
        {% for k in range(1, 17) %}
            case
                when ends[{{ k }}] - ends[{{ k + 3 }}] between 259 and 289
                    then eps[{{ k }}] + eps[{{ k + 1 }}] + eps[{{ k + 2 }}] + eps[{{ k + 3 }}]
            end{{ "," if not loop.last }}
        {% endfor %}
    ] as sums_4q

from on_todays_shares
