"""Facts of a letter: how they are made, stored as rows of `report_facts`, and looked up while a letter is rendered.

A fact that is not known is left out. Numbers are printed from value and unit alone: a row whose stored display says something else
than its value is refused.
"""

import hashlib
import json
import math
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import date
from functools import cached_property
from operator import attrgetter

import polars as pl

from wg_dagster.errors import LetterRefused
from wg_dagster.letters.display import Language, display
from wg_dagster.letters.words import Words
from wg_dagster.schemas.tables import TABLES

Key = Mapping[str, object]
Source = tuple[str, Key]  # table, and what finds the row in it
Points = Sequence[tuple[date, float]]
_BIDI = dict.fromkeys([0x061C, 0x200E, 0x200F, *range(0x202A, 0x202F), *range(0x2066, 0x206A)])


@dataclass(frozen=True)
class Fact:
    """One thing that a letter may print. `source_key`: JSON; names that are columns of `source_table` find its rows."""

    fact_id: str
    metric: str
    value: float | None
    unit: str
    display_ja: str
    display_en: str
    source_table: str
    source_key: str


_values = attrgetter(*(field.name for field in fields(Fact)))


def figure(fact_id: str, metric: str, value: float | None, unit: str, source: Source) -> tuple[Fact, ...]:
    """A number as a fact; nothing where it is not known (null, NaN or infinite)."""
    if value is None or not math.isfinite(value):
        return ()
    shown = (display(value, unit, "ja"), display(value, unit, "en"))
    return (Fact(fact_id, metric, float(value), unit, *shown, source[0], _json(source[1])),)


def text(fact_id: str, metric: str, words: Words, source: Source) -> tuple[Fact, ...]:
    """Words as a fact, without control characters."""
    return (Fact(fact_id, metric, None, "text", plain(words.ja), plain(words.en), source[0], _json(source[1])),)


def series(fact_id: str, metric: str, points: Points, source: Source) -> tuple[Fact, ...]:
    """Points of a chart, oldest first, as one fact; its value is their number."""
    pairs = [[day.isoformat(), value] for day, value in points]
    return figure(fact_id, metric, len(pairs), "series", (source[0], {**source[1], "points": pairs})) if pairs else ()


def plain(words: str) -> str:
    """Text without control characters, so that no name can reorder or break the line it stands in."""
    cleaned = words.translate(_BIDI)
    if cleaned.isprintable():
        return cleaned
    return "".join(" " if unicodedata.category(letter) == "Cc" else letter for letter in cleaned)


class FactBook:
    """All facts of one letter, by id."""

    def __init__(self, facts: Iterable[Fact]) -> None:
        """Raise LetterRefused where an id stands twice or a display is not that of its value."""
        self._facts: dict[str, Fact] = {}
        for fact in facts:
            if fact.fact_id in self._facts:
                raise LetterRefused(f"fact {fact.fact_id} stands twice ({fact.source_table}, {fact.source_key}); ids name one fact each")
            _check_display(fact)
            self._facts[fact.fact_id] = fact

    @classmethod
    def from_rows(cls, rows: pl.DataFrame) -> "FactBook":
        """The facts of one letter from rows of `report_facts`."""
        names = [field.name for field in fields(Fact)]
        return cls(Fact(**row) for row in rows.select(names).iter_rows(named=True))

    def rows(self, strategy: str, month: str) -> pl.DataFrame:
        """Rows of `report_facts`, sorted by id."""
        letter_id = self.letter_id(strategy, month)
        rows = [(strategy, month, letter_id, *_values(fact)) for fact in self]
        return pl.DataFrame(rows, schema=TABLES["report_facts"].schema, orient="row")

    def __iter__(self):  # noqa: ANN204 - an iterator of facts
        return (self._facts[fact_id] for fact_id in sorted(self._facts))

    def __contains__(self, fact_id: str) -> bool:
        return fact_id in self._facts

    def __getitem__(self, fact_id: str) -> Fact:
        if fact_id not in self._facts:
            raise LetterRefused(f"fact {fact_id!r} is not among the {len(self._facts)} facts of this letter; ask with `has` first")
        return self._facts[fact_id]

    def value(self, fact_id: str) -> float | None:
        """The number behind a fact; None for words and for facts that are not known."""
        return self._facts[fact_id].value if fact_id in self._facts else None

    def show(self, fact_id: str, language: Language) -> str:
        """A fact as printed."""
        fact = self[fact_id]
        return plain(fact.display_ja if language == "ja" else fact.display_en)

    def key(self, fact_id: str) -> dict[str, object]:
        """Where the fact comes from."""
        return json.loads(self[fact_id].source_key)

    def points(self, fact_id: str) -> list[tuple[date, float]]:
        """Points of a series, oldest first; empty where it is not known."""
        if fact_id not in self:
            return []
        pairs = json.loads(self[fact_id].source_key)["points"]
        return [(date.fromisoformat(day), float(value)) for day, value in pairs]

    def numbered(self, group: str) -> list[str]:
        """Prefixes of a numbered group, in order: `numbered("step")` gives step.01, step.02, ..."""
        found = {".".join(fact_id.split(".")[:2]) for fact_id in self._facts if fact_id.startswith(f"{group}.")}
        return sorted(found)

    @cached_property
    def content_hash(self) -> str:
        """sha256 over all facts: two letters with the same hash say the same."""
        digest = hashlib.sha256()
        for fact in self:
            digest.update(json.dumps(_values(fact), ensure_ascii=False).encode() + b"\n")
        return digest.hexdigest()

    def letter_id(self, strategy: str, month: str) -> str:
        """Strategy, month and version, where the version is the hash of the facts."""
        return f"{strategy}_{month}_{self.content_hash[:8]}"


def _check_display(fact: Fact) -> None:
    if fact.unit == "text":
        return
    if fact.value is None:
        raise LetterRefused(f"fact {fact.fact_id} ({fact.unit}) has no value; leave a fact out that is not known")
    shown = (display(fact.value, fact.unit, "ja"), display(fact.value, fact.unit, "en"))
    if shown != (fact.display_ja, fact.display_en):
        raise LetterRefused(
            f"fact {fact.fact_id} would print {fact.display_ja!r} / {fact.display_en!r} but its value {fact.value} reads "
            f"{shown[0]!r} / {shown[1]!r}; build the letter's facts again"
        )
    if fact.unit == "series" and len(json.loads(fact.source_key)["points"]) != fact.value:
        raise LetterRefused(f"series {fact.fact_id} says {fact.value} points and holds others; build the letter's facts again")


def _json(key: Key) -> str:
    return json.dumps(key, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
