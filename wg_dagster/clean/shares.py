"""Shares outstanding as known on each day, and the market cap of the issuer."""

import polars as pl

from wg_dagster.clean.captures import KEY
from wg_dagster.clean.views import first_session_that_knows, local_date, session_index_on

SMALLEST_EPS = 0.10  # below, rounding to cents makes the quotient useless
SMALLEST_CENT = 0.02  # of a single statement that counts towards a sum of them
SMALLEST_SUM = 0.03  # of earnings per share, below which even the sum says nothing
PLAUSIBLE = (1e5, 1e11)  # shares
CARRY = 15  # sessions for which the last value of a sister line stands in


def inferred_shares() -> pl.Expr:
    """Net income over diluted (else basic) earnings per share, where that says something."""
    return pl.coalesce(_quotient("eps_diluted"), _quotient("eps_basic"))


def _quotient(eps: str) -> pl.Expr:
    shares = pl.col("net_income") / pl.col(eps)
    return pl.when((pl.col(eps).abs() >= SMALLEST_EPS) & shares.is_between(*PLAUSIBLE)).then(shares)


def share_statements(fundamentals: pl.DataFrame, securities: pl.DataFrame) -> pl.DataFrame:
    """What each version of `fundamentals_clean` says of the share count, kept while its period is the newest one.

    Reported counts are those of the period end; inferred ones are on the share basis of the filing.

    Returns
    -------
    | security_id | market | known_at | period_end_date | shares | shares_source |, oldest first by security.
    """
    said = fundamentals.filter(pl.col("shares_outstanding").is_not_null() | ~pl.col("is_derived"))
    positive = pl.when(pl.col("shares_outstanding") > 0).then("shares_outstanding")
    told = said.with_columns(
        pl.coalesce(positive, inferred_shares()).alias("shares"),
        pl.when(positive.is_not_null()).then(pl.lit("reported")).otherwise(pl.lit("inferred")).alias("shares_source"),
    )
    said = pl.concat([told.drop_nulls("shares"), _rough(told)])
    newest = pl.col("period_end_date") >= pl.col("period_end_date").cum_max().over("security_id")
    preferred = pl.col("period_kind") == "quarter"
    return (
        said.join(securities.select("security_id", "market").unique("security_id"), on="security_id", how="inner", validate="m:1")
        .sort("security_id", "known_at", "period_end_date", pl.col("shares_source") == "reported", preferred)
        .filter(newest)
        .unique(["security_id", "known_at"], keep="last", maintain_order=True)
        .select("security_id", "market", "known_at", "period_end_date", "shares", "shares_source")
    )


def _rough(told: pl.DataFrame) -> pl.DataFrame:
    """Statements of firms whose earnings per share were too small so far: cents are coarse, so all of them together give the count.

    They say nothing once a single statement has said more.
    """
    eps = pl.coalesce("eps_diluted", "eps_basic")
    fits = (eps.abs() >= SMALLEST_CENT) & (pl.col("net_income") * eps > 0)
    ordered = told.sort("security_id", "known_at", "period_end_date", "period_kind").with_columns(
        pl.col("shares").is_not_null().cum_max().over("security_id").alias("_said"),
        pl.when(fits).then(pl.col("net_income").abs()).fill_null(0.0).cum_sum().over("security_id").alias("_income"),
        pl.when(fits).then(eps.abs()).fill_null(0.0).cum_sum().over("security_id").alias("_per_share"),
    )
    pooled = pl.col("_income") / pl.col("_per_share")
    usable = ~pl.col("_said") & (pl.col("_per_share") >= SMALLEST_SUM) & pooled.is_between(*PLAUSIBLE)
    return ordered.filter(usable).with_columns(pooled.alias("shares")).select(told.columns)


def on_split_basis(statements: pl.DataFrame, splits: pl.DataFrame, codes: pl.DataFrame) -> pl.DataFrame:
    """Share counts divided by the splits before them: | key | shares_basis | shares_source |, sorted by key.

    Times the splits up to a session, they are the shares of that session. A count holds from the first session at whose cut-off it is
    known: one that is filed on a Saturday says nothing of the Friday before. Whether a count stated after a split for a period before it
    already holds the split is not said; the reading that is nearer to the statement before is taken (without one: it does not).
    """
    dated = statements.with_columns(local_date(pl.col("known_at"), pl.col("market")).alias("_known"))
    dated = session_index_on(session_index_on(dated, "_known", "_known_index"), "period_end_date", "_end_index")
    dated = first_session_that_knows(dated, "_visible_index").drop_nulls("_visible_index")
    dated = dated.join(codes, on="security_id", how="inner", validate="m:1").sort("code", "known_at", maintain_order=True)
    at_filing = _splits_up_to(dated.with_columns((pl.col("code") * KEY + pl.col("_known_index")).alias("key")), splits)
    at_end = _splits_up_to(dated.with_columns((pl.col("code") * KEY + pl.col("_end_index").fill_null(0)).alias("key")), splits)
    dated = dated.with_columns(at_filing.alias("_filing"), at_end.alias("_end"))
    old, new = pl.col("shares") / pl.col("_end"), pl.col("shares") / pl.col("_filing")
    same_security = pl.col("code") == pl.col("code").shift()
    before = pl.when(same_security).then((pl.col("shares") / pl.col("_filing")).shift())
    holds_split = (pl.col("shares_source") == "inferred") | ((new / before).log().abs() < (old / before).log().abs()).fill_null(value=False)
    return dated.select(
        (pl.col("code") * KEY + pl.col("_visible_index")).alias("key"),
        pl.when(holds_split).then(new).otherwise(old).alias("shares_basis"),
        "shares_source",
    ).unique("key", keep="last", maintain_order=True)


def with_shares(rows: pl.DataFrame, basis: pl.DataFrame, splits: pl.DataFrame) -> pl.DataFrame:
    """Add `shares_outstanding` and `shares_source` to price rows sorted by `key`; receipts count in receipts."""
    found = rows.join_asof(basis.rename({"key": "_stated"}), left_on="key", right_on="_stated", coalesce=False)
    own = (pl.col("_stated") // KEY) == pl.col("code")
    is_receipt = (pl.col("security_type") == "adr").fill_null(value=False)
    per_line = pl.when(is_receipt).then(pl.col("adr_ratio")).otherwise(1.0)
    usable = own & ~(is_receipt & (pl.col("shares_source") == "inferred"))
    shares = pl.when(usable).then(pl.col("shares_basis") * _splits_up_to(rows, splits) / per_line)
    return (
        found.with_columns(shares.alias("shares_outstanding"))
        .with_columns(pl.when(pl.col("shares_outstanding").is_not_null()).then("shares_source").alias("shares_source"))
        .drop("shares_basis", "_stated")
    )


def with_market_cap(rows: pl.DataFrame) -> pl.DataFrame:
    """Add `market_cap`, the sum over the issuer's lines; a line without a price that day counts with its last one, up to 15 sessions.

    Shares inferred from the accounts are those of the whole firm: they are not summed over lines.
    """
    rows = rows.with_columns((pl.col("close") * pl.col("shares_outstanding")).alias("market_cap"))
    counted = rows.filter(pl.col("security_type").fill_null("common").is_in(["common", "adr"]))
    lines = counted.select("market", "issuer_id", "code").unique()
    several = lines.filter(pl.len().over("market", "issuer_id") > 1)
    if several.is_empty():
        return rows
    ours = counted.join(several, on=["market", "issuer_id", "code"], how="semi")
    reported = (
        ours.filter(pl.col("shares_source") == "reported")
        .select("key", pl.col("market_cap").alias("_line"), pl.col("key").alias("_seen"))
        .sort("key")
    )
    days = ours.select("market", "issuer_id", "session_index").unique().join(several, on=["market", "issuer_id"], how="inner")
    days = days.with_columns((pl.col("code") * KEY + pl.col("session_index")).alias("key")).sort("key")
    carried = days.join_asof(reported, on="key").filter(pl.col("key") - pl.col("_seen") <= CARRY)
    totals = (
        carried.sort("issuer_id", "session_index", "code")
        .group_by("market", "issuer_id", "session_index", maintain_order=True)
        .agg("_line")
    )
    totals = totals.with_columns(pl.col("_line").list.sum().alias("_total")).drop("_line")
    return (
        rows.join(totals, on=["market", "issuer_id", "session_index"], how="left", validate="m:1", maintain_order="left")
        .with_columns(
            pl.when(pl.col("security_type").fill_null("common").is_in(["common", "adr"]))
            .then(pl.coalesce("_total", "market_cap"))
            .otherwise("market_cap")
            .alias("market_cap")
        )
        .drop("_total")
    )


def _splits_up_to(rows: pl.DataFrame, splits: pl.DataFrame) -> pl.Series:
    """Product of the security's splits up to each row's key; 1 where there is none. `splits`: | key | so_far |, sorted."""
    if splits.is_empty():
        return pl.repeat(1.0, rows.height, eager=True)
    numbered = rows.select("key").with_row_index("_row").sort("key")
    found = numbered.join_asof(splits.rename({"key": "_split"}), left_on="key", right_on="_split", coalesce=False).sort("_row")
    return found.select(pl.when(pl.col("_split") // KEY == pl.col("key") // KEY).then("so_far").otherwise(1.0).fill_null(1.0)).to_series()
