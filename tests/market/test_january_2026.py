"""January 2026 through the real chain: raw rows, clean rows, factors, December's portfolio, January's trades, values and attribution.

The slow suite judges ten consecutive seeds; no figure was tuned on them. What each of them did is in `docs/embedded-market.md`.
"""

from collections import Counter

import januaries
import numpy as np
import polars as pl
import pytest

from wg_dagster.ingest.synthetic_market.parameters import WORLDS

SEEDS = range(1, 11)


def told_of(shared, seed):
    """The three Januaries of a seed, lived through once a session."""
    folder = shared(f"january_{seed}", lambda to: januaries.attributions(to, seed).write_parquet(to / "effects.parquet"))
    return pl.read_parquet(folder / "effects.parquet")


@pytest.fixture(scope="module")
def seeds(shared):
    return {seed: told_of(shared, seed) for seed in SEEDS}


def count(seeds, world, *claims):
    """Number of seeds in which all claims hold."""
    of = [januaries.effects_of(rows, world) for rows in seeds.values()]
    return sum(all(claim(effects) for claim in claims) for effects in of)


def active(seeds, world):
    return np.array([januaries.effects_of(rows, world)["active"] for rows in seeds.values()])


# -- one seed after the other ------------------------------------------------------------------------------------------------------


@pytest.mark.slow
@pytest.mark.parametrize("seed", SEEDS)
def test_the_event_costs_next_major_and_its_mirror_image_pays_it(shared, seed):
    base, off, flipped = (januaries.effects_of(told_of(shared, seed), world) for world in WORLDS)
    assert base["active"] < off["active"] < flipped["active"]
    assert base["surprise"] < off["surprise"] < flipped["surprise"]
    assert base["index"] > off["index"] > flipped["index"]  # junk lifts the index that the strategy lags


# -- ten seeds together ------------------------------------------------------------------------------------------------------------


@pytest.mark.slow
def test_next_major_lags_its_index_and_surprise_or_growth_is_to_blame(seeds):
    """In at least 8 of 10 seeds, both; blame = among the four largest negative effects of the attribution."""
    assert count(seeds, "base", januaries.lags, januaries.is_blamed) >= 8, januaries.told(seeds)


@pytest.mark.slow
def test_without_the_event_nothing_of_it_remains(seeds):
    """The two claims hold together in no more than half of the seeds, and the mean lag is none: within two standard errors of zero."""
    lag = active(seeds, "event_off")
    assert count(seeds, "event_off", januaries.lags, januaries.is_blamed) <= 5, januaries.told(seeds)
    assert abs(lag.mean()) < 2 * lag.std(ddof=1) / np.sqrt(len(lag)), januaries.told(seeds)


@pytest.mark.slow
def test_with_the_event_flipped_the_lag_turns_into_a_lead(seeds):
    """It leads in at least 7 of 10 seeds, surprise pays in at least 8, and the two claims hold together in no more than 2."""
    assert count(seeds, "event_flipped", lambda effects: not januaries.lags(effects)) >= 7, januaries.told(seeds)
    assert count(seeds, "event_flipped", lambda effects: effects["surprise"] > 0) >= 8, januaries.told(seeds)
    assert count(seeds, "event_flipped", januaries.lags, januaries.is_blamed) <= 2, januaries.told(seeds)


# -- quick: the machinery ----------------------------------------------------------------------------------------------------------


@pytest.mark.slow
def test_a_small_market_falls_behind_in_january_and_gets_ahead_when_the_event_is_flipped(tmp_path):
    """One seed, a short history and 200 names; the effects add up to the difference of the two returns."""
    rows = januaries.attributions(tmp_path, 1, worlds=("base", "event_flipped"), us_names=200, first="2024-07")
    base, flipped = (januaries.effects_of(rows, world) for world in ("base", "event_flipped"))
    for effects in (base, flipped):
        bars = sum(value for name, value in effects.items() if name not in ("portfolio", "index", "active"))
        assert bars == pytest.approx(effects["portfolio"] - effects["index"], abs=1e-9)
    assert base["active"] < flipped["active"]
    assert base["surprise"] < flipped["surprise"]


def test_the_waterfall_keeps_factors_apart_and_sums_everything_else():
    lines = [
        ("factor", "factor", "growth", -0.02),
        ("factor", "factor", "size", -0.01),
        ("factor", "factor", "value", 0.03),
        ("factor", "sector", "Energy", -0.04),
        ("factor", "sector", "Utilities", 0.01),
        ("factor", "specific", "s1", -0.05),
        ("factor", "specific", "s2", 0.04),
        ("factor", "total", "active", -0.04),
        ("brinson", "selection", "Energy", -0.50),
    ]
    bars = januaries.waterfall(pl.DataFrame(lines, schema=["scheme", "effect", "item", "value"], orient="row"))
    assert bars == pytest.approx({"growth": -0.02, "size": -0.01, "value": 0.03, "sector": -0.03, "specific": -0.01})
    assert Counter(januaries.four_worst(bars)) == Counter(["sector", "growth", "size", "specific"])
    assert januaries.four_worst(bars)[:2] == ["sector", "growth"]


@pytest.mark.parametrize(("growth", "blamed"), [(-0.021, True), (-0.005, False), (0.02, False)])
def test_only_the_four_largest_losses_are_blamed(growth, blamed):
    effects = {"size": -0.05, "value": -0.04, "sector": -0.03, "safety": -0.02, "surprise": 0.0, "growth": growth}
    returns = {"portfolio": -0.5, "index": 0.0, "active": -0.5}  # no effects
    assert januaries.is_blamed(effects | returns) is blamed
