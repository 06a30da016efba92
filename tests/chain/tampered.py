"""An adapter whose rows known after a month's cut-off are removed, shuffled or poisoned: what was known before is as it was."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta

import numpy as np
import polars as pl
from polars import selectors as cs

from wg_dagster.calendars import CALENDAR_OF_MARKET, cutoff, month_of_instant
from wg_dagster.ingest.adapter import Adapter

WAYS = ("removed", "poisoned", "shuffled")
_MARKET_OF_ID = {"topix": "JP", "jp_bill": "JP"}  # indexes and rates; the exchange rate belongs to New York, which closes later
_NAMED = ("vendor_symbol", "index_id", "rate_id")
_WHERE = ("source", "source_file", "source_line", "known_at", "known_at_rule", "month", "quality", "currency", *_NAMED)
_YEAR = "-52w"  # the same weekday, so that most of the dates are sessions
_MOMENT = timedelta(microseconds=1)

Raw = Mapping[str, pl.DataFrame]


def raw_rows(adapter: Adapter, months: Sequence[str]) -> dict[str, pl.DataFrame]:
    """Everything that an adapter delivers, one frame a table."""
    parts: dict[str, list[pl.DataFrame]] = {}
    for table, rows in adapter.load(months):
        parts.setdefault(table, []).append(rows)
    return {table: pl.concat(frames) for table, frames in parts.items()}


def cutoffs_of(month: str) -> dict[str, datetime]:
    """Each market's own cut-off of a month."""
    return {market: cutoff(calendar, month) for market, calendar in CALENDAR_OF_MARKET.items()}


class Tampered:
    """The rows `raw` with those known after the cut-offs (market -> instant) changed in one of `WAYS`."""

    name = "tampered"

    def __init__(self, raw: Raw, cutoffs: Mapping[str, datetime], how: str) -> None:
        self.changed_rows = 0
        self._how = how
        self._rows = {table: self._tamper(rows, cutoffs) for table, rows in raw.items()}

    def span(self) -> tuple[str, str]:
        """First and last month."""
        months = sorted({month for rows in self._rows.values() for month in rows["month"].unique()})
        return months[0], months[-1]

    def identity(self) -> str:
        """Only tells it from the untouched rows."""
        return self._how

    def load(self, months: Sequence[str]) -> Iterator[tuple[str, pl.DataFrame]]:
        """Yield (raw table, rows) of these months."""
        for table, rows in self._rows.items():
            yield table, rows.filter(pl.col("month").is_in(list(months)))

    def _tamper(self, rows: pl.DataFrame, cutoffs: Mapping[str, datetime]) -> pl.DataFrame:
        limit = pl.when(_is_tokyo(rows)).then(pl.lit(cutoffs["JP"])).otherwise(pl.lit(cutoffs["US"]))
        marked = rows.with_columns(limit.dt.cast_time_unit("us").dt.convert_time_zone("UTC").alias("limit"))
        before, after = marked.filter(pl.col("known_at") <= pl.col("limit")), marked.filter(pl.col("known_at") > pl.col("limit"))
        self.changed_rows += after.height
        changed = {"removed": pl.DataFrame.clear, "shuffled": shuffled, "poisoned": poisoned}[self._how](after)
        whole = pl.concat([before, changed]).drop("limit")
        return whole.with_columns(month_of_instant(pl.col("known_at")).alias("month")).select(rows.columns)


def shuffled(rows: pl.DataFrame) -> pl.DataFrame:
    """In another order, and every row of a market in the name of another one."""
    draw = np.random.default_rng(rows.height)
    name = next(column for column in _NAMED if column in rows.columns)
    parts = [part.with_columns(part[name].gather(draw.permutation(part.height))) for part in _by_market(rows)]
    whole = pl.concat(parts) if parts else rows
    return whole[draw.permutation(whole.height).tolist()] if whole.height else whole


def poisoned(rows: pl.DataFrame) -> pl.DataFrame:
    """Each market's rows with wrong figures."""
    parts = [_poisoned(part) for part in _by_market(rows)]
    return pl.concat(parts)


def _poisoned(rows: pl.DataFrame) -> pl.DataFrame:
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


def _is_tokyo(rows: pl.DataFrame) -> pl.Expr:
    """Tokyo's codes begin with a digit."""
    if "vendor_symbol" in rows.columns:
        return pl.col("vendor_symbol").str.contains(r"^\d").fill_null(value=False)
    name = "index_id" if "index_id" in rows.columns else "rate_id"
    return pl.col(name).replace_strict(_MARKET_OF_ID, default="US") == "JP"


def _by_market(rows: pl.DataFrame) -> list[pl.DataFrame]:
    is_tokyo = _is_tokyo(rows)
    return [rows.filter(is_tokyo), rows.filter(~is_tokyo)]
