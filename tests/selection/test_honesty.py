"""The measures behind docs/honesty.md, by hand; and that the page judges by its figures."""

import sys
from datetime import date
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import polars as pl
import pytest

from wg_dagster.strategies import MAJOR_100

sys.path.insert(0, str(Path(__file__).parents[2]))  # benchmarks are no installed package
pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings("ignore")]  # skfolio and what it imports warn


def prices(*rows):
    return pl.DataFrame(rows, schema={"security_id": pl.String, "session_date": pl.Date, "return_1e9": pl.Int64}, orient="row")


def test_a_months_return_by_hand():
    """Decided in December 2019, bought on 2 January at 2.5 basis points, held through 3 February: the first session is not earned.

    Half a +10 % and half b -5 %: 1.025 x (1 - 0.00025) - 1. In January b is sold for a: the shares have drifted to 0.55 and 0.475 of
    1.025, and 1 - 0.55 / 1.025 = 0.4634 are bought and as much is sold.
    """
    from benchmarks.honesty_measures import monthly_returns

    rows = prices(
        ("a", date(2020, 1, 2), 900_000_000),
        ("a", date(2020, 1, 3), 100_000_000),
        ("b", date(2020, 2, 3), -50_000_000),
        ("a", date(2020, 2, 4), 20_000_000),
    )
    decided = {"2019-12": {"a": 0.5, "b": 0.5, "c": 0.0}, "2020-01": {"a": 1.0}}
    found = monthly_returns(MAJOR_100, decided, rows)
    assert found["2020-01"] == pytest.approx(1.025 * (1 - 0.00025) - 1)
    traded = 2 * (1 - 0.55 / 1.025)
    assert found["2020-02"] == pytest.approx(1.02 * (1 - 0.00025 * traded) - 1)
    assert monthly_returns(MAJOR_100, decided, rows, cost=False)["2020-01"] == pytest.approx(0.025)


@pytest.mark.parametrize(
    ("edge", "words"), [(0.01, "Losses: none in this run."), (-0.01, "the best 25 by score, 4 % each was better by 12.00% a year (")]
)
def test_losses_are_admitted(edge, words):
    from benchmarks.honesty_page import page

    months = [f"2025-{k:02d}" for k in range(1, 13)]
    other = np.linspace(-0.02, 0.02, 12)
    returns = {("one", "major_100", "ours"): dict(zip(months, other + edge, strict=True))}
    returns |= {("one", "major_100", rule): dict(zip(months, other, strict=True)) for rule in ("equal_25", "skfolio", "benchmark")}
    names = {("major_100", rule): [25] for rule in ("ours", "equal_25", "skfolio", "benchmark")}
    figures = {"item": ["portfolio"], "strategy": "major_100", "realised_volatility": 0.3, "forecast_volatility": 0.2, "z": 1.0}
    bias = [pl.DataFrame({**figures, "realised_over_forecast_24m": 1.5, "months": 1})]
    source = SimpleNamespace(
        source="by hand", values={}, twins={}, stability={}, returns=returns, names=names, bias=bias, gaps=[], memory={}
    )
    text = page([source])
    assert words in text
    assert "1 of the portfolios and benchmarks are outside: the goal is missed there" in text
    assert "| by hand | major_100 | portfolio | 1 | 1.50 | 1.00 | too few months |" in text
