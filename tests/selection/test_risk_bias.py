"""Forecasts of risk and what became of them: by hand, and on the random market, whose risk is known."""

from dataclasses import replace
from datetime import date

import numpy as np
import polars as pl
import pytest

from wg_dagster.schemas.gates import failures
from wg_dagster.schemas.tables import TABLES
from wg_dagster.selection.inputs import asked
from wg_dagster.selection.risk_bias import DRAWN, bias_rows, followed_portfolios, forecast_rows
from wg_dagster.selection.stations import STATIONS
from wg_dagster.stations import Reader
from wg_dagster.strategies import MAJOR_100, UniverseRule

EVERYONE = replace(MAJOR_100, universe=UniverseRule("US", 1, 1000))
MEMBERS = pl.DataFrame({"security_id": ["a", "b", "c"], "sector": ["Oil", "Oil", "Tea"], "benchmark_weight": [0.3, 0.1, 0.6]})


def weights_of(item, targets):
    rows = followed_portfolios(MEMBERS, targets).filter(pl.col("item") == item)
    return dict(rows.select("security_id", "weight").iter_rows())


def test_the_portfolios_that_are_followed_by_hand():
    targets = {"a": 0.5, "c": 0.5}
    assert weights_of("portfolio", targets) == targets
    assert weights_of("benchmark", targets) == {"a": 0.3, "b": 0.1, "c": 0.6}
    assert weights_of("active", targets) == pytest.approx({"a": 0.2, "b": -0.1, "c": -0.1})
    assert weights_of("sector Oil", targets) == pytest.approx({"a": 0.75, "b": 0.25})
    assert weights_of("drawn 0", targets) == pytest.approx(dict.fromkeys("abc", 1 / 3))
    assert weights_of("active", {}) == {}


def test_drawn_names_stay_while_the_universe_does():
    """A name that joins takes at most one place of a draw."""
    names = [f"n{k:03d}" for k in range(200)]
    universe = pl.DataFrame({"security_id": names, "sector": "Oil", "benchmark_weight": 1 / 200})
    more = pl.concat([universe, universe.head(1).with_columns(pl.lit("new").alias("security_id"))])
    for number in range(DRAWN):
        before, after = (
            set(followed_portfolios(rows, {}).filter(pl.col("item") == f"drawn {number}")["security_id"]) for rows in (universe, more)
        )
        assert len(before) == len(after) == 25
        assert len(before - after) <= 1


def test_a_month_becomes_figures_by_hand():
    """a returns 1 % and -1 % on two sessions, alone in the portfolio; the forecast said 20 % a year. The month before: 20 %, 10 %, z = 1."""
    days = [date(2020, 2, 3), date(2020, 2, 4)]
    prices = pl.DataFrame({"security_id": ["a", "a"], "session_date": days, "return_1e9": [10_000_000, -10_000_000]})
    forecasts = pl.DataFrame({"item": ["portfolio"], "forecast_volatility": [0.2]})
    before = pl.DataFrame(
        {"item": ["portfolio"], "month": ["2020-01"], "forecast_volatility": [0.2], "realised_volatility": [0.1], "z": [1.0]}
    )
    found = bias_rows(EVERYONE, "2020-02", forecasts=forecasts, members=MEMBERS, targets={"a": 1.0}, prices=prices, before=before)
    row = found.row(0, named=True)
    z = -0.0001 / (0.2 * np.sqrt(2 / 252))
    assert row["realised_volatility"] == pytest.approx(0.01 * np.sqrt(252))
    assert row["z"] == pytest.approx(z)
    assert row["bias_24m"] == pytest.approx(np.sqrt((1 + z**2) / 2))
    assert row["realised_over_forecast_24m"] == pytest.approx(np.sqrt((0.1**2 + 0.0001 * 252) / (2 * 0.2**2)))
    assert row["months"] == 2
    assert failures("risk_bias", found).is_empty()


def test_without_forecasts_or_prices_nothing_is_said():
    empty = TABLES["risk_forecasts"].empty()
    given = {"members": MEMBERS, "targets": {}, "before": TABLES["risk_bias"].empty()}
    assert bias_rows(EVERYONE, "2020-02", forecasts=empty, prices=pl.DataFrame({"a": [1]}), **given).is_empty()


def test_each_portfolio_has_the_forecast_of_the_risk_model(january):
    (station,) = (station for station in STATIONS if station.name == "portfolio")
    question = asked(Reader(january, station, ["2020-01"], EVERYONE), "2020-01", EVERYONE)
    stored = january.read("risk_forecasts")
    assert stored.height == 3 + 6 + DRAWN
    forecast = dict(stored.select("item", "forecast_volatility").iter_rows())
    risk = question.risk
    assert forecast["benchmark"] == pytest.approx(risk.model.volatility(risk.benchmark))
    solved = january.read("portfolio_solutions").row(0, named=True)
    assert forecast["portfolio"] == pytest.approx(solved["risk_ratio"] * forecast["benchmark"])
    assert forecast["active"] < forecast["portfolio"]
    assert forecast_rows(question, {}).filter(pl.col("item").is_in(["portfolio", "active"])).is_empty()
    assert forecast_rows(replace(question, risk=None), {}).is_empty()
