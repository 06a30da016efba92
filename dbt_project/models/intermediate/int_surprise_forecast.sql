-- 予想修正 Route 1: the company's own forecast of the earliest fiscal year without visible results. Each revision
-- counts in full for 63 sessions and fades until 126; on the results day the actual is the last revision of its year,
-- until the new year's forecast moves. One row a security and month that has a company forecast.

with
members as (select * from {{ ref("int_members") }}),

forecasts as (select * from {{ ref("stg_forecasts") }}),

-- ordinary profit; IFRS and US-GAAP reporters have none: operating, then net profit
items as (
    select
        items.item,
        items.item_rank
    from (values ('ordinary_profit', 1), ('operating_profit', 2), ('net_income', 3)) as items (item, item_rank)
),

results as (
    select
        security_id,
        period_end_date as fiscal_year_end_date,
        known_at,
        item,
        value
    from (
        select
            security_id,
            period_end_date,
            known_at,
            ordinary_profit,
            operating_profit,
            net_income
        from {{ ref("stg_fundamentals") }}
        where period_kind = 'annual'
        qualify row_number() over (partition by security_id, period_end_date order by known_at) = 1
    ) unpivot include nulls (value for item in (ordinary_profit, operating_profit, net_income))
),

published as (
    select
        forecasts.*,
        items.item_rank,
        false as is_result
    from forecasts
    inner join items on forecasts.item = items.item
    union all by name
    select
        results.*,
        scopes.scope,
        items.item_rank,
        true as is_result
    from results
    inner join items on results.item = items.item
    inner join (
        select distinct
            security_id,
            fiscal_year_end_date,
            item,
            scope
        from forecasts
    ) as scopes
        on results.security_id = scopes.security_id
        and results.fiscal_year_end_date = scopes.fiscal_year_end_date
        and results.item = scopes.item
),

steps as (
    select
        published.*,
        securities.market,
        case
            when published.known_at - lag(published.known_at) over publication_order < interval 730 day
                then lag(published.value) over publication_order
        end as value_before
    from published
    inner join (
        select distinct
            security_id,
            market
        from members
    ) as securities
        on published.security_id = securities.security_id
    window publication_order as (
        partition by published.security_id, published.item, published.scope, published.fiscal_year_end_date
        order by published.known_at, published.is_result
    )
),

dated as (
    select
        steps.*,
        sessions.session_index
    from steps
    asof inner join {{ ref("stg_sessions") }} as sessions
        on steps.market = sessions.market and steps.known_at <= sessions.cutoff_at
),

visible as (
    select
        members.month,
        members.as_of_date,
        {{ decay("(members.session_index - dated.session_index)") }} as weight,
        dated.*
    from members
    inner join dated
        on members.security_id = dated.security_id
        and members.cutoff_at >= dated.known_at
        and members.as_of_date - interval 24 month < dated.known_at
        and members.as_of_date - interval 13 month < dated.fiscal_year_end_date
),

moves as (
    select
        month,
        as_of_date,
        security_id,
        fiscal_year_end_date,
        item,
        item_rank,
        scope,
        bool_or(is_result) as has_result,
        max(weight) filter (where is_result) as result_weight,
        coalesce(bool_or(value != value_before) filter (where not is_result), false) as has_moved,
        coalesce(sum((value - value_before) * weight order by known_at, is_result), 0) as weighted_change,
        min_by(value_before, known_at) filter (where weight > 0 and value_before is not null) as value_before,
        max_by(value, known_at) as newest_value,
        max(known_at) as known_at
    from visible
    group by all
),

ranked as (
    select
        *,
        case
            when has_result and result_weight > 0 then 2
            when has_result or fiscal_year_end_date > min(fiscal_year_end_date) filter (where not has_result) over same
                then null
            when has_moved then 1
            else 3
        end as year_rank
    from moves
    where has_result or fiscal_year_end_date >= as_of_date - interval 6 month
    window same as (partition by month, security_id, item, scope)
),

chosen as (
    select *
    from ranked
    where year_rank is not null
    qualify row_number() over (
            partition by month, security_id
            order by item_rank asc, scope asc, year_rank asc, fiscal_year_end_date desc
        ) = 1
),

revenues as (
    select
        members.month,
        forecasts.security_id,
        forecasts.fiscal_year_end_date,
        forecasts.scope,
        max_by(forecasts.value, forecasts.known_at) as revenue
    from members
    inner join forecasts
        on members.security_id = forecasts.security_id
        and members.cutoff_at >= forecasts.known_at
        and members.as_of_date - interval 24 month < forecasts.known_at
    where forecasts.item = 'revenue'
    group by all
)

select
    chosen.month,
    chosen.security_id,
    chosen.item,
    chosen.year_rank = 2 as is_result,
    chosen.weighted_change
    / coalesce(nullif(sums.market_cap_63_sessions_ago, 0), nullif(members.market_cap, 0)) as change_to_market_cap,
    greatest(-1, least(1, coalesce(
        chosen.weighted_change / nullif(greatest(
            abs(coalesce(chosen.value_before, chosen.newest_value)), coalesce(revenues.revenue, 0) * 0.01
        ), 0),
        0
    ))) as revision_rate,
    sums.market_cap_63_sessions_ago is null as is_cap_of_today,
    greatest(chosen.known_at, members.known_at) as known_at

from chosen
inner join members
    on chosen.month = members.month and chosen.security_id = members.security_id
left join {{ ref("int_returns_60d") }} as sums
    on chosen.month = sums.month and chosen.security_id = sums.security_id
left join revenues
    on chosen.month = revenues.month
    and chosen.security_id = revenues.security_id
    and chosen.fiscal_year_end_date = revenues.fiscal_year_end_date
    and chosen.scope is not distinct from revenues.scope
