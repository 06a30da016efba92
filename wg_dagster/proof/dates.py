"""How far dates of publication can be trusted: where two sources date one event, or a date is inferred and recorded, they are compared.

A proof by leaving out what was known later cannot see a wrong `known_at`. Errors are in days: the judged date less the date that it is
held against; below zero the row claims to have been known too early, which is the dangerous side.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import polars as pl

from wg_dagster.clean.views import market_sessions
from wg_dagster.proof.tamper import is_tokyo
from wg_dagster.warehouse import Warehouse

QUANTILES = (0.01, 0.05, 0.25, 0.50, 0.75, 0.95, 0.99)
SAME_PERIOD = "7d"  # 52/53-week years: one vendor says Saturday, another the month's end
SAME_QUARTER = "20d"  # announcements name their period by its month
ROUNDING = 1  # days: an announcement after the close counts from the end of its day, its filing may come the same evening
FASTEST = {"US": 10, "JP": 1}  # days from the period's end; the fastest of 12,365 US filings of 2015 took 14, some in Tokyo take two
_LAGS: dict[str, Callable[[], pl.Expr]] = {  # what a user without dates of publication may assume
    "45 days, 90 after a year": lambda: _end().dt.offset_by(
        pl.when(pl.col("fiscal_period") == "FY").then(pl.lit("90d")).otherwise(pl.lit("45d"))
    ),
    "3 months": lambda: _end().dt.offset_by("3mo"),
    "4 months": lambda: _end().dt.offset_by("4mo"),
}
_STATEMENT = ["source", "known_at_rule", "vendor_symbol", "period_end_date", "fiscal_period"]
_PERIOD_SHORT = ["vendor_symbol", "period_end_date"]


@dataclass(frozen=True)
class Comparison:
    """One kind of date held against another; `rows` has `error` in days, `too_early`, and what names the row."""

    what: str
    judged: str
    against: str
    fails: bool  # a date that the home uses: too early is a fault. Else it says what an assumption would do
    rows: pl.DataFrame

    @property
    def too_early(self) -> pl.DataFrame:
        """The offending rows, the worst first."""
        return self.rows.filter("too_early").sort("error", *_PERIOD_SHORT)

    @property
    def share(self) -> float:
        """Part of the pairs that are known too early."""
        return self.too_early.height / self.rows.height

    def quantiles(self) -> dict[str, float]:
        """Errors in days by quantile."""
        found = self.rows.select(pl.col("error").quantile(q, "nearest").alias(f"{q:.0%}") for q in QUANTILES)
        return found.row(0, named=True)


def table_of(comparisons: Sequence[Comparison]) -> pl.DataFrame:
    """One row a comparison: pairs, errors in days by quantile, rows known too early and their share."""
    told = [
        {
            "what": one.what,
            "judged": one.judged,
            "against": one.against,
            "pairs": one.rows.height,
            **one.quantiles(),
            "too_early": one.too_early.height,
            "share_too_early": one.share,
            "is_fault": one.fails,
        }
        for one in comparisons
    ]
    return pl.DataFrame(told, infer_schema_length=None)


def compare_dates(warehouse: Warehouse) -> list[Comparison]:
    """Every comparison for which the raw rows of a home have pairs."""
    statements = first_known(_used(warehouse, "fundamentals", "filing_type", "quality", "currency", *_STATEMENT))
    announced = _used(warehouse, "earnings_announcements", "source", *_PERIOD_SHORT, "announcement_date", "currency", "quality")
    found = [
        *_speed(statements),
        *_announcement_days(announced),
        *_announcements(statements, announced),
        *_assumed_lags(statements),
        *_rules(statements),
        *_captures(warehouse),
    ]
    return [one for one in found if one.rows.height]


def first_known(rows: pl.DataFrame) -> pl.DataFrame:
    """One row an original statement and source: when it was first known, in days of its market; rows carried into the first day left out."""
    original = (pl.col("filing_type").fill_null("original") == "original") & ~_is_carried()
    kept = rows.filter(original).drop_nulls("period_end_date")
    first = kept.group_by(_STATEMENT).agg(pl.col("known_at").min(), pl.col("currency").first())
    return first.with_columns(_day(first).alias("day"), _market(first).alias("market")).sort(*_STATEMENT)


def _used(warehouse: Warehouse, table: str, *columns: str) -> pl.DataFrame:
    """Raw rows without those that a rule has set aside already."""
    place = ["source_file", "source_line"]
    held = warehouse.read("quarantine", columns=["table", *place]).filter(pl.col("table") == table).drop_nulls("source_line")
    return warehouse.scan(table).select(*columns, "known_at", *place).join(held.lazy(), on=place, how="anti").drop(place).collect()


def _speed(statements: pl.DataFrame) -> Iterator[Comparison]:
    """Days from the end of the period to the statement: none is faster than a company can count."""
    for (source, market), rows in _by(statements.filter(pl.col("known_at_rule") != "assumed_lag"), "source", "market"):
        days = rows.with_columns((pl.col("day") - pl.col("period_end_date")).dt.total_days().alias("error"))
        judged = days.with_columns((pl.col("error") < FASTEST[market]).alias("too_early"))
        yield Comparison(
            "statement, after its period", f"{source} {market}", f"period end + {FASTEST[market]} days", fails=True, rows=judged
        )


def _announcement_days(announced: pl.DataFrame) -> Iterator[Comparison]:
    """An announcement is not known before its own day."""
    dated = announced.with_columns(_day(announced).alias("day"))
    for (source,), rows in _by(dated.drop_nulls("announcement_date"), "source"):
        days = rows.with_columns((pl.col("day") - pl.col("announcement_date")).dt.total_days().alias("error"))
        judged = days.filter(~_is_carried()).with_columns((pl.col("error") < 0).alias("too_early"))
        yield Comparison("announcement, on its day", source, "announcement_date", fails=True, rows=judged)


def _announcements(statements: pl.DataFrame, announced: pl.DataFrame) -> Iterator[Comparison]:
    """A statement is not known before its earnings were announced."""
    kept = announced.filter(~_is_carried()).drop_nulls("period_end_date")
    first = kept.group_by("source", *_PERIOD_SHORT).agg(pl.col("known_at").min(), pl.col("currency").first())
    first = first.with_columns(_day(first).alias("other_day"), pl.col("period_end_date").alias("other_period"))
    for (source,), rows in _by(statements, "source"):
        for (other,), news in _by(first, "source"):
            pairs = _nearest(rows, news, SAME_QUARTER)
            judged = _with_error(pairs).with_columns((pl.col("error") < -ROUNDING).alias("too_early"))
            yield Comparison("statement, after the announcement", source, other, fails=True, rows=judged)


def _assumed_lags(statements: pl.DataFrame) -> Iterator[Comparison]:
    """An assumed date against the day on which another source had the same statement."""
    is_assumed = pl.col("known_at_rule") == "assumed_lag"
    dated = statements.filter(~is_assumed).with_columns(pl.col("day").alias("other_day"), pl.col("period_end_date").alias("other_period"))
    for (source,), rows in _by(statements.filter(is_assumed), "source"):
        for (other,), theirs in _by(dated.filter(pl.col("source") != source), "source"):
            judged = _with_error(_nearest(rows, theirs, SAME_PERIOD)).with_columns((pl.col("error") < 0).alias("too_early"))
            yield Comparison("assumed lag", source, other, fails=True, rows=judged)


def _rules(statements: pl.DataFrame) -> Iterator[Comparison]:
    """What common assumptions would have said of statements whose date is known."""
    for (source, market), rows in _by(statements.filter(pl.col("known_at_rule") != "assumed_lag"), "source", "market"):
        for name, rule in _LAGS.items():
            assumed = rows.with_columns(pl.col("day").alias("other_day"), rule().alias("day"))
            judged = _with_error(assumed).with_columns((pl.col("error") < 0).alias("too_early"))
            yield Comparison("if one assumed", name, f"{source} {market}", fails=False, rows=judged)


def _captures(warehouse: Warehouse) -> Iterator[Comparison]:
    """Prices: the end of the session's day, which one would infer, against the first capture on record."""
    rows = _used(warehouse, "prices", "source", "vendor_symbol", "session_date", "currency")
    rows = rows.group_by("source", "vendor_symbol", "session_date").agg(pl.col("known_at").min(), pl.col("currency").first())
    rows = rows.with_columns(_market(rows).alias("market"))
    ends = market_sessions().select("market", "session_date")
    rows = rows.join(ends, on=["market", "session_date"], how="semi").sort("source", "vendor_symbol", "session_date")
    rows = rows.with_columns(pl.col("session_date").alias("period_end_date"), _day(rows).alias("day"))
    for (source, market), priced in _by(rows, "source", "market"):
        late = priced.with_columns((pl.col("session_date") - pl.col("day")).dt.total_days().alias("error"))
        yield Comparison(
            "if one assumed",
            "end of the session's day",
            f"{source} {market} prices",
            fails=False,
            rows=late.with_columns((pl.col("error") < 0).alias("too_early")),
        )
        early = late.with_columns(-pl.col("error"))
        judged = early.with_columns((pl.col("error") < 0).alias("too_early"))
        yield Comparison("price, after its session", f"{source} {market}", "day of the session", fails=True, rows=judged)


def _nearest(rows: pl.DataFrame, others: pl.DataFrame, tolerance: str) -> pl.DataFrame:
    """Pairs of the same symbol whose periods end nearest to each other."""
    theirs = others.select("vendor_symbol", "other_day", "other_period").sort("other_period", "other_day")
    theirs = theirs.unique(["vendor_symbol", "other_period"], keep="first", maintain_order=True)
    joined = rows.sort("period_end_date", "vendor_symbol").join_asof(
        theirs,
        left_on="period_end_date",
        right_on="other_period",
        by="vendor_symbol",
        strategy="nearest",
        tolerance=tolerance,
        check_sortedness=False,
    )
    return joined.drop_nulls("other_day")


def _with_error(pairs: pl.DataFrame) -> pl.DataFrame:
    return pairs.with_columns((pl.col("day") - pl.col("other_day")).dt.total_days().alias("error"))


def _day(rows: pl.DataFrame) -> pl.Expr:
    """Day of `known_at` where the exchange is; the cut-off instant is the last of its day."""
    new_york = pl.col("known_at").dt.convert_time_zone("America/New_York").dt.date()
    tokyo = pl.col("known_at").dt.convert_time_zone("Asia/Tokyo").dt.date()
    return pl.when(is_tokyo(rows)).then(tokyo).otherwise(new_york)


def _market(rows: pl.DataFrame) -> pl.Expr:
    return pl.when(is_tokyo(rows)).then(pl.lit("JP")).otherwise(pl.lit("US"))


def _is_carried() -> pl.Expr:
    """Known before the first day that is kept: its date is that day's."""
    return pl.col("quality").fill_null("").str.contains("carried_in")


def _end() -> pl.Expr:
    return pl.col("period_end_date")


def _by(rows: pl.DataFrame, *names: str) -> Iterator[tuple[tuple[str, ...], pl.DataFrame]]:
    """Groups in the order of their names."""
    parts = rows.sort(*names, maintain_order=True).partition_by(names, as_dict=True, maintain_order=True)
    for key, part in parts.items():
        yield tuple(str(name) for name in key), part
