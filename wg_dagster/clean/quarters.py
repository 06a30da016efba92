"""Standalone quarters and fiscal years from filed statements, as they stood after each filing.

The fourth quarter is the fiscal year less nine months; what is reported from the start of the year is differenced. Quarters of one
fiscal year find each other by label and by the distance of their ends (12/12/12/16-week years exist), never by the label of the year.
"""

from datetime import datetime

import polars as pl

from wg_dagster.clean.shares import PLAUSIBLE, SMALLEST_EPS
from wg_dagster.clean.statements import ITEMS
from wg_dagster.clean.views import merged_flags
from wg_dagster.schemas.columns import BALANCE_ITEMS, CASH_FLOW_ITEMS, FLOW_ITEMS, INCOME_ITEMS

APART = {1: (75, 125), 2: (160, 215), 3: (259, 289)}  # days between the ends of quarters so many steps apart
Q4_RANGE = (0.2, 5.0)  # times the mean of the first three quarters
STEADY = (0.5, 2.0)  # times their mean: sales of four quarters that are read from the start of the year
VERY_STEADY = (0.75, 1.33)  # the same of three, while the year that would tell is not known
_STANDING = (*BALANCE_ITEMS, "shares_outstanding")
_EPS = ("eps_basic", "eps_diluted")
_SUMMED = (*FLOW_ITEMS, "dividend_per_share")
_PERIOD = ["security_id", "stream", "period_end_date"]
_FACTS = ("known_at_rule", "fiscal_year", "quality", "currency", "accounting_standard")


def standalone(states: pl.DataFrame, start: datetime) -> pl.DataFrame:
    """Versions of quarters and years, for instants from `start` on and the last one before it.

    Returns
    -------
    `security_id`, `stream`, `period_end_date`, `period_kind`, `known_at`, items and facts; consecutive rows may be equal.
    """
    seen = with_state(instants_of(states, start), states.filter(~pl.col("is_year")), "own")
    seen = with_state(seen, states.filter("is_year"), "year")
    number = pl.when(pl.col("year.known_at").is_not_null()).then(4).otherwise(pl.col("own.label"))
    seen = seen.with_columns(number.cast(pl.Int8).alias("number"))
    for label in (1, 2, 3):
        seen = with_part(seen, states, label)
    seen = seen.with_columns(*_to_date(), *_half_year())
    seen = seen.with_columns(*_to_date_of_nine_months())
    quarters = _quarters(seen)
    return pl.concat([quarters, _years(seen).select(quarters.columns)])


def instants_of(states: pl.DataFrame, start: datetime) -> pl.DataFrame:
    """Instants at which a period may have changed: its own filings, and later filings for earlier quarters of its year."""
    own = states.select(*_PERIOD, "known_at").unique()
    first = own.group_by(_PERIOD).agg(pl.col("known_at").min().alias("_first")).sort(*_PERIOD)
    next_first = first.with_columns(pl.col("_first").reverse().cum_min().reverse().shift(-1).over("security_id", "stream").alias("_later"))
    late = own.join(next_first, on=_PERIOD, how="left", validate="m:1").filter(pl.col("known_at") > pl.col("_later"))
    reaches = late.select("security_id", "stream", "known_at", pl.col("period_end_date").alias("_part_end")).join(
        first, on=["security_id", "stream"], how="inner"
    )
    days = (pl.col("period_end_date") - pl.col("_part_end")).dt.total_days()
    reached = reaches.filter(days.is_between(APART[1][0], APART[3][1]) & (pl.col("known_at") > pl.col("_first")))
    events = pl.concat([own, reached.select(own.columns)]).unique().sort(*_PERIOD, "known_at")
    following = pl.col("known_at").shift(-1).over(_PERIOD)
    changing = events.filter(pl.col("known_at") >= start).select("security_id", "period_end_date").unique()
    wanted = events.filter((pl.col("known_at") >= start) | (following >= start) | following.is_null())
    return wanted.join(changing, on=["security_id", "period_end_date"], how="semi")


def with_state(seen: pl.DataFrame, states: pl.DataFrame, name: str) -> pl.DataFrame:
    """Add `name.<column>` of the statement of the same period that stood at `known_at`; nulls where none did."""
    by = ["security_id", "stream", "period_end_date"]
    return _as_of(seen, states.drop("is_year", "market"), by, by, name)


def _as_of(seen: pl.DataFrame, states: pl.DataFrame, by: list[str], of: list[str], name: str) -> pl.DataFrame:
    renamed = states.select(*(pl.col(column).alias(f"{name}.{column}") for column in states.columns))
    right = renamed.with_columns(pl.col(f"{name}.known_at").alias("_at")).sort("_at")
    left = seen.with_row_index("_row").sort("known_at")
    found = left.join_asof(
        right, left_on="known_at", right_on="_at", by_left=by, by_right=[f"{name}.{column}" for column in of], check_sortedness=False
    )
    return found.sort("_row").drop("_row", "_at", *(f"{name}.{column}" for column in of), strict=False)


def with_part(seen: pl.DataFrame, states: pl.DataFrame, label: int) -> pl.DataFrame:
    """Add the state of quarter `label` of the same fiscal year as `q<label>.<column>`, and its period's end as `q<label>.end`."""
    quarters = states.filter(~pl.col("is_year") & (pl.col("label") == label))
    first = quarters.group_by(_PERIOD).agg(pl.col("known_at").min().alias("_first")).rename({"period_end_date": "_part_end"})
    steps = pl.col("number") - label
    days = (pl.col("period_end_date") - pl.col("_part_end")).dt.total_days()
    fits = pl.any_horizontal((steps == step) & days.is_between(*APART[step]) for step in APART)
    numbered = seen.with_row_index("_seen")
    pairs = (
        numbered.filter(steps > 0)
        .select("_seen", "security_id", "stream", "period_end_date", "known_at", "number")
        .join(first, on=["security_id", "stream"], how="inner")
        .filter(fits & (pl.col("_first") <= pl.col("known_at")))
        .sort("_seen", "_part_end")
        .unique("_seen", keep="last", maintain_order=True)
        .select("_seen", "_part_end")
    )
    placed = numbered.join(pairs, on="_seen", how="left", validate="1:1", maintain_order="left").drop("_seen")
    return _as_of(placed, quarters.drop("is_year", "market"), ["security_id", "stream", "_part_end"], _PERIOD, f"q{label}").rename(
        {"_part_end": f"q{label}.end"}
    )


def _is_cumulative(part: str, item: str) -> pl.Expr:
    kind = "revenue" if item == "revenue" else "cash_flow" if item in CASH_FLOW_ITEMS else "income"
    return pl.col(f"{part}.{kind}_is_cumulative")


def _to_date() -> list[pl.Expr]:
    """`to1.<item>`, `to2.<item>`: sums from the start of the fiscal year to the end of its first and second quarter."""
    two = [
        pl.when(_is_cumulative("q2", item)).then(f"q2.{item}").otherwise(_to_first(item) + pl.col(f"q2.{item}")).alias(f"to2.{item}")
        for item in _SUMMED
    ]
    return [_to_first(item).alias(f"to1.{item}") for item in _SUMMED] + two


def _to_first(item: str) -> pl.Expr:
    """The first quarter's value; 0 of a cash flow that is reported by half-years."""
    if item not in CASH_FLOW_ITEMS:
        return pl.col(f"q1.{item}")
    return pl.when(_is_silent("q1")).then(0.0).otherwise(f"q1.{item}")


def _is_silent(part: str) -> pl.Expr:
    """A statement from the start of the year without any cash flow: they come with the half-year."""
    none = pl.all_horizontal(pl.col(f"{part}.{item}").is_null() for item in CASH_FLOW_ITEMS)
    cumulative = pl.col(f"{part}.income_is_cumulative") & pl.col(f"{part}.cash_flow_is_cumulative")
    return (pl.col(f"{part}.known_at").is_not_null() & none & cumulative).fill_null(value=False)


def _half_year() -> list[pl.Expr]:
    own = _is_silent("own") & pl.col("number").is_in([1, 3])
    return [
        own.alias("own_silent"),
        (_is_silent("q1") & _is_silent("q3")).alias("q3_silent"),
        (own | _is_silent("q1")).alias("by_half_year"),
    ]


def _to_date_of_nine_months() -> list[pl.Expr]:
    parts = []
    for item in _SUMMED:
        three = pl.when(_is_cumulative("q3", item)).then(f"q3.{item}").otherwise(pl.col(f"to2.{item}") + pl.col(f"q3.{item}"))
        if item in CASH_FLOW_ITEMS:
            three = pl.when("q3_silent").then(f"to2.{item}").otherwise(three)
        parts.append(three.alias(f"to3.{item}"))
    return parts


def _before(item: str) -> pl.Expr:
    """Sum from the start of the year to the quarter before."""
    return pl.when(pl.col("number") == 2).then(f"to1.{item}").when(pl.col("number") == 3).then(f"to2.{item}").otherwise(f"to3.{item}")


def _alone(item: str) -> pl.Expr:
    """The quarter's own value from its own statement."""
    own = pl.when(_is_cumulative("own", item) & (pl.col("number") > 1)).then(pl.col(f"own.{item}") - _before(item)).otherwise(f"own.{item}")
    if item in CASH_FLOW_ITEMS:
        return pl.when("own_silent").then(0.0).otherwise(own)
    return own


def _quarters(seen: pl.DataFrame) -> pl.DataFrame:
    is_fourth = pl.col("number") == 4
    rest = pl.col("year.revenue") - pl.col("to3.revenue")
    usual = pl.col("to3.revenue") / 3
    bad = is_fourth & ~((usual > 0) & (rest >= Q4_RANGE[0] * usual) & (rest <= Q4_RANGE[1] * usual))
    seen = seen.with_columns(
        bad.fill_null(value=False).alias("bad_fourth"),
        (is_fourth & (rest > Q4_RANGE[1] * usual)).fill_null(value=False).alias("bad_year"),
    )
    fourth = pl.when(is_fourth & ~pl.col("bad_fourth"))
    flows = [pl.coalesce(_alone(item), fourth.then(pl.col(f"year.{item}") - pl.col(f"to3.{item}"))).alias(item) for item in FLOW_ITEMS]
    paid = pl.col("year.dividend_per_share") - pl.col("to3.dividend_per_share")
    paid = pl.coalesce(_alone("dividend_per_share"), fourth.then(pl.when(paid >= -1e-9).then(pl.max_horizontal(paid, 0.0))))
    standing = [pl.coalesce(f"year.{item}", f"own.{item}").alias(item) for item in _STANDING]
    own_income = pl.any_horizontal(pl.col(f"own.{item}").is_not_null() for item in INCOME_ITEMS)
    differenced = pl.col("own.income_is_cumulative").fill_null(value=False) & (pl.col("number") > 1)
    derived = pl.when(is_fourth & ~own_income).then(pl.lit(value=True)).otherwise(differenced)
    rows = seen.with_columns(*flows, paid.alias("dividend_per_share"), *standing, derived.alias("is_derived"))
    rows = rows.with_columns(_quarterly_eps(eps).alias(eps) for eps in _EPS)
    own_flags = pl.when(is_fourth).then(pl.coalesce("year.quality", "own.quality")).otherwise("own.quality")
    marks = {
        "by_half_year": pl.col("by_half_year"),
        "fourth_quarter_guard": pl.col("bad_fourth"),
        "year_suspect": pl.col("bad_year"),
        "revenue_like_year_to_date": _like_year_to_date(),
    }
    return rows.select(
        *_PERIOD,
        pl.lit("quarter").alias("period_kind"),
        "known_at",
        pl.concat_str(pl.lit("Q"), pl.col("number")).alias("fiscal_period"),
        "is_derived",
        *(
            pl.when(is_fourth).then(pl.coalesce(f"year.{name}", f"own.{name}")).otherwise(f"own.{name}").alias(name)
            for name in _FACTS
            if name != "quality"
        ),
        *ITEMS,
        merged_flags(own_flags, *(pl.when(mark).then(pl.lit(name)) for name, mark in marks.items())).alias("quality"),
    )


def steady(*quarters: pl.Expr, within: tuple[float, float]) -> pl.Expr:
    """Each quarter lies within so many times their mean."""
    mean = pl.sum_horizontal(quarters, ignore_nulls=False) / len(quarters)
    return (mean > 0) & pl.all_horizontal(value.is_between(within[0] * mean, within[1] * mean) for value in quarters)


def _like_year_to_date() -> pl.Expr:
    """A third quarter whose sales are as steady read from the start of the year; a season or growth looks the same."""
    one, two, three = pl.col("q1.revenue"), pl.col("q2.revenue"), pl.col("own.revenue")
    alone = ~pl.any_horizontal(pl.col(f"{part}.revenue_is_cumulative") for part in ("own", "q1", "q2"))
    return (pl.col("number") == 3) & alone & steady(one, two - one, three - two, within=VERY_STEADY)


def _quarterly_eps(eps: str) -> pl.Expr:
    """Earnings per share of the quarter: as filed, else net income over the shares that the filing implies or reports."""
    filed = pl.when(~pl.col("own.income_is_cumulative").fill_null(value=False) | (pl.col("number") == 1)).then(f"own.{eps}")
    part = pl.when(pl.col("number") == 4)
    income = part.then(pl.coalesce("year.net_income", "own.net_income")).otherwise("own.net_income")
    per_share = part.then(pl.coalesce(f"year.{eps}", f"own.{eps}")).otherwise(f"own.{eps}")
    implied = income / per_share
    shares = pl.when((per_share.abs() >= SMALLEST_EPS) & implied.is_between(*PLAUSIBLE)).then(implied).otherwise("shares_outstanding")
    return pl.coalesce(filed, pl.when(pl.col("is_derived") & (shares > 0)).then(pl.col("net_income") / shares))


def _years(seen: pl.DataFrame) -> pl.DataFrame:
    rest = pl.col("year.revenue") - pl.col("to3.revenue")
    suspect = ((pl.col("to3.revenue") > 0) & (rest > Q4_RANGE[1] * pl.col("to3.revenue") / 3)).fill_null(value=False)
    return seen.filter(pl.col("year.known_at").is_not_null()).select(
        *_PERIOD,
        pl.lit("annual").alias("period_kind"),
        "known_at",
        pl.lit("FY").alias("fiscal_period"),
        pl.lit(value=False).alias("is_derived"),
        *(pl.col(f"year.{name}").alias(name) for name in _FACTS if name != "quality"),
        *(pl.col(f"year.{item}").alias(item) for item in ITEMS),
        merged_flags(pl.col("year.quality"), pl.when(suspect).then(pl.lit("year_suspect"))).alias("quality"),
    )
