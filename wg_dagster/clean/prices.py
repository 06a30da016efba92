"""Daily prices as known at the cut-off of each session's month, with returns that chain without loss."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import NamedTuple

import polars as pl

from wg_dagster.clean.captures import KEY, fault, keyed, latest_captures, placed, same_security, security_codes, visible
from wg_dagster.clean.identity import Identity
from wg_dagster.clean.jumps import FAR, impossible_levels, looks_like_a_split
from wg_dagster.clean.quarantine import gathered, set_aside
from wg_dagster.clean.shares import on_split_basis, share_statements, with_market_cap, with_shares
from wg_dagster.clean.views import market_sessions, merged_flags, with_rare_flags
from wg_dagster.schemas.tables import TABLES

LONGEST_GAP = 60  # sessions between two closes of which a return can be made
LOOK_BACK = 4  # months that hold the closes (60 sessions) and their neighbours (15) before a month's first session
NANO = 1e9
_TOLD_BY = ("source", "source_file", "source_line", "vendor_symbol", "known_at_rule")  # of no use once nothing more is set aside
_BARS = ("open", "high", "low", "close", "volume")


@dataclass(frozen=True)
class Known:
    """What is known besides prices: attributes by month, actions, statements."""

    securities: pl.DataFrame
    actions: pl.DataFrame
    fundamentals: pl.DataFrame


class Captured(NamedTuple):
    """Of some raw rows: the latest capture of each session, archives to read ratios from, quarantine rows."""

    rows: pl.DataFrame
    archived: pl.DataFrame
    held: pl.DataFrame


def prices_clean(raw: Iterable[pl.DataFrame], identity: Identity, known: Known, months: Sequence[str]) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Rows of `prices_clean` for these months, and quarantine rows.

    `raw` gives the months and the four before them, one or several whole months at a time: captures that lose are most of the memory.
    A row of session d is the latest capture visible at the cut-off of d's month; the return is against the close that stood at the cut-off
    of the month before, so that returns multiply to what the closes say.
    """
    codes = security_codes(identity)
    parts = [_captured(some, identity, codes, months) for some in chain([TABLES["prices"].empty()], raw)]
    rows = pl.concat([part.rows for part in parts]).sort("key")
    archived = pl.concat([part.archived for part in parts])
    held = [part.held for part in parts]
    del parts
    inside = pl.col("month").is_in(list(months))
    actions = _keyed_actions(known.actions, codes)
    rows = _with_actions(rows, actions)
    levels = impossible_levels(rows)
    doubtful = rows.filter(inside & pl.col("key").is_in(levels["key"].implode())).join(levels, on="key", how="inner", validate="1:1")
    rows = rows.drop(_TOLD_BY)
    if levels.height:
        rows = _with_actions(
            rows.join(levels, on="key", how="anti", maintain_order="left").drop("split_ratio", "cash_dividend", "action"), actions
        )
    rows = _with_seen_ratios(rows, archived)
    rows = _with_returns(rows).filter(inside)
    rows = _with_size(rows, known, _splits_so_far(actions), codes)
    return rows.select(TABLES["prices_clean"].columns), gathered(*held, set_aside("prices", doubtful))


def _captured(raw: pl.DataFrame, identity: Identity, codes: pl.DataFrame, months: Sequence[str]) -> Captured:
    """What becomes of the raw rows of whole months: a session is only visible in rows of its own month, so months do not mix."""
    inside = pl.col("month").is_in(list(months))
    judged = placed(raw, identity).with_columns(fault().alias("rule"))
    broken = set_aside("prices", judged.filter(inside & pl.col("rule").is_not_null()))
    usable = judged.filter(pl.col("rule").is_null() & visible()).drop("session_month", "month_cutoff_at", "vendor_adjusted_close", "rule")
    rows, copies = latest_captures(keyed(usable, codes))
    copies = set_aside("prices", copies.filter(inside).with_columns(pl.lit("duplicate").alias("rule")))
    return Captured(rows, _archived(judged, codes), gathered(broken, copies))


def _keyed_actions(actions: pl.DataFrame, codes: pl.DataFrame) -> pl.DataFrame:
    """Splits and dividends by `key`, sorted."""
    calendar = market_sessions().select("market", "session_date", "session_index")
    dated = actions.join(calendar, on=["market", "session_date"], how="inner", validate="m:1")
    return (
        keyed(dated, codes)
        .drop_nulls("code")
        .sort("key")
        .select("key", "code", "split_ratio", "cash_dividend", pl.col("quality").alias("action"))
    )


def _with_actions(rows: pl.DataFrame, actions: pl.DataFrame) -> pl.DataFrame:
    """Splits and dividends since the row before: an action on a session without a usable row counts at the next one."""
    ends = rows.select(pl.col("key").alias("_row_key"))
    moved = actions.join_asof(ends, left_on="key", right_on="_row_key", strategy="forward").filter(
        pl.col("_row_key") // KEY == pl.col("code")
    )
    summed = moved.group_by("_row_key", maintain_order=True).agg(
        pl.col("split_ratio").product(), pl.col("cash_dividend").sum(), pl.col("action").sort().str.join(",")
    )
    kept = rows.rename({"split_ratio": "told_split", "cash_dividend": "told_dividend"}) if "told_split" not in rows.columns else rows
    joined = kept.join(summed, left_on="key", right_on="_row_key", how="left", validate="1:1", maintain_order="left")
    return joined.with_columns(pl.col("split_ratio").fill_null(1.0), pl.col("cash_dividend").fill_null(0.0), pl.col("action").fill_null(""))


def _archived(judged: pl.DataFrame, codes: pl.DataFrame) -> pl.DataFrame:
    """| key | known_at | is_visible | of the captures whose ratio has to be read from closes."""
    silent = judged.filter(pl.col("split_ratio").is_null() & pl.col("vendor_adjusted_close").is_not_null())
    few = silent.select("security_id", "session_index", "known_at", visible().alias("is_visible"))
    return keyed(few, codes).select("key", "known_at", "is_visible")


def _with_seen_ratios(rows: pl.DataFrame, archived: pl.DataFrame) -> pl.DataFrame:
    """Add `unseen`: no ratio was given, and no visible archive holds this session beside the one before."""
    told = pl.col("told_split").is_not_null() & pl.col("told_dividend").is_not_null()
    if archived.is_empty():
        return rows.with_columns((~told & (pl.col("action") == "")).alias("unseen"))
    seen = archived.filter("is_visible").join(archived.with_columns(pl.col("key") + 1), on=["key", "known_at"], how="semi")
    gap = (pl.col("session_index") - pl.col("session_index").shift() > 1) & same_security(1)
    unseen = ~told & (~pl.col("key").is_in(seen["key"].unique().implode()) | gap.fill_null(value=False)) & (pl.col("action") == "")
    return rows.with_columns(unseen.alias("unseen"))


def _with_returns(rows: pl.DataFrame) -> pl.DataFrame:
    """Add returns and flags; needs rows sorted by `key`."""
    sessions = pl.col("session_index") - pl.col("session_index").shift()
    growth = (pl.col("close") * pl.col("split_ratio") + pl.col("cash_dividend")) / pl.col("close").shift()
    comparable = same_security(1) & (sessions <= LONGEST_GAP)
    rows = rows.with_columns(pl.when(comparable).then(growth).alias("_growth"), looks_like_a_split(rows).alias("_split_like"))
    traded = (pl.col("volume") > 0) & (pl.col("volume").shift() > 0)
    # A collapse between two traded closes is a loss that must be booked; a tenfold rise without an action is another unit or line.
    trusted = ~pl.col("_split_like") & (pl.col("_growth") <= FAR) & ((pl.col("_growth") >= 1 / FAR) | traded)
    repeats = pl.all_horizontal(pl.col(name).eq_missing(pl.col(name).shift()) for name in _BARS)
    conditions = {
        "action_unseen": pl.col("unseen"),
        "gap": same_security(1) & (sessions > 1),
        "jump": (pl.col("_growth") > FAR) | (pl.col("_growth") < 1 / FAR),
        "split_suspected": pl.col("_split_like"),
        "stale": same_security(1) & (pl.col("volume") > 0) & repeats,
    }
    rows = rows.with_columns(
        pl.when(trusted).then(((pl.col("_growth") - 1) * NANO).round()).cast(pl.Int64).alias("return_1e9"),
        pl.when(trusted).then((pl.col("_growth").log() * NANO).round()).cast(pl.Int64).alias("log_return_1e9"),
        pl.when(pl.col("unseen") & (pl.col("cash_dividend") == 0)).then(None).otherwise("cash_dividend").alias("cash_dividend"),
        pl.col("quality").alias("_raw_quality"),
    )
    return _with_told_flags(with_rare_flags(rows, conditions))


def _with_told_flags(rows: pl.DataFrame) -> pl.DataFrame:
    """Add what the vendor's row and the action say to `quality`; few rows have either."""
    few = rows.filter((pl.col("_raw_quality") != "") | (pl.col("action") != ""))
    if few.is_empty():
        return rows
    told = few.select("key", merged_flags(pl.col("quality"), pl.col("_raw_quality"), pl.col("action")).alias("_told"))
    joined = rows.join(told, on="key", how="left", validate="1:1", maintain_order="left")
    return joined.with_columns(pl.coalesce("_told", "quality").alias("quality"))


def _with_size(rows: pl.DataFrame, known: Known, splits: pl.DataFrame, codes: pl.DataFrame) -> pl.DataFrame:
    """Add traded value, shares and market cap."""
    attributes = known.securities.select("month", "security_id", "issuer_id", "security_type", "adr_ratio")
    rows = rows.join(attributes, on=["month", "security_id"], how="left", validate="m:1", maintain_order="left")
    basis = on_split_basis(share_statements(known.fundamentals, known.securities), splits, codes)
    rows = with_market_cap(with_shares(rows, basis, splits))
    return rows.with_columns((pl.col("close") * pl.col("volume")).alias("traded_value"))


def _splits_so_far(actions: pl.DataFrame) -> pl.DataFrame:
    """| key | so_far |: product of a security's splits up to each of them."""
    splits = actions.filter(pl.col("split_ratio") != 1)
    return splits.select("key", pl.col("split_ratio").cum_prod().over("code").alias("so_far"))
