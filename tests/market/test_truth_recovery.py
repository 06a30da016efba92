"""What was planted comes back: returns to the true traits, from the chain's own clean prices, with honest intervals.

A month's return to a trait is its premium plus luck. The names of one month tell the sum well and the premium badly, so there are two
intervals: one for what the month brought, from what names do by themselves, and one for the premium, from how the trait's return varies
from session to session. Each must hold the truth as often as a 95 % interval should.
"""

import numpy as np
import polars as pl
import pytest
import recovery

from optimizer.cross_section import design, fit
from wg_dagster.calendars import months_between
from wg_dagster.ingest.synthetic import SyntheticMarket
from wg_dagster.ingest.synthetic_market.weather import STYLES
from wg_dagster.strategies import NEXT_MAJOR_100
from wg_dagster.walk import walk
from wg_dagster.warehouse import Warehouse

FACTOR_MONTHS = months_between("2023-01", "2025-12")
PROXIES = (  # the factor that should show a trait, and its sign
    ("surprise", "news", 1),
    ("value", "cheapness", 1),
    ("volatility", "junk", 1),
    ("safety", "distress", -1),
    ("safety", "leverage", -1),
    ("profitability", "quality", 1),
    ("size", "size", 1),
    ("growth", "growth", 1),
)


@pytest.fixture(scope="module")
def embedded(shared):
    """The embedded market as it ships: recovery of all months, and the factor returns of Next Major's universe for three years."""

    def build(folder):
        market, warehouse = SyntheticMarket(), Warehouse(folder / "home")
        months = months_between(*market.span())
        walk(warehouse, market, history=months, months=FACTOR_MONTHS, strategies=[NEXT_MAJOR_100.strategy_id], until="attribution")
        truth = market.truth()
        recovery.recovered(warehouse.read("prices_clean"), warehouse.read("securities_clean"), truth).write_parquet(folder / "rows.parquet")
        warehouse.read("factor_returns").write_parquet(folder / "factor_returns.parquet")
        truth["premia"].filter(pl.col("market") == "US").write_parquet(folder / "premia.parquet")

    folder = shared("embedded", build)
    return {name: pl.read_parquet(folder / f"{name}.parquet") for name in ("rows", "factor_returns", "premia")}


@pytest.mark.slow
def test_what_each_month_brought_lies_in_the_interval_of_the_cross_section(embedded):
    rows = embedded["rows"]
    assert rows.height > 1800  # 2 markets x 10 traits x 94 months
    assert 0.90 <= recovery.covered(rows, "monthly", "residual_error", "realised") <= 0.99
    assert rows.select(pl.corr("monthly", "realised")).item() > 0.8  # the intervals are not merely wide


@pytest.mark.slow
@pytest.mark.parametrize("market", ["US", "JP"])
def test_planted_premia_lie_in_the_interval_of_the_estimated_returns(embedded, market):
    rows = embedded["rows"].filter(pl.col("market") == market)
    assert 0.90 <= recovery.covered(rows, "daily_sum", "daily_error", "premium", width=pl.col("daily_width")) <= 0.99


@pytest.mark.slow
def test_premia_of_eight_years_lie_in_the_interval_of_the_mean(embedded):
    """20 intervals, of which one should miss; three or more do by chance in 8 of 100 markets."""
    found = recovery.spans(embedded["rows"])
    outside = found.filter((pl.col("estimate") - pl.col("premium")).abs() > recovery.WIDTH * pl.col("error"))
    assert outside.height <= 2, outside


@pytest.mark.slow
def test_intervals_that_leave_out_the_luck_of_a_trait_are_too_narrow_for_its_premium(embedded):
    """Why there are two: names alone do not tell how far a month strays from its premium."""
    assert recovery.covered(embedded["rows"], "monthly", "residual_error", "premium") < 0.80


@pytest.mark.slow
def test_intervals_find_out_a_wrong_truth(embedded):
    """The return to another trait is not taken for the trait's own."""
    rows = embedded["rows"].with_columns(wrong=pl.col("realised").shift(1).over("market", "month"))
    assert recovery.covered(rows.drop_nulls("wrong"), "monthly", "residual_error", "wrong") < 0.75


@pytest.mark.slow
def test_observed_factors_show_the_traits_behind_them(embedded):
    """Observed factors are proxies: printed for all, claimed for those whose correlation over 36 months cannot be luck (5 %: 0.33)."""
    found = {}
    for factor, trait, sign in PROXIES:
        found[factor, trait] = sign * recovery.correlation(embedded["factor_returns"], embedded["premia"], factor, trait)
        print(f"{factor:14} {trait:10} {found[factor, trait]:+.2f}")
    assert min(found[pair] for pair in (("surprise", "news"), ("value", "cheapness"), ("volatility", "junk"))) > 0.33, found


# -- quick: the machinery ----------------------------------------------------------------------------------------------------------


def test_a_short_history_recovers_what_its_months_brought(tmp_path):
    """160 US names, six months of clean prices: intervals and truth are about each other."""
    market, warehouse = SyntheticMarket(4, scale="tiny", n_us=160, first="2024-01", last="2024-06"), Warehouse(tmp_path)
    walk(warehouse, market, history=months_between("2024-01", "2024-06"), months=[], until="clean")
    rows = recovery.recovered(warehouse.read("prices_clean"), warehouse.read("securities_clean"), market.truth())
    us = rows.filter(pl.col("market") == "US")
    assert us.height == 4 * len(STYLES)  # a name has a market cap once it has reported, during February
    assert recovery.covered(us, "monthly", "residual_error", "realised") >= 0.85
    assert us.select(pl.corr("monthly", "realised")).item() > 0.6


def test_robust_errors_are_those_of_statsmodels():
    """HC3 of the same weighted regression, written with g free and carried to f = R g."""
    from statsmodels.api import WLS

    rng = np.random.default_rng(3)
    sector, styles, caps = rng.integers(0, 4, 60), rng.normal(size=(60, 2)), np.exp(rng.normal(size=60))
    exposure = design(sector, styles, caps, ("a", "b", "c", "d"), ("x", "y"))
    returns = rng.normal(size=(60, 1)) * np.exp(0.5 * styles[:, :1])
    theirs = WLS(returns[:, 0], exposure.B @ exposure.restriction, weights=exposure.weights).fit(cov_type="HC3").cov_params()
    expected = np.sqrt(np.diag(exposure.restriction @ theirs @ exposure.restriction.T))
    np.testing.assert_allclose(recovery.robust_errors(exposure, fit(returns, exposure)), expected, rtol=1e-9)


def test_coverage_counts_the_intervals_that_hold_the_truth():
    rows = pl.DataFrame({"estimate": [0.0, 0.0, 0.0, 0.0], "error": [1.0, 1.0, 2.0, 0.1], "planted": [1.9, 2.0, -3.9, 0.0]})
    assert recovery.covered(rows, "estimate", "error", "planted") == 0.75


def test_the_error_of_a_mean_of_months_is_that_of_independent_months():
    """Two months with errors 3 and 4: the sum has 5, the mean 2.5."""
    rows = pl.DataFrame(
        {"market": ["US"] * 2, "trait": ["news"] * 2, "premium": [1.0, 2.0], "daily_sum": [0.0, 4.0], "daily_error": [3.0, 4.0]}
    )
    assert recovery.spans(rows).row(0) == ("US", "news", 1.5, 2.0, 2.5)
