"""Bill rates and exchange rates as given, each day once."""

from collections.abc import Sequence

import polars as pl

from wg_dagster.clean.quarantine import first_rule, set_aside
from wg_dagster.schemas.tables import TABLES


def rates_clean(raw: pl.DataFrame, months: Sequence[str]) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Rows of `rates_clean` known in these months, and quarantine rows.

    `raw`: all rows up to the last of the months. A day's value stands as it was in the month in which it first became known: a later
    correction would change returns that were already reported.
    """
    rows = raw.with_columns(
        first_rule(
            {
                "missing_value": pl.col("value").is_null() | pl.col("date").is_null(),
                "future_date": pl.col("date") > pl.col("known_at").dt.offset_by("14h").dt.date(),
                "non_positive_rate": (pl.col("rate_id") == "usdjpy") & (pl.col("value") <= 0),
            }
        ).alias("rule")
    )
    sound = rows.filter(pl.col("rule").is_null()).sort("rate_id", "date", "month", "known_at", "source", "source_file", "source_line")
    latest = sound.unique(["rate_id", "date", "month"], keep="last", maintain_order=True).unique(
        ["rate_id", "date"], keep="first", maintain_order=True
    )
    inside = pl.col("month").is_in(list(months))
    return latest.filter(inside).select(TABLES["rates_clean"].columns), set_aside("rates", rows.filter(inside))
