"""The newest of some events that each security could know of at each month end."""

import numpy as np
import polars as pl

from wg_dagster.factor_windows import columns
from wg_dagster.factor_windows.looks import NEVER


def newest_known(rows: pl.DataFrame, month_ends: pl.DataFrame, events: dict[str, pl.DataFrame]) -> pl.DataFrame:
    """For each row and kind of event the newest instant at or before the month's cut-off, null if there is none.

    Parameters
    ----------
    rows
        month, security_id, market.
    month_ends
        month, market, cutoff_at.
    events
        By kind: security_id and known_at, in any order.

    Returns
    -------
    month, security_id and a column `<kind>_known_at` for each kind.
    """
    parts = [
        _market(own, month_ends.filter(pl.col("market") == market).sort("cutoff_at"), events)
        for (market,), own in rows.group_by("market", maintain_order=True)
    ]
    empty = rows.clear().select(
        "month", "security_id", *(pl.lit(None, pl.Datetime("us", "UTC")).alias(f"{kind}_known_at") for kind in events)
    )
    return pl.concat([empty, *parts])


def _market(rows: pl.DataFrame, month_ends: pl.DataFrame, events: dict[str, pl.DataFrame]) -> pl.DataFrame:
    names = pl.Enum(rows["security_id"].unique().sort())
    at = (_codes(rows["security_id"], names), _codes(rows["month"], pl.Enum(month_ends["month"])))
    cutoffs = columns.instants(month_ends["cutoff_at"])
    found = {}
    for kind, seen in events.items():
        known_at, owners = columns.instants(seen["known_at"]), _codes(seen["security_id"], names)
        first = np.searchsorted(cutoffs, known_at)  # the first month end that knows of it
        is_seen = (owners >= 0) & (first < len(cutoffs))
        newest = np.full((len(names.categories), len(cutoffs)), NEVER)
        np.maximum.at(newest, (owners[is_seen], first[is_seen]), known_at[is_seen])
        np.maximum.accumulate(newest, axis=1, out=newest)
        found[f"{kind}_known_at"] = _instants(newest[at])
    return rows.select("month", "security_id", **found)


def _codes(texts: pl.Series, names: pl.Enum) -> np.ndarray:
    """Place of each text among the names, -1 where it is none of them."""
    return texts.cast(names, strict=False).to_physical().cast(pl.Int64).fill_null(-1).to_numpy()


def _instants(values: np.ndarray) -> pl.Series:
    return pl.Series(values).replace(NEVER, None).cast(pl.Datetime("us", "UTC"))
