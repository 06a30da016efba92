"""Regimes on series that can be followed by eye, and none of them looks ahead."""

import numpy as np
import pytest

from optimizer.errors import BadPanel
from optimizer.regimes import Split, crossed, marginal, rates, regime_table, trend, volatility, yen
from optimizer.search_windows import Sums


def test_a_market_above_its_mean_is_in_an_up_trend():
    """Mean of the last 3 levels: not known, 2 (3 is above), 3.67 (4 is above), 3.33 (2 is below)."""
    levels = np.array([1.0, 2.0, 3.0, 4.0, 4.0, 2.0])
    assert trend(levels, np.array([1, 2, 4, 5]), days=3).labels.tolist() == [-1, 1, 1, 0]


def test_volatility_is_compared_with_what_was_seen_so_far():
    """Calm for 30 months, then wild, then calm again: the first 23 month ends have no median yet."""
    rng = np.random.default_rng(0)
    daily = np.r_[0.01 * rng.standard_normal(30 * 20), 0.05 * rng.standard_normal(10 * 20), 0.001 * rng.standard_normal(10 * 20)]
    levels = np.exp(np.cumsum(daily))
    labels = volatility(levels, np.arange(19, len(levels), 20), days=20).labels
    assert (labels[:24] == -1).all()
    assert (labels[25:30] != -1).all()
    assert (labels[31:40] == 1).all()
    assert (labels[41:] == 0).all()


def test_rates_and_yen_are_compared_with_a_year_before():
    yields = np.r_[np.full(12, 2.0), np.full(6, 3.0), np.full(12, 1.0)]
    at = np.arange(30)
    assert rates(yields, at, back=12).labels.tolist() == [-1] * 12 + [1] * 6 + [0] * 12
    assert yen(yields * 50, at, back=12).cells()["yen weaker"].sum() == 6


@pytest.mark.parametrize("cut", [260, 333, 480])
def test_no_label_changes_when_tomorrow_is_removed(cut):
    rng = np.random.default_rng(1)
    levels = np.exp(np.cumsum(0.01 * rng.standard_normal(600)))
    at = np.arange(9, 600, 10)
    known = at < cut
    for split in (trend, volatility, lambda values, at: rates(values, at, back=252)):
        assert (split(levels[:cut], at[known]).labels == split(levels, at).labels[known]).all()


def two_splits():
    return [
        Split("trend", ("up", "down"), np.array([1, 1, 0, 0, -1])),
        Split("rates", ("rising", "falling"), np.array([1, 0, 1, 0, 0])),
    ]


def test_states_stand_alone_or_crossed():
    assert {name: np.flatnonzero(cell).tolist() for name, cell in marginal(two_splits()).items()} == {
        "trend up": [0, 1],
        "trend down": [2, 3],
        "rates rising": [0, 2],
        "rates falling": [1, 3, 4],
    }
    assert {name: np.flatnonzero(cell).tolist() for name, cell in crossed(two_splits()).items()} == {
        "trend up, rates rising": [0],
        "trend up, rates falling": [1],
        "trend down, rates rising": [2],
        "trend down, rates falling": [3],
    }


def test_thin_regimes_are_shown_and_not_scored():
    """40 months: 25 are enough, 13 are shown with their ratio, 2 only with their number."""
    rng = np.random.default_rng(2)
    returns = 0.05 * rng.standard_normal((40, 3))
    sums = Sums(np.ones(40), np.log1p(returns), returns, returns**2, np.minimum(returns, 0) ** 2, 12)
    place = np.arange(40)
    cells = {"wide": place < 25, "thin": (place >= 25) & (place < 38), "tiny": place >= 38}
    rows = {row.name: row for row in regime_table(sums, sums, cells)}
    assert [(row.months, row.is_scored) for row in rows.values()] == [(25, True), (13, False), (2, False)]
    assert np.isfinite(rows["thin"].own).all()
    assert np.isnan(rows["tiny"].own).all()


def test_a_gap_in_a_series_is_refused():
    with pytest.raises(BadPanel, match="carry the last known value forward"):
        trend(np.array([1.0, np.nan, 2.0]), np.array([2]))
    with pytest.raises(BadPanel, match="positions must ascend"):
        rates(np.arange(5.0), np.array([3, 5]), back=1)
