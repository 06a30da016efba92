"""Raw price rows placed in time: which security, which session, visible at which cut-off, and which rule they break."""

import polars as pl

from wg_dagster.clean.identity import Identity
from wg_dagster.clean.quarantine import first_rule
from wg_dagster.clean.views import market_sessions

RANK = {"reported": 0, "first_seen": 0, "assumed_lag": 1}
CURRENCY_OF_MARKET = {"US": "USD", "JP": "JPY"}  # an exchange quotes in its own money: a close in another one is an error of the feed
KEY = 1 << 16  # sessions fit below: one integer orders securities and sessions


def placed(raw: pl.DataFrame, identity: Identity) -> pl.DataFrame:
    """Add `security_id`, `market`, `session_index`, `session_month`, `month_cutoff_at`; nulls where there is none."""
    calendar = market_sessions().drop("cutoff_at")
    with_security = identity.assign(raw, date="session_date")
    return with_security.join(calendar, on=["market", "session_date"], how="left", validate="m:1", maintain_order="left")


def fault() -> pl.Expr:
    """Rule that makes a price row unusable; null where it can be used."""
    low = pl.min_horizontal("open", "close", "high")
    return first_rule(
        {
            "unknown_symbol": pl.col("security_id").is_null(),
            "missing_session": pl.col("session_date").is_null(),
            "future_session": pl.col("session_date") > pl.col("known_at").dt.offset_by("14h").dt.date(),
            "not_a_session": pl.col("session_index").is_null(),
            "missing_close": pl.col("close").is_null() | pl.col("close").is_nan(),
            "non_positive_price": (pl.col("close") <= 0) | (low < 0) | (pl.col("low") < 0),
            "high_below_low": pl.col("high") < pl.col("low"),
            "negative_volume": pl.col("volume") < 0,
            "missing_currency": pl.col("currency").is_null(),
            "foreign_currency": pl.col("currency") != pl.col("market").replace_strict(CURRENCY_OF_MARKET, default=None),
        }
    )


def visible() -> pl.Expr:
    """The row is known at the cut-off of its session's month."""
    return (pl.col("session_month") == pl.col("month")) & (pl.col("known_at") <= pl.col("month_cutoff_at"))


def keyed(rows: pl.DataFrame, codes: pl.DataFrame) -> pl.DataFrame:
    """Add `code` (position of the security by id) and `key` = code and session in one integer."""
    return rows.join(codes, on="security_id", how="left", validate="m:1", maintain_order="left").with_columns(
        (pl.col("code") * KEY + pl.col("session_index")).alias("key")
    )


def security_codes(identity: Identity) -> pl.DataFrame:
    """| security_id | code |, in order of the ids."""
    ids = identity.holders.select("security_id").unique().sort("security_id")
    return ids.with_columns(pl.int_range(pl.len(), dtype=pl.Int64).alias("code"))


def same_security(shift: int) -> pl.Expr:
    """The row `shift` places before (after, where negative) is of the same security."""
    return pl.col("code") == pl.col("code").shift(shift)


def latest_captures(rows: pl.DataFrame) -> tuple[pl.DataFrame, pl.DataFrame]:
    """One row a key, sorted by key: the source that knows best, its latest capture; and the copies that were dropped.

    Copies are rows of one source, key and instant beyond the one that is kept; earlier captures are not copies.
    """
    ordered = rows.sort("key", maintain_order=True)
    repeated = pl.col("key") == pl.col("key").shift()
    again = ordered.select((repeated | repeated.shift(-1)).fill_null(value=False)).to_series()
    if not again.any():
        return ordered, ordered.clear()
    rank = pl.col("known_at_rule").replace_strict(RANK, default=0, return_dtype=pl.Int8)
    several = ordered.filter(again).with_columns(rank.alias("_rank"))
    several = several.sort(
        "key", "_rank", "source", "known_at", "source_file", "source_line", descending=[False, True, True, False, False, False]
    )
    capture = ["key", "source", "known_at"]
    copies = several.filter(~pl.struct(capture).is_last_distinct()).drop("_rank")
    best = several.unique("key", keep="last", maintain_order=True).drop("_rank")
    return pl.concat([ordered.filter(~again), best]).sort("key"), copies
