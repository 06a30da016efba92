"""Scores against skfolio's cross-sectional transformers, where the definitions match or differ by a known factor."""

import warnings

import numpy as np
import pytest
from scipy.special import ndtri

from optimizer.scoring import inverse_normal_rank, neutralise, standardise, winsorise

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # of the libraries that it imports
    from skfolio.linear_model import CSLinearRegression
    from skfolio.preprocessing import CSPercentileRankScaler, CSStandardScaler, CSWinsorizer

MONTHS, NAMES = 4, 300


@pytest.fixture
def values():
    """Four months of three hundred names: heavy tails, ties in the second, gaps in the third."""
    found = np.random.default_rng(5).standard_t(3, size=(MONTHS, NAMES))
    found[1] = found[1].round(1)
    found[2, ::7] = np.nan
    return found


def by_month(function, values):
    return np.array([function(row) for row in values])


def test_winsorising_is_theirs(values):
    np.testing.assert_array_equal(by_month(winsorise, values), CSWinsorizer(low=0.01, high=0.99).fit_transform(values))


def test_standardising_is_theirs_with_n_instead_of_n_less_one(values):
    count = (~np.isnan(values)).sum(axis=1, keepdims=True)
    theirs = CSStandardScaler().fit_transform(values) * np.sqrt(count / (count - 1))
    np.testing.assert_allclose(by_month(standardise, values), theirs, atol=1e-12)


def test_normal_scores_are_bloms_of_their_ranks(values):
    """Their percentile is (r - 1/2) / n, ties sharing an average; Blom's plotting position is (r - 3/8) / (n + 1/4)."""
    count = (~np.isnan(values)).sum(axis=1, keepdims=True)
    rank = CSPercentileRankScaler().fit_transform(values) * count + 0.5
    np.testing.assert_allclose(by_month(inverse_normal_rank, values), ndtri((rank - 0.375) / (count + 0.25)), atol=1e-12)


def test_neutral_scores_are_the_residuals_of_their_regression(values):
    """Sectors of fifty names, size as a column, weights by square root of cap; the residual is standardised by the same weights."""
    sector, log_cap = np.arange(NAMES) % 6, np.random.default_rng(6).normal(20, 2, NAMES)
    weights, score = np.exp(log_cap / 2) / np.exp(10), values[0]
    design = np.column_stack([sector[:, None] == np.arange(6), log_cap - log_cap.mean()]).astype(float)
    fitted = CSLinearRegression().fit(design[None], score[None], cs_weights=weights[None])
    expected = standardise(score - fitted.predict(design[None])[0], weights)
    np.testing.assert_allclose(neutralise(score, sector, log_cap, weights), expected, atol=1e-9)
