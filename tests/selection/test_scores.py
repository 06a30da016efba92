"""Scores of members: which components, over which names, in which order."""

import numpy as np
import polars as pl
import pytest
from scipy.special import ndtri

from wg_dagster.schemas.columns import FACTORS
from wg_dagster.schemas.gates import failures
from wg_dagster.schemas.tables import TABLES
from wg_dagster.selection.scores import component_values, factor_scores, score_matrix, uncovered
from wg_dagster.strategies import MAJOR_100


def universe_of(hand, names, month=None):
    rows = {"strategy": "major_100", "month": month or hand.month, "as_of_date": hand.as_of, "security_id": list(names)}
    return hand.full("universe_members", pl.DataFrame(rows))


def factors_of(hand, **metrics):
    """The fourteen tables, all empty but for the components given: {component: {name: value}}."""
    tables = {factor: TABLES[f"factor_{factor}"].empty() for factor in FACTORS}
    for factor in FACTORS:
        given = {name: values for name, values in metrics.items() if name in TABLES[f"factor_{factor}"].columns}
        names = sorted({name for values in given.values() for name in values})
        if names:
            columns = {component: [values.get(name) for name in names] for component, values in given.items()}
            tables[factor] = hand.full(
                f"factor_{factor}", pl.DataFrame({"month": [hand.month] * len(names), "security_id": names, **columns})
            )
    return tables


def scores_of(hand, names, factors, components=None):
    components = hand.components() if components is None else components
    return factor_scores(MAJOR_100, hand.month, universe=universe_of(hand, names), factors=factors, components=components)


def blom(ranks, count):
    """Normal scores of ranks, brought to mean 0 and standard deviation 1."""
    scores = ndtri((np.array(ranks) - 0.375) / (count + 0.25))
    return (scores - scores.mean()) / scores.std()


def test_a_score_is_the_standardised_normal_rank(hand):
    rows = scores_of(hand, "abcd", factors_of(hand, log_price={"a": 1.0, "b": 3.0, "c": 2.0, "d": 40.0}))
    assert rows["price_level"].to_list() == pytest.approx(blom([1, 3, 2, 4], 4), abs=1e-12)


def test_names_outside_of_the_universe_do_not_move_a_score(hand):
    """Scores are standardised over the members, never over everything that has a metric."""
    metrics = {"a": 1.0, "b": 3.0, "c": 2.0, "d": 40.0}
    wider = metrics | {f"x{k}": 100.0 + k for k in range(50)}
    alone, among = (scores_of(hand, "abcd", factors_of(hand, log_price=values)) for values in (metrics, wider))
    assert among.equals(alone)


def test_a_component_counts_with_its_direction_and_weight(hand):
    """Value is 3 parts profit yield and 1 part book to price taken negatively."""
    components = pl.DataFrame(
        {
            "component": ["profit_yield", "book_to_price"],
            "factor": ["value", "value"],
            "direction": [1, -1],
            "weight": [3.0, 1.0],
            "market": ["both", "both"],
        }
    )
    factors = factors_of(
        hand,
        profit_yield=dict(zip("abcd", [1.0, 2.0, 3.0, 4.0], strict=True)),
        book_to_price=dict(zip("abcd", [4.0, 1.0, 3.0, 2.0], strict=True)),
    )
    mixed = (3 * blom([1, 2, 3, 4], 4) - blom([4, 1, 3, 2], 4)) / 4
    rows = scores_of(hand, "abcd", factors, components)
    assert rows["value"].to_list() == pytest.approx(mixed / mixed.std(), abs=1e-12)


def test_a_component_of_the_other_market_does_not_count(hand):
    components = hand.components().with_columns(
        pl.when(pl.col("component") == "forecast_revision_rate").then(pl.lit("JP")).otherwise("market").alias("market")
    )
    factors = factors_of(
        hand,
        earnings_surprise=dict(zip("abcd", [1.0, 2.0, 3.0, 4.0], strict=True)),
        forecast_revision_rate=dict(zip("abcd", [4.0, 3.0, 2.0, 1.0], strict=True)),
    )
    assert scores_of(hand, "abcd", factors, components)["surprise"].to_list() == pytest.approx(blom([1, 2, 3, 4], 4), abs=1e-12)


def test_a_member_without_a_metric_has_no_score(hand):
    rows = scores_of(hand, "abcde", factors_of(hand, log_price={"a": 1.0, "b": 3.0, "c": 2.0, "d": None}))
    assert rows["price_level"].to_list()[:3] == pytest.approx(blom([1, 3, 2], 3), abs=1e-12)
    assert rows["price_level"].to_list()[3:] == [None, None]


def test_coverage_is_the_share_of_the_strategys_own_factors(hand):
    """Major has five: dividend yield and leverage make two; the price is not its factor."""
    metrics = dict.fromkeys("ab", 1.0)
    safety = {"negative_leverage": metrics, "cash_flow_to_debt": metrics}
    rows = scores_of(hand, "abc", factors_of(hand, dividend_yield_12m={"a": 1.0, "b": 2.0, "c": 3.0}, **safety, log_price=metrics))
    assert rows["coverage"].to_list() == pytest.approx([0.4, 0.4, 0.2])


def test_the_scarcest_factor_is_named_first(hand):
    rows = scores_of(hand, "abc", factors_of(hand, dividend_yield_12m={"a": 1.0, "b": 2.0, "c": 3.0}, eps_change_stability={"a": 1.0}))
    shares = uncovered(MAJOR_100, rows)
    assert list(shares) == ["profitability", "safety", "surprise", "eps_stability", "shareholder_return"]
    assert shares["eps_stability"] == pytest.approx(1 / 3)


def test_metrics_come_in_the_order_of_the_names(hand):
    rows = factors_of(hand, profit_yield={"a": 1.0, "b": 2.0}, book_to_price={"a": 3.0})["value"]
    values = component_values(pl.Series(["b", "x", "a"]), rows, ["profit_yield", "book_to_price"])
    assert np.array_equal(values, [[2.0, np.nan], [np.nan, np.nan], [1.0, 3.0]], equal_nan=True)


def test_the_order_of_the_rows_changes_nothing(hand):
    names = [f"n{k}" for k in range(30)]
    factors = hand.factors(names)
    shuffled = {factor: rows.sample(fraction=1.0, shuffle=True, seed=2) for factor, rows in factors.items()}
    straight = scores_of(hand, names, factors)
    again = factor_scores(
        MAJOR_100,
        hand.month,
        universe=universe_of(hand, names[::-1]),
        factors=shuffled,
        components=hand.components().sample(fraction=1.0, shuffle=True, seed=1),
    )
    assert again.equals(straight)


def test_members_of_later_months_change_nothing(hand):
    names = [f"n{k}" for k in range(10)]
    later = pl.concat([universe_of(hand, names), universe_of(hand, ["z"], month="2020-02")])
    rows = factor_scores(MAJOR_100, hand.month, universe=later, factors=hand.factors(names), components=hand.components())
    assert rows.equals(scores_of(hand, names, hand.factors(names)))


def test_the_rows_pass_the_gate(hand):
    names = [f"n{k}" for k in range(30)]
    assert failures("factor_scores", scores_of(hand, names, hand.factors(names))).is_empty()


def test_no_members_have_no_scores(hand):
    assert scores_of(hand, [], hand.factors(["a"])).is_empty()
    assert score_matrix(pl.Series([], dtype=pl.String), hand.factors(["a"]), hand.components(), market="US").shape == (0, 14)
