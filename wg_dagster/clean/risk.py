"""Returns before the first traded prices, from closes that were adjusted with later knowledge: for risk models only."""

from collections.abc import Iterable, Sequence
from itertools import chain

import polars as pl

from wg_dagster.clean.captures import keyed, latest_captures, placed, same_security, security_codes
from wg_dagster.clean.identity import Identity
from wg_dagster.clean.prices import NANO
from wg_dagster.clean.quarantine import first_rule, gathered, set_aside
from wg_dagster.schemas.tables import TABLES

LARGEST = 0.8  # adjusted history is full of broken splits; a true move of this size is no loss to a covariance
LONGEST_GAP = 10  # sessions


def adjusted_returns(raw: Iterable[pl.DataFrame], identity: Identity, months: Sequence[str]) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Returns of adjusted closes (`return_1e9`, `source`) in these months, and quarantine rows.

    `raw` gives the months and one before, one or several whole months at a time.
    """
    codes = security_codes(identity)
    parts = [_captured(some, identity, codes, months) for some in chain([TABLES["adjusted_prices"].empty()], raw)]
    broken = gathered(*(held for _, held in parts))
    latest = pl.concat([rows for rows, _ in parts]).sort("key")
    del parts
    simple = pl.col("adjusted_close") / pl.col("adjusted_close").shift() - 1
    near = same_security(1) & (pl.col("session_index") - pl.col("session_index").shift() <= LONGEST_GAP)
    latest = latest.with_columns(pl.when(near).then(simple).alias("_return"))
    moved = latest.filter(pl.col("month").is_in(list(months)) & pl.col("_return").is_not_null())
    return moved.with_columns((pl.col("_return") * NANO).round().cast(pl.Int64).alias("return_1e9")), broken


def _captured(raw: pl.DataFrame, identity: Identity, codes: pl.DataFrame, months: Sequence[str]) -> tuple[pl.DataFrame, pl.DataFrame]:
    """The latest capture of each session in raw rows of whole months, and quarantine rows."""
    rows = placed(raw, identity).with_columns(
        first_rule(
            {
                "unknown_symbol": pl.col("security_id").is_null(),
                "not_a_session": pl.col("session_index").is_null(),
                "future_session": pl.col("session_date") > pl.col("known_at").dt.offset_by("14h").dt.date(),
                "non_positive_price": ~(pl.col("adjusted_close") > 0).fill_null(value=False),
            }
        ).alias("rule")
    )
    broken = set_aside("adjusted_prices", rows.filter(pl.col("month").is_in(list(months))))
    sound = rows.filter(pl.col("rule").is_null() & (pl.col("session_month") == pl.col("month")))
    latest, _ = latest_captures(keyed(sound.drop("session_month", "month_cutoff_at"), codes))
    return latest, broken


def risk_returns(moved: pl.DataFrame, identity: Identity, months: Sequence[str]) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Rows of `risk_returns` from adjusted returns: those before the first traded prices; and quarantine rows of extreme ones."""
    before = moved.join(_priced_before(identity, months), on=["market", "month"], how="anti")
    extreme = before.with_columns(pl.when(pl.col("_return").abs() > LARGEST).then(pl.lit("extreme_return")).alias("rule"))
    rows = extreme.filter(pl.col("rule").is_null())
    return rows.select(TABLES["risk_returns"].columns), set_aside("adjusted_prices", extreme)


def _priced_before(identity: Identity, months: Sequence[str]) -> pl.DataFrame:
    """Markets and months from the first traded prices on."""
    first = identity.seen.filter(pl.col("table") == "prices").group_by("market").agg(pl.col("visible_month").min().alias("_first"))
    return (
        first.join(pl.DataFrame({"month": list(months)}, schema={"month": pl.String}), how="cross")
        .filter(pl.col("month") >= pl.col("_first"))
        .drop("_first")
    )
