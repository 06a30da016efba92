"""The rules and their validation: by hand, and blind to the future."""

import numpy as np
import pytest

import optimizer
from optimizer.errors import TooFewReturns
from optimizer.search_planted import planted_panel
from optimizer.search_rules import Choice, best_first, choices, earned, shrunken_premia, shrunken_weights, top_count
from optimizer.search_validation import cross_validated, training_months, walk_forward

FACTORS, MONTHS = 3, 72


@pytest.fixture(scope="module")
def panel():
    return planted_panel(11, months=MONTHS, names=40, premia=np.array([0.004, 0.0, 0.0]))


@pytest.fixture(scope="module")
def result(panel):
    return optimizer.search(panel.scores, panel.returns, **panel.labels, holdings=6, cost=0.001)


def test_premia_are_drawn_to_their_mean_by_how_uncertain_they_are():
    """Means 1 and 3, standard errors 0 and 1 (of 2, 4, 2, 4 the variance is 4/3, over 4 months 1/3).

    Variance of the means 2, less mean squared error 1/6, is 11/6. The first is certain and stays 1; the second keeps
    (11/6) / (11/6 + 1/3) = 11/13 of its distance to 2.
    """
    premia = np.array([[1.0, 2.0], [1.0, 4.0], [1.0, 2.0], [1.0, 4.0]])
    assert shrunken_premia(premia) == pytest.approx([1.0, 2.0 + 11 / 13])


def test_premia_that_differ_by_chance_alone_become_one():
    premia = np.array([[0.0, 10.0], [10.0, 0.0], [0.0, 10.0], [10.0, 1.0]])
    assert np.ptp(shrunken_premia(premia)) == 0.0


def test_factors_without_premium_get_no_weight_and_no_premium_at_all_means_all_alike():
    certain = np.array([[0.02, -0.01, 0.01]] * 3)
    assert shrunken_weights(certain).tolist() == [1000, 0, 500]
    assert shrunken_weights(-np.abs(certain)).tolist() == [1000, 1000, 1000]


def test_the_top_percent_of_the_full_grid_are_164_subsets():
    assert top_count(16_383) == 164
    assert top_count(7) == 1


def test_ties_go_to_the_lowest_subset():
    assert best_first(np.array([1.0, 3.0, 3.0])).tolist() == [1, 2, 0]


def test_each_rule_holds_what_its_name_says(result):
    preferred = np.array([0.0, 5.0, 1.0, 1.0, 1.0, 1.0, 2.0])
    chosen = choices(result, preferred, slice(0, 36), ("factor_01", "factor_03"))
    assert {rule: choice.subsets for rule, choice in chosen.items()} == {
        "best": (1,),
        "top_1_percent": (1,),
        "premia": (),
        "all": (6,),
        "incumbent": (4,),
    }
    assert (chosen["premia"].weights == shrunken_weights(result.premia[:36])).all()


def test_subsets_side_by_side_earn_the_mean_of_their_returns(result):
    months = np.array([40, 41, 50])
    assert earned(result, Choice((0, 3)), months) == pytest.approx(result.monthly[months][:, [0, 3]].mean(axis=1), abs=1e-11)


def test_equal_weights_earn_what_the_full_subset_earns(result):
    """Also over a gap in the months: what was held in the month before the gap's end is chosen by the same weights."""
    months = np.array([0, 1, 2, 40, 41])
    assert earned(result, Choice(weights=np.full(3, 1000)), months) == pytest.approx(result.monthly[months, 6], abs=1e-11)


def test_a_walk_forward_knows_only_what_was_before(panel, result):
    """Other returns from month 66 on leave all choices up to 66 as they were, and the returns before it."""
    returns = [days if t < 66 else -0.5 * days for t, days in enumerate(panel.returns)]
    other = optimizer.search(panel.scores, returns, **panel.labels, holdings=6, cost=0.001)
    cells = np.array([np.arange(MONTHS) % 2 == 0])
    walks = [walk_forward(one, incumbent=("factor_02",), cells=cells, first=36, every=6) for one in (result, other)]
    for (t, before), (_, after) in zip(*(walk.fits for walk in walks), strict=True):
        if t <= 66:
            assert {rule: choice.subsets for rule, choice in before.items()} == {rule: choice.subsets for rule, choice in after.items()}
            assert (before["premia"].weights == after["premia"].weights).all()
    for rule in walks[0].returns:
        assert (walks[0].returns[rule][:30] == walks[1].returns[rule][:30]).all()
        assert (walks[0].returns[rule][30:] != walks[1].returns[rule][30:]).any()


def test_a_walk_forward_covers_every_month_after_the_first_fit(result):
    walk = walk_forward(result, first=40, every=12)
    assert walk.months.tolist() == list(range(40, 72))
    assert [t for t, _ in walk.fits] == [40, 52, 64]
    assert {len(series) for series in walk.returns.values()} == {32}
    assert walk.returns["all"] == pytest.approx(result.monthly[40:, 6], abs=1e-11)


def test_a_walk_forward_needs_months_after_its_first_choice(result):
    with pytest.raises(TooFewReturns, match="more than 72 months"):
        walk_forward(result, first=72)


def test_months_next_to_what_is_held_out_are_not_fitted_on():
    """Groups of four months; the second is held out: one month before and 1 + 2 after it are left out too."""
    fold = np.arange(16) // 4
    assert np.flatnonzero(training_months(fold, (1,), purge=1, embargo=2)).tolist() == [0, 1, 2, 11, 12, 13, 14, 15]
    assert np.flatnonzero(training_months(fold, (0, 3), purge=1, embargo=0)).tolist() == [5, 6, 7, 8, 9, 10]


def test_each_path_of_the_cross_validation_is_a_full_history(result):
    """Six groups, two held out: each group is held out in five of fifteen splits."""
    paths = cross_validated(result)
    assert paths["best"].shape == (5, 72)
    assert paths["all"] == pytest.approx(np.tile(result.monthly[:, 6], (5, 1)), abs=1e-11)


def test_cross_validation_needs_months_to_fit_on(result):
    with pytest.raises(TooFewReturns, match="remain to fit on"):
        cross_validated(result, groups=2, held_out=1, embargo=30)
