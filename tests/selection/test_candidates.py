"""The ranked 100: neutral composite, names that the sectors need, expected returns."""

from dataclasses import replace

import numpy as np
import polars as pl
import pytest

from optimizer.mandate import Mandate
from optimizer.risk_model import RiskModel
from wg_dagster.schemas.columns import FACTORS
from wg_dagster.schemas.gates import failures
from wg_dagster.selection.candidates import candidate_rows, composites, shortlist, with_expected_return
from wg_dagster.selection.risk import MarketRisk
from wg_dagster.strategies import MAJOR_100

ONE_FACTOR = replace(MAJOR_100, factors={"safety": 1})


def universe_of(hand, sectors, caps=None, weights=None):
    names = [f"n{k:03d}" for k in range(len(sectors))]
    rows = {
        "strategy": "major_100",
        "month": hand.month,
        "as_of_date": hand.as_of,
        "security_id": names,
        "sector": sectors,
        "market_cap": caps if caps is not None else [1e9] * len(names),
        "benchmark_weight": weights if weights is not None else [1 / len(names)] * len(names),
    }
    return hand.full("universe_members", pl.DataFrame(rows))


def scores_of(universe, **columns):
    given = {factor: pl.Series(columns.get(factor, [None] * universe.height), dtype=pl.Float64) for factor in FACTORS}
    return universe.select("security_id").with_columns(**given)


def random_scores(universe, seed=0):
    random = np.random.default_rng(seed)
    return scores_of(universe, **{factor: random.normal(size=universe.height) for factor in FACTORS})


def test_the_raw_composite_is_the_standardised_mean_of_signed_scores(hand):
    strategy = replace(MAJOR_100, factors={"safety": 1, "growth": -1})
    universe = universe_of(hand, ["A"] * 4)
    rows = composites(strategy, universe=universe, scores=scores_of(universe, safety=[1.0, 2.0, 3.0, 6.0], growth=[1.0, 4.0, 1.0, 2.0]))
    mixed = np.array([0.0, -1.0, 1.0, 2.0])  # half of (0, -2, 2, 4)
    assert rows["composite_raw"].to_list() == pytest.approx((mixed - mixed.mean()) / mixed.std(), abs=1e-12)


def test_no_sector_and_no_size_is_better_than_another_in_the_neutral_composite(hand):
    random = np.random.default_rng(1)
    sectors = [f"S{k % 3}" for k in range(90)]
    universe = universe_of(hand, sectors, caps=np.exp(random.normal(20, 1, 90)))
    scores = random_scores(universe).with_columns(
        pl.col("safety") + pl.Series(np.log(universe["market_cap"])) + pl.Series([k % 3 for k in range(90)])
    )
    rows = composites(MAJOR_100, universe=universe, scores=scores)
    means = rows.group_by("sector").agg(pl.col("composite").mean())["composite"]
    assert means.to_list() == pytest.approx([0.0] * 3, abs=1e-12)
    assert np.corrcoef(rows["composite"], np.log(universe["market_cap"]))[0, 1] == pytest.approx(0.0, abs=1e-12)
    assert abs(np.corrcoef(rows["composite_raw"], np.log(universe["market_cap"]))[0, 1]) > 0.1


def test_a_strategy_may_keep_size(hand):
    random = np.random.default_rng(1)
    universe = universe_of(hand, ["A"] * 60, caps=np.exp(random.normal(20, 1, 60)))
    scores = random_scores(universe).with_columns(pl.Series("safety", np.log(universe["market_cap"])))
    kept = composites(replace(ONE_FACTOR, is_size_neutral=False), universe=universe, scores=scores)
    assert np.corrcoef(kept["composite"], np.log(universe["market_cap"]))[0, 1] == pytest.approx(1.0, abs=1e-12)


def test_a_member_with_too_few_factors_has_no_composite(hand):
    """Three of five factors are 60 %, two are not enough."""
    universe = universe_of(hand, ["A"] * 30)
    enough = pl.int_range(pl.len()) > 0
    thin = random_scores(universe).with_columns(
        pl.lit(None, dtype=pl.Float64).alias("safety"),
        pl.lit(None, dtype=pl.Float64).alias("surprise"),
        pl.when(enough).then("eps_stability").alias("eps_stability"),
    )
    rows = composites(MAJOR_100, universe=universe, scores=thin)
    assert rows["composite"].is_null().to_list() == [True] + [False] * 29
    assert rows["coverage"].to_list() == pytest.approx([0.4] + [0.6] * 29)
    assert "n000" not in shortlist(MAJOR_100, rows)["security_id"].to_list()


def scored_of(sectors, composite, weights):
    names = [f"n{k:03d}" for k in range(len(sectors))]
    return pl.DataFrame({"security_id": names, "sector": sectors, "benchmark_weight": weights, "composite": composite})


def test_the_best_hundred_by_composite_make_the_list():
    scored = scored_of(["A"] * 150, [float(k) for k in range(150)], [1 / 150] * 150)
    rows = shortlist(MAJOR_100, scored)
    assert rows["rank"].to_list() == list(range(1, 101))
    assert rows["composite"].to_list() == [149.0 - k for k in range(100)]


def test_equal_composites_are_ranked_by_security_id():
    rows = shortlist(MAJOR_100, scored_of(["A"] * 3, [1.0, 2.0, 1.0], [0.4, 0.3, 0.3]))
    assert rows["security_id"].to_list() == ["n001", "n000", "n002"]


def test_a_sector_that_must_be_held_sends_its_best_three():
    """140 names of A are better than the 10 of B, which is 8 % of the benchmark against a band of 5 points."""
    scored = scored_of(["A"] * 140 + ["B"] * 10, [200.0 - k for k in range(150)], [0.92 / 140] * 140 + [0.008] * 10)
    rows = shortlist(MAJOR_100, scored)
    assert rows.filter(pl.col("sector") == "B")["security_id"].to_list() == ["n140", "n141", "n142"]
    assert rows["rank"].to_list() == list(range(1, 101))
    assert rows["composite"].is_sorted(descending=True)


def test_a_sector_within_the_band_need_not_be_on_the_list():
    scored = scored_of(["A"] * 140 + ["B"] * 10, [200.0 - k for k in range(150)], [0.95 / 140] * 140 + [0.005] * 10)
    assert shortlist(MAJOR_100, scored)["sector"].unique().to_list() == ["A"]


def test_a_heavy_sector_sends_as_many_as_the_largest_weight_needs():
    """B is 60 % of the benchmark: 55 points at 9.99 % take six names."""
    scored = scored_of(["A"] * 140 + ["B"] * 10, [200.0 - k for k in range(150)], [0.4 / 140] * 140 + [0.06] * 10)
    assert shortlist(MAJOR_100, scored).filter(pl.col("sector") == "B").height == 6


def two_names(specific=(0.04, 0.04)):
    """One factor of variance 0.04 a year, exposures 1 and 2; the benchmark is the first name."""
    model = RiskModel(("market",), np.array([[1.0], [2.0]]), np.zeros((2, 1)), np.array([[0.04]]), np.array(specific), 252)
    lines = pl.DataFrame({"security_id": ["n000", "n001"], "issuer_id": ["n000", "n001"], "sector": ["A", "A"]})
    return MarketRisk(lines, np.zeros(2, dtype=np.int64), model, np.array([1.0, 0.0]), None)


def test_an_expected_return_is_bill_plus_beta_premium_plus_score():
    """Betas 1 and 0.08 / 0.08 = 1; volatilities 0.283 and 0.447 a year; 12 x 0.03 x volatility / sqrt(12) x score."""
    scored = scored_of(["A"] * 2, [1.0, None], [0.5, 0.5])
    rows = with_expected_return(MAJOR_100, scored, two_names(), risk_free=0.02)
    assert rows["expected_return"].to_list() == [pytest.approx(0.02 + 0.045 + 12 * 0.03 * np.sqrt(0.08 / 12)), None]
    second = with_expected_return(MAJOR_100, scored.with_columns(composite=pl.Series([None, -1.0])), two_names(), risk_free=0.0)
    assert second["expected_return"].to_list() == [None, pytest.approx(0.045 - 12 * 0.03 * np.sqrt(0.20 / 12))]


def test_without_a_risk_model_there_is_no_expected_return():
    rows = with_expected_return(MAJOR_100, scored_of(["A"], [1.0], [1.0]), None, risk_free=0.02)
    assert rows["expected_return"].to_list() == [None]


def test_the_order_of_the_rows_changes_nothing(hand):
    universe = universe_of(hand, [f"S{k % 4}" for k in range(130)])
    scores = random_scores(universe)
    straight, shuffled = (
        shortlist(MAJOR_100, composites(MAJOR_100, universe=members, scores=rows))
        for members, rows in ((universe, scores), (universe.sample(fraction=1.0, shuffle=True, seed=1), scores.reverse()))
    )
    assert shuffled.equals(straight)


def test_the_rows_pass_the_gate(hand):
    universe = universe_of(hand, [f"S{k % 4}" for k in range(130)])
    scored = composites(MAJOR_100, universe=universe, scores=random_scores(universe))
    listed = shortlist(MAJOR_100, with_expected_return(MAJOR_100, scored, None, risk_free=0.0))
    rows = candidate_rows(MAJOR_100, hand.month, universe, listed)
    assert failures("candidates", rows).is_empty()
    assert rows["as_of_date"].unique().to_list() == [hand.as_of]


def test_the_sector_guarantee_follows_the_mandates_band():
    wide = replace(MAJOR_100, mandate=Mandate(sector_band=0.10))
    scored = scored_of(["A"] * 140 + ["B"] * 10, [200.0 - k for k in range(150)], [0.92 / 140] * 140 + [0.008] * 10)
    assert shortlist(wide, scored)["sector"].unique().to_list() == ["A"]
