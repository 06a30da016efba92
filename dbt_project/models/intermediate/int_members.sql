-- 対象銘柄 Every security with a close on its exchange's last session of the month, and the newest of what it may see:
-- statements (last seen within 16 months), splits and announcements. One row a security and month.

with
prices as (select * from {{ ref("int_price_windows") }}),

month_ends as (select * from {{ ref("int_month_ends") }}),

securities as (select * from {{ ref("stg_securities") }}),

newest as (select * from {{ ref("int_newest_known") }}),

listed as (
    select
        month_ends.month,
        month_ends.as_of_date,
        month_ends.session_index,
        month_ends.cutoff_at,
        month_ends.market,
        prices.security_id,
        coalesce(securities.is_financial, false) as is_financial,
        prices.currency,
        prices.close,
        prices.market_cap,
        prices.shares_source,
        prices.known_at
    from month_ends
    inner join prices
        on month_ends.month = prices.month and month_ends.market = prices.market
    inner join securities
        on month_ends.month = securities.month and prices.security_id = securities.security_id
    where prices.close > 0 and prices.known_at <= month_ends.cutoff_at
)

select
    listed.*,
    case
        when newest.statements_known_at >= listed.as_of_date - interval 16 month then newest.statements_known_at
    end as statements_known_at,
    case
        when newest.announcements_known_at >= listed.as_of_date - interval 12 month then newest.announcements_known_at
    end as announcements_known_at,
    newest.splits_known_at

from listed
left join newest
    on listed.month = newest.month and listed.security_id = newest.security_id
