-- 区間と月末 Which segments each month end takes, and for which look-back: the last 20 sessions, the 40 before them, or
-- the four before those. One row a month and segment.

select distinct
    looks.month,
    looks.market,
    segments.segment_id,
    segments.is_pair,
    {{ look_back("looks.age") }} as look_back

from {{ ref("int_us_returns_60d") }} as looks
inner join {{ ref("int_segments") }} as segments
    on looks.market = segments.market
    and looks.session_date = segments.session_date
    and looks.us_return_1e9 is not distinct from segments.x
    and looks.us_return_lag_1e9 is not distinct from segments.z
    and coalesce(looks.bill_return_1e9, 0) = segments.b
    and (looks.bill_return_1e9 is not null) = segments.has_bill_rate
    and looks.known_at is not distinct from segments.us_known_at
