"""Who may be bought: the eligible companies of a market, one line each, by size and by how fast a position can be sold."""

from datetime import date

import polars as pl

from wg_dagster.calendars import CALENDAR_OF_MARKET, month_end, session_dates
from wg_dagster.schemas.tables import TABLES
from wg_dagster.strategies import Strategy, UniverseRule

TRADED_VALUE_SESSIONS = 20
FEWEST_TRADED_SESSIONS = 15  # of the 20: a younger name has no traded value yet
LARGEST_POSITION = 0.10  # share of the assets under management that must be saleable in time
UNKNOWN_SECTOR = "Unknown"
_ROUNDING = 1e-9  # 0.29 x 100 is 28.999999999999996 to a computer
_COLUMNS = TABLES["universe_members"].columns


def universe_members(
    strategy: Strategy, month: str, *, securities: pl.DataFrame, prices: pl.DataFrame, benchmark_members: pl.DataFrame
) -> pl.DataFrame:
    """Members of a strategy's universe at the month's cut-off, with their weight in its benchmark.

    Ranks are taken among all eligible companies before the floor on traded value, so that two strategies of one market never share a name.

    Returns
    -------
    Columns of `universe_members`, sorted by security_id: one row a company.
    """
    lines = market_lines(strategy.market, month, securities=securities, prices=prices)
    chosen = within_ranks(lines, strategy.universe).filter(pl.col("traded_value_20d") >= traded_value_floor(strategy))
    members = benchmark_issuers(strategy.benchmarks[0], month, securities=securities, benchmark_members=benchmark_members)
    return (
        with_benchmark_weight(chosen, members)
        .with_columns(pl.lit(strategy.strategy_id).alias("strategy"), pl.lit(month).alias("month"))
        .select(_COLUMNS)
        .sort("security_id")
    )


def market_lines(market: str, month: str, *, securities: pl.DataFrame, prices: pl.DataFrame) -> pl.DataFrame:
    """Eligible companies that closed on the month's last session: their most traded line, with the company's market cap.

    Returns
    -------
    | as_of_date | security_id | issuer_id | sector | industry | is_financial | market_cap | traded_value_20d | rank |, largest first
    (rank 1): one row a company whose market cap is known. `traded_value_20d` is null where fewer than 15 of 20 sessions have a row.
    """
    as_of = month_end(CALENDAR_OF_MARKET[market], month)
    stays = pl.col("listed_to").is_null() | (pl.col("listed_to") > as_of)  # else it cannot be traded at the next session
    eligible = securities.filter((pl.col("month") == month) & (pl.col("market") == market) & pl.col("is_eligible") & stays)
    closing = prices.filter((pl.col("session_date") == as_of) & pl.col("close").is_not_null()).select("security_id", "market_cap")
    return (
        eligible.select("security_id", pl.coalesce("issuer_id", "security_id").alias("issuer_id"), "sector", "industry", "is_financial")
        .join(closing, on="security_id", how="inner", validate="1:1")
        .join(traded_value(prices, market, as_of), on="security_id", how="left", validate="1:1")
        .with_columns(pl.col("market_cap").max().over("issuer_id"), pl.col("sector").fill_null(UNKNOWN_SECTOR))
        .filter(pl.col("market_cap") > 0.0)
        .sort("traded_value_20d", "security_id", descending=[True, False], nulls_last=True)
        .unique("issuer_id", keep="first", maintain_order=True)
        .sort("market_cap", "security_id", descending=[True, False])
        .with_columns(pl.lit(as_of).alias("as_of_date"), pl.int_range(1, pl.len() + 1, dtype=pl.Int32).alias("rank"))
    )


def traded_value(prices: pl.DataFrame, market: str, as_of: date) -> pl.DataFrame:
    """| security_id | traded_value_20d |: mean of close x volume over the rows of the last 20 sessions; null under 15 rows."""
    past = [day for day in session_dates(CALENDAR_OF_MARKET[market]) if day <= as_of]
    window = prices.filter(pl.col("session_date").is_between(past[-TRADED_VALUE_SESSIONS:][0], as_of) & (pl.col("market") == market))
    seen = pl.col("traded_value").count() >= FEWEST_TRADED_SESSIONS
    # Summed in the order of sessions: a float sum must not depend on the order in which rows are stored.
    ordered = window.sort("security_id", "session_date").group_by("security_id", maintain_order=True)
    return ordered.agg(pl.when(seen).then(pl.col("traded_value").mean()).alias("traded_value_20d"))


def within_ranks(lines: pl.DataFrame, rule: UniverseRule) -> pl.DataFrame:
    """The lines whose rank the rule asks for: ranks in a large market, shares of the number of companies in a small one."""
    count = lines.height
    if count < rule.small_market_below:
        first, last = (int(share * count + _ROUNDING) for share in (rule.share_from, rule.share_to))
        return lines.filter(pl.col("rank").is_between(first + 1, last))
    return lines.filter(pl.col("rank").is_between(rule.rank_from, rule.rank_to))


def traded_value_floor(strategy: Strategy) -> float:
    """Daily traded value at which the largest position is sold within the days allowed, at the allowed share of the volume."""
    rule = strategy.universe
    return LARGEST_POSITION * strategy.assets_under_management / (rule.days_to_trade * rule.participation)


def benchmark_issuers(benchmark_id: str, month: str, *, securities: pl.DataFrame, benchmark_members: pl.DataFrame) -> pl.DataFrame:
    """| issuer_id | index_weight |: companies of an index at the month's cut-off; the weight is null where any line's is unknown."""
    issuers = securities.filter(pl.col("month") == month).select("security_id", pl.coalesce("issuer_id", "security_id").alias("issuer_id"))
    return (
        benchmark_members.filter((pl.col("month") == month) & (pl.col("benchmark_id") == benchmark_id))
        .join(issuers, on="security_id", how="inner", validate="1:1")
        .sort("security_id")
        .group_by("issuer_id", maintain_order=True)
        .agg(pl.when(pl.col("weight").is_not_null().all()).then(pl.col("weight").sum()).alias("index_weight"))
    )


def with_benchmark_weight(lines: pl.DataFrame, members: pl.DataFrame) -> pl.DataFrame:
    """Add `benchmark_weight`, which sums to one over the lines.

    Published weights of the index members among the lines; by market cap where any of these is unknown; and where no line is a
    member, all lines by market cap, as a proxy.
    """
    size = pl.col("market_cap")
    if not members.join(lines, on="issuer_id", how="semi").is_empty():
        known = members.join(lines, on="issuer_id", how="semi")["index_weight"]
        is_published = known.null_count() == 0 and known.sum() > 0.0
        size = pl.col("index_weight") if is_published else pl.when(pl.col("is_member")).then(pl.col("market_cap"))
    marked = lines.join(members.with_columns(pl.lit(value=True).alias("is_member")), on="issuer_id", how="left", validate="1:1")
    ordered = marked.sort("security_id").with_columns(size.fill_null(0.0).alias("_size"))
    return ordered.with_columns((pl.col("_size") / pl.col("_size").sum()).alias("benchmark_weight")).drop(
        "_size", "is_member", "index_weight"
    )
