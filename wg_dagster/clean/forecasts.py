"""Forecasts of companies and announced earnings, each visible from its publication on."""

import polars as pl

from wg_dagster.clean.identity import Identity
from wg_dagster.clean.quarantine import first_rule, set_aside
from wg_dagster.clean.views import local_date, merged_flags
from wg_dagster.schemas.tables import TABLES


def forecasts_clean(raw: pl.DataFrame, identity: Identity) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Rows of `forecasts_clean` and quarantine rows; a range counts by its middle, the group before the parent."""
    middle = (pl.col("value_low") + pl.col("value_high")) / 2
    rows = identity.assign(raw).with_columns(
        first_rule(
            {
                "unknown_symbol": pl.col("security_id").is_null(),
                "missing_year_end": pl.col("fiscal_year_end_date").is_null(),
                "missing_value": pl.coalesce("value", middle).is_null(),
            }
        ).alias("rule")
    )
    key = ["month", "security_id", "fiscal_year_end_date", "item", "issuer_of_forecast", "known_at"]
    kept = (
        rows.filter(pl.col("rule").is_null())
        .with_columns(
            pl.coalesce("value", middle).alias("value"),
            pl.col("issuer_of_forecast").fill_null("company"),
            pl.col("scope").fill_null("consolidated"),
            merged_flags(pl.col("quality"), pl.when(pl.col("value").is_null()).then(pl.lit("range_midpoint"))).alias("quality"),
        )
        .sort(*key, pl.col("scope") == "consolidated", "source", "source_file", "source_line")
        .unique(key, keep="last", maintain_order=True)
    )
    return kept.select(TABLES["forecasts_clean"].columns), set_aside("forecasts", rows)


def announcements_clean(raw: pl.DataFrame, identity: Identity) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Rows of `announcements_clean` and quarantine rows."""
    rows = identity.assign(raw)
    told_on = local_date(pl.col("known_at"), pl.col("market"))
    rows = rows.with_columns(
        first_rule(
            {
                "unknown_symbol": pl.col("security_id").is_null(),
                "missing_announcement_date": pl.col("announcement_date").is_null(),
                "announced_after_publication": pl.col("announcement_date") > told_on,
                "missing_eps": pl.col("actual_eps").is_null(),
            }
        ).alias("rule")
    )
    key = ["month", "security_id", "announcement_date", "known_at"]
    kept = (
        rows.filter(pl.col("rule").is_null())
        .with_columns(
            merged_flags(pl.col("quality"), pl.when(pl.col("estimate_eps").is_null()).then(pl.lit("no_estimate"))).alias("quality"),
        )
        .sort(*key, "source", "source_file", "source_line")
        .unique(key, keep="last", maintain_order=True)
    )
    return kept.select(TABLES["announcements_clean"].columns), set_aside("earnings_announcements", rows)
