-- 割安性 Value: profit of a year over market cap (Japan: ordinary profit; US: pretax income, else operating profit less
-- interest, else operating profit) and equity over market cap. Losses stay negative. One row a security and month end.

{% set components = ["profit_yield", "book_to_price"] %}
{% set statements = flow_windows() + ["balance"] %}

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

-- a window without a currency has that of the balance
stated as (
    select
        members.*,
        rates.usdjpy,
        {% for window in flow_windows() %}
            coalesce(members.currency_{{ window }}, members.balance_currency, members.currency) as stated_{{ window }},
        {% endfor %}
        coalesce(members.balance_currency, members.currency) as stated_balance
    from {{ ref("int_member_statements") }} as members
    left join rates
        on members.month = rates.month and members.market = rates.market
),

profits as (
    select
        *,
        {% for statement in statements %}
            case
                when stated_{{ statement }} = currency then 1
                when currency = 'JPY' and stated_{{ statement }} = 'USD' then usdjpy
                when currency = 'USD' and stated_{{ statement }} = 'JPY' then 1 / usdjpy
            end / case when market_cap > 0 then market_cap end as per_market_cap_{{ statement }},
        {% endfor %}
        {% for window in flow_windows() %}
            case market
                when 'JP' then coalesce(ordinary_profit_{{ window }}, operating_profit_{{ window }})
                else coalesce(
                        pretax_income_{{ window }},
                        operating_profit_{{ window }} - interest_expense_{{ window }},
                        operating_profit_{{ window }}
                    )
            end as profit_{{ window }},
            case
                when market = 'JP' then case when ordinary_profit_{{ window }} is null then 'operating_profit' end
                when pretax_income_{{ window }} is not null then null
                when interest_expense_{{ window }} is null then 'pre_interest'
                else 'operating_profit'
            end as profit_item_{{ window }},
        {% endfor %}
        case when equity > 0 then equity end as book_value
    from stated
),

yields as (
    select
        *,
        {% for window in flow_windows() %}
            profit_{{ window }} * per_market_cap_{{ window }} as profit_yield_{{ window }},
        {% endfor %}
        book_value * per_market_cap_balance as book_to_price,
        {% for statement in statements %}
            stated_{{ statement }} != currency{{ " or " if not loop.last }}
        {% endfor %} as is_translated,
        {% for statement in statements %}
            stated_{{ statement }} != currency and per_market_cap_{{ statement }} is null{{ " or " if not loop.last }}
        {% endfor %} as has_no_rate
    from profits
),

best as (
    select
        *,
        {{ best_window("profit_yield") }} as profit_yield,
        {{ best_window_name("profit_yield") }} as profit_yield_window,
        {{ at_best_window("profit_yield", "profit_item") }} as profit_item
    from yields
)

select
    month,
    as_of_date,
    security_id,
    market,
    profit_yield,
    book_to_price,
    greatest({{ windows_known_at() }}, balance_known_at, known_at) as known_at,
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
