import polars as pl
import pytest

from wg_dagster.letters.display import LANGUAGES, display
from wg_dagster.letters.findings import letter_findings, volatility_needed


def with_value(facts, **values):
    """The facts with some values changed (dots written as double underscores) and printed anew."""
    for name, value in values.items():
        fact_id = name.replace("__", ".")
        unit = facts.row(by_predicate=pl.col("fact_id") == fact_id, named=True)["unit"]
        new = {"value": pl.lit(value)} | {f"display_{language}": pl.lit(display(value, unit, language)) for language in LANGUAGES}
        facts = facts.with_columns(
            pl.when(pl.col("fact_id") == fact_id).then(each).otherwise(pl.col(column)).alias(column) for column, each in new.items()
        )
    return facts


def rules(facts, severity="ERROR"):
    return {finding.rule for finding in letter_findings(facts) if finding.severity == severity}


def test_the_sample_letter_has_no_error(facts):
    assert rules(facts) == set()


def test_equal_magnitudes_in_the_summary_are_flagged(facts):
    """O-14: +4.33 and -4.33 stand in the same table."""
    assert rules(facts, "WARN") == {"equal_magnitudes"}
    assert rules(with_value(facts, all__03__return__1m=0.0434), "WARN") == set()


def test_a_month_that_is_also_the_whole_history_is_no_copy(facts):
    """In the first month a strategy's month and its return since inception are one figure."""
    first = with_value(facts, all__03__return__1m=0.0412, all__02__return__since_inception=-0.0433)
    assert "equal_magnitudes" not in rules(first, "WARN")


def test_the_volatility_that_a_positive_sharpe_needs():
    """G9: a Sharpe ratio of 0.28 with -13.61 % over a year needs 88.9 %."""
    assert volatility_needed(-0.1361, 0.28, 1.0) == pytest.approx(0.889, abs=5e-4)
    assert volatility_needed(0.0, 0.5, 1.0) == pytest.approx(1.0)


def test_a_positive_sharpe_with_a_loss_stops_the_letter_unless_volatility_explains_it(facts):
    """O-1."""
    assert rules(with_value(facts, own__sharpe__since_inception=0.28)) == {"sharpe_contradicts_return"}
    explained = with_value(facts, own__sharpe__since_inception=0.28, own__volatility__since_inception=0.9)
    assert rules(explained) == set()


@pytest.mark.parametrize(
    ("fact_id", "factor", "rule"),
    [
        ("own__excess_return__1m", -1.0, "excess_is_not_the_difference"),
        ("own__benchmark_return__1y", -1.0, "excess_is_not_the_difference"),
        ("own__gain_to_recover__since_inception", 1.01, "gain_does_not_recover"),
        ("step__03__value", -1.0, "attribution_does_not_add_up"),
        ("effect__total", 1.01, "attribution_of_another_excess"),
    ],
)
def test_facts_that_contradict_each_other_stop_the_letter(facts, fact_id, factor, rule):
    value = facts.row(by_predicate=pl.col("fact_id") == fact_id.replace("__", "."), named=True)["value"]
    assert rule in rules(with_value(facts, **{fact_id: value * factor}))


def test_a_chart_that_ends_elsewhere_is_flagged(facts):
    assert "chart_ends_elsewhere" in rules(with_value(facts, own__return__since_inception=-0.12), "WARN")


def test_a_missing_headline_is_flagged(facts):
    assert "fact_missing" in rules(facts.filter(pl.col("fact_id") != "own.excess_return.1m"), "WARN")


def test_a_large_unexplained_part_is_flagged(facts):
    """Moved from the specific line to the unexplained one: the sum still holds, and somebody should look."""
    steps = dict(facts.filter(pl.col("metric") == "effect", pl.col("unit") == "points").select("fact_id", "value").iter_rows())
    last, specific = max(step for step in steps if step.startswith("step")), "step.09.value"
    moved = {last: steps[last] + 0.02, specific: steps[specific] - 0.02}
    changed = with_value(facts, **{fact_id.replace(".", "__"): value for fact_id, value in moved.items()})
    assert "large_unexplained" in rules(changed, "WARN")
    assert rules(changed) == set()


def test_target_weights_that_do_not_sum_to_one_are_flagged(facts):
    assert "weights_do_not_sum_to_one" in rules(with_value(facts, name__05__target=0.09), "WARN")
