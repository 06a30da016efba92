"""The check of a portfolio knows each rule by itself, and nothing of solvers."""

from dataclasses import replace

import numpy as np
import pytest

from optimizer.errors import BadUniverse, TooFewReturns
from optimizer.mandate import Mandate, check
from optimizer.universe import Universe

MANDATE = Mandate(names=(3, 4), weight=(0.1, 0.4), sector_band=0.1, risk_band=(0.9, 1.1))


@pytest.fixture
def six():
    """Six names in two sectors on one factor of 16 % volatility; A1 and A2 are one company.

    Two scenarios, +1 % and -1 %: volatility sqrt(252/2 (0.01^2 + 0.01^2)) = 0.1587 for one unit of the factor.
    """
    return Universe(
        ids=["A1", "A2", "B", "C", "D", "E"],
        issuers=["A", "A", "B", "C", "D", "E"],
        mu=np.full(6, 0.08),
        exposures=np.array([[1.0], [1.0], [1.0], [1.0], [0.5], [2.0]]),
        factor_returns=np.array([[0.01], [-0.01]]),
        idio_var=np.full(6, 0.0001),
        sector=np.array([0, 0, 0, 1, 1, 1]),
        benchmark=np.full(6, 1 / 6),
        benchmark_exposure=np.array([1.0]),
        benchmark_vol=0.01 * np.sqrt(252),
        beta=np.array([1.0, 1.0, 1.0, 1.0, 0.5, 2.0]),
        sector_weights=np.array([0.6, 0.4]),
        periods_per_year=252,
    )


GOOD = np.array([0.2, 0.0, 0.4, 0.4, 0.0, 0.0])


def broken(weights, universe, mandate=MANDATE):
    return {rule.rule: (rule.limit, rule.value) for rule in check(np.array(weights), universe, mandate)}


def test_a_portfolio_within_all_limits_breaks_none(six):
    assert check(GOOD, six, MANDATE) == []


def test_a_limit_reached_exactly_is_kept(six):
    """Sector 0 at 0.7 = 0.6 + 0.1 and the largest weight at 0.4."""
    assert broken([0.3, 0.0, 0.4, 0.3, 0.0, 0.0], six) == {}


@pytest.mark.parametrize(
    ("weights", "rule", "limit", "value"),
    [
        ([0.2, 0, 0.4, 0.39, 0, 0], "weights sum to one less cash, at least", 1.0, 0.99),
        ([0.2, 0, 0.4, 0.4 + 2e-9, 0, 0], "weights sum to one less cash, at most", 1.0, 1 + 2e-9),
        ([0.3, 0, 0.4, 0.4, -0.1, 0], "no weight is negative", 0.0, -0.1),
        ([0.55, 0, 0, 0.45, 0, 0], "names, at least", 3, 2),
        ([0.2, 0.2, 0.2, 0.2, 0.2, 0], "names, at most", 4, 5),
        ([0.25, 0, 0.35, 0.35, 0.05, 0], "smallest weight", 0.1, 0.05),
        ([0.25, 0.2, 0.15, 0.4, 0, 0], "issuer A", 0.4, 0.45),
        ([0.1, 0, 0.35, 0.15, 0.4, 0], "sector 1, at most", 0.5, 0.55),
        ([0.1, 0, 0.35, 0.15, 0.4, 0], "sector 0, at least", 0.5, 0.45),
        ([0.2, 0.1, 0.3, 0.0, 0, 0.4], "beta, at least", None, None),
        ([0.2, 0.1, 0.3, 0.0, 0, 0.4], "volatility over the index's, at most", 1.1, None),
        ([0.3, 0, 0.3, 0, 0.4, 0], "beta, at least", 0.9, 0.8),
    ],
)
def test_each_broken_rule_is_named_with_its_limit_and_value(six, weights, rule, limit, value):
    found = broken(weights, six)
    if limit is None:  # this portfolio has beta 1.4
        assert rule not in found
        return
    assert rule in found
    assert found[rule][0] == pytest.approx(limit)
    if value is not None:
        assert found[rule][1] == pytest.approx(value, rel=1e-12)


def test_cash_leaves_less_to_invest(six):
    mandate = replace(MANDATE, cash=0.1, risk_band=(0.0, 1.1))
    assert broken(GOOD * 0.9, six, mandate) == {}
    assert "weights sum to one less cash, at most" in broken(GOOD, six, mandate)


def test_a_volatility_floor_is_met_by_noise_and_a_beta_floor_is_not(six):
    """Beta 0.88, but with specific variances of 0.1 the volatility is above 0.9 of the index."""
    noisy = replace(six, idio_var=np.full(6, 0.1))
    weights = np.array([0.3, 0.0, 0.3, 0.16, 0.24, 0.0])
    wide = replace(MANDATE, risk_band=(0.9, 2.0))
    assert set(broken(weights, noisy, wide)) == {"beta, at least"}
    assert broken(weights, noisy, replace(wide, risk_floor="vol")) == {}
    assert set(broken(weights, six, replace(wide, risk_floor="vol"))) == {"vol, at least"}
    assert broken(weights, six, replace(wide, risk_floor="none")) == {}


def test_weights_that_are_not_numbers_or_not_of_these_names_are_broken(six):
    assert len(check(np.array([np.nan] * 6), six, MANDATE)) == 1
    assert len(check(np.ones(5) / 5, six, MANDATE)) == 1


@pytest.mark.parametrize(
    "limits",
    [
        {"names": (25, 20)},
        {"weight": (0.0, 0.1)},
        {"weight": (0.2, 0.1)},
        {"sector_band": -0.01},
        {"risk_band": (1.1, 0.9)},
        {"risk_floor": "gamma"},
        {"cash": 1.0},
        {"trading_cost": -0.1},
    ],
)
def test_a_mandate_that_contradicts_itself_is_refused(limits):
    with pytest.raises(BadUniverse, match="mandate"):
        Mandate(**limits)


@pytest.mark.parametrize(
    ("field", "value", "says"),
    [
        ("mu", np.array([0.1, np.nan, 0.1, 0.1, 0.1, 0.1]), "mu is NaN .* name A2"),
        ("mu", np.ones(5), "mu has shape"),
        ("exposures", np.ones((6, 2)), "exposures has shape"),
        ("factor_returns", np.array([[np.inf], [0.0]]), "factor_returns is NaN or infinite"),
        ("idio_var", np.zeros(6), "idio_var must be positive"),
        ("sector", np.array([0, 0, 0, 1, 1, 2]), "sector codes .* first E"),
        ("benchmark", -np.ones(6), "benchmark weights"),
        ("ids", ["A1", "A1", "B", "C", "D", "E"], "ids repeat: A1"),
        ("issuers", ["A"], "issuers has shape"),
        ("sector_weights", np.array([0.6, 0.5]), "sum to 1"),
        ("benchmark_vol", 0.0, "must be positive"),
    ],
)
def test_a_universe_refuses_what_cannot_be_computed_with(six, field, value, says):
    with pytest.raises(BadUniverse, match=says):
        replace(six, **{field: value})


def test_one_scenario_is_no_risk_model(six):
    with pytest.raises(TooFewReturns):
        replace(six, factor_returns=np.zeros((1, 1)))


def test_volatility_downside_and_ratio_by_hand(six):
    """All in B: x = +-1 % + 0.08/252; loss of one period, 0.01 - 0.000317 = 0.009683.

    DD^2 = 252/2 x 0.009683^2 + 0.0001/2, ratio = 0.08 / DD; volatility^2 = 252 x 0.01^2 + 0.0001.
    """
    only = np.eye(6)[2]
    downside = np.sqrt(126 * (0.01 - 0.08 / 252) ** 2 + 0.00005)
    assert six.downside_deviation(only) == pytest.approx(downside)
    assert six.ratio(only) == pytest.approx(0.08 / downside)
    assert six.volatility(only) == pytest.approx(np.sqrt(0.0252 + 0.0001))
