-- 12か月配当 Dividends with ex-date in the twelve months up to the month end, per share of today, in 1e-9 of the
-- currency, and how far the ex-days could be seen; shares of a spun-off company are no dividend.
-- One row a security and month.

with
month_ends as (select * from {{ ref("int_month_ends") }}),

actions as (select * from {{ ref("stg_corporate_actions") }}),

visible as (
    select
        month_ends.month,
        month_ends.as_of_date,
        month_ends.cutoff_at,
        actions.security_id,
        actions.session_date,
        actions.cash_dividend,
        actions.known_at,
        actions.quality
    from actions
    inner join month_ends
        on actions.market = month_ends.market
        and actions.known_at <= month_ends.cutoff_at
        and actions.session_date > month_ends.as_of_date - interval 12 month
        and actions.session_date <= month_ends.as_of_date
    where actions.cash_dividend > 0 and actions.quality not like '%spin_off%'
),

later_splits as (
    select
        visible.month,
        visible.security_id,
        visible.session_date,
        product(actions.split_ratio order by actions.session_date) as split_factor
    from visible
    inner join actions
        on visible.security_id = actions.security_id
        and visible.cutoff_at >= actions.known_at
        and visible.as_of_date >= actions.session_date
        and visible.session_date < actions.session_date
    where actions.split_ratio != 1
    group by visible.month, visible.security_id, visible.session_date
),

paid as (
    select
        visible.month,
        visible.security_id,
        sum(cast(round(
            visible.cash_dividend / coalesce(later_splits.split_factor, 1) * 1e9
        ) as bigint)) as dividends_1e9,
        bool_or(visible.quality like '%special%') as has_special,
        max(visible.known_at) as known_at
    from visible
    left join later_splits
        on visible.month = later_splits.month
        and visible.security_id = later_splits.security_id
        and visible.session_date = later_splits.session_date
    group by visible.month, visible.security_id
)

select
    windows.month,
    windows.security_id,
    windows.month_count,
    windows.unseen_sessions,
    coalesce(paid.dividends_1e9, 0) as dividends_1e9,
    coalesce(paid.has_special, false) as has_special,
    paid.known_at

from {{ ref("int_price_windows") }} as windows
left join paid
    on windows.month = paid.month and windows.security_id = paid.security_id
