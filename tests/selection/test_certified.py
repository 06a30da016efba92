"""A stored portfolio is certified from the tables alone; whoever changes portfolio, proof, figures or tables is found out."""

import json
from dataclasses import replace

import polars as pl
import pytest

from optimizer.mandate import Mandate
from wg_dagster.errors import OutsideData
from wg_dagster.selection.certified import bands, certify
from wg_dagster.strategies import MAJOR_100, UniverseRule

EVERYONE = replace(MAJOR_100, universe=UniverseRule("US", 1, 1000))
MONTH = "2020-01"


def changed(warehouse, table, **values):
    """Write a month of a table again with some columns changed; gives the rows as they were."""
    rows = warehouse.read(table, months=[MONTH])
    warehouse.write_months(table, rows.with_columns(**values), [MONTH], scope=EVERYONE.strategy_id)
    return rows


@pytest.fixture
def tampered(january):
    """Function that certifies the month with columns of a table changed, and puts the rows back."""

    def verdict(table, **values):
        rows = changed(january, table, **values)
        try:
            return certify(january, EVERYONE, MONTH)
        finally:
            january.write_months(table, rows, [MONTH], scope=EVERYONE.strategy_id)

    return verdict


def test_a_portfolio_as_it_was_solved_is_certified(january):
    verdict = certify(january, EVERYONE, MONTH)
    assert verdict.failures == []
    assert all(figure.holds for figure in verdict.figures)
    assert [figure.name for figure in verdict.figures] == ["ratio", "bound", "gap", "risk_ratio", "beta", "names"]
    assert min(room.room for room in verdict.rooms) > -1e-7


def test_moved_weight_is_found_out(tampered):
    """Half a point from one name to another: still a portfolio of the mandate perhaps, but not the one that was solved."""
    is_first, is_last = (pl.col("security_id") == pl.col("security_id").max(), pl.col("security_id") == pl.col("security_id").min())
    moved = pl.when(is_first).then(pl.col("weight") + 0.005).when(is_last).then(pl.col("weight") - 0.005).otherwise("weight")
    assert any(text.startswith("ratio stored is") for text in tampered("model_portfolios", weight=moved).failures)


def test_weights_that_break_the_mandate_are_found_out(tampered):
    assert any(
        "the mandate is broken: weights sum" in text for text in tampered("model_portfolios", weight=pl.col("weight") * 0.9).failures
    )


def test_a_name_from_outside_is_found_out(tampered):
    stranger = pl.when(pl.col("security_id") == pl.col("security_id").min()).then(pl.lit("stranger")).otherwise("security_id")
    assert tampered("model_portfolios", security_id=stranger).failures == ["held but not among the 100 names: stranger"]


def with_certificate(change):
    def changed_text(text):
        written = json.loads(text)
        change(written)
        return json.dumps(written)

    return pl.col("certificate").map_elements(changed_text, return_dtype=pl.String)


def test_changed_multipliers_are_found_out(tampered):
    def change(written):
        for line in written["lines"]:
            line["budget"] += 0.01

    (failure, *_) = tampered("portfolio_solutions", certificate=with_certificate(change)).failures
    assert failure.startswith("bound stored is")


def test_a_proof_that_leaves_portfolios_out_is_found_out(tampered):
    def change(written):
        written["certificate"]["leaves"][0]["inside"] = ["n000"]

    assert any("bound stored is" in text for text in tampered("portfolio_solutions", certificate=with_certificate(change)).failures)


@pytest.mark.parametrize("text", ["", "{}", "no JSON"])
def test_a_proof_that_is_none_is_found_out(tampered, text):
    assert tampered("portfolio_solutions", certificate=pl.lit(text)).failures != []


@pytest.mark.parametrize("column", ["ratio", "bound", "gap", "risk_ratio", "beta"])
def test_an_embellished_figure_is_found_out(tampered, column):
    failures = tampered("portfolio_solutions", **{column: pl.col(column) * 0.999 - 1e-6}).failures
    assert [text.split()[0] for text in failures] == [column]


def test_changed_tables_are_found_out_and_named(january):
    """Of another score of one member another ratio and another bound follow."""
    scores = january.read("factor_scores", months=[MONTH])
    better = scores.with_columns(pl.col("safety") + pl.when(pl.col("security_id") < "n030").then(1.0).otherwise(0.0))
    january.write_months("factor_scores", better, [MONTH], scope=EVERYONE.strategy_id)
    try:
        failures = certify(january, EVERYONE, MONTH).failures
    finally:
        january.write_months("factor_scores", scores, [MONTH], scope=EVERYONE.strategy_id)
    assert failures[-1] == "the tables, the mandate or the method are not those of the decision: run the month again"


def test_another_mandate_is_found_out(january):
    strict = replace(EVERYONE, mandate=Mandate(weight=(0.01, 0.08)))
    assert any("the mandate is broken" in text or "bound stored" in text for text in certify(january, strict, MONTH).failures)


def test_a_portfolio_that_was_not_solved_proves_nothing(tampered):
    values = {"status": pl.lit("kept_previous"), "message": pl.lit("kept last month's 20 names"), "certificate": pl.lit(None, pl.String)}
    assert tampered("portfolio_solutions", **values).failures == ["nothing was proven: kept last month's 20 names"]


def test_a_month_without_a_portfolio_is_refused(january):
    with pytest.raises(OutsideData, match="major_100 has no portfolio of 2019-05; months with one: 2020-01 to 2020-01"):
        certify(january, EVERYONE, "2019-05")


def test_both_sides_of_a_rule_share_a_row(january):
    found = bands(certify(january, EVERYONE, MONTH).rooms)
    row = found.filter(pl.col("rule") == "names").row(0, named=True)
    assert (row["least"], row["most"]) == (20.0, 25.0)
    assert row["room"] == min(row["value"] - 20.0, 25.0 - row["value"])
