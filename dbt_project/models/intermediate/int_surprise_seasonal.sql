-- 季節調整サプライズ Route 3 (SUE): the newest change of quarterly earnings per share over a year, less the mean of
-- the eight changes before it, over their standard deviation (six at least; no smaller than 0.1 % of the price),
-- within 10, fading from 63 to 126 sessions. One row a security and month with a live surprise.

with
members as (select * from {{ ref("int_members") }}),

-- in units of 1e-9 of the currency, so that sums are exact
changes as (
    select
        *,
        cast(round((eps - eps_year_ago) * 1e9) as hugeint) as yearly_change
    from {{ ref("int_eps") }}
    where quarter_number <= 9
),

drifts as (
    select
        security_id,
        series,
        seen_at,
        splits_known_at,
        max(yearly_change) filter (where quarter_number = 1) as newest_change,
        count(yearly_change) filter (where quarter_number > 1) as change_count,
        sum(yearly_change) filter (where quarter_number > 1) as sum_change,
        sum(yearly_change * yearly_change) filter (where quarter_number > 1) as sum_change_squared,
        max(first_known_at) filter (where quarter_number = 1) as filed_at,
        max(known_at) as known_at
    from changes
    group by security_id, series, seen_at, splits_known_at
    having newest_change is not null and change_count >= 6
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
