"""What each look at the statements sees: flows of a year by four windows side by side, and balances. One row a security and instant."""

from collections.abc import Iterator
from datetime import date

import numpy as np
import polars as pl
import pyarrow as pa

from wg_dagster.factor_windows import columns
from wg_dagster.factor_windows.balances import BALANCES, MEANS, Balance, balance
from wg_dagster.factor_windows.flows import FLOWS, GROWN, QUARTERS, Window, windows
from wg_dagster.factor_windows.looks import DAY, Versions, months_before, newest_first, versions_of

FLOW_MONTHS = 40  # before a look: two years of flows
BALANCE_MONTHS = 29  # a balance and the one a year before
_LOOKS = 16_384  # at a time: a column of them fits into the processor's cache
NEEDED = ("security_id", "known_at", "period_end_date", "period_kind", "currency", *FLOWS, *BALANCES)  # columns of stg_fundamentals
_EPOCH = date(1970, 1, 1).toordinal()
_WINDOWS = ("quarters", "annual", "annualised_3", "annualised_2")


def seen_ends(looks: pl.DataFrame) -> date:
    """Periods that end on this day or before are too old for all looks."""
    if looks.is_empty():
        return date.max
    oldest = columns.instants(looks["seen_at"]).min(keepdims=True)
    return date.fromordinal(_EPOCH + int(months_before(oldest, FLOW_MONTHS)[0] // DAY))


def statement_windows(fundamentals: pl.DataFrame, looks: pl.DataFrame) -> pa.RecordBatchReader:
    """The table of the dbt model `int_statements`, in parts.

    Parameters
    ----------
    fundamentals
        Columns NEEDED of `stg_fundamentals`.
    looks
        security_id, seen_at: each pair once, no nulls.
    """
    own, others = columns.codes(fundamentals["security_id"], looks["security_id"])
    order = np.argsort(others, kind="stable")  # neighbours see the same versions
    batches = _batches(_Statements(fundamentals, own), looks[order], others[order])
    return pa.RecordBatchReader.from_batches(_SCHEMA, batches)


class _Statements:
    """Versions of statements as arrays: quarters and years of a security are two groups."""

    def __init__(self, rows: pl.DataFrame, securities: np.ndarray) -> None:
        groups = securities * 2 + (rows["period_kind"] == "annual").to_numpy()
        self.versions: Versions = versions_of(groups, columns.days(rows["period_end_date"]), columns.instants(rows["known_at"]))
        self.items = {item: self.versions.column(columns.numbers(rows[item])) for item in (*FLOWS, *BALANCES)}
        self.has_balance = ~np.isnan(self.items["assets"]) | ~np.isnan(self.items["equity"])
        currency, self.currencies = columns.coded(rows["currency"])
        self.currency = self.versions.column(currency)


def _batches(statements: _Statements, looks: pl.DataFrame, securities: np.ndarray) -> Iterator[pa.RecordBatch]:
    seen_at = columns.instants(looks["seen_at"])
    for part in columns.chunks(0, len(looks), _LOOKS):
        values = _values(statements, securities[part], seen_at[part])
        yield pa.RecordBatch.from_arrays(
            [looks["security_id"][part].to_arrow(), columns.as_instants(seen_at[part]), *values], schema=_SCHEMA
        )


def _values(statements: _Statements, securities: np.ndarray, seen_at: np.ndarray) -> Iterator[pa.Array]:
    """The columns of the schema after the keys, in its order."""
    versions = statements.versions
    window = months_before(seen_at, FLOW_MONTHS) // DAY
    quarters, years = (newest_first(versions, securities * 2 + kind, seen_at, ends_after=window) for kind in (0, 1))
    for flows in windows(_padded(quarters, QUARTERS), _padded(years, 2), versions, statements.items):
        yield from _flow_columns(statements, flows)
    window = months_before(seen_at, BALANCE_MONTHS) // DAY
    kinds = [np.where(statements.has_balance[places] & (versions.ends[places] > window), places, -1) for places in (quarters, years)]
    yield from _balance_columns(statements, balance((kinds[0], kinds[1]), versions, statements.items))


def _padded(places: np.ndarray, slots: int) -> np.ndarray:
    """The first slots; empty ones where there are fewer."""
    missing = np.full((max(slots - len(places), 0), places.shape[1]), -1)
    return np.concatenate([places[:slots], missing])


def _flow_columns(statements: _Statements, flows: Window) -> Iterator[pa.Array]:
    yield columns.as_dates(statements.versions.ends[flows.newest], flows.newest >= 0)
    yield columns.as_texts(statements.currency[flows.newest], statements.currencies)
    yield columns.as_instants(flows.known_at)
    yield from (columns.as_numbers(values) for values in (*flows.flows.values(), *flows.year_ago.values()))


def _balance_columns(statements: _Statements, found: Balance) -> Iterator[pa.Array]:
    closing = np.maximum(found.quarter, found.year)  # of the same end where both are there
    yield columns.as_dates(statements.versions.ends[closing], closing >= 0)
    own, other = statements.currency[found.quarter], statements.currency[found.year]
    yield columns.as_texts(np.where(own < 0, other, own), statements.currencies)
    yield columns.as_instants(found.known_at)
    yield from (columns.as_numbers(values) for values in (*found.items.values(), *found.year_ago.values()))


def _schema() -> pa.Schema:
    fields = [("security_id", columns.TEXT), ("seen_at", columns.UTC)]
    for window in _WINDOWS:
        fields += [(f"end_date_{window}", pa.date32()), (f"currency_{window}", columns.CODED), (f"known_at_{window}", columns.UTC)]
        fields += [(f"{item}_{window}", pa.float64()) for item in FLOWS]
        fields += [(f"{item}_year_ago_{window}", pa.float64()) for item in GROWN if not window.startswith("annualised")]
    fields += [("closing_date", pa.date32()), ("balance_currency", columns.CODED), ("balance_known_at", columns.UTC)]
    fields += [(item, pa.float64()) for item in BALANCES]
    fields += [(f"{item}_year_ago", pa.float64()) for item in MEANS]
    return pa.schema(fields)


_SCHEMA = _schema()
