-- 割安性 Value: profit of a year over market cap (Japan: ordinary profit; US: pretax income, else operating profit less
-- interest, else operating profit) and equity over market cap. Losses stay negative. One row a security and month end.

{% set components = ["profit_yield", "book_to_price"] %}

with
rates as (
    select
        month_ends.month,
        month_ends.market,
        max_by(rates.value, rates.rate_date) as usdjpy
    from {{ ref("int_month_ends") }} as month_ends
    inner join {{ ref("stg_rates") }} as rates
        on rates.rate_id = 'usdjpy'
        and rates.rate_date between month_ends.as_of_date - 31 and month_ends.as_of_date
        and month_ends.cutoff_at >= rates.known_at
    group by month_ends.month, month_ends.market
),

translated as (
    select
        members.*,
        flows.flow_window,
        flows.window_rank,
        flows.pretax_income,
        flows.ordinary_profit,
        flows.operating_profit,
        flows.interest_expense,
        balances.equity,
        coalesce(flows.currency, balances.currency, members.currency) != members.currency as is_translated,
        case
            when coalesce(flows.currency, balances.currency, members.currency) = members.currency then 1
            when members.currency = 'JPY' and coalesce(flows.currency, balances.currency) = 'USD' then rates.usdjpy
            when members.currency = 'USD' and coalesce(flows.currency, balances.currency) = 'JPY' then 1 / rates.usdjpy
        end / case when members.market_cap > 0 then members.market_cap end as per_market_cap,
        greatest(flows.known_at, balances.known_at, members.known_at) as inputs_known_at
    from {{ ref("int_members") }} as members
    left join {{ ref("int_flows") }} as flows
        on members.security_id = flows.security_id
        and members.statements_known_at = flows.seen_at
        and {{ is_fresh("flows.window_end_date") }}
    left join {{ ref("int_balances") }} as balances
        on members.security_id = balances.security_id
        and members.statements_known_at = balances.seen_at
        and {{ is_fresh("balances.closing_date") }}
    left join rates
        on members.month = rates.month and members.market = rates.market
),

profits as (
    select
        *,
        case market
            when 'JP' then coalesce(ordinary_profit, operating_profit)
            else coalesce(pretax_income, operating_profit - interest_expense, operating_profit)
        end as profit,
        case
            when market = 'JP' then case when ordinary_profit is null then 'operating_profit' end
            when pretax_income is not null then null
            when interest_expense is null then 'pre_interest'
            else 'operating_profit'
        end as profit_item
    from translated
),

best as (
    select
        month,
        as_of_date,
        security_id,
        market,
        shares_source,
        {{ best_window("profit * per_market_cap") }} as profit_yield,
        {{ best_window_name("profit * per_market_cap") }} as profit_yield_window,
        coalesce(
            min_by(coalesce(profit_item, ''), window_rank) filter (where profit * per_market_cap is not null), ''
        ) as profit_item,
        any_value(case when equity > 0 then equity * per_market_cap end) as book_to_price,
        bool_or(is_translated) as is_translated,
        bool_or(is_translated and per_market_cap is null) as has_no_rate,
        max(inputs_known_at) as known_at
    from profits
    group by month, as_of_date, security_id, market, shares_source
)

select
    month,
    as_of_date,
    security_id,
    market,
    profit_yield,
    book_to_price,
    known_at,
    {{ coverage(components) }} as coverage,
    {{ quality(dict(
        window_flags(["profit_yield_window"]),
        no_exchange_rate="has_no_rate",
        operating_profit="profit_item = 'operating_profit'",
        pre_interest="profit_item = 'pre_interest'",
        shares_assumed="shares_source = 'assumed'",
        shares_inferred="shares_source = 'inferred'",
        translated="is_translated and not has_no_rate",
    )) }} as quality

from best
