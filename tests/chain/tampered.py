"""An adapter whose rows known after a month's cut-off are removed, shuffled or poisoned: what was known before is as it was."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime

import polars as pl

from wg_dagster.ingest.adapter import Adapter
from wg_dagster.proof.tamper import WAYS, cutoffs_of, tampered

Raw = Mapping[str, pl.DataFrame]
__all__ = ["WAYS", "Tampered", "cutoffs_of", "raw_rows"]


def raw_rows(adapter: Adapter, months: Sequence[str]) -> dict[str, pl.DataFrame]:
    """Everything that an adapter delivers, one frame a table."""
    parts: dict[str, list[pl.DataFrame]] = {}
    for table, rows in adapter.load(months):
        parts.setdefault(table, []).append(rows)
    return {table: pl.concat(frames) for table, frames in parts.items()}


class Tampered:
    """The rows `raw` with those known after the cut-offs (market -> instant) changed in one of `WAYS`."""

    name = "tampered"

    def __init__(self, raw: Raw, cutoffs: Mapping[str, datetime], how: str) -> None:
        self._how = how
        done = {table: tampered(rows, cutoffs, how) for table, rows in raw.items()}
        self.changed_rows = sum(count for _, count in done.values())
        self._rows = {table: rows for table, (rows, _) in done.items()}

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
