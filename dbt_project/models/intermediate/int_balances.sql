-- 残高 The newest balance sheet as known and the one 350 to 380 days before it (null if there is none).
-- One row a security and instant.

with
balances as (
    select
        security_id,
        seen_at,
        period_end_date,
        {% for item in [
            "assets", "current_assets", "current_liabilities", "total_liabilities", "equity", "currency"
        ] %}
            coalesce(
                max({{ item }}) filter (where period_kind = 'quarter'),
                max({{ item }}) filter (where period_kind = 'annual')
            ) as {{ item }},
        {% endfor %}
        max(known_at) as known_at
    from {{ ref("int_statements") }}
    where (assets is not null or equity is not null) and period_end_date > cast(seen_at as date) - interval 29 month
    group by security_id, seen_at, period_end_date
),

closing as (
    select *
    from balances
    qualify row_number() over (partition by security_id, seen_at order by period_end_date desc) = 1
)

select
    closing.security_id,
    closing.seen_at,
    any_value(closing.period_end_date) as closing_date,
    any_value(closing.currency) as currency,
    any_value(closing.assets) as assets,
    any_value(closing.current_assets) as current_assets,
    any_value(closing.current_liabilities) as current_liabilities,
    any_value(coalesce(closing.total_liabilities, closing.assets - closing.equity)) as total_liabilities,
    any_value(closing.equity) as equity,
    min_by(earlier.assets, abs(closing.period_end_date - earlier.period_end_date - 364.75)) as assets_year_ago,
    min_by(earlier.equity, abs(closing.period_end_date - earlier.period_end_date - 364.75)) as equity_year_ago,
    greatest(any_value(closing.known_at), max(earlier.known_at)) as known_at

from closing
left join balances as earlier
    on closing.security_id = earlier.security_id
    and closing.seen_at = earlier.seen_at
    and closing.period_end_date - earlier.period_end_date between 350 and 380

group by closing.security_id, closing.seen_at
