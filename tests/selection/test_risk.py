"""Returns and benchmarks of a market's risk model."""

from dataclasses import replace

import numpy as np
import polars as pl
import pytest

from optimizer.errors import TooFewReturns
from wg_dagster.calendars import session_dates
from wg_dagster.schemas.columns import FACTORS
from wg_dagster.selection.risk import market_risk, return_matrix
from wg_dagster.selection.universe import universe_members
from wg_dagster.strategies import MAJOR_100, NEXT_MAJOR_100, UniverseRule


def lines_of(hand, names):
    return pl.DataFrame({"security_id": names, "as_of_date": [hand.as_of] * len(names)})


def returns_of(hand, table, rows):
    """Rows of a table of returns from (name, sessions back from the as-of session, return)."""
    past = [day for day in session_dates("XNYS") if day <= hand.as_of]
    columns = [
        {
            "security_id": name,
            "session_date": past[-1 - back],
            "market": "US",
            "month": "",
            "return_1e9": None if value is None else round(value * 1e9),
        }
        for name, back, value in rows
    ]
    return hand.full(table, pl.DataFrame(columns, infer_schema_length=None))


def fit(market, strategy, month, **tables):
    given = {"securities": market.securities, "prices": market.prices, "benchmark_members": market.members} | tables
    universe = universe_members(strategy, month, **given)
    return universe, market_risk(
        strategy, month, universe=universe, older_returns=market.older, factors=market.factors, components=market.components, **given
    )


def test_returns_are_placed_by_name_and_session(hand):
    prices = returns_of(
        hand, "prices_clean", [("b", 0, 0.02), ("a", 1, -0.01), ("a", 0, None), ("other", 0, 0.5), ("a", 499, 0.03), ("a", 500, 0.9)]
    )
    returns = return_matrix(lines_of(hand, ["a", "b"]), "US", prices, returns_of(hand, "risk_returns", [("a", 3, None)]))
    assert returns.shape == (2, 500)
    assert (returns[0, 498], returns[1, 499], returns[0, 0]) == (-0.01, 0.02, 0.03)
    assert np.isfinite(returns).sum() == 3


def test_older_returns_fill_what_prices_do_not_have(hand):
    prices = returns_of(hand, "prices_clean", [("a", 0, 0.01)])
    older = returns_of(hand, "risk_returns", [("a", 0, 0.99), ("a", 1, 0.02)])
    returns = return_matrix(lines_of(hand, ["a"]), "US", prices, older)
    assert returns[0, -2:].tolist() == [0.02, 0.01]


def test_sessions_after_the_cut_off_change_nothing(hand, random_market):
    later = random_market.prices.filter(pl.col("session_date") == hand.as_of).with_columns(
        pl.col("session_date").dt.offset_by("3d"), pl.lit("2020-02").alias("month"), pl.lit(900_000_000, dtype=pl.Int64).alias("return_1e9")
    )
    _, alone = fit(random_market, MAJOR_100, hand.month)
    _, with_later = fit(random_market, MAJOR_100, hand.month, prices=pl.concat([random_market.prices, later]))
    assert np.array_equal(with_later.model.factor_returns, alone.model.factor_returns)
    assert np.array_equal(with_later.model.idio_var, alone.model.idio_var)


def test_the_model_covers_the_whole_market_and_the_benchmark_the_universe(hand, random_market):
    universe, risk = fit(random_market, MAJOR_100, hand.month)
    assert (risk.lines.height, universe.height) == (120, 48)
    assert risk.benchmark.sum() == pytest.approx(1.0)
    assert risk.benchmark[risk.places(universe["security_id"])].tolist() == universe["benchmark_weight"].to_list()
    assert risk.model.columns == ("market", *(f"S{k}" for k in range(6)), *FACTORS)


def test_a_volatility_of_one_percent_a_day_is_sixteen_a_year(hand, random_market):
    """The market moves by 0.01 a day, 0.159 a year; its 48 names add specific noise of 0.012 a day, which mostly cancels."""
    _, risk = fit(random_market, MAJOR_100, hand.month)
    assert risk.model.volatility(risk.benchmark) == pytest.approx(0.159, rel=0.1)


def test_small_names_are_measured_against_the_members_of_the_sp500(hand, random_market):
    """Sixty members of the whole market, by market cap, although the strategy's own universe is the small names."""
    _, risk = fit(random_market, NEXT_MAJOR_100, hand.month)
    caps = risk.lines["market_cap"].to_numpy()
    members = np.arange(120) < 60
    assert risk.sp500 == pytest.approx(np.where(members, caps, 0.0) / caps[members].sum(), rel=1e-12)
    assert not (risk.benchmark[:48] > 0).any()


def test_without_members_the_large_names_stand_for_the_sp500(hand, random_market):
    """The universe of the strategy that is measured against it: 40 % of 120 names."""
    _, risk = fit(random_market, NEXT_MAJOR_100, hand.month, benchmark_members=random_market.members.clear())
    assert (risk.sp500 > 0).sum() == 48
    assert risk.sp500.sum() == pytest.approx(1.0)


def test_the_first_us_strategy_has_the_sp500_as_its_own_benchmark(hand, random_market):
    _, risk = fit(random_market, MAJOR_100, hand.month)
    assert risk.sp500 is risk.benchmark


def test_a_strategy_without_the_sp500_has_no_ratio_to_it(hand, random_market):
    elsewhere = replace(MAJOR_100, benchmarks=("topix",), universe=UniverseRule("US", 1, 100))
    assert fit(random_market, elsewhere, hand.month)[1].sp500 is None


def test_a_style_that_few_names_have_is_left_out(hand, random_market):
    scarce = random_market.factors["growth"].with_columns(
        *(pl.when(pl.int_range(pl.len()) < 23).then(name).alias(name) for name in ("sales_growth", "profit_growth"))
    )
    market = type(random_market)(**{**vars(random_market), "factors": random_market.factors | {"growth": scarce}})
    assert "growth" not in fit(market, MAJOR_100, hand.month)[1].model.columns


def test_two_months_of_returns_are_too_few(hand, random_market):
    recent = random_market.prices.filter(pl.col("session_date") > hand.as_of.replace(year=2019, month=12, day=1))
    with pytest.raises(TooFewReturns, match="60 are needed"):
        fit(random_market, MAJOR_100, hand.month, prices=recent)
