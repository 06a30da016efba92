-- EPS安定性 EPS stability: minus the standard deviation of the yearly change of four-quarter earnings per share over
-- up to twelve quarters (five at least), relative to the size of both ends or 1 % of the price.
-- One row a security and month end.

with
-- in units of 1e-9, so that sums are exact
changes as (
    select
        members.*,
        eps.known_ats,
        [
            {% for k in range(1, 13) %}
                case
                    when eps.is_year_apart[{{ k }}] then cast(round(
                            (eps.sums_4q[{{ k }}] - eps.sums_4q[{{ k + 4 }}])
                            / greatest(
                                (abs(eps.sums_4q[{{ k }}]) + abs(eps.sums_4q[{{ k + 4 }}])) / 2, 0.01 * members.close
                            )
                            * 1e9
                        ) as hugeint)
                end{{ "," if not loop.last }}
            {% endfor %}
        ] as yearly_changes
    from {{ ref("int_members") }} as members
    left join {{ ref("int_eps") }} as eps
        on members.security_id = eps.security_id
        and members.statements_known_at = eps.seen_at
        and members.splits_known_at is not distinct from eps.splits_known_at
        and eps.series = 'statements'
),

spread as (
    select
        *,
        list_count(yearly_changes) as change_count,
        list_sum(yearly_changes) as sum_change,
        list_sum([change * change for change in yearly_changes]) as sum_change_squared,
        list_max([
            known_ats[place] for change, place in yearly_changes if change is not null
        ]) as inputs_known_at
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
    greatest(known_at, inputs_known_at) as known_at,
    change_count / 12.0 as coverage,
    {{ quality({"short_history": "change_count < 12"}) }} as quality

from spread
