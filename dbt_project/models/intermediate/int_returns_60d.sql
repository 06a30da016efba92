-- 60日集計 Exact sums over the last 60 sessions (traded value: 20; closes: 61), in units of 1e-9, that momentum,
-- volatility, US beta and liquidity share: a month is the sum of its segments. Sums over the US side are those of the
-- market where a name has all its returns. One row a security and month.

{% set us_sums = ["x", "z", "b", "xx", "zz", "bb", "xz", "bx", "bz"] %}

with
parts as (select * from {{ ref("int_segment_sums") }}),

segment_months as (select * from {{ ref("int_segment_months") }}),

months as (
    select
        parts.security_id,
        segment_months.month,
        any_value(segment_months.market) as market,
        sum(case
            when segment_months.look_back != 'before' then bit_count(parts.close_bits)
            else cast(parts.has_first_close as integer)
        end) as close_count,
        bool_or(segment_months.look_back = 'before' and parts.has_first_close) as has_first_close,
        sum(case when segment_months.look_back != 'before' then bit_count(parts.return_bits) end) as return_count,
        {% for item in ["zero_return_count", "sum_r", "sum_rr", "sum_xr", "sum_zr", "sum_br"] %}
            sum(case when segment_months.look_back != 'before' then parts.{{ item }} end) as {{ item }},
        {% endfor %}
        {% for item in ["traded_value_count", "sum_traded_value_cents"] %}
            sum(case when segment_months.look_back = 'last_20' then parts.{{ item }} end) as {{ item }},
        {% endfor %}
        max(case when segment_months.look_back = 'before' then parts.oldest_market_cap end)
            as market_cap_63_sessions_ago,
        max(parts.known_at) as known_at
    from parts
    inner join segment_months on parts.segment_id = segment_months.segment_id
    group by parts.security_id, segment_months.month
),

-- the US side of the sessions of each segment in which some name has a return
us_parts as (
    select
        seen.segment_id,
        seen.return_bits,
        count(*) as pair_count,
        bool_and(segments.has_bill_rate) as has_bill_rate,
        {% for item in us_sums %}
            sum({{ exact_product("segments.", item) }}) as sum_{{ item }},
        {% endfor %}
        max(segments.us_known_at) as us_known_at
    from (
        select distinct
            segment_id,
            return_bits
        from parts
    ) as seen
    inner join {{ ref("int_segments") }} as segments
        on seen.segment_id = segments.segment_id and seen.return_bits & segments.session_bit != 0
    where segments.is_pair
    group by seen.segment_id, seen.return_bits
),

-- all sessions of a month end have a US return: a name with all returns needs no sums of its own
us_months as (
    select
        looks.month,
        looks.market,
        count(*) as pair_count,
        bool_and(segments.has_bill_rate) as has_bill_rate,
        {% for item in us_sums %}
            sum({{ exact_product("segments.", item) }}) as sum_{{ item }},
        {% endfor %}
        max(segments.us_known_at) as us_known_at
    from {{ ref("int_segment_months") }} as looks
    inner join {{ ref("int_segments") }} as segments on looks.segment_id = segments.segment_id
    where looks.look_back != 'before'
    group by looks.month, looks.market
    having bool_and(segments.is_pair)
),

whole as (
    select
        months.security_id,
        months.month,
        us_months.pair_count,
        us_months.has_bill_rate,
        us_months.us_known_at,
        {% for item in us_sums %}
            us_months.sum_{{ item }},
        {% endfor %}
        months.sum_r,
        months.sum_rr,
        months.sum_xr,
        months.sum_zr,
        months.sum_br
    from months
    inner join us_months
        on months.month = us_months.month
        and months.market = us_months.market
        and months.return_count = us_months.pair_count
),

gappy as (
    select
        parts.security_id,
        segment_months.month,
        sum(us_parts.pair_count) as pair_count,
        bool_and(us_parts.has_bill_rate) as has_bill_rate,
        max(us_parts.us_known_at) as us_known_at,
        {% for item in us_sums %}
            sum(us_parts.sum_{{ item }}) as sum_{{ item }},
        {% endfor %}
        sum(parts.sum_r) as sum_r,
        sum(parts.sum_rr) as sum_rr,
        sum(parts.sum_xr) as sum_xr,
        sum(parts.sum_zr) as sum_zr,
        sum(parts.sum_br) as sum_br
    from months
    anti join whole on months.security_id = whole.security_id and months.month = whole.month
    inner join segment_months on months.month = segment_months.month and segment_months.look_back != 'before'
    inner join parts on months.security_id = parts.security_id and segment_months.segment_id = parts.segment_id
    inner join us_parts on parts.segment_id = us_parts.segment_id and parts.return_bits = us_parts.return_bits
    group by parts.security_id, segment_months.month
),

pairs as (
    select * from whole
    union all by name
    select * from gappy
)

-- y = r - b: return of the name over the bill rate
select
    months.month,
    months.security_id,
    months.close_count,
    months.has_first_close,
    months.return_count,
    months.zero_return_count,
    months.sum_r as sum_log_return,
    months.sum_rr as sum_log_return_squared,
    months.traded_value_count,
    months.sum_traded_value_cents,
    months.market_cap_63_sessions_ago,
    months.known_at,
    coalesce(pairs.pair_count, 0) as pair_count,
    pairs.has_bill_rate,
    greatest(months.known_at, pairs.us_known_at) as pair_known_at,
    pairs.sum_x,
    pairs.sum_z,
    pairs.sum_xx,
    pairs.sum_zz,
    pairs.sum_xz,
    pairs.sum_r - pairs.sum_b as sum_y,
    pairs.sum_rr - 2 * pairs.sum_br + pairs.sum_bb as sum_yy,
    pairs.sum_xr - pairs.sum_bx as sum_xy,
    pairs.sum_zr - pairs.sum_bz as sum_zy

from months
left join pairs
    on months.security_id = pairs.security_id and months.month = pairs.month
