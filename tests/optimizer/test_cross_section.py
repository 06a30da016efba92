"""Factor returns against statsmodels, and the identities of the decomposition."""

import numpy as np
import pytest
import statsmodels.api as sm

from optimizer.cross_section import design, fit
from optimizer.errors import BadUniverse

N, SECTORS, STYLES, PERIODS = 80, 4, 3, 12


@pytest.fixture
def market():
    rng = np.random.default_rng(3)
    sector = np.arange(N) % SECTORS
    caps = np.exp(rng.normal(3, 1.5, N))
    built = design(sector, rng.normal(2, 5, (N, STYLES)), caps, ("a", "b", "c", "d"), ("x", "y", "z"))
    return built, caps, rng.normal(0, 0.02, (N, PERIODS))


def by_statsmodels(returns, built, caps):
    """WLS on market, sectors but the last, styles, with f_last = -sum W_s f_s / W_last put in by hand."""
    share = np.bincount(built.sector, caps) / caps.sum()
    known = ~np.isnan(returns)
    dummies = np.eye(SECTORS)[built.sector]
    free_sectors = dummies[:, :-1] - np.outer(dummies[:, -1], share[:-1] / share[-1])
    X = np.column_stack([np.ones(N), free_sectors, built.B[:, 1 + SECTORS :]])
    fitted = sm.WLS(returns[known], X[known], weights=built.weights[known]).fit()
    sectors = fitted.params[1:SECTORS]
    factor_returns = np.r_[fitted.params[0], sectors, -share[:-1] @ sectors / share[-1], fitted.params[SECTORS:]]
    kept = [k for k in range(1 + SECTORS + STYLES) if k != SECTORS]
    return factor_returns, fitted.tvalues, kept, fitted.rsquared


def test_factor_returns_t_values_and_fit_are_those_of_statsmodels(market):
    built, caps, returns = market
    ours = fit(returns, built)
    for period in range(PERIODS):
        factor_returns, t_values, kept, r_squared = by_statsmodels(returns[:, period], built, caps)
        assert ours.factor_returns[:, period] == pytest.approx(factor_returns, abs=1e-12)
        assert ours.t_stats[kept, period] == pytest.approx(t_values, abs=1e-9)
        assert ours.r_squared[period] == pytest.approx(r_squared, abs=1e-9)


@pytest.mark.parametrize("missing", [0.02, 0.3, 0.7])
def test_missing_names_leave_a_period_the_regression_of_the_others(market, missing):
    """Few gaps are taken off the common Gram matrix, many make their own; both are exact."""
    built, caps, returns = market
    returns[np.random.default_rng(4).random(returns.shape) < missing] = np.nan
    ours = fit(returns, built)
    for period in range(PERIODS):
        factor_returns, t_values, kept, _ = by_statsmodels(returns[:, period], built, caps)
        assert ours.factor_returns[:, period] == pytest.approx(factor_returns, abs=1e-9)
        assert ours.t_stats[kept, period] == pytest.approx(t_values, rel=1e-7, abs=1e-9)


def test_factors_and_specific_returns_add_up_to_the_return(market):
    built, _, returns = market
    returns[5, 3] = np.nan
    returns[7, 3] = 4.0  # an outlier stays what it was
    ours = fit(returns, built)
    rebuilt = built.B @ ours.factor_returns + ours.specific
    assert np.nanmax(np.abs(rebuilt - returns)) < 1e-15 * 8
    assert np.isnan(ours.specific[5, 3])


def test_sector_returns_weighted_by_cap_are_zero(market):
    built, caps, returns = market
    sectors = fit(returns, built).factor_returns[1 : 1 + SECTORS]
    assert np.bincount(built.sector, caps) / caps.sum() @ sectors == pytest.approx(np.zeros(PERIODS), abs=1e-15)


def test_returns_made_of_factors_alone_give_these_factors_back(market):
    """No noise: f is recovered, whatever the weights; R2 is one."""
    built, _, _ = market
    rng = np.random.default_rng(5)
    truth = built.restriction @ rng.normal(0, 0.01, (built.restriction.shape[1], PERIODS))
    ours = fit(built.B @ truth, built)
    assert ours.factor_returns == pytest.approx(truth, abs=1e-14)
    assert ours.r_squared == pytest.approx(np.ones(PERIODS))


def test_styles_have_no_cap_weighted_mean_and_unit_deviation(market):
    built, caps, _ = market
    styles = built.B[:, 1 + SECTORS :]
    assert caps @ styles / caps.sum() == pytest.approx(np.zeros(STYLES), abs=1e-12)
    assert styles.std(axis=0) == pytest.approx(np.ones(STYLES), abs=1e-12)


def test_weights_are_roots_of_caps_up_to_the_95th_percentile():
    caps = np.arange(1.0, 101.0)
    weights = design(np.zeros(100, int), np.empty((100, 0)), caps, ("only",), ()).weights
    ceiling = 95.05  # 95 % of the way from 1 to 100
    assert weights == pytest.approx(np.sqrt(np.minimum(caps, ceiling) / ceiling))


def test_a_missing_style_is_neutral_and_a_constant_one_is_left_out():
    built = design(np.array([0, 0, 1, 1]), np.array([[1.0, 7], [np.nan, 7], [3, 7], [5, 7]]), np.ones(4), ("a", "b", "c"), ("x", "flat"))
    assert built.columns == ("market", "a", "b", "x")
    assert built.B[1, 3] == 0.0


def test_a_day_with_too_few_names_has_no_factor_returns(market):
    built, _, returns = market
    returns[7:, 2] = np.nan  # 7 names for 8 columns, 7 of them free
    ours = fit(returns, built)
    assert np.isnan(ours.factor_returns[:, 2]).all()
    assert np.isnan(ours.r_squared[2])
    assert np.isfinite(np.delete(ours.factor_returns, 2, axis=1)).all()


def test_a_sector_without_names_that_day_leaves_specific_returns_right(market):
    """Fitted values are those of the regression without that sector, however market and sectors are split."""
    built, _, returns = market
    returns[built.sector == 1, 4] = np.nan
    known = ~np.isnan(returns[:, 4])
    dummies = np.eye(SECTORS)[built.sector][:, [0, 2, 3]]
    X = np.column_stack([dummies, built.B[:, 1 + SECTORS :]])
    expected = sm.WLS(returns[known, 4], X[known], weights=built.weights[known]).fit().resid
    assert fit(returns, built).specific[known, 4] == pytest.approx(expected, abs=1e-9)


def test_tomorrows_returns_do_not_change_todays_factors(market):
    built, _, returns = market
    assert fit(returns, built).factor_returns[:, :5] == pytest.approx(fit(returns[:, :5], built).factor_returns, abs=1e-15)


def test_bad_caps_codes_and_shapes_are_refused():
    good = (np.array([0, 1]), np.zeros((2, 1)), np.ones(2), ("a", "b"), ("x",))
    with pytest.raises(BadUniverse, match="positive"):
        design(good[0], good[1], np.array([1.0, 0.0]), *good[3:])
    with pytest.raises(BadUniverse, match="codes"):
        design(np.array([0, 2]), *good[1:])
    with pytest.raises(BadUniverse, match="style"):
        design(good[0], np.zeros((2, 2)), *good[2:])
    with pytest.raises(BadUniverse, match="names"):
        fit(np.zeros((3, 2)), design(*good))
