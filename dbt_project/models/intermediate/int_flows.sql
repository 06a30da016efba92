-- 直近1年 Flows of a year as known, by four windows in order of trust: four standalone quarters that fit, the newest
-- fiscal year, three or two quarters annualised. Growth needs the year before of the same window, so the annualised
-- ones have none. One row a security, instant and window.

{% set flows = [
    "revenue",
    "operating_profit",
    "interest_expense",
    "pretax_income",
    "ordinary_profit",
    "net_income",
    "operating_cash_flow",
] %}
{% set grown = ["revenue", "operating_profit", "ordinary_profit"] %}

with
statements as (select * from {{ ref("int_statements") }}),

quarters as (
    select
        security_id,
        seen_at,
        period_number,
        period_end_date,
        currency,
        accounting_standard,
        {% for item in flows %}
            {{ four_quarters(item) }} as {{ item }},
            ({{ item }} + lead({{ item }}, 1) over newest_first + lead({{ item }}, 2) over newest_first)
            * 4 / 3 as {{ item }}_from_3,
            ({{ item }} + lead({{ item }}, 1) over newest_first) * 2 as {{ item }}_from_2,
        {% endfor %}
        greatest(
            known_at,
            lead(known_at, 1) over newest_first,
            lead(known_at, 2) over newest_first,
            lead(known_at, 3) over newest_first
        ) as known_at,
        greatest(known_at, lead(known_at, 1) over newest_first) as known_at_from_2,
        greatest(
            known_at, lead(known_at, 1) over newest_first, lead(known_at, 2) over newest_first
        ) as known_at_from_3,
        period_end_date - lead(period_end_date, 1) over newest_first between 75 and 125 as fits_2,
        lead(period_end_date, 1) over newest_first - lead(period_end_date, 2) over newest_first
        between 75 and 125 as fits_3,
        lead(period_end_date, 2) over newest_first - lead(period_end_date, 3) over newest_first
        between 75 and 125
        and period_end_date - lead(period_end_date, 3) over newest_first between 259 and 289 as fits_4
    from statements
    where period_kind = 'quarter' and period_number <= 8
    window newest_first as (partition by security_id, seen_at order by period_number)
),

years as (
    select
        *,
        {% for item in grown %}
            lead({{ item }}) over newest_first as {{ item }}_before,
        {% endfor %}
        period_end_date - lead(period_end_date) over newest_first between 350 and 380 as has_year_ago
    from statements
    where period_kind = 'annual' and period_number <= 2
    window newest_first as (partition by security_id, seen_at order by period_number)
),

newest_years as (
    select *
    from years
    where period_number = 1
),

-- quarters that end before the newest fiscal year does are not the latest twelve months
newest_quarters as (
    select
        quarters.*,
        quarters.fits_2 and quarters.fits_3 and quarters.fits_4 as fits
    from quarters
    left join newest_years
        on quarters.security_id = newest_years.security_id and quarters.seen_at = newest_years.seen_at
    where
        quarters.period_number = 1
        and quarters.period_end_date >= coalesce(newest_years.period_end_date, quarters.period_end_date)
),

quarters_year_ago as (
    select *
    from quarters
    where period_number = 5 and fits_2 and fits_3 and fits_4
)

select
    newest_quarters.security_id,
    newest_quarters.seen_at,
    'quarters' as flow_window,
    1 as window_rank,
    newest_quarters.period_end_date as window_end_date,
    newest_quarters.currency,
    newest_quarters.accounting_standard,
    {% for item in flows %}
        newest_quarters.{{ item }},
    {% endfor %}
    {% for item in grown %}
        quarters_year_ago.{{ item }} as {{ item }}_year_ago,
    {% endfor %}
    greatest(newest_quarters.known_at, quarters_year_ago.known_at) as known_at

from newest_quarters
left join quarters_year_ago
    on newest_quarters.security_id = quarters_year_ago.security_id
    and newest_quarters.seen_at = quarters_year_ago.seen_at
    and newest_quarters.period_end_date - quarters_year_ago.period_end_date between 350 and 380

where newest_quarters.fits

union all by name

select
    security_id,
    seen_at,
    'annual' as flow_window,
    2 as window_rank,
    period_end_date as window_end_date,
    currency,
    accounting_standard,
    {% for item in flows %}
        {{ item }},
    {% endfor %}
    {% for item in grown %}
        case when has_year_ago then {{ item }}_before end as {{ item }}_year_ago,
    {% endfor %}
    known_at

from newest_years

{% for count, fit in [(3, "fits_2 and fits_3"), (2, "fits_2")] %}
    union all by name

    select
        security_id,
        seen_at,
        'annualised_{{ count }}' as flow_window,
        {{ 6 - count }} as window_rank,
        period_end_date as window_end_date,
        currency,
        accounting_standard,
        {% for item in flows %}
            {{ item }}_from_{{ count }} as {{ item }},
        {% endfor %}
        known_at_from_{{ count }} as known_at

    from newest_quarters

    where {{ fit }}
{% endfor %}
