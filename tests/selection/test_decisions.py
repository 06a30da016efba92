"""Why each name: rows of `decisions` on a lake, and their words."""

from dataclasses import replace

import numpy as np
import polars as pl
import pytest

from optimizer.mandate import Mandate
from wg_dagster.errors import OutsideData
from wg_dagster.schemas.gates import failures
from wg_dagster.schemas.tables import TABLES
from wg_dagster.selection.decisions import binding_rules, decision_rows, marginal_downside
from wg_dagster.selection.decisions_words import find_security, outside_words, sentences
from wg_dagster.selection.inputs import answer, asked
from wg_dagster.selection.portfolio import Decision
from wg_dagster.selection.stations import STATIONS
from wg_dagster.stations import Reader
from wg_dagster.strategies import MAJOR_100, UniverseRule

EVERYONE = replace(MAJOR_100, universe=UniverseRule("US", 1, 1000))
SECURITIES = pl.DataFrame(
    {"security_id": ["a1", "b2", "c3"], "vendor_symbol": ["AA", "BB", "CC"], "name": ["Alpha Oil", "Beta Oil", "Gamma"]}
)


@pytest.fixture(scope="module")
def decided(january):
    (station,) = (station for station in STATIONS if station.name == "portfolio")
    question = asked(Reader(january, station, ["2020-01"], EVERYONE), "2020-01", EVERYONE)
    decision = answer(question)
    return question, decision, decision_rows(question, decision)


def test_each_candidate_has_one_row_that_passes_the_gate(decided):
    question, decision, rows = decided
    assert sorted(rows["security_id"]) == sorted(question.candidates["security_id"])
    assert failures("decisions", rows).is_empty()
    held = dict(rows.filter(pl.col("weight") > 0).select("security_id", "weight").iter_rows())
    assert held == decision.weights


def test_held_names_have_a_margin_and_others_a_cost(decided):
    _, _, rows = decided
    held, others = rows.filter(pl.col("weight") > 0), rows.filter(pl.col("weight") == 0)
    assert held["reduced_cost"].null_count() == held["reduced_cost_least"].null_count() == held.height
    assert others["rival_margin"].null_count() == others.height
    assert set(others["rival_id"].drop_nulls()) <= set(held["security_id"])
    assert set(held["rival_id"].drop_nulls()) <= set(others["security_id"])
    told = others.drop_nulls("reduced_cost")
    assert told.height > 20
    assert (told["reduced_cost_least"] <= told["reduced_cost"] + 1e-9).all()


def test_the_better_of_two_equal_names_needs_less(decided):
    """Costs are in units of expected return: one point more of it is one point less that is missing (scenarios move by a hair)."""
    question, decision, rows = decided
    row = rows.filter((pl.col("weight") == 0) & (pl.col("reduced_cost") > 0.02)).row(0, named=True)
    one = pl.col("security_id") == row["security_id"]
    better = question.scored.with_columns(
        pl.when(one).then(pl.col("expected_return") + 0.01).otherwise("expected_return").alias("expected_return")
    )
    raised = replace(decision.universe, mu=decision.universe.mu + 0.01 * (np.array(decision.universe.ids) == row["security_id"]))
    again = decision_rows(replace(question, scored=better), replace(decision, universe=raised)).filter(one).row(0, named=True)
    assert again["reduced_cost"] == pytest.approx(row["reduced_cost"] - 0.01, abs=1e-6)
    assert again["expected_return"] == pytest.approx(row["expected_return"] + 0.01)


def test_marginal_risk_is_the_slope_of_the_downside(decided):
    """By a difference quotient of the universe's own downside deviation."""
    _, decision, _ = decided
    universe, weights = decision.universe, decision.solution.weights
    slopes, step = marginal_downside(universe, Mandate(), weights), 1e-6
    for name in (0, 17, 60):
        moved = weights + step * (np.arange(len(weights)) == name)
        quotient = (universe.downside_deviation(moved) - universe.downside_deviation(weights)) / step
        assert slopes[name] == pytest.approx(quotient, rel=1e-4)


def test_rules_without_room_are_named_with_the_names_that_they_concern(decided):
    _, decision, _ = decided
    universe, weights = decision.universe, decision.solution.weights
    low = universe.sector_weights[0] - 0.05 - weights[universe.sector == 0].sum()
    tight = replace(Mandate(), sector_band=float(0.05 + low)) if low > 0 else Mandate()
    rules = binding_rules(universe, tight, weights, None)
    largest = int(np.argmax(weights))
    if weights[largest] >= 0.0999 - 1e-6:
        assert rules[largest].startswith("largest weight")
    assert all("invested" not in text for text in rules)


def test_nothing_solved_gives_no_rows(decided):
    question, *_ = decided
    assert decision_rows(question, Decision("no_portfolio", {}, "short")).equals(TABLES["decisions"].empty())


# -- in words ---------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("text", "found"), [("a1", "a1"), ("bb", "b2"), ("gamma", "c3"), ("Alpha", "a1")])
def test_a_security_is_found_by_id_ticker_or_name(text, found):
    assert find_security(text, SECURITIES, SECURITIES.select("security_id")) == found


def test_of_several_names_the_one_decided_on_is_meant():
    assert find_security("oil", SECURITIES, pl.DataFrame({"security_id": ["b2"]})) == "b2"


def test_an_ambiguous_or_unknown_name_is_refused():
    with pytest.raises(OutsideData, match=r"'oil' is the name of 2 securities: Alpha Oil \(AA\), Beta Oil \(BB\); say which"):
        find_security("oil", SECURITIES, SECURITIES.select("security_id"))
    with pytest.raises(OutsideData, match="no security of this month has the id, ticker or name 'zeta'"):
        find_security("zeta", SECURITIES, SECURITIES.select("security_id"))


def a_row(**given):
    usual = {"security_id": "a1", "sector": "Energy", "weight": 0.0, "rank": 40, "composite": 0.5, "expected_return": 0.06}
    usual |= {"marginal_risk": 0.09, "binding_rules": "beta, at least", "reduced_cost": 0.02, "reduced_cost_least": 0.015}
    return usual | {"rival_id": "b2", "rival_margin": None} | given


def said(**given):
    return " ".join(sentences(a_row(**given), {"a1": "Alpha", "b2": "Beta"}, count=22))


def test_a_name_that_is_not_held_hears_what_it_needed():
    text = said()
    assert "Alpha (Energy) is not held. Score +0.50, rank 40 of the list; expected return 6.00% a year." in text
    assert "With less than 1.50 points a year more, no portfolio that holds it would be better: that is proven." in text
    assert "It lost to Beta: with 2.00 points a year more, taking weight from that name would have paid." in text


def test_a_name_that_is_held_hears_whom_it_beat():
    text = said(weight=0.05, rival_margin=0.012, reduced_cost=None, reduced_cost_least=None)
    assert text.startswith("Alpha (Energy) is held with 5.00%.")
    assert "It beat Beta: its expected return could be 1.20 points a year lower before that exchange pays." in text


def test_what_is_not_known_is_said():
    assert "None of the 22 names held can be exchanged for it" in said(reduced_cost=None, rival_id=None)
    assert "the proof does not tell it from the names held" in said(reduced_cost_least=0.0)
    assert "not on the list of the ranked 100" in said(rank=None)
    assert "No other name could have taken Alpha's weight" in said(weight=0.05, rival_id=None)
    assert "not in the strategy's universe" in outside_words(None, "Alpha")
    assert "It has 40% of the strategy's factors" in outside_words({"coverage": 0.4}, "Alpha")
