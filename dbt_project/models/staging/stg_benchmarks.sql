-- 指数 Daily log returns of the benchmarks. One row a benchmark and session.

select
    benchmark_id,
    session_date,
    log_return_1e9,
    known_at

from {{ source("lake", "benchmark_nav") }}

where {{ within_months(5) }} and log_return_1e9 is not null
