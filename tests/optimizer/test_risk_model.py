"""The risk model on markets whose covariance is known."""

from dataclasses import replace

import numpy as np
import pytest
from scipy.signal import lfilter

from optimizer.cross_section import design
from optimizer.errors import TooFewReturns
from optimizer.risk_model import LEAST_WITH_LAGS, PRIOR_PERIODS, Memory, factor_covariance, fit_risk_model
from optimizer.universe import Universe

N, PERIODS = 300, 1500
EQUAL = Memory(half_life=None, volatility_half_life=None, lags=0, specific_half_life=None)


@pytest.fixture(scope="module")
def market():
    rng = np.random.default_rng(11)
    caps = np.exp(rng.normal(0, 1, N))
    built = design(np.arange(N) % 4, rng.standard_normal((N, 2)), caps, tuple("abcd"), ("x", "y"))
    factor_returns = built.restriction @ (
        rng.standard_normal((6, PERIODS)) * np.array([[0.010], [0.005], [0.005], [0.005], [0.003], [0.002]])
    )
    deviation = rng.uniform(0.01, 0.03, N)
    return (
        built,
        caps / caps.sum(),
        factor_returns,
        deviation,
        built.B @ factor_returns + deviation[:, None] * rng.standard_normal((N, PERIODS)),
    )


def test_covariance_of_simulated_factors_is_recovered(market):
    """Portfolio variances against those of the factors that were drawn; 1,500 days, 300 names: within 5 %."""
    built, index, factor_returns, deviation, returns = market
    model = fit_risk_model(returns, built, memory=EQUAL)
    truth = 252 * np.cov(factor_returns, bias=True)
    rng = np.random.default_rng(0)
    for weights in [index, *rng.dirichlet(np.ones(N), 3)]:
        exposure = built.B.T @ weights
        expected = np.sqrt(exposure @ truth @ exposure + 252 * deviation**2 @ weights**2)
        assert model.volatility(weights) == pytest.approx(expected, rel=0.05)
    assert np.median(model.idio_var / (252 * deviation**2)) == pytest.approx(1.0, abs=0.05)


@pytest.mark.parametrize("memory", [EQUAL, Memory(), Memory(half_life=100.0), Memory(lags=5, shrinkage=0.3)])
def test_the_scenarios_are_centred_and_carry_the_covariance(market, memory):
    model = fit_risk_model(market[4], market[0], memory=memory)
    assert np.abs(model.factor_returns.mean(axis=0)).max() < 1e-15
    assert 252 * model.factor_returns.T @ model.factor_returns / len(model.factor_returns) == pytest.approx(
        model.factor_covariance, abs=1e-15
    )


def test_recent_days_weigh_more(market):
    """The last 100 days three times as wild: a half-life of 50 days sees it, equal weights hardly."""
    built, index, _, _, returns = market
    wild = np.concatenate([returns[:, :-100], 3 * returns[:, -100:]], axis=1)
    calm = fit_risk_model(returns, built, memory=EQUAL).volatility(index)
    assert fit_risk_model(wild, built, memory=EQUAL).volatility(index) < 1.4 * calm
    assert fit_risk_model(wild, built, memory=replace(EQUAL, volatility_half_life=50.0)).volatility(index) > 2.2 * calm


def test_the_covariance_is_that_of_its_memory():
    """Two factors, four days, by hand: correlations of all days alike, volatilities of the last day alone (half-life near zero)."""
    returns = np.array([[0.01, 0.01], [-0.01, -0.01], [0.01, -0.01], [-0.01, 0.01]]) * [1.0, 2.0]
    alike = factor_covariance(returns, EQUAL)
    assert alike == pytest.approx(np.array([[1e-4, 0.0], [0.0, 4e-4]]))
    # Deviations from the mean are the returns; one lag: products of neighbours are -1, -1, -1 e-4 and, across, alternate.
    first = -3e-4 * 2 * 0.5 / 4
    lagged = factor_covariance(returns, replace(EQUAL, lags=1))
    assert lagged[0, 0] == pytest.approx(1e-4 + first)
    half = factor_covariance(np.column_stack([returns[:, 0], returns[:, 0]]), replace(EQUAL, shrinkage=0.5))
    assert half == pytest.approx(np.array([[1.0, 0.5], [0.5, 1.0]]) * 1e-4)


def test_lags_see_what_a_trend_adds():
    """Returns that go on, r = 0.2 r(-1) + e: Bartlett's weights of 20 lags add 2 (0.25 - 0.3125 / 21) to a variance of one."""
    trend = lfilter([1.0], [1.0, -0.2], np.random.default_rng(5).standard_normal((300_000, 2)), axis=0)
    plain, lagged = factor_covariance(trend, EQUAL), factor_covariance(trend, replace(EQUAL, lags=20))
    assert np.diagonal(lagged) / np.diagonal(plain) == pytest.approx([1.470, 1.470], abs=0.03)


def test_sector_returns_still_sum_to_zero_by_cap(market):
    """The restriction of the regression survives the bending, so that the market alone carries no sector."""
    built = market[0]
    model = fit_risk_model(market[4], built, memory=Memory(lags=3, shrinkage=0.2))
    inside = built.restriction @ np.linalg.lstsq(built.restriction, model.factor_returns.T, rcond=None)[0]
    assert inside == pytest.approx(model.factor_returns.T, abs=1e-12)


def test_prices_between_bid_and_ask_do_not_take_away_all_of_a_names_noise(market):
    """Noise that turns round each day sums to nothing; half of its mean square is kept."""
    built, _, factor_returns, _, _ = market
    bounce = 0.02 * np.where(np.arange(PERIODS) % 2, 1.0, -1.0)
    returns = built.B @ factor_returns + 0.01 * np.random.default_rng(8).standard_normal((N, PERIODS))
    returns[7] += bounce
    plain, lagged = (fit_risk_model(returns, built, memory=replace(EQUAL, lags=lags)).idio_var for lags in (0, 1))
    assert lagged[7] == pytest.approx(LEAST_WITH_LAGS * plain[7], rel=0.05)
    assert np.median(lagged / plain) == pytest.approx(1.0, abs=0.02)


def test_a_young_name_leans_on_its_sector(market):
    """30 days of its own at zero noise of its own: (30 x 0 + 60 x median) / 90."""
    built, _, _, _, returns = market
    young = returns.copy()
    young[0, :-30] = np.nan
    ours = fit_risk_model(young, built, memory=EQUAL)
    never = young.copy()
    never[0] = np.nan
    prior = fit_risk_model(never, built, memory=EQUAL).idio_var[0]
    settled = (built.sector == 0) & (np.arange(N) > 0)
    # Its sector's median before the shrinking: undo (1500 own + 60 median) / 1560 at the median itself.
    assert prior == pytest.approx(np.median(ours.idio_var[settled]), rel=1e-3)
    own = (ours.idio_var[0] * (30 + PRIOR_PERIODS) - PRIOR_PERIODS * prior) / 30
    assert 0.3 < own / (252 * market[3][0] ** 2) < 2.0


def test_beta_of_the_index_is_one_and_betas_average_to_it(market):
    built, index, _, _, returns = market
    model = fit_risk_model(returns, built)
    assert model.beta(index, index) == pytest.approx(1.0)
    assert model.betas(index) @ index == pytest.approx(1.0)
    weights = np.random.default_rng(2).dirichlet(np.ones(N))
    assert model.beta(weights, index) == pytest.approx(model.betas(index) @ weights)
    assert model.volatility(weights) >= model.beta(weights, index) * model.volatility(index)
    assert model.volatility(np.eye(N)[4]) == pytest.approx(model.volatilities()[4])


def test_a_subset_keeps_the_risk_of_its_names(market):
    model = fit_risk_model(market[4], market[0])
    part = np.array([7, 3, 200])
    weights = np.zeros(N)
    weights[part] = [0.5, 0.3, 0.2]
    assert model.subset(part).volatility(weights[part]) == pytest.approx(model.volatility(weights))


def test_a_universe_of_the_model_has_its_risk(market):
    built, index, _, _, returns = market
    model = fit_risk_model(returns, built)
    names = [f"n{i}" for i in range(N)]
    members = np.arange(5, 250)
    universe = Universe.from_model(model, ids=names, mu=np.full(N, 0.1), sector=built.sector, benchmark=1000 * index, members=members)
    weights = np.random.default_rng(3).dirichlet(np.ones(len(members)))
    whole = np.zeros(N)
    whole[members] = weights
    assert universe.volatility(weights) == pytest.approx(model.volatility(whole))
    assert universe.benchmark_vol == pytest.approx(model.volatility(index))
    assert universe.beta @ weights == pytest.approx(model.beta(whole, index))
    assert universe.sector_weights == pytest.approx(np.bincount(built.sector, index))
    assert universe.benchmark.sum() < 1


def test_days_on_which_nobody_trades_are_no_days(market):
    built, _, _, _, returns = market
    gaps = np.insert(returns, [5, 100], np.nan, axis=1)
    assert fit_risk_model(gaps, built).idio_var == pytest.approx(fit_risk_model(returns, built).idio_var, rel=1e-12)


def test_three_months_are_needed(market):
    with pytest.raises(TooFewReturns, match="59 of 59"):
        fit_risk_model(market[4][:, :59], market[0])
