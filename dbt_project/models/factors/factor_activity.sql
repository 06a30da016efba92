-- 活動性 Activity: sales over mean total assets (総資本回転率); not for financial companies.
-- One row a security and month end.

with
ratios as (
    select
        *,
        {% for window in flow_windows() %}
            case
                when not is_financial and revenue_{{ window }} > 0
                    then revenue_{{ window }} / {{ mean_balance("assets") }}
            end as asset_turnover_{{ window }},
        {% endfor %}
        assets_year_ago is null as is_end_balance
    from {{ ref("int_member_statements") }}
),

best as (
    select
        *,
        {{ best_window("asset_turnover") }} as asset_turnover,
        {{ best_window_name("asset_turnover") }} as asset_turnover_window
    from ratios
)

select
    month,
    as_of_date,
    security_id,
    market,
    asset_turnover,
    coalesce(greatest({{ windows_known_at() }}, balance_known_at), known_at) as known_at,
    {{ coverage(["asset_turnover"]) }} as coverage,
    {{ quality(dict(
        window_flags(["asset_turnover_window"]),
        end="is_end_balance and asset_turnover is not null",
        financial="is_financial",
    )) }} as quality

from best
