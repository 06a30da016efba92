"""Filings judged and merged: the state of each filed statement after each of its filings."""

import polars as pl

from wg_dagster.clean.captures import RANK
from wg_dagster.clean.identity import Identity
from wg_dagster.clean.labels import doubled_labels
from wg_dagster.clean.quarantine import first_rule, set_aside
from wg_dagster.clean.views import local_date, merged_flags
from wg_dagster.schemas.columns import BALANCE_ITEMS, FLOW_ITEMS, INCOME_ITEMS, PER_SHARE_ITEMS

ITEMS = (*FLOW_ITEMS, *PER_SHARE_ITEMS, *BALANCE_ITEMS, "shares_outstanding")
UNIT = 500.0  # this many times off the firm's own past is a wrong unit: thousands filed as units
PAST = 40  # statements that make up the firm's own past
OLDEST = 12 * 366  # days between period end and publication beyond which a date is a typing error
_IMPLAUSIBLE = {"revenue": 3.0, "other": 50.0}  # times the assets
_LABELS = {"Q1": 1, "Q2": 2, "Q3": 3, "Q4": 4}
FILED = ["security_id", "stream", "period_end_date", "is_year"]


def filed_states(raw: pl.DataFrame, identity: Identity) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Versions of filed statements, and quarantine rows.

    A version holds the latest non-null value of each item among the filings of that statement known by then. `stream` is one series of
    accounts that may be subtracted from each other: one source, one rule of dating, consolidated or not. `is_year`: a fiscal year.
    A row depends only on rows with the same or an earlier `known_at`.
    """
    rows = identity.assign(raw)
    known_on = local_date(pl.col("known_at"), pl.col("market"))
    rows = rows.with_columns(
        _is_year().alias("is_year"), pl.col("fiscal_period").replace_strict(_LABELS, default=None, return_dtype=pl.Int8).alias("label")
    )
    rows = rows.with_columns(
        first_rule(
            {
                "unknown_symbol": pl.col("security_id").is_null(),
                "unknown_period": pl.col("period_end_date").is_null()
                | ~(pl.col("is_year") | pl.col("label").is_not_null()).fill_null(value=False),
                "period_ends_after_publication": pl.col("period_end_date") > known_on,
                "period_out_of_range": (known_on - pl.col("period_end_date")).dt.total_days() > OLDEST,
                "missing_currency": pl.col("currency").is_null(),
                "negative_assets": pl.col("assets") < 0,
            }
        ).alias("rule")
    )
    broken = [rows.filter(pl.col("rule").is_not_null())]
    sound = _with_stream(rows.filter(pl.col("rule").is_null()))
    for judge in (_unit_errors, doubled_labels, _conflicts):
        judged = judge(sound)
        broken.append(judged.filter(pl.col("rule").is_not_null()).select(rows.columns))
        sound = judged.filter(pl.col("rule").is_null())
    return _merged(sound), set_aside("fundamentals", pl.concat(broken))


def _is_year() -> pl.Expr:
    """A fiscal year, also where a vendor calls the accounts of the whole year the fourth quarter."""
    whole = (pl.col("fiscal_period") == "Q4") & pl.col("income_is_cumulative").fill_null(value=False)
    return ((pl.col("fiscal_period") == "FY") | whole).fill_null(value=False)


def _with_stream(rows: pl.DataFrame) -> pl.DataFrame:
    group = pl.col("is_consolidated").fill_null(value=True)
    rank = pl.col("known_at_rule").replace_strict(RANK, default=0, return_dtype=pl.Int8)
    stream = pl.concat_str(pl.when(group).then(pl.lit("0")).otherwise(pl.lit("1")), rank.cast(pl.String), pl.col("source"), separator="|")
    return rows.with_columns(stream.alias("stream"))


def _unit_errors(rows: pl.DataFrame) -> pl.DataFrame:
    """Mark rows whose assets, or sales far above assets, are more than 500 times off the median of the firm's earlier filings.

    Of an even number of filings there are two medians, and a row must be off from both: after one wrong filing and one right one, the
    next right one fits.
    """
    items = ("assets", "revenue", "shares_outstanding")
    sized = [pl.when(pl.col(item) > 0).then(pl.col(item)).median().alias(f"_{item}") for item in items]
    past = rows.group_by("security_id", "known_at").agg(sized).sort("security_id", "known_at")
    usual = [
        pl.col(f"_{item}")
        .rolling_quantile(0.5, side, PAST, min_samples=1)
        .shift()
        .forward_fill()
        .over("security_id")
        .alias(f"_{side}_{item}")
        for item in items
        for side in ("lower", "higher")
    ]
    rows = rows.join(past.with_columns(usual), on=["security_id", "known_at"], how="left", validate="m:1", maintain_order="left")
    too_large = {
        item: pl.col(item).abs() > _IMPLAUSIBLE["revenue" if item == "revenue" else "other"] * pl.col("assets") for item in INCOME_ITEMS
    }
    sales = (pl.col("revenue") / pl.col("_higher_revenue") > UNIT) & too_large["revenue"].fill_null(value=True)
    flows = pl.any_horizontal(too_large[item] & (pl.col("assets") > 0) for item in INCOME_ITEMS if item != "revenue")
    wrong = (pl.col("assets") > 0) & _off("assets") | sales | flows
    shares_wrong = _off("shares_outstanding").fill_null(value=False)
    return rows.with_columns(
        pl.when(wrong.fill_null(value=False)).then(pl.lit("unit_error")).otherwise(pl.col("rule")).alias("rule"),
        pl.when(~shares_wrong).then("shares_outstanding").alias("shares_outstanding"),
        merged_flags(pl.col("quality"), pl.when(shares_wrong).then(pl.lit("shares_in_wrong_unit"))).alias("quality"),
    ).drop(f"_{side}{item}" for item in items for side in ("", "lower_", "higher_"))


def _off(item: str) -> pl.Expr:
    """500 times the upper median of the past, or a five-hundredth of the lower one."""
    return (pl.col(item) / pl.col(f"_higher_{item}") > UNIT) | (pl.col(item) / pl.col(f"_lower_{item}") < 1 / UNIT)


def _conflicts(rows: pl.DataFrame) -> pl.DataFrame:
    """Mark statements of which one archive holds two different originals (two issuers under one symbol), from that archive on."""
    statement = [*FILED, "source"]
    original = rows.filter(pl.col("filing_type").fill_null("original") != "amendment")
    several = original.filter(pl.len().over([*statement, "known_at"]) > 1)
    differs = [(pl.col(item).max() - pl.col(item).min()) > 1e-6 * pl.max_horizontal(pl.col(item).abs().max(), 1e-9) for item in ITEMS]
    first = (
        several.group_by([*statement, "known_at"])
        .agg(pl.any_horizontal(differs).alias("_differs"))
        .filter(pl.col("_differs").fill_null(value=False))
        .group_by(statement)
        .agg(pl.col("known_at").min().alias("_from"))
    )
    marked = rows.join(first, on=statement, how="left", validate="m:1", maintain_order="left")
    return marked.with_columns(
        pl.when(pl.col("known_at") >= pl.col("_from")).then(pl.lit("two_originals")).otherwise(pl.col("rule")).alias("rule")
    ).drop("_from")


def _merged(rows: pl.DataFrame) -> pl.DataFrame:
    """One row a statement and instant, nulls filled by earlier filings; within one archive an amendment has the last word."""
    amended = pl.col("filing_type").fill_null("original") == "amendment"
    year = pl.col("period_end_date").dt.year()
    readable = (pl.col("fiscal_year") - year).abs() <= 1
    kept = ["currency", "accounting_standard", "label", "income_is_cumulative", "cash_flow_is_cumulative"]
    ordered = rows.with_columns(
        amended.alias("_amended"),
        pl.when(readable).then("fiscal_year").otherwise(year).alias("fiscal_year"),
        merged_flags(
            pl.col("quality"),
            pl.when(amended).then(pl.lit("amended")),
            pl.when(~readable).then(pl.lit("fiscal_year_repaired")),
            pl.when(pl.col("known_at_rule") == "assumed_lag").then(pl.lit("lag_assumed")),
        ).alias("quality"),
    ).sort(*FILED, "known_at", "_amended", "source_file", "source_line")
    filled = ordered.with_columns(pl.col(*ITEMS, *kept).forward_fill().over(FILED))
    states = filled.unique([*FILED, "known_at"], keep="last", maintain_order=True)
    cumulative = [pl.col(name).fill_null(value=False) for name in ("income_is_cumulative", "cash_flow_is_cumulative")]
    return states.select(*FILED, "market", "known_at", "known_at_rule", "fiscal_year", "quality", *kept[:3], *ITEMS, *cumulative)
