-- 米国株感応度 US beta: slope on the S&P 500 over 60 sessions (48 at least), shrunk towards the market's mean by its
-- own error (Vasicek 1973). Tokyo, and names with more than five unchanged days, add the slope on the session before.
-- One row a security and month end.

with
centred as (
    select
        members.*,
        sums.pair_count as n,
        sums.has_bill_rate,
        sums.pair_known_at,
        members.market = 'JP' or sums.zero_return_count > 5 as has_lag,
        cast(sums.pair_count * sums.sum_xx - sums.sum_x * sums.sum_x as double) as xx,
        cast(sums.pair_count * sums.sum_zz - sums.sum_z * sums.sum_z as double) as zz,
        cast(sums.pair_count * sums.sum_xz - sums.sum_x * sums.sum_z as double) as xz,
        cast(sums.pair_count * sums.sum_xy - sums.sum_x * sums.sum_y as double) as xy,
        cast(sums.pair_count * sums.sum_zy - sums.sum_z * sums.sum_y as double) as zy,
        cast(sums.pair_count * sums.sum_yy - sums.sum_y * sums.sum_y as double) as yy
    from {{ ref("int_members") }} as members
    left join {{ ref("int_returns_60d") }} as sums
        on members.month = sums.month and members.security_id = sums.security_id
),

-- least squares on x alone, or on x and z together
slopes as (
    select
        *,
        case when has_lag then (zz * xy - xz * zy) / nullif(xx * zz - xz * xz, 0) else xy / nullif(xx, 0) end
            as slope_x,
        case when has_lag then (xx * zy - xz * xy) / nullif(xx * zz - xz * xz, 0) else 0 end as slope_z
    from centred
    where n >= 48
),

estimates as (
    select
        *,
        slope_x + slope_z as slope,
        greatest(0, yy - slope_x * xy - slope_z * zy)
        / (n - case when has_lag then 3 else 2 end)
        * case when has_lag then (xx + zz - 2 * xz) / (xx * zz - xz * xz) else 1 / xx end as squared_error
    from slopes
    where slope_x is not null
),

-- the spread of true betas: that of the estimates less what their errors add, and no less than 0.1 squared
markets as (
    select
        month,
        market,
        sum(cast(round(slope * 1e9) as hugeint)) / count(*) / 1e9 as mean_slope,
        greatest(
            0.01,
            cast(
                count(*) * sum(cast(round(slope * 1e9) as hugeint) * cast(round(slope * 1e9) as hugeint))
                - sum(cast(round(slope * 1e9) as hugeint)) * sum(cast(round(slope * 1e9) as hugeint)) as double
            ) / nullif(count(*) * (count(*) - 1), 0) / 1e18 - median(squared_error)
        ) as prior_variance
    from estimates
    group by month, market
)

select
    centred.month,
    centred.as_of_date,
    centred.security_id,
    centred.market,
    (markets.prior_variance * estimates.slope + estimates.squared_error * markets.mean_slope)
    / (markets.prior_variance + estimates.squared_error) as us_beta_60d,
    coalesce(centred.pair_known_at, centred.known_at) as known_at,
    coalesce(centred.n, 0) / 60.0 as coverage,
    {{ quality({
        "lagged": "estimates.has_lag",
        "no_bill_rate": "centred.market = 'US' and not centred.has_bill_rate",
        "short_history": "coalesce(centred.n, 0) < 48",
    }) }} as quality

from centred
left join estimates
    on centred.month = estimates.month and centred.security_id = estimates.security_id
left join markets
    on centred.month = markets.month and centred.market = markets.market
