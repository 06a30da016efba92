-- 銘柄の財務 Each member beside what it sees of its statements: flows of a year by four windows and balances. What ended
-- more than 15 months ago says nothing of today and is null. One row a security and month.

{{ config(materialized="view") }}

{% set flows = [
    "revenue",
    "operating_profit",
    "interest_expense",
    "pretax_income",
    "ordinary_profit",
    "net_income",
    "operating_cash_flow",
] %}
{% set grown = ["revenue_year_ago", "operating_profit_year_ago", "ordinary_profit_year_ago"] %}

select
    members.month,
    members.as_of_date,
    members.security_id,
    members.market,
    members.is_financial,
    members.currency,
    members.market_cap,
    {% for window in flow_windows() %}
        {% for item in flows + (grown if window in ["quarters", "annual"] else []) + ["currency", "known_at"] %}
            case
                when {{ is_fresh("statements.end_date_" ~ window) }} then statements.{{ item }}_{{ window }}
            end as {{ item }}_{{ window }},
        {% endfor %}
    {% endfor %}
    {% for item in [
        "balance_currency",
        "balance_known_at",
        "assets",
        "current_assets",
        "current_liabilities",
        "total_liabilities",
        "equity",
        "assets_year_ago",
        "equity_year_ago",
    ] %}
        case when {{ is_fresh("statements.closing_date") }} then statements.{{ item }} end as {{ item }},
    {% endfor %}
    members.shares_source,
    members.known_at

from {{ ref("int_members") }} as members
left join {{ ref("int_statements") }} as statements
    on members.security_id = statements.security_id and members.statements_known_at = statements.seen_at
