"""What every adapter offers."""

from collections.abc import Iterator, Sequence
from typing import Protocol

import polars as pl


class Adapter(Protocol):
    """A source of raw rows."""

    name: str

    def span(self) -> tuple[str, str]:
        """First and last month (of known_at) that the source holds."""
        ...

    def identity(self) -> str:
        """Hash of the input files, the seed and all parameters: equal identities give equal rows."""
        ...

    def load(self, months: Sequence[str]) -> Iterator[tuple[str, pl.DataFrame]]:
        """Yield (raw table, rows) whose `month` is among `months`; a table may come in several parts.

        `month` is always `calendars.month_of_instant(pl.col("known_at"))`, never the plain UTC month: rows of a month's last session
        are known at the end of that day in New York, which is the next day in UTC.

        Rows that cannot become raw rows come as ("quarantine", rows) with station `raw`; input that cannot be used at all raises
        BadInput.
        """
        ...
