"""Closes that cannot be: a level far from the security's own that comes back, or that nothing has confirmed yet."""

import polars as pl

from wg_dagster.clean.captures import same_security

FAR = 10.0  # beyond +900 % or below -90 %
ODD = 5.0  # a security that jumps: a level beyond this factor of its neighbours is looked at; within it, it has come back
AROUND = 5  # rows before and after that say what the level is
NEAR = 15  # sessions that these rows may be away
SPLIT_TERMS = (2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0, 10.0, 15.0, 20.0, *(1 / n for n in (2, 3, 4, 5, 8, 10, 15, 20, 25, 30, 50, 100)))


def impossible_levels(rows: pl.DataFrame) -> pl.DataFrame:
    """| key | rule | of the closes to set aside.

    Parameters
    ----------
    rows
        Sorted by `key`: `key`, `code`, `session_index`, `month`, `close`, `split_ratio` (product of splits since the row before).
        Later rows of the same month count, as they are visible at its cut-off; rows of later months do not.
    """
    step = pl.col("close") * pl.col("split_ratio") / pl.col("close").shift()
    far = same_security(1) & _is_far(step)
    doubtful = rows.filter(far)["code"].unique()
    if doubtful.is_empty():
        return pl.DataFrame(schema={"key": pl.Int64, "rule": pl.String})
    few = rows.filter(pl.col("code").is_in(doubtful.implode())).with_columns(
        (pl.col("close") * pl.col("split_ratio").cum_prod().over("code")).alias("_level"), far.alias("_steps")
    )
    before = [_neighbour(k, same_month=False) for k in range(1, AROUND + 1)]
    after = [_neighbour(-k, same_month=True) for k in range(1, AROUND + 1)]
    few = few.with_columns(pl.concat_list(before).list.median().alias("_before"), pl.concat_list(after).list.median().alias("_after"))
    odd = ~(pl.col("_level") / pl.col("_before")).is_between(1 / ODD, ODD)
    came_back = (pl.col("_after") / pl.col("_before")).is_between(1 / ODD, ODD)
    rule = (
        pl.when(odd & came_back)
        .then(pl.lit("jump_that_reverts"))
        .when(odd & pl.col("_steps") & pl.col("_after").is_null())
        .then(pl.lit("jump_not_confirmed"))
    )
    return few.select("key", rule.alias("rule")).drop_nulls()


def looks_like_a_split(rows: pl.DataFrame) -> pl.Series:
    """Rows whose price moved by n to m with matching volume although nothing was told, or did not move although a split was told.

    Shares below 5 are not split, and below 1 a tick is a tenth of the price: such moves are moves.
    """
    before = pl.col("close").shift()
    quiet = same_security(1) & (pl.col("split_ratio") == 1) & (pl.col("action") == "") & (pl.col("cash_dividend") == 0)
    halved = (before / pl.col("close") > 1.9) & (before >= 5)
    doubled = (before / pl.col("close") < 0.55) & (pl.col("close") >= 1)
    growth, split = (pl.col("close") * pl.col("split_ratio") / before).log().abs(), pl.col("split_ratio").log().abs()
    early = same_security(1) & (pl.col("split_ratio") != 1) & (growth > 0.8 * split) & (growth > 0.3)
    marked = rows.select(
        "key", "code", "session_index", "close", "volume", (quiet & (halved | doubled)).alias("_candidate"), early.alias("_early")
    )
    few = marked.filter("_candidate")["code"].unique()
    near = marked.filter(pl.col("code").is_in(few.implode()))
    usual = pl.concat_list([_neighbour(k, same_month=False, column="volume") for k in range(1, AROUND + 1)]).list.mean()
    near = near.with_columns((before / pl.col("close")).alias("_ratio"), (pl.col("volume") / usual).alias("_busier"))
    matches = [((pl.col("_ratio") / n - 1).abs() < 0.03) & (pl.col("_busier") / n).is_between(0.4, 2.5) for n in SPLIT_TERMS]
    found = near.filter(pl.col("_candidate") & pl.any_horizontal(matches))["key"]
    return marked.select(pl.col("_early").fill_null(value=False) | pl.col("key").is_in(found.implode())).to_series()


def _is_far(ratio: pl.Expr) -> pl.Expr:
    return (ratio > FAR) | (ratio < 1 / FAR)


def _neighbour(shift: int, *, same_month: bool, column: str = "_level") -> pl.Expr:
    there = same_security(shift) & ((pl.col("session_index") - pl.col("session_index").shift(shift)).abs() <= NEAR)
    if same_month:
        there &= pl.col("month") == pl.col("month").shift(shift)
    return pl.when(there).then(pl.col(column).shift(shift))
