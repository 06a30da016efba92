"""Raw rows known after a month's cut-off removed, shuffled or poisoned; what was known before is as it was."""

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta

import numpy as np
import polars as pl
from polars import selectors as cs

from wg_dagster.calendars import CALENDAR_OF_MARKET, cutoff, month_of_instant

_MARKET_OF_ID = {"topix": "JP", "jp_bill": "JP"}  # indexes and rates; the exchange rate belongs to New York, which closes later
_NAMED = ("vendor_symbol", "index_id", "rate_id")
_WHERE = ("source", "source_file", "source_line", "known_at", "known_at_rule", "month", "quality", "currency", *_NAMED)
_YEAR = "-52w"  # the same weekday, so that most of the dates are sessions
_MOMENT = timedelta(microseconds=1)


def cutoffs_of(month: str) -> dict[str, datetime]:
    """Each market's own cut-off of a month."""
    return {market: cutoff(calendar, month) for market, calendar in CALENDAR_OF_MARKET.items()}


def tampered(rows: pl.DataFrame, cutoffs: Mapping[str, datetime], way: str) -> tuple[pl.DataFrame, int]:
    """Rows of one raw table with those known after the cut-offs (market -> instant) changed in one of `WAYS`, and how many they were."""
    limit = pl.when(is_tokyo(rows)).then(pl.lit(cutoffs["JP"])).otherwise(pl.lit(cutoffs["US"]))
    marked = rows.with_columns(limit.dt.cast_time_unit("us").dt.convert_time_zone("UTC").alias("limit"))
    before, after = marked.filter(pl.col("known_at") <= pl.col("limit")), marked.filter(pl.col("known_at") > pl.col("limit"))
    whole = pl.concat([before, _CHANGES[way](after)]).drop("limit")
    return whole.with_columns(month_of_instant(pl.col("known_at")).alias("month")).select(rows.columns), after.height


def is_tokyo(rows: pl.DataFrame) -> pl.Expr:
    """Rows that belong to Tokyo, whose codes begin with a digit; what is told in another currency does not."""
    if "vendor_symbol" in rows.columns:
        in_yen = (pl.col("currency") == "JPY").fill_null(value=True) if "currency" in rows.columns else pl.lit(value=True)
        return pl.col("vendor_symbol").str.contains(r"^\d").fill_null(value=False) & in_yen
    name = "index_id" if "index_id" in rows.columns else "rate_id"
    return pl.col(name).replace_strict(_MARKET_OF_ID, default="US") == "JP"


def _shuffled(rows: pl.DataFrame) -> pl.DataFrame:
    """In another order, and every row of a market in the name of another one."""
    draw = np.random.default_rng(rows.height)
    name = next(column for column in _NAMED if column in rows.columns)
    parts = [part.with_columns(part[name].gather(draw.permutation(part.height))) for part in _by_market(rows)]
    whole = pl.concat(parts)
    return whole[draw.permutation(whole.height).tolist()] if whole.height else whole


def _poisoned(rows: pl.DataFrame) -> pl.DataFrame:
    """Each market's rows with wrong figures."""
    return pl.concat([_poisoned_market(part) for part in _by_market(rows)])


def _poisoned_market(rows: pl.DataFrame) -> pl.DataFrame:
    """Every figure tenfold or with the other sign, texts of other rows, dates of last year, new names, and known at the first moment."""
    values = cs.exclude(*_WHERE, "limit")
    place = pl.int_range(pl.len())
    wrong = rows.with_columns(
        (values & cs.float()) * pl.when(place % 2 == 0).then(10.0).otherwise(-1.0),
        (values & cs.integer()) * pl.when(place % 2 == 0).then(10).otherwise(-1),
        (values & cs.string()).reverse(),
        (values & cs.boolean()).as_expr().not_(),
        pl.when(place % 4 == 1).then((values & cs.date()).dt.offset_by(_YEAR)).otherwise(values & cs.date()),
        pl.when(place % 4 == 2).then(pl.col("limit") + _MOMENT).otherwise("known_at").alias("known_at"),
    )
    if "vendor_symbol" not in rows.columns:
        return wrong
    return wrong.with_columns(pl.when(place % 7 == 3).then(pl.col("vendor_symbol") + "X").otherwise("vendor_symbol").alias("vendor_symbol"))


def _by_market(rows: pl.DataFrame) -> list[pl.DataFrame]:
    there = is_tokyo(rows)
    return [rows.filter(there), rows.filter(~there)]


_CHANGES: dict[str, Callable[[pl.DataFrame], pl.DataFrame]] = {
    "removed": pl.DataFrame.clear,
    "poisoned": _poisoned,
    "shuffled": _shuffled,
}
WAYS = tuple(_CHANGES)
