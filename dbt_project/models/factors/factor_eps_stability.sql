-- EPS安定性 EPS stability: minus the standard deviation of the yearly change of four-quarter earnings per share over
-- up to twelve quarters (five at least), relative to the size of both ends or 1 % of the price.
-- One row a security and month end.

with
seen as (
    select
        members.*,
        coalesce(eps.year_change_count, 0) as change_count,
        eps.year_changes,
        eps.year_sizes,
        eps.year_changes_known_at
    from {{ ref("int_members") }} as members
    left join {{ ref("int_eps") }} as eps
        on members.security_id = eps.security_id
        and members.statements_known_at = eps.seen_at
        and members.splits_known_at is not distinct from eps.splits_known_at
        and eps.series = 'statements'
),

-- in units of 1e-9, so that sums are exact
changes as (
    select
        *,
        [
            cast(round(change / greatest(year_sizes[place], 0.01 * close) * 1e9) as bigint)
            for change, place in year_changes
        ] as yearly_changes
    from seen
),

spread as (
    select
        *,
        list_sum(yearly_changes) as sum_change,
        list_sum([change * change for change in yearly_changes]) as sum_change_squared
    from changes
)

select
    month,
    as_of_date,
    security_id,
    market,
    case
        when change_count >= 5 then -sqrt(
                cast(change_count * sum_change_squared - sum_change * sum_change as double)
                / (change_count * (change_count - 1))
            ) / 1e9
    end as eps_change_stability,
    greatest(known_at, year_changes_known_at) as known_at,
    change_count / 12.0 as coverage,
    {{ quality({"short_history": "change_count < 12"}) }} as quality

from spread
