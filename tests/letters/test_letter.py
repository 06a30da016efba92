"""The finished letter: every figure is a fact, every fact counts, nothing from outside becomes markup."""

import base64
import hashlib
import re
from datetime import date
from html.parser import HTMLParser

import polars as pl
import pytest

from wg_dagster.errors import LetterRefused
from wg_dagster.letters.book import FactBook
from wg_dagster.letters.charts import ticks
from wg_dagster.letters.display import LANGUAGES, NUMERIC_UNITS, display, parse_figure, without_unit
from wg_dagster.letters.facts import letter_facts
from wg_dagster.letters.issuer import DRAFT, Issuer, Notice, Opinion
from wg_dagster.letters.render import render_letter
from wg_dagster.letters.words import Words
from wg_dagster.strategies import NEXT_MAJOR_100, SAMURAI_25

MONTH = "2026-01"
STRATEGY = NEXT_MAJOR_100.strategy_id
HOSTILE = '<script>alert("x")</script>'


class Text(HTMLParser):
    """The words that a reader sees, and the ticks of axes apart; identifiers (`code`) and the stylesheet are left out."""

    def __init__(self):
        super().__init__()
        self.words, self.ticks, self._open = [], [], []

    def handle_starttag(self, tag, attrs):
        if tag not in ("meta", "br", "path", "circle", "rect"):
            self._open.append((tag, dict(attrs).get("class") or ""))

    def handle_endtag(self, tag):
        if tag not in ("meta", "br", "path", "circle", "rect"):
            assert self._open.pop()[0] == tag

    def handle_startendtag(self, tag, attrs):
        pass

    def handle_data(self, data):
        if any(tag in ("style", "code") for tag, _ in self._open):
            return
        is_tick = any(tag == "text" and "tick" in kind.split() for tag, kind in self._open)
        (self.ticks if is_tick else self.words).append(data)


def read(html):
    parser = Text()
    parser.feed(html)
    parser.close()
    assert parser._open == []
    return parser


def body(html):
    """The letter without appendix and content hash: what a change of a fact must reach by itself."""
    return re.sub(r'<section class="appendix">.*</section>', "", re.sub(r"<code>[0-9a-f]{16}</code>", "", html), flags=re.DOTALL)


def changed_fact(facts, fact_id, value):
    """The same facts with one value changed and printed anew."""
    row = facts.row(by_predicate=pl.col("fact_id") == fact_id, named=True)
    shown = {f"display_{language}": pl.lit(display(value, row["unit"], language)) for language in LANGUAGES}
    new = {"value": pl.lit(value), **shown}
    return facts.with_columns(
        pl.when(pl.col("fact_id") == fact_id).then(each).otherwise(pl.col(name)).alias(name) for name, each in new.items()
    )


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_numeral_is_a_fact_or_a_date(facts, book, issuer, language):
    text = read(render_letter(facts, language, issuer))
    remaining = " ".join(text.words)
    shown = {book.show(fact.fact_id, language) for fact in book}
    shown |= {without_unit(one) for one in shown} | {display(20497.0, "date", language)}  # the issue date, 13 February 2026
    assert display(20497.0, "date", language) in ("2026年2月13日", "13 February 2026")
    for one in sorted(shown, key=len, reverse=True):
        if re.search(r"\d", one):
            remaining = re.sub(rf"(?<![\d.,]){re.escape(one)}(?![\d])", " ", remaining)
    assert re.findall(r"\S*\d\S*", remaining) == []


@pytest.mark.parametrize("language", LANGUAGES)
def test_ticks_are_round_values_of_the_axes_or_dates(facts, language):
    found = read(render_letter(facts, language, DRAFT)).ticks
    dates = [tick for tick in found if re.fullmatch(r"\d{4}/\d{1,2}|[A-Z][a-z]{2} \d{4}", tick)]
    figures = [float(parse_figure(tick)) / 100 for tick in found if tick not in dates]
    assert dates
    assert set(figures) <= set(ticks(-0.2, 0.2)) | set(ticks(-0.3, 0.0)) | {round(0.02 * k, 10) for k in range(-6, 2)}


def test_flipping_the_sign_of_any_fact_changes_the_letter(facts, issuer):
    """Every number of the facts is printed, and its sign is seen (requirement: 100 % of facts are live)."""
    before = {language: re.sub(r"[0-9a-f]{16}|_[0-9a-f]{8}", "", render_letter(facts, language, issuer)) for language in LANGUAGES}
    numbers = facts.filter(pl.col("unit").is_in(NUMERIC_UNITS), pl.col("display_en").str.contains("[1-9]"))
    assert numbers.height > 250
    for fact_id, value in numbers.sample(40, seed=7).select("fact_id", "value").rows():
        after = render_letter(changed_fact(facts, fact_id, -value), "ja", issuer)
        assert re.sub(r"[0-9a-f]{16}|_[0-9a-f]{8}", "", after) != before["ja"], fact_id


def test_the_figures_of_the_first_page_change_its_text_not_only_the_appendix(facts, issuer):
    headline = [
        "own.return.1m",
        "own.excess_return.1m",
        "own.return.since_inception",
        "own.gain_to_recover.since_inception",
        "step.03.value",
    ]
    before = body(render_letter(facts, "ja", issuer))
    for fact_id in headline:
        value = facts.row(by_predicate=pl.col("fact_id") == fact_id, named=True)["value"]
        assert body(render_letter(changed_fact(facts, fact_id, -value), "ja", issuer)) != before


@pytest.mark.slow
def test_flipping_each_single_fact_changes_both_letters(facts, issuer):
    before = {language: re.sub(r"[0-9a-f]{16}|_[0-9a-f]{8}", "", render_letter(facts, language, issuer)) for language in LANGUAGES}
    numbers = facts.filter(pl.col("unit").is_in(NUMERIC_UNITS), pl.col("display_en").str.contains("[1-9]"))
    for fact_id, value in numbers.select("fact_id", "value").rows():
        mutated = changed_fact(facts, fact_id, -value)
        for language in LANGUAGES:
            assert re.sub(r"[0-9a-f]{16}|_[0-9a-f]{8}", "", render_letter(mutated, language, issuer)) != before[language], fact_id


def test_a_value_whose_display_says_something_else_is_refused(facts, issuer):
    flipped = facts.with_columns(
        pl.when(pl.col("fact_id") == "own.return.1m").then(-pl.col("value")).otherwise(pl.col("value")).alias("value")
    )
    with pytest.raises(LetterRefused, match=r"own\.return\.1m would print '△4.33%'"):
        render_letter(flipped, "ja", issuer)


def test_a_changed_point_of_a_series_changes_the_chart(facts, issuer):
    before = body(render_letter(facts, "ja", issuer))
    key = facts.row(by_predicate=pl.col("fact_id") == "series.benchmark", named=True)["source_key"]
    point = re.search(r"\[\"2025-08-01\",(-0\.\d+)\]", key).group(1)
    moved = pl.col("source_key").str.replace(point, point.removeprefix("-"), literal=True)
    after = facts.with_columns(
        pl.when(pl.col("fact_id") == "series.benchmark").then(moved).otherwise(pl.col("source_key")).alias("source_key")
    )
    assert body(render_letter(after, "ja", issuer)) != before


def test_the_same_facts_give_the_same_bytes_in_any_order_of_rows(facts, issuer):
    assert render_letter(facts, "ja", issuer) == render_letter(facts.sample(fraction=1.0, shuffle=True, seed=3), "ja", issuer)


def test_facts_do_not_depend_on_the_order_of_rows(make_sources, book):
    shuffled = {name: rows.sample(fraction=1.0, shuffle=True, seed=5) for name, rows in vars(make_sources()).items()}
    assert letter_facts(make_sources(**shuffled), NEXT_MAJOR_100, MONTH).content_hash == book.content_hash


def test_names_from_vendors_appear_as_text(make_sources, issuer):
    names = make_sources().securities_clean.with_columns(name=pl.lit(f"\u202e{HOSTILE}{{{{ 7 * 7 }}}}"), sector=pl.lit(HOSTILE))
    rows = letter_facts(make_sources(securities_clean=names), NEXT_MAJOR_100, MONTH).rows(STRATEGY, MONTH)
    for language in LANGUAGES:
        html = render_letter(rows, language, issuer)
        assert "<script" not in html
        assert "\u202e" not in html
        assert "&lt;script&gt;" in html
        assert "49" not in " ".join(word for word in read(html).words if "7 * 7" in word)


def test_the_page_may_load_nothing_and_its_style_is_the_one_it_names(facts, issuer):
    html = render_letter(facts, "ja", issuer)
    policy = re.search(r'Content-Security-Policy" content="([^"]*)"', html).group(1)
    style = re.search(r"<style>(.*?)</style>", html, re.DOTALL).group(1)
    named = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    assert policy == f"default-src 'none'; style-src 'sha256-{named}'; base-uri 'none'; form-action 'none'"
    assert not re.search(r"\sstyle=|<script|<link|<img|https?:|url\(|@import", html)


def test_both_letters_say_the_same_facts(facts, issuer):
    """English is a twin: the same rules, the same figures in the same order."""

    def figures(language):
        found = re.findall(r'<td class="number[^"]*">([^<]*)', render_letter(facts, language, issuer))
        return [parse_figure(one) for one in found if re.fullmatch(r"[^\d]*[\d,.]+(%|ポイント| pp)?", one)]

    assert len(figures("ja")) > 150
    assert figures("ja") == figures("en")


def test_an_unknown_figure_prints_as_a_dash(make_sources, issuer):
    known = make_sources().performance.filter(~pl.col("metric").is_in(["sortino", "gain_to_recover"]))
    rows = letter_facts(make_sources(performance=known), NEXT_MAJOR_100, MONTH).rows(STRATEGY, MONTH)
    html = render_letter(rows, "ja", issuer)
    assert "ソルティノ・レシオは" not in html.split('<section class="notices">', maxsplit=1)[0]
    assert html.count("—") > render_letter(rows, "ja", issuer).count("△0.72")


def test_what_reads_as_zero_is_not_red(facts, issuer):
    loss = render_letter(changed_fact(facts, "factor.03.active", -0.004), "ja", issuer)
    assert '<td class="number positive">0.00</td>' in loss


def test_a_month_with_nothing_but_a_nav_still_has_a_letter(make_sources, issuer):
    nothing = {name: rows.clear() for name, rows in vars(make_sources()).items() if name != "nav"}
    rows = letter_facts(make_sources(**nothing), NEXT_MAJOR_100, MONTH).rows(STRATEGY, MONTH)
    for language in LANGUAGES:
        assert "None" not in render_letter(rows, language, issuer)


def test_currency_risks_stand_only_in_letters_of_dollar_strategies(make_sources, facts, issuer):
    japan = {name: rows.clear() for name, rows in vars(make_sources()).items() if name != "nav"}
    rows = letter_facts(make_sources(**japan), SAMURAI_25, MONTH).rows(SAMURAI_25.strategy_id, MONTH)
    headings = [heading.ja for heading in (notice.heading for notice in issuer.risks)]
    assert len(headings) == 6
    assert all(heading in render_letter(facts, "ja", issuer) for heading in headings)
    assert [heading for heading in headings if heading not in render_letter(rows, "ja", issuer)] == [
        "為替変動リスク",
        "費用に伴う為替リスク",
    ]


def test_a_letter_without_an_issuer_is_marked_as_a_draft(facts, issuer):
    assert 'class="draft"' in render_letter(facts, "ja", DRAFT)
    assert 'class="draft"' not in render_letter(facts, "ja", issuer)


def opinion(ja, en="Calm."):
    return Opinion(STRATEGY, MONTH, Words("山田 太郎", "Taro Yamada"), date(2026, 2, 12), Words(ja, en))


def test_an_opinion_stands_apart_with_its_author_and_hash(facts):
    one = opinion("当月は{own.return.1m}でした。")
    html = render_letter(facts, "ja", Issuer(Words("発行者", "Issuer"), opinions=(one,)))
    assert "当月は△4.33%でした。" in html
    assert one.content_hash[:16] in html
    assert "山田 太郎" in html
    assert 'class="opinion"' not in render_letter(facts, "ja", Issuer(Words("発行者", "Issuer")))


def test_a_promise_in_an_opinion_or_a_risk_text_is_refused(facts):
    promise = Words("必ず回復します。", "It will recover.")
    for issuer in (
        Issuer(Words("発行者", "Issuer"), opinions=(opinion(*promise),)),
        Issuer(Words("発行者", "Issuer"), risks=(Notice(Words("リスク", "Risk"), promise),)),
    ):
        for language in LANGUAGES:
            with pytest.raises(LetterRefused, match=r"必ず|will recover"):
                render_letter(facts, language, issuer)


def test_facts_of_two_letters_are_not_one(facts, issuer):
    with pytest.raises(LetterRefused, match="facts of 2 letters"):
        render_letter(pl.concat([facts, facts.with_columns(letter_id=pl.lit("other"))]), "ja", issuer)


def test_an_id_stands_for_one_fact(book):
    with pytest.raises(LetterRefused, match="stands twice"):
        FactBook([*book, next(iter(book))])
