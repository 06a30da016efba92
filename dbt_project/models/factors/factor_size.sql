-- 規模 Size: logarithm of the issuer's market cap as known. One row a security and month end.

select
    month,
    as_of_date,
    security_id,
    market,
    case when market_cap > 0 then ln(market_cap) end as log_market_cap,
    known_at,
    {{ coverage(["market_cap"]) }} as coverage,
    {{ quality({
        "shares_assumed": "shares_source = 'assumed'",
        "shares_inferred": "shares_source = 'inferred'",
    }) }} as quality

from {{ ref("int_members") }}
