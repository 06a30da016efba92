"""A letter as the UI shows it: its text as Markdown, and where the page lies."""

import re
from html.parser import HTMLParser
from pathlib import Path

import dagster as dg

from wg_dagster.letters.stations import letter_path
from wg_dagster.strategies import Strategy

_SKIPPED = {"style", "svg", "script", "title", "head"}
_LONGEST = 6000


def letter_preview(home: Path, strategy: Strategy, month: str) -> dict[str, dg.MetadataValue]:
    """Metadata of a letter; empty where the month has none."""
    path = home / letter_path(strategy.strategy_id, month, "en")
    if not path.exists():
        return {}
    return {
        "letter": dg.MetadataValue.md(_as_markdown(path.read_text(encoding="utf-8"))),
        "page": dg.MetadataValue.path(str(path)),
        "page (Japanese)": dg.MetadataValue.path(str(home / letter_path(strategy.strategy_id, month, "ja"))),
    }


def _as_markdown(page: str) -> str:
    reader = _Reader()
    reader.feed(page)
    return re.sub(r"\n{3,}", "\n\n", "".join(reader.text))[:_LONGEST]


class _Reader(HTMLParser):
    """Headings, paragraphs and tables of a page, without its styles and pictures."""

    def __init__(self) -> None:
        super().__init__()
        self.text: list[str] = []
        self._skipping = 0
        self._cells = 0
        self._header_done = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:  # noqa: ARG002
        """Open a block."""
        self._skipping += tag in _SKIPPED
        if tag in {"h1", "h2", "h3"}:
            self.text.append("\n\n" + "#" * int(tag[1]) + " ")
        elif tag in {"p", "table", "section", "li"}:
            self.text.append("\n\n" if tag != "li" else "\n- ")
            self._header_done = self._header_done and tag != "table"
        elif tag == "tr":
            self._cells = 0
        elif tag in {"td", "th"}:
            self._cells += 1
            self.text.append("| ")

    def handle_endtag(self, tag: str) -> None:
        """Close a block; the first row of a table is its header."""
        self._skipping -= tag in _SKIPPED
        if tag in {"td", "th"}:
            self.text.append(" ")
        elif tag == "tr":
            self.text.append("|\n")
            if not self._header_done:
                self.text.append("|" + "---|" * self._cells + "\n")
                self._header_done = True

    def handle_data(self, data: str) -> None:
        """Text outside of styles and pictures."""
        if not self._skipping:
            self.text.append(re.sub(r"\s+", " ", data))
