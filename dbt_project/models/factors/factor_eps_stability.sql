-- EPS安定性 EPS stability: minus the standard deviation of the yearly change of four-quarter earnings per share over
-- up to twelve quarters (five at least), relative to the size of both ends or 1 % of the price.
-- One row a security and month end.

with
-- in units of 1e-9, so that sums are exact
changes as (
    select
        members.month,
        members.security_id,
        cast(round(
            (eps.eps_4q - eps.eps_4q_year_ago)
            / greatest((abs(eps.eps_4q) + abs(eps.eps_4q_year_ago)) / 2, 0.01 * members.close)
            * 1e9
        ) as hugeint) as yearly_change,
        eps.known_at
    from {{ ref("int_members") }} as members
    inner join {{ ref("int_eps") }} as eps
        on members.security_id = eps.security_id
        and members.statements_known_at = eps.seen_at
        and members.splits_known_at is not distinct from eps.splits_known_at
        and eps.series = 'statements'
    where eps.quarter_number <= 12 and eps.eps_4q is not null and eps.eps_4q_year_ago is not null
),

spread as (
    select
        month,
        security_id,
        count(*) as change_count,
        sum(yearly_change) as sum_change,
        sum(yearly_change * yearly_change) as sum_change_squared,
        max(known_at) as known_at
    from changes
    group by month, security_id
)

select
    members.month,
    members.as_of_date,
    members.security_id,
    members.market,
    case
        when spread.change_count >= 5 then -sqrt(
                cast(
                    spread.change_count * spread.sum_change_squared - spread.sum_change * spread.sum_change as double
                ) / (spread.change_count * (spread.change_count - 1))
            ) / 1e9
    end as eps_change_stability,
    greatest(members.known_at, spread.known_at) as known_at,
    coalesce(spread.change_count, 0) / 12.0 as coverage,
    {{ quality({"short_history": "coalesce(spread.change_count, 0) < 12"}) }} as quality

from {{ ref("int_members") }} as members
left join spread
    on members.month = spread.month and members.security_id = spread.security_id
