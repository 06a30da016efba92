"""Splits and dividends: given by the vendor, or read from two closes of one archive."""

import polars as pl

from wg_dagster.clean.captures import fault, keyed, latest_captures, placed, security_codes, visible
from wg_dagster.clean.identity import Identity
from wg_dagster.clean.quarantine import set_aside
from wg_dagster.schemas.tables import TABLES

SMALLEST_STEP = 0.004  # closes and adjusted closes are printed in cents: a smaller difference is float noise
SMALLEST_CHANGE = 1e-4
SPLITS = tuple(
    sorted({(n, 1) for n in range(2, 31)} | {(3, 2), (5, 2), (7, 2), (4, 3), (5, 3), (5, 4), (6, 5)}, key=lambda terms: terms[0] / terms[1])
)
REVERSE_SPLITS = tuple((1, n) for n in (2, 3, 4, 5, 6, 7, 8, 10, 12, 15, 20, 25, 30, 40, 50, 100, 200))
_NOT_AN_ACTION = ("unknown_symbol", "missing_session", "future_session", "not_a_session")
_OUT = ["security_id", "session_date", "session_month", "market", "split_ratio", "cash_dividend", "known_at", "quality"]


def corporate_actions(raw: pl.DataFrame, identity: Identity) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Rows of `corporate_actions` of the months of `raw`, and quarantine rows.

    An action counts as known at the cut-off of its session's month. Where a vendor gives no ratio, it is the change of adjusted / close
    between two rows of one archive; the naive change between archives counts an action twice when the vendor adjusts early.
    """
    given, broken = _given(raw, identity)
    read = _read_from_archives(raw, identity)
    own = given.select("security_id", "session_date")
    rows = pl.concat([given, read.join(own, on=["security_id", "session_date"], how="anti")])
    return rows.rename({"session_month": "month"}).select(TABLES["corporate_actions"].columns), broken


def _given(raw: pl.DataFrame, identity: Identity) -> tuple[pl.DataFrame, pl.DataFrame]:
    told = (pl.col("split_ratio") != 1) | (pl.col("cash_dividend") != 0)
    keys = raw.filter(told).select("source", "vendor_symbol", "session_date").unique()
    rows = raw.join(keys, on=["source", "vendor_symbol", "session_date"], how="semi")
    rows = placed(rows.filter(pl.col("split_ratio").is_not_null() | pl.col("cash_dividend").is_not_null()), identity)
    impossible = (pl.col("split_ratio") <= 0) | pl.col("split_ratio").is_infinite() | (pl.col("cash_dividend") < 0)
    broken = rows.filter(impossible.fill_null(value=False)).with_columns(pl.lit("impossible_action").alias("rule"))
    sound = rows.filter(~impossible.fill_null(value=False) & visible() & ~fault().is_in(_NOT_AN_ACTION).fill_null(value=False))
    latest, _ = latest_captures(keyed(sound, security_codes(identity)))
    actions = latest.with_columns(pl.col("split_ratio").fill_null(1.0), pl.col("cash_dividend").fill_null(0.0), pl.lit("").alias("quality"))
    return actions.filter(told).select(_OUT), set_aside("prices", broken)


def _read_from_archives(raw: pl.DataFrame, identity: Identity) -> pl.DataFrame:
    adjusted = (pl.col("vendor_adjusted_close") - pl.col("close")).abs()
    silent = raw.filter(pl.col("split_ratio").is_null() & (pl.col("close") > 0) & (pl.col("vendor_adjusted_close") > 0))
    archive = ["source", "vendor_symbol", "known_at"]
    touched = silent.filter((adjusted > SMALLEST_STEP) & (adjusted > SMALLEST_CHANGE * pl.col("close"))).select(archive).unique()
    pairs = (
        silent.join(touched, on=archive, how="semi")
        .sort(*archive, "session_date", "source_file", "source_line")
        .unique([*archive, "session_date"], keep="last", maintain_order=True)
        .with_columns((pl.col("vendor_adjusted_close") / pl.col("close")).alias("_factor"))
        .with_columns(
            (pl.col("_factor").shift() / pl.col("_factor")).over(archive).alias("_ratio"),
            pl.col("close").shift().over(archive).alias("_close_before"),
            pl.col("vendor_adjusted_close").shift().over(archive).alias("_adjusted_before"),
        )
        .drop_nulls("_ratio")
    )
    seen = placed(pairs, identity).filter(visible() & ~fault().is_in(_NOT_AN_ACTION).fill_null(value=False))
    latest, _ = latest_captures(keyed(seen, security_codes(identity)))
    return _classified(latest).filter((pl.col("split_ratio") != 1) | (pl.col("cash_dividend") != 0)).select(_OUT)


def _classified(rows: pl.DataFrame) -> pl.DataFrame:
    """Name each ratio: only splits change share counts; the others are cash."""
    ratio = pl.col("_ratio")
    blur = pl.max_horizontal(pl.lit(0.003), 0.006 / pl.col("_adjusted_before"))  # half a cent on the adjusted close
    split = _nearest(SPLITS, blur)
    reverse = pl.coalesce(_nearest(REVERSE_SPLITS, 3 * blur), 1 / ratio)
    is_split = (ratio < 0.9) & split.is_not_null()
    is_reverse = ratio > 1.02
    is_cash = (ratio < 1 - SMALLEST_CHANGE) & ~is_split
    kind = (
        pl.when(is_split)
        .then(pl.lit("ratio_read"))
        .when(is_reverse)
        .then(pl.lit("ratio_read,reverse_split"))
        .when(ratio < 0.75)
        .then(pl.lit("ratio_read,spin_off"))
        .when(ratio < 0.9)
        .then(pl.lit("ratio_read,special_dividend"))
        .otherwise(pl.lit("ratio_read"))
    )
    return rows.with_columns(
        pl.when(is_split).then(split).when(is_reverse).then(reverse).otherwise(1.0).alias("split_ratio"),
        pl.when(is_cash).then((1 - ratio) * pl.col("_close_before")).otherwise(0.0).alias("cash_dividend"),
        kind.alias("quality"),
    )


def _nearest(terms: tuple[tuple[int, int], ...], blur: pl.Expr) -> pl.Expr:
    """New shares per old share of the simple ratio that explains `_ratio` within the blur; null where none does."""
    return pl.coalesce(*(pl.when((pl.col("_ratio") * new / old - 1).abs() < blur).then(pl.lit(new / old)) for new, old in terms))
