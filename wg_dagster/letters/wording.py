"""What a rule of a sentence is, how facts are put into its words, and which words a letter must not use."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from wg_dagster.letters.book import FactBook
from wg_dagster.letters.display import Language

Section = Literal["outcome", "performance", "attribution", "market", "mandate", "rebalance", "notes"]
_SLOT = re.compile(r"\{([a-z0-9_.]+)\}")

# What a letter may not promise or praise. English words match as words, so "uncertain" passes and "certain" does not.
FORBIDDEN = {
    "ja": (
        "必ず",
        "確実",
        "絶対",
        "圧倒的",
        "急速な",
        "見込める",
        "見込まれ",
        "間違いなく",
        "安心",
        "元本保証",
        "最大限に発揮",
        "絶好",
        "有利",
    ),
    "en": (
        "certain",
        "certainly",
        "guaranteed",
        "will recover",
        "will rebound",
        "will outperform",
        "overwhelming",
        "overwhelmingly",
        "safe",
        "risk-free investment",
        "surely",
        "without doubt",
        "rapid rebound",
        "maximally effective",
        "works in all markets",
        "never lose",
    ),
}


@dataclass(frozen=True)
class Rule:
    """If the facts `needs` are known and `holds` is true of their values, the sentence stands; `{fact.id}` prints a fact."""

    rule_id: str
    section: Section
    ja: str
    en: str
    needs: tuple[str, ...] = ()
    holds: Callable[..., bool] = lambda *_: True

    @property
    def slots(self) -> tuple[str, ...]:
        """Facts that the sentence prints, in either language."""
        return tuple(dict.fromkeys(_SLOT.findall(self.ja) + _SLOT.findall(self.en)))

    def applies(self, book: FactBook) -> bool:
        """All facts are known and the condition is true."""
        if not all(fact_id in book for fact_id in (*self.needs, *self.slots)):
            return False
        return self.holds(*(book.value(fact_id) for fact_id in self.needs))

    def sentence(self, book: FactBook, language: Language) -> str:
        """The sentence with its facts."""
        return fill(self.ja if language == "ja" else self.en, book, language)


def fill(words: str, book: FactBook, language: Language) -> str:
    """Put facts where `{fact.id}` stands; an unknown id is refused."""
    return _SLOT.sub(lambda slot: book.show(slot.group(1), language), words)


def forbidden_words(words: str, language: Language) -> tuple[str, ...]:
    """Promises and praise found in a text, in the order of the list."""
    if language == "ja":
        return tuple(word for word in FORBIDDEN["ja"] if word in words)
    return tuple(word for word in FORBIDDEN["en"] if re.search(rf"\b{re.escape(word)}\b", words, re.IGNORECASE))
