-- サプライズ Surprise: the change of the company's own forecast over market cap, else the announced surprise over the
-- price; beside them the revision rate, and where neither exists SUE. `quality` names the route.
-- One row a security and month end.

select
    members.month,
    members.as_of_date,
    members.security_id,
    members.market,
    coalesce(forecast.change_to_market_cap, announced.surprise) as earnings_surprise,
    forecast.revision_rate as forecast_revision_rate,
    case
        when coalesce(forecast.change_to_market_cap, announced.surprise) is null then seasonal.surprise
    end as standardised_unexpected_earnings,
    case
        when forecast.change_to_market_cap is not null then forecast.known_at
        else coalesce(announced.known_at, seasonal.known_at, members.known_at)
    end as known_at,
    case members.market
        when 'JP' then {{ coverage([
            "forecast.change_to_market_cap",
            "forecast.revision_rate",
        ]) }}
        else {{ coverage(["coalesce(forecast.change_to_market_cap, announced.surprise, seasonal.surprise)"]) }}
    end as coverage,
    case
        when forecast.change_to_market_cap is not null then {{ quality({
            "cap_of_today": "forecast.is_cap_of_today",
            "item_net_income": "forecast.item = 'net_income'",
            "item_operating_profit": "forecast.item = 'operating_profit'",
            "result": "forecast.is_result",
            "route_forecast": "true",
        }) }}
        when announced.surprise is not null then 'route_announced'
        when seasonal.surprise is not null then 'route_sue_' || seasonal.series
        else ''
    end as quality

from {{ ref("int_members") }} as members
left join {{ ref("int_surprise_forecast") }} as forecast
    on members.month = forecast.month and members.security_id = forecast.security_id
left join {{ ref("int_surprise_announced") }} as announced
    on members.month = announced.month and members.security_id = announced.security_id
left join {{ ref("int_surprise_seasonal") }} as seasonal
    on members.month = seasonal.month and members.security_id = seasonal.security_id
