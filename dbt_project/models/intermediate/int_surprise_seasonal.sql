-- 季節調整サプライズ Route 3 (SUE): the newest change of quarterly earnings per share over a year, less the mean of
-- the eight changes before it, over their standard deviation (six at least; no smaller than 0.1 % of the price),
-- within 10, fading from 63 to 126 sessions. One row a security and month with a live surprise and no other route.

with
members as (
    select members.*
    from {{ ref("int_members") }} as members
    semi join {{ ref("int_unsurprised") }} as unsurprised
        on members.month = unsurprised.month and members.security_id = unsurprised.security_id
),

-- in units of 1e-9 of the currency, so that sums are exact
drifts as (
    select
        security_id,
        series,
        seen_at,
        splits_known_at,
        first_known_at as filed_at,
        yearly_changes[1] as newest_change,
        list_count(yearly_changes[2:9]) as change_count,
        list_sum(yearly_changes[2:9]) as sum_change,
        list_sum([change * change for change in yearly_changes[2:9]]) as sum_change_squared,
        list_max(known_ats[1:9]) as known_at
    from {{ ref("int_eps") }}
    where yearly_changes[1] is not null
),

dated as (
    select
        members.month,
        members.as_of_date,
        members.session_index,
        members.close,
        members.market,
        drifts.*
    from members
    inner join drifts
        on members.security_id = drifts.security_id
        and members.splits_known_at is not distinct from drifts.splits_known_at
        and drifts.seen_at
        = case drifts.series when 'statements' then members.statements_known_at else members.announcements_known_at end
    where drifts.change_count >= 6
)

select
    dated.month,
    dated.security_id,
    dated.series,
    greatest(-10, least(
        10,
        (dated.newest_change - dated.sum_change / cast(dated.change_count as double))
        / greatest(
            sqrt(
                cast(dated.change_count * dated.sum_change_squared - dated.sum_change * dated.sum_change as double)
                / (dated.change_count * (dated.change_count - 1))
            ),
            0.001 * dated.close * 1e9
        )
    )) * {{ decay("(dated.session_index - sessions.session_index)") }} as surprise,
    dated.known_at

from dated
asof inner join {{ ref("stg_sessions") }} as sessions
    on dated.market = sessions.market and dated.filed_at <= sessions.cutoff_at

where dated.session_index < sessions.session_index + 126

qualify row_number() over (
        partition by dated.month, dated.security_id order by dated.series desc
    ) = 1
