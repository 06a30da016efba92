-- 季節調整サプライズ Route 3 (SUE): the newest change of quarterly earnings per share over a year, less the mean of
-- the eight changes before it, over their standard deviation (six at least; no smaller than 0.1 % of the price),
-- within 10, fading from 63 to 126 sessions. One row a security and month with a live surprise and no other route.

with
{% for series in ["statements", "announcements"] %}
    looks_at_{{ series }} as (
        select
            members.month,
            members.security_id,
            members.market,
            members.session_index,
            members.close,
            members.splits_known_at,
            '{{ series }}' as series,
            members.{{ series }}_known_at as seen_at
        from {{ ref("int_members") }} as members
        semi join {{ ref("int_unsurprised") }} as unsurprised
            on members.month = unsurprised.month and members.security_id = unsurprised.security_id
    ),
{% endfor %}

looks as (
    select * from looks_at_statements
    union all
    select * from looks_at_announcements
),

seen as (
    select
        looks.*,
        eps.first_known_at as filed_at,
        eps.quarter_changes_known_at as known_at,
        eps.quarter_changes
    from looks
    inner join {{ ref("int_eps") }} as eps
        on looks.security_id = eps.security_id
        and looks.seen_at = eps.seen_at
        and looks.series = eps.series
        and looks.splits_known_at is not distinct from eps.splits_known_at
    where eps.quarter_changes[1] is not null
),

-- in units of 1e-9 of the currency, so that sums are exact
changes as (
    select
        *,
        [cast(round(change * 1e9) as hugeint) for change in quarter_changes] as yearly_changes
    from seen
),

drifts as (
    select
        *,
        yearly_changes[1] as newest_change,
        list_count(yearly_changes[2:9]) as change_count,
        list_sum(yearly_changes[2:9]) as sum_change,
        list_sum([change * change for change in yearly_changes[2:9]]) as sum_change_squared
    from changes
    where list_count(yearly_changes[2:9]) >= 6
)

select
    drifts.month,
    drifts.security_id,
    drifts.series,
    greatest(-10, least(
        10,
        (drifts.newest_change - drifts.sum_change / cast(drifts.change_count as double))
        / greatest(
            sqrt(
                cast(drifts.change_count * drifts.sum_change_squared - drifts.sum_change * drifts.sum_change as double)
                / (drifts.change_count * (drifts.change_count - 1))
            ),
            0.001 * drifts.close * 1e9
        )
    )) * {{ decay("(drifts.session_index - sessions.session_index)") }} as surprise,
    drifts.known_at

from drifts
asof inner join {{ ref("stg_sessions") }} as sessions
    on drifts.market = sessions.market and drifts.filed_at <= sessions.cutoff_at

where drifts.session_index < sessions.session_index + 126

qualify row_number() over (
        partition by drifts.month, drifts.security_id order by drifts.series desc
    ) = 1
