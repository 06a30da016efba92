"""Which files and symbols a damage changed, and whether a finding speaks of them: an alarm about something else is no finding."""

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from wg_dagster.schemas.tables import FACTOR_TABLES

FEW = 3  # symbols up to which a finding must name one of them

_FACTORS = frozenset(FACTOR_TABLES)
_REACHED: Mapping[str, frozenset[str]] = {
    "prices.csv": _FACTORS | {"prices", "prices_clean", "corporate_actions", "benchmark_nav"},
    "statements.csv": _FACTORS | {"fundamentals", "fundamentals_clean"},
    "announcements.csv": _FACTORS | {"earnings_announcements", "announcements_clean"},
    "index_levels.csv": _FACTORS | {"index_levels", "benchmark_nav"},
    "rates.csv": _FACTORS | {"rates", "rates_clean", "benchmark_nav"},
    "securities.csv": _FACTORS | {"securities", "securities_clean", "prices_clean"},
}


@dataclass(frozen=True)
class Hit:
    """What was damaged: the files, and the symbols where they are few (else none)."""

    files: frozenset[str]
    symbols: frozenset[str]

    def tables(self) -> frozenset[str]:
        """Tables that a row of the files can reach."""
        return frozenset().union(*(_REACHED[name.replace("_copy", "")] for name in self.files))

    def holds(self, table: str, file: str | None, symbol: str | None) -> bool:
        """Whether a row in quarantine is one of the damaged ones; rows without a file are of a table made from several."""
        if file is None:
            return table in self.tables()
        return file.rsplit("/", 1)[-1] in self.files and (not self.symbols or not symbol or symbol in self.symbols)


def hit_by(before: Mapping[str, bytes], after: Mapping[str, bytes]) -> Hit:
    """Compare two deliveries line by line."""
    changed = frozenset(name for name in before.keys() | after.keys() if before.get(name) != after.get(name))
    symbols = frozenset(symbol for name in changed for symbol in _symbols(before.get(name, b""), after.get(name, b"")))
    return Hit(changed, symbols if len(symbols) <= FEW else frozenset())


def _symbols(before: bytes, after: bytes) -> Iterator[str]:
    """Symbols of the lines that stand in one text and not in the other; nothing where the columns are others."""
    one, other = (text.decode("utf-8", "replace").split("\n") for text in (before, after))
    header = one[0].split(",")
    if one[0] != other[0] or "vendor_symbol" not in header:
        return
    place, was, now = header.index("vendor_symbol"), Counter(one), Counter(other)
    for line in [*(was - now), *(now - was)]:
        fields = line.split(",")
        if len(fields) > place and fields[place].strip('"'):
            yield fields[place].strip('"')
