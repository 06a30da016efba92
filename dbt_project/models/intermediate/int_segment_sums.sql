-- 区間集計 Exact sums of each security over each segment of sessions, in units of 1e-9, and which of its sessions have a
-- close and a return (bits). A row known after its own month's cut-off is not part of the table. One row a security
-- and segment.

select
    prices.security_id,
    segments.segment_id,
    bit_or(case when prices.close is not null then segments.session_bit else 0 end) as close_bits,
    bool_or(segments.is_first_close and prices.close is not null) as has_first_close,
    bit_or(case when prices.log_return_1e9 is not null then segments.session_bit else 0 end) as return_bits,
    sum(cast(prices.log_return_1e9 = 0 as integer)) as zero_return_count,
    sum(prices.log_return_1e9) as sum_r,
    sum(cast(prices.log_return_1e9 as hugeint) * prices.log_return_1e9) as sum_rr,
    sum(segments.x * prices.log_return_1e9) as sum_xr,
    sum(segments.z * prices.log_return_1e9) as sum_zr,
    sum(segments.b * prices.log_return_1e9) as sum_br,
    count(prices.traded_value) as traded_value_count,
    sum(cast(round(prices.traded_value * 100) as bigint)) as sum_traded_value_cents,
    max(case when segments.is_oldest then prices.market_cap end) as oldest_market_cap,
    max(prices.known_at) as known_at

from {{ ref("stg_prices") }} as prices
inner join {{ ref("int_segments") }} as segments
    on prices.session_date = segments.session_date
    and prices.market = segments.market
    and prices.known_at <= segments.cutoff_at

where prices.{{ within_months(4) }}

group by prices.security_id, segments.segment_id
