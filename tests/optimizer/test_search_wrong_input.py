"""Every wrong input of the search is named, with the place and the remedy."""

import numpy as np
import pytest

import optimizer
from optimizer.errors import BadPanel, TooFewReturns
from optimizer.search_planted import planted_panel


@pytest.fixture(scope="module")
def panel():
    return planted_panel(5, months=30, names=60, premia=np.array([0.004, 0.0, 0.0]), days=3)


def broken(panel, **changes):
    arguments = {"scores": panel.scores, "returns": panel.returns, "holdings": 8, **panel.labels, **changes}
    return optimizer.search(arguments.pop("scores"), arguments.pop("returns"), **arguments)


def test_a_missing_score_is_named_by_month_factor_and_name(panel):
    scores = panel.scores.copy()
    scores[4, 17, 1] = np.nan
    with pytest.raises(BadPanel, match=r"scores for 2000-06 hold 1 values that are NaN or infinite, first 'factor_02' of name 17"):
        broken(panel, scores=scores)


def test_a_missing_return_is_named_by_month_day_and_name(panel):
    returns = [days.copy() for days in panel.returns]
    returns[2][1, 9] = np.nan
    with pytest.raises(BadPanel, match=r"returns of 2000-04 hold 1 values .* first on day 2 for name 9"):
        broken(panel, returns=returns)


def test_a_constant_factor_is_named(panel):
    scores = panel.scores.copy()
    scores[3, :, 2] = 1.0
    with pytest.raises(BadPanel, match="factor 'factor_03' is constant over the 60 members for 2000-05"):
        broken(panel, scores=scores)


def test_scores_beside_the_returns_of_their_own_month_are_refused(panel):
    with pytest.raises(BadPanel, match="misaligned months: scores of 2000-02 stand beside returns of 2000-02"):
        broken(panel, decided_in=panel.earned_in)


def test_a_gap_in_the_months_is_refused(panel):
    gap = [t for t in range(30) if t != 12]
    with pytest.raises(BadPanel, match="misaligned months: 2001-03 follows 2001-01"):
        broken(
            panel,
            scores=panel.scores[gap],
            returns=[panel.returns[t] for t in gap],
            decided_in=[panel.decided_in[t] for t in gap],
            earned_in=[panel.earned_in[t] for t in gap],
        )


def test_twenty_three_months_are_too_few(panel):
    with pytest.raises(TooFewReturns, match="24 months, got 23"):
        broken(
            panel, scores=panel.scores[:23], returns=panel.returns[:23], decided_in=panel.decided_in[:23], earned_in=panel.earned_in[:23]
        )


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"factors": ("a", "b")}, r"scores must be \(months, names, factors\) = \(30, names, 2\)"),
        ({"factors": ("a", "a", "b")}, "different factors"),
        ({"signs": [1, 0, 1]}, r"signs must be \+1 or -1"),
        ({"holdings": 60}, "month 2000-02: 60 members, but 60 names are to be chosen"),
        ({"decided_in": ("2000/01",) * 30}, "not of the form YYYY-MM"),
        ({"decided_in": ("2000-01",) * 29}, "29 months of scores, 30 months of returns"),
        ({"returns": np.zeros((30, 59))}, "returns of 2000-02 must be"),
        ({"returns": np.full((30, 60), -1.5)}, "below -1"),
        ({"returns": np.full((30, 60), -1.0)}, "2000-02: a portfolio lost everything"),
        ({"benchmark": np.zeros((30, 2))}, "benchmark of 2000-02 must hold 3 returns"),
        ({"benchmark": np.zeros((29, 3))}, "misaligned months"),
        ({"members": np.ones((30, 59), bool)}, "members must be"),
        ({"members": np.full((30, 60), np.nan)}, "members must be true or false"),
        ({"scores": np.full((30, 60, 3), "high")}, "scores must be numbers; got <U4"),
        ({"scores": np.full((30, 60, 3), np.inf)}, "scores for 2000-02 hold 180 values that are NaN or infinite"),
        ({"returns": np.zeros((30, 0, 60))}, "returns of 2000-02 must be .* a day at least"),
        ({"benchmark": np.full((30, 3), np.nan)}, "benchmark of 2000-02 must hold 3 returns above -1 without gaps"),
        ({"holdings": 0}, "holdings must be at least 1"),
        ({"cost": float("nan")}, "cost must be from 0 to below 0.5"),
        ({"cost": -0.001}, "cost must be from 0 to below 0.5"),
        ({"sectors": np.zeros(60, int)}, "come together"),
        ({"sectors": np.full(60, -1), "sector_limit": 3}, "whole numbers from 0"),
        ({"sectors": np.arange(60) % 4, "sector_limit": [3, 3]}, "sector_limit has 2 sectors"),
    ],
)
def test_wrong_input_is_refused_in_words(panel, changes, message):
    with pytest.raises(BadPanel, match=message):
        broken(panel, **changes)


def test_a_factor_that_copies_the_next_months_return_is_caught(panel):
    scores = panel.scores.copy()
    for t, days in enumerate(panel.returns):
        scores[t, :, 1] = np.prod(1.0 + days, axis=0)
    with pytest.raises(BadPanel, match=r"factor 'factor_02' has a mean rank correlation of 1.00 .* it knows the future"):
        broken(panel, scores=scores)


def test_a_factor_that_knows_a_third_of_the_next_months_return_is_caught_too(panel):
    scores = panel.scores.copy()
    for t, days in enumerate(panel.returns):
        future = np.prod(1.0 + days, axis=0)
        scores[t, :, 1] += 0.4 * (future - future.mean()) / future.std()
    with pytest.raises(BadPanel, match=r"'factor_02' .* it knows the future"):
        broken(panel, scores=scores)
