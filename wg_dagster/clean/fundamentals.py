"""Versions of standalone quarters and fiscal years, one row each time that what is known of a period changes."""

from collections.abc import Sequence
from datetime import UTC, datetime

import polars as pl

from wg_dagster.calendars import month_of_instant
from wg_dagster.clean.identity import Identity
from wg_dagster.clean.quarters import standalone
from wg_dagster.clean.statements import ITEMS, filed_states
from wg_dagster.clean.views import merged_flags
from wg_dagster.clean.year_to_date import with_revenue_read
from wg_dagster.schemas.tables import TABLES

_PERIOD = ["security_id", "period_end_date", "period_kind"]
_FACTS = ["known_at_rule", "fiscal_period", "fiscal_year", "is_derived", "currency", "accounting_standard", "quality"]


def fundamentals_clean(raw: pl.DataFrame, identity: Identity, months: Sequence[str]) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Rows of `fundamentals_clean` known in these months, and quarantine rows of these months.

    `raw`: all filings up to the last of the months. A row known at an instant depends only on filings known by then.
    """
    states, broken = filed_states(raw, identity)
    first = min(months)
    start = datetime(int(first[:4]), int(first[5:]), 1, 5, tzinfo=UTC)  # months of known_at begin at midnight, UTC-5
    rows = _joined_sources(standalone(with_revenue_read(states), start))
    rows = _with_liabilities(rows)
    rows = _changes(rows).with_columns(month_of_instant(pl.col("known_at")).alias("month")).filter(pl.col("month").is_in(list(months)))
    markets = states.select("security_id", "market").unique("security_id")
    rows = identity.with_issuer(rows.join(markets, on="security_id", how="left", validate="m:1"), as_of="known_at")
    return rows.select(TABLES["fundamentals_clean"].columns), broken.filter(pl.col("month").is_in(list(months)))


def _joined_sources(rows: pl.DataFrame) -> pl.DataFrame:
    """One series a period: item by item the best stream that has a value. Accounts of the parent stand only where no group accounts do."""
    several = rows.select(*_PERIOD, "stream").unique().filter(pl.len().over(_PERIOD) > 1)
    if several.is_empty():
        return rows.drop("stream")
    mixed = rows.join(several.select(_PERIOD).unique(), on=_PERIOD, how="semi")
    streams = mixed["stream"].unique().sort().to_list()  # group before parent, dated before assumed, then by name
    joined = mixed.select(*_PERIOD, "known_at").unique().sort("known_at", *_PERIOD)
    for k, stream in enumerate(streams):
        one = mixed.filter(pl.col("stream") == stream).sort("known_at").with_columns(pl.lit(value=True).alias("there"))
        named = one.select(*_PERIOD, "known_at", *(pl.col(name).alias(f"{name}@{k}") for name in [*ITEMS, *_FACTS, "there"]))
        joined = joined.join_asof(named, on="known_at", by=_PERIOD, check_sortedness=False)
    group = [k for k, stream in enumerate(streams) if stream.startswith("0")]
    has_group = pl.any_horizontal(pl.col(f"there@{k}").fill_null(value=False) for k in group) if group else pl.lit(value=False)
    best = [
        pl.coalesce(pl.when(~has_group if k not in group else pl.lit(value=True)).then(f"{name}@{k}") for k in range(len(streams))).alias(
            name
        )
        for name in [*ITEMS, *_FACTS]
    ]
    return pl.concat(
        [rows.join(several.select(_PERIOD).unique(), on=_PERIOD, how="anti").drop("stream"), joined.select(*_PERIOD, "known_at", *best)],
        how="diagonal",
    )


def _with_liabilities(rows: pl.DataFrame) -> pl.DataFrame:
    """Liabilities = assets - equity where they are not given."""
    rest = pl.col("assets") - pl.col("equity")
    missing = pl.col("total_liabilities").is_null()
    derived = missing & (rest > 0)
    return rows.with_columns(
        pl.when(derived).then(rest).otherwise("total_liabilities").alias("total_liabilities"),
        merged_flags(pl.col("quality"), pl.when(derived).then(pl.lit("liabilities_derived"))).alias("quality"),
    )


def _changes(rows: pl.DataFrame) -> pl.DataFrame:
    """Rows that differ from the version before."""
    ordered = rows.sort(*_PERIOD, "known_at")
    same_period = pl.all_horizontal(pl.col(name) == pl.col(name).shift() for name in _PERIOD).fill_null(value=False)
    differs = pl.any_horizontal(pl.col(name).ne_missing(pl.col(name).shift()) for name in [*ITEMS, *_FACTS])
    return ordered.filter(differs | ~same_period)
