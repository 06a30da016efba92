"""Changes of quarterly earnings per share over a year, on the share basis of the as-of date, newest first.

One series is of statements; a second one (never spliced) is of announcements.
"""

from collections.abc import Iterator

import numpy as np
import polars as pl
import pyarrow as pa

from wg_dagster.factor_windows import columns
from wg_dagster.factor_windows.eps_series import Series, Splits, announcement_series, new_shares, splits_of, statement_series
from wg_dagster.factor_windows.looks import DAY, NEVER, is_between, months_before, newest_first

LOOK_COLUMNS = ("security_id", "series", "seen_at", "splits_known_at", "market")
STATEMENT_MONTHS = 72  # before a look: sixteen sums of four quarters
ANNOUNCEMENT_MONTHS = 48  # nine changes of quarters
_QUARTERS = 9  # changes of single quarters
_YEARS = 12  # changes of four quarters
_SUMS = _YEARS + 4
_LISTED = _SUMS + 3  # quarters that the sums add up
_LOOKS = 4096  # at a time: their quarters fit into the processor's cache
_SCHEMA = pa.schema(
    [
        *(("security_id", columns.TEXT), ("series", columns.TEXT), ("seen_at", columns.UTC), ("splits_known_at", columns.UTC)),
        *(("first_known_at", columns.UTC), ("quarter_changes_known_at", columns.UTC), ("year_changes_known_at", columns.UTC)),
        *((name, pa.list_(pa.float64())) for name in ("quarter_changes", "year_changes", "year_sizes")),
        ("year_change_count", pa.int32()),
    ]
)


def eps_windows(looks: pl.DataFrame, statements: pl.DataFrame, announcements: pl.DataFrame, splits: pl.DataFrame) -> pa.RecordBatchReader:
    """The table of the dbt model `int_eps`, in parts.

    Parameters
    ----------
    looks
        LOOK_COLUMNS: each row once; series is statements or announcements; no nulls but in splits_known_at and market.
    statements, announcements, splits
        STATEMENT_COLUMNS of quarters, ANNOUNCEMENT_COLUMNS, SPLIT_COLUMNS: also what was known later.
    """
    ids = (rows["security_id"] for rows in (looks, statements, announcements, splits))
    securities, of_statements, of_announcements, of_splits = columns.codes(*ids)
    is_announced = (looks["series"] == "announcements").to_numpy()
    order = np.lexsort((securities, is_announced))  # neighbours see the same versions
    looks, securities = looks[order], securities[order]
    known_splits = splits_of(splits, of_splits, int(securities.max(initial=-1)) + 1)
    end = len(looks) - int(is_announced.sum())
    kinds = (
        (0, end, statement_series(statements, of_statements)),
        (end, len(looks), announcement_series(announcements, of_announcements)),
    )
    batches = (
        _batch(looks[part], securities[part], series, known_splits)
        for start, stop, series in kinds
        for part in columns.chunks(start, stop, _LOOKS)
    )
    return pa.RecordBatchReader.from_batches(_SCHEMA, batches)


def _batch(looks: pl.DataFrame, securities: np.ndarray, series: Series, splits: Splits) -> pa.RecordBatch:
    seen_at = columns.instants(looks["seen_at"])
    if looks["series"][0] == "statements":
        window = {"ends_after": months_before(seen_at, STATEMENT_MONTHS) // DAY}
    else:
        window = {"known_after": months_before(seen_at, ANNOUNCEMENT_MONTHS)}
    places = newest_first(series.versions, securities, seen_at, **window, slots=_LISTED + 1)
    listed = places[:-1]
    known_at = series.versions.known_at[listed]
    splits_known_at, is_japan = columns.instants(looks["splits_known_at"]), (looks["market"] == "JP").fill_null(value=False).to_numpy()
    eps = series.reported(places) / new_shares(splits, securities, splits_known_at, known_at, is_japan)
    keys = [looks["security_id"].to_arrow(), looks["series"].to_arrow(), columns.as_instants(seen_at), columns.as_instants(splits_known_at)]
    values = _values(eps, series.versions.ends[listed], known_at, series.first_known_at[listed[0]])
    return pa.RecordBatch.from_arrays([*keys, *values], schema=_SCHEMA)


def _values(eps: np.ndarray, ends: np.ndarray, known_at: np.ndarray, first_known_at: np.ndarray) -> Iterator[pa.Array]:
    """The columns of the schema after the keys, from EPS, period ends and instants of (_LISTED, looks)."""
    is_year_apart = is_between(ends[:_YEARS] - ends[4 : _YEARS + 4], 350, 380)
    quarter_changes = np.where(is_year_apart[:_QUARTERS], eps[:_QUARTERS] - eps[4 : _QUARTERS + 4], np.nan)
    sums = eps[:_SUMS] + eps[1 : _SUMS + 1] + eps[2 : _SUMS + 2] + eps[3 : _SUMS + 3]
    sums = np.where(is_between(ends[:_SUMS] - ends[3 : _SUMS + 3], 259, 289), sums, np.nan)
    now, before = sums[:_YEARS], sums[4:]
    year_changes = np.where(is_year_apart, now - before, np.nan)
    has_change = ~np.isnan(year_changes)
    of_quarters = np.maximum(known_at[:_QUARTERS], known_at[4 : _QUARTERS + 4])
    of_years = np.max([known_at[k : _YEARS + k] for k in range(8)], axis=0)  # four quarters and the four of the year before
    yield columns.as_instants(first_known_at)
    yield columns.as_instants(_newest(of_quarters, ~np.isnan(quarter_changes)))
    yield columns.as_instants(_newest(of_years, has_change))
    yield columns.as_lists(quarter_changes)
    yield columns.as_lists(year_changes)
    yield columns.as_lists((np.abs(now) + np.abs(before)) / 2)
    yield columns.as_counts(has_change.sum(axis=0))


def _newest(known_at: np.ndarray, is_used: np.ndarray) -> np.ndarray:
    """When the last of the changes that there are was known, in each look."""
    return np.where(is_used, known_at, NEVER).max(axis=0)
