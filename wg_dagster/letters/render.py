"""Render a letter from rows of `report_facts` alone: one self-contained HTML page, the same bytes for the same facts and issuer.

Templates print facts by id, words and charts, never a number of their own.
"""

import base64
import hashlib
import re
from collections.abc import Callable
from functools import cache
from importlib.resources import files

import polars as pl
from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from wg_dagster.errors import LetterRefused
from wg_dagster.letters import charts
from wg_dagster.letters.book import FactBook, plain
from wg_dagster.letters.display import MISSING, Language, date_value, display, is_zero, without_unit
from wg_dagster.letters.issuer import Issuer, Notice, Opinion
from wg_dagster.letters.sentences import used_rules
from wg_dagster.letters.wording import fill, forbidden_words
from wg_dagster.letters.words import WINDOW_WORDS, WINDOWS, Words

_SHOWN_HASH = 16


def render_letter(facts: pl.DataFrame, language: Language, issuer: Issuer) -> str:
    """One letter as HTML.

    Parameters
    ----------
    facts
        Rows of `report_facts` of one letter.
    language
        ja or en.
    issuer
        Names and texts that people answer for.

    Raises
    ------
    LetterRefused
        If a display is not that of its value, an id is asked for that is not there, or a word of promise stands in a text.
    """
    letters = facts.select("strategy", "month", "letter_id").unique()
    if letters.height != 1:
        raise LetterRefused(f"facts of {letters.height} letters came where one is rendered; filter report_facts by letter_id")
    book = FactBook.from_rows(facts)
    page = _Page(book, language, issuer, letters.row(0))
    _refuse_promises(page)
    return _environment().get_template("letter.html.j2").render(page.context())


class _Page:
    """What the templates may ask for, in one language."""

    def __init__(self, book: FactBook, language: Language, issuer: Issuer, letter: tuple[str, str, str]) -> None:
        self.book, self.language, self.issuer = book, language, issuer
        self.strategy, self.month, self.letter_id = letter
        bases = [fact_id for fact_id in book.numbered("basis") if fact_id in book]
        self.marks = {book.key(fact_id)["basis"]: fact_id.removeprefix("basis.") for fact_id in bases}

    def context(self) -> dict[str, object]:
        """Names of the templates."""
        helpers: tuple[Callable[..., object], ...] = (
            self.say,
            self.fact,
            self.maybe,
            self.bare,
            self.has,
            self.group,
            self.tone,
            self.mark,
            self.sentences,
            self.words,
            self.chart,
            self.bar,
        )
        return {helper.__name__: helper for helper in helpers} | {
            "language": self.language,
            "letter_id": self.letter_id,
            "content_hash": self.book.content_hash[:_SHOWN_HASH],
            "facts": list(self.book),
            "rules": [rule.rule_id for rule in used_rules(self.book)],
            "windows": [(window, self.words(WINDOW_WORDS[window])) for window in WINDOWS if f"own.return.{window}" in self.book],
            "issuer": self.issuer,
            "issue_date": self._issue_date(),
            "risks": self._notices(self.issuer.risks),
            "fees": self._notices(self.issuer.fees),
            "opinions": [self._opinion(one) for one in self.issuer.opinions_on(self.strategy, self.month)],
            "style": stylesheet(),
            "style_hash": style_hash(),
        }

    def say(self, ja: str, en: str) -> str:
        """A label of the template."""
        return ja if self.language == "ja" else en

    def words(self, words: Words) -> str:
        """Words in this letter's language."""
        return plain(words.ja if self.language == "ja" else words.en)

    def fact(self, fact_id: str) -> str:
        """A fact that must be there."""
        return self.book.show(fact_id, self.language)

    def maybe(self, fact_id: str) -> str:
        """A fact, or a dash where it is not known."""
        return self.fact(fact_id) if fact_id in self.book else MISSING

    def has(self, fact_id: str) -> bool:
        """The fact is known."""
        return fact_id in self.book

    def group(self, name: str) -> list[str]:
        """Prefixes of a numbered group."""
        return self.book.numbered(name)

    def tone(self, fact_id: str) -> str:
        """Class of a figure: red below zero; of a verdict: pass or fail."""
        value = self.book.value(fact_id)
        if value is None:
            return "none"
        if self.book[fact_id].unit == "verdict":
            return "pass" if value else "fail"
        return "negative" if value < 0 and not is_zero(self.fact(fact_id)) else "positive"

    def mark(self, fact_id: str) -> str:
        """Letter of the basis that a figure is given on; empty for the letter's main basis, the first."""
        if fact_id not in self.book:
            return ""
        letter = self.marks.get(self.book.key(fact_id).get("basis"), "")
        return "" if letter == "a" else letter

    def bare(self, fact_id: str) -> str:
        """A fact, or a dash, in a column whose head says points."""
        return without_unit(self.maybe(fact_id))

    def sentences(self, section: str) -> list[str]:
        """Sentences of the rules that apply."""
        return [rule.sentence(self.book, self.language) for rule in used_rules(self.book) if rule.section == section]

    def bar(self, fact_id: str, group: str, *, limit: str | None = None) -> Markup | str:
        """A small bar for a table cell, on the scale of its group."""
        value = self.book.value(fact_id)
        if value is None:
            return ""
        name = fact_id.rsplit(".", 1)[1]
        sizes = [abs(self.book.value(f"{prefix}.{name}") or 0.0) for prefix in self.group(group)]
        return charts.small_bar(value, max(sizes), band=self.book.value(limit) if limit else None)

    def chart(self, name: str) -> Markup:
        """A chart by name."""
        return {"cumulative": self._cumulative, "drawdown": self._drawdown, "attribution": self._attribution}[name]()

    def _cumulative(self) -> Markup:
        title = self.say("累積収益率：戦略とベンチマーク", "Cumulative return: strategy and benchmark")
        ends = {"portfolio": "own.return.since_inception", "benchmark": "own.benchmark_return.since_inception"}
        names = {"portfolio": self.fact("strategy.name"), "benchmark": self.fact("benchmark.name")}
        shown = [f"{names[side]} {self.maybe(fact_id)}" for side, fact_id in ends.items()]
        lines = [charts.Line(names[side], self.maybe(fact_id), side, self.book.points(f"series.{side}")) for side, fact_id in ends.items()]
        return charts.line_chart(title, self.say("、", ", ").join(shown), lines, self.language, name="cumulative")

    def _drawdown(self) -> Markup:
        title = self.say("最高値からの下落率", "Drawdown from the high")
        now, lowest = "own.current_drawdown.since_inception", "own.max_drawdown.since_inception"
        description = self.say(
            f"月末 {self.maybe(now)}、最大 {self.maybe(lowest)}", f"Month end {self.maybe(now)}, largest {self.maybe(lowest)}"
        )
        points = self.book.points("series.drawdown")
        return charts.drawdown_chart(title, description, points, self.maybe(now), self.language, name="drawdown")

    def _attribution(self) -> Markup:
        title = self.say("超過収益の要因分析", "Where the excess return came from")
        steps = [prefix for prefix in self.group("step") if f"{prefix}.value" in self.book]
        bars = [
            charts.Bar(self.fact(f"{prefix}.name"), self.book.value(f"{prefix}.value") or 0.0, self.bare(f"{prefix}.value"))
            for prefix in steps
        ]
        if "effect.total" in self.book:
            total = self.book.value("effect.total") or 0.0
            bars.append(charts.Bar(self.say("超過収益", "Excess return"), total, self.bare("effect.total"), is_total=True))
        description = self.say("、", ", ").join(f"{bar.name} {bar.shown}" for bar in bars)
        return charts.waterfall(title, description, bars, self.language, name="attribution")

    def _issue_date(self) -> str:
        day = self.issuer.issue_date(self.month)
        return display(date_value(day), "date", self.language) if day else ""

    def _notices(self, notices: tuple[Notice, ...]) -> list[tuple[str, str]]:
        currency = self.book.show("strategy.currency", self.language)
        return [(self.words(one.heading), self.words(one.body)) for one in notices if one.concerns(currency)]

    def _opinion(self, opinion: Opinion) -> dict[str, str]:
        return {
            "author": self.words(opinion.author),
            "signed_on": display(date_value(opinion.signed_on), "date", self.language),
            "body": fill(self.words(opinion.body), self.book, self.language),
            "hash": opinion.content_hash[:_SHOWN_HASH],
        }


def _refuse_promises(page: _Page) -> None:
    """Words of promise are refused in sentences (without the names that fill them) and in what people wrote."""
    language = page.language
    written = [(rule.rule_id, rule.ja if language == "ja" else rule.en) for rule in used_rules(page.book)]
    written += [(f"opinion of {one.author.en}", page.words(one.body)) for one in page.issuer.opinions_on(page.strategy, page.month)]
    written += [(one.heading.en, page.words(one.body)) for one in (*page.issuer.risks, *page.issuer.fees)]
    for where, words in written:
        if found := forbidden_words(words, language):
            raise LetterRefused(f"{where} says {', '.join(found)}: a letter promises nothing; write what was measured instead")


@cache
def stylesheet() -> Markup:
    """letter.css without comments and line breaks."""
    css = files("wg_dagster.letters").joinpath("templates/letter.css").read_text(encoding="utf-8")
    return Markup(re.sub(r"\s*\n\s*", "", re.sub(r"/\*.*?\*/", "", css, flags=re.DOTALL)))  # noqa: S704 - our own file


@cache
def style_hash() -> str:
    """What the content security policy allows: this stylesheet and nothing else."""
    return "sha256-" + base64.b64encode(hashlib.sha256(stylesheet().encode()).digest()).decode()


@cache
def _environment() -> Environment:
    return Environment(
        loader=PackageLoader("wg_dagster.letters"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        finalize=lambda printed: printed if isinstance(printed, Markup) else plain(str(printed)),
    )
