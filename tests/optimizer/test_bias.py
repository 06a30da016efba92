"""Whether risk forecasts came true: by hand, and on forecasts that are right by construction."""

import numpy as np
import pytest

from optimizer.bias import bias_statistic, realised, realised_over_forecast, rolling, tolerance
from optimizer.errors import BadPanel


def test_a_month_by_hand():
    """Returns of +1 % and -1 % a day are 0.01 x root(252) a year; together -0.01 %, against 2 days of 20 % a year: 0.2 x root(2 / 252)."""
    found = realised([np.array([0.01, -0.01])], np.array([0.2]), periods_per_year=252)
    assert found.volatility == pytest.approx([0.01 * np.sqrt(252)])
    assert found.z == pytest.approx([-0.0001 / (0.2 * np.sqrt(2 / 252))])


def test_right_forecasts_have_a_bias_of_one():
    rng = np.random.default_rng(3)
    forecast = rng.uniform(0.1, 0.3, 2000)
    months = [value / np.sqrt(252) * rng.standard_normal(21) for value in forecast]
    found = realised(months, forecast, periods_per_year=252)
    assert bias_statistic(found.z) == pytest.approx(1.0, abs=2 * tolerance(2000))
    assert realised_over_forecast(found.volatility, forecast) == pytest.approx(1.0, abs=0.01)
    assert realised_over_forecast(found.volatility, forecast / 2) == pytest.approx(2.0, abs=0.02)


def test_the_interval_holds_right_forecasts_in_nineteen_of_twenty_cases():
    rng = np.random.default_rng(4)
    inside = [abs(bias_statistic(rng.standard_normal(24)) - 1) <= tolerance(24) for _ in range(2000)]
    assert 0.93 < np.mean(inside) < 0.97


def test_a_window_ends_with_its_month():
    assert [part.tolist() for part in rolling(np.array([1, 2, 3]), 2)] == [[1], [1, 2], [2, 3]]


def test_no_months_have_no_bias():
    assert np.isnan(bias_statistic(np.array([])))
    assert np.isnan(realised_over_forecast(np.array([]), np.array([])))


def test_a_month_without_returns_is_refused():
    with pytest.raises(BadPanel, match="2 forecasts need as many months"):
        realised([np.array([0.01]), np.array([])], np.array([0.2, 0.2]), periods_per_year=252)
