"""A letter as the UI shows it: its text as Markdown, and where the page lies."""

import re
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path

import dagster as dg

from wg_dagster.letters.stations import letter_path
from wg_dagster.strategies import Strategy

_SKIPPED = {"style", "svg", "script", "title", "head", "sup"}
_LONGEST = 9000
_PIECE = 4000
_OPENS = {
    "h1": "\n\n# ",
    "h2": "\n\n## ",
    "h3": "\n\n### ",
    "p": "\n\n",
    "section": "\n\n",
    "table": "\n\n",
    "li": "\n- ",
    "dt": "\n- ",
    "dd": ": ",
    "br": " ",
    "figcaption": "\n\n*Chart in the page: ",
    "td": "| ",
    "th": "| ",
    "strong": "**",
}
_CLOSES = {"td": " ", "th": " ", "figcaption": "*", "strong": "**"}
_OF_CLASS = {"label": ("\n- ", ": "), "big": ("**", "**"), "under": (" (", ")"), "basis": ("\n\n*", "*"), "kind": ("\n\n", "")}


def letter_preview(home: Path, strategy: Strategy, month: str) -> dict[str, dg.MetadataValue]:
    """Metadata of a letter; empty where the month has none."""
    path = home / letter_path(strategy.strategy_id, month, "en")
    if not path.exists():
        return {}
    return {
        "letter": dg.MetadataValue.md(as_markdown(path.read_text(encoding="utf-8"))),
        "page": dg.MetadataValue.path(str(path)),
        "page (Japanese)": dg.MetadataValue.path(str(home / letter_path(strategy.strategy_id, month, "ja"))),
    }


def as_markdown(page: str, *, longest: int = _LONGEST) -> str:
    """Headings, paragraphs, lists and tables of a page; whole sections up to a length, and a line that says that there is more."""
    reader = _Reader()
    text = ""
    for piece in _pieces(page):
        reader.feed(piece)
        text = re.sub(r"\n{3,}", "\n\n", re.sub(r" *\n *", "\n", "".join(reader.text))).strip()
        if len(text) > longest + _PIECE:  # what follows is not shown
            break
    if len(text) <= longest:
        return text
    whole = text[:longest].rsplit("\n\n", 1)[0]
    return f"{whole}\n\n*The rest of the letter is in the page.*"


def _pieces(page: str) -> Iterator[str]:
    """The page in pieces that begin with a tag: most of a long letter need not be read for its beginning."""
    begin = 0
    while begin < len(page):
        end = page.find("<", begin + _PIECE)
        end = len(page) if end < 0 else end
        yield page[begin:end]
        begin = end


class _Reader(HTMLParser):
    """The text of a page with Markdown's marks, without its styles and pictures."""

    def __init__(self) -> None:
        super().__init__()
        self.text: list[str] = []
        self._skipping = 0
        self._cells = 0
        self._is_header = False
        self._closing: list[tuple[str, str]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Open a block."""
        self._skipping += tag in _SKIPPED
        if self._skipping:
            return
        names = (dict(attrs).get("class") or "").split()
        opens, closes = next((_OF_CLASS[name] for name in names if name in _OF_CLASS), (_OPENS.get(tag, ""), _CLOSES.get(tag, "")))
        self.text.append(opens)
        self._closing += [(tag, closes)] if tag != "br" else []
        self._is_header |= tag == "table"
        self._cells = 0 if tag == "tr" else self._cells + (tag in {"td", "th"})

    def handle_endtag(self, tag: str) -> None:
        """Close a block; the first row of a table is its header."""
        if self._skipping:
            self._skipping -= tag in _SKIPPED
            return
        while self._closing:
            opened, closes = self._closing.pop()
            self.text.append(closes)
            if opened == tag:
                break
        if tag == "tr":
            self.text.append("|\n" + ("|" + "---|" * self._cells + "\n" if self._is_header else ""))
            self._is_header = False

    def handle_data(self, data: str) -> None:
        """Text outside of styles and pictures."""
        words = re.sub(r"\s+", " ", data)
        if not self._skipping and (words.strip() or (self.text and not self.text[-1].endswith((" ", "\n")))):
            self.text.append(words if self.text and not self.text[-1].endswith((" ", "\n", "*", "(")) else words.lstrip())
