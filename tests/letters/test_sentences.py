import re

import pytest

from wg_dagster.letters.book import FactBook, figure, text
from wg_dagster.letters.sentences import RULES, used_rules
from wg_dagster.letters.wording import forbidden_words
from wg_dagster.letters.words import Words

SOURCE = ("performance", {})


def month_with(excess, **more):
    """A book that knows the month's return, its benchmark and names."""
    facts = [
        *figure("own.return.1m", "return", 0.01 + excess, "fraction", SOURCE),
        *figure("own.benchmark_return.1m", "benchmark_return", 0.01, "fraction", SOURCE),
        *figure("own.excess_return.1m", "excess_return", excess, "points", SOURCE),
        *figure("setting.large_gap", "setting", 0.05, "band", SOURCE),
        *figure("setting.matched_within", "setting", 0.0005, "band", SOURCE),
        *figure("letter.month", "month", 24312.0, "month", SOURCE),
        *text("strategy.name", "name", Words("戦略", "Strategy"), SOURCE),
        *text("benchmark.name", "name", Words("指数", "Index"), SOURCE),
    ]
    facts += [fact for fact_id, (value, unit) in more.items() for fact in figure(fact_id, "m", value, unit, SOURCE)]
    return FactBook(facts)


@pytest.mark.parametrize(
    ("excess", "ja", "en"),
    [
        (-0.1016, "大幅に下回りました", "lagged by a wide margin"),
        (-0.0208, "下回りました", "it lagged ("),
        (0.0003, "ほぼ同じ", "matched"),
        (0.0208, "上回りました", "it beat its benchmark ("),
        (0.05, "大幅に上回りました", "beat its benchmark by a wide margin"),
    ],
)
def test_the_opening_says_how_the_month_went(excess, ja, en):
    """L-2: exactly one sentence, by thresholds that are facts themselves."""
    book = month_with(excess)
    (rule,) = used_rules(book, "outcome")
    assert ja in rule.sentence(book, "ja")
    assert en in rule.sentence(book, "en")
    assert ("大幅" in rule.sentence(book, "ja")) == (abs(excess) >= 0.05)


def test_every_excess_has_exactly_one_opening():
    for thousandths in range(-60, 61):
        assert len(used_rules(month_with(thousandths / 1000), "outcome")) == 1


def test_an_unknown_fact_gives_no_sentence():
    assert [rule.rule_id for rule in used_rules(month_with(0.01), "performance")] == []
    assert used_rules(FactBook([])) == ()


def test_a_claim_about_the_market_needs_an_extreme_month():
    """L-5: volatile names led only if the factor return is positive and above 80 % of its past."""

    def said(value, share):
        facts = [
            *figure("market.01.return", "r", value, "fraction", SOURCE),
            *figure("market.01.share_below", "s", share, "share", SOURCE),
            *figure("market.01.share_above", "s", 1 - share, "share", SOURCE),
            *figure("setting.extreme_share", "s", 0.8, "share", SOURCE),
            *text("market.01.name", "n", Words("変動性", "Volatility"), SOURCE),
        ]
        return [rule.rule_id for rule in used_rules(FactBook(facts), "market")]

    assert said(0.03, 0.9) == ["market.high.1"]
    assert said(-0.03, 0.1) == ["market.low.1"]
    assert said(0.03, 0.5) == []
    assert said(-0.001, 0.95) == []


def test_a_difference_of_rounded_figures_that_does_not_match_has_a_footnote():
    """1.006 - 0.004 = 1.002: printed 1.01, 0.00 and 1.00."""

    def notes(own, benchmark):
        facts = [
            *figure("own.return.1m", "r", own, "fraction", SOURCE),
            *figure("own.benchmark_return.1m", "r", benchmark, "fraction", SOURCE),
            *figure("own.excess_return.1m", "r", own - benchmark, "points", SOURCE),
        ]
        return [rule.rule_id for rule in used_rules(FactBook(facts), "notes")]

    assert notes(0.01006, 0.00004) == ["notes.rounding"]
    assert notes(-0.0433, 0.0583) == []


def test_no_rule_holds_a_figure_of_its_own():
    for rule in RULES:
        assert not re.search(r"\d", re.sub(r"\{[^}]*\}", "", rule.ja + rule.en)), rule.rule_id


def test_both_languages_of_a_rule_print_the_same_facts():
    for rule in RULES:
        assert set(re.findall(r"\{(.*?)\}", rule.ja)) == set(re.findall(r"\{(.*?)\}", rule.en)), rule.rule_id


def test_no_rule_promises_anything():
    for rule in RULES:
        assert forbidden_words(rule.ja, "ja") == (), rule.rule_id
        assert forbidden_words(rule.en, "en") == (), rule.rule_id


def test_rule_ids_are_unique():
    assert len({rule.rule_id for rule in RULES}) == len(RULES)


def test_promises_are_found_as_words():
    assert forbidden_words("強い回復が見込める圧倒的な成果", "ja") == ("圧倒的", "見込める")
    assert forbidden_words("A safe choice that will recover", "en") == ("will recover", "safe")
    assert forbidden_words("uncertain safety", "en") == ()
