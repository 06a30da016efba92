"""Factor tables: coverage, drift and distribution, by market and component."""

import math
from datetime import date

import numpy as np
import pytest

from wg_dagster.quality.factors import panel_of
from wg_dagster.schemas.tables import FACTOR_COMPONENTS, FACTOR_TABLES

MONTH, BEFORE = "2026-03", "2026-02"
NAMES = 40


def values(month, component="log_price", names=NAMES, where="US", value=float):
    return [
        {
            "month": month,
            "as_of_date": date(2026, 3, 31),
            "market": where,
            "security_id": f"{where}{k:03d}",
            component: value(k),
            "coverage": 1.0,
        }
        for k in range(names)
    ]


def test_values_that_follow_last_month_raise_nothing(judged, failing):
    rows = values(MONTH, value=lambda k: k + 0.3 * math.sin(k))
    verdicts = judged("factor_price_level", rows, [MONTH], stored={"factor_price_level": values(BEFORE)})
    assert failing(verdicts) == set()
    assert {check for _, check in verdicts} == {"component_coverage", "rank_drift", "level_drift", "constant_component"}


@pytest.mark.parametrize(("known", "passed"), [(24, True), (23, False)])
def test_names_without_half_of_the_components_are_counted(judged, known, passed):
    """Value has two components, so one is half; 24 of 40 names are 60 %."""
    rows = values(MONTH, "profit_yield", value=lambda k: float(k) if k < known else None)
    found = judged("factor_value", rows, [MONTH])[MONTH, "component_coverage"]
    assert found["figure"] == pytest.approx(known / NAMES)
    assert found["passed"] is passed


def test_one_of_three_components_is_not_half(judged):
    found = judged("factor_safety", values(MONTH, "current_ratio"), [MONTH])[MONTH, "component_coverage"]
    assert (found["figure"], found["passed"]) == (0.0, False)


def test_a_component_of_the_other_market_is_not_wanted(judged):
    """Forecast revisions exist in Japan only: of surprise, two components in the US are both there, and two of three in Japan."""
    rows = [
        row | {"standardised_unexpected_earnings": 1.0 + k}
        for where in ("US", "JP")
        for k, row in enumerate(values(MONTH, "earnings_surprise", where=where))
    ]
    found = judged("factor_surprise", rows, [MONTH])
    assert found[MONTH, "component_coverage"]["parts"] == {"JP": 1.0, "US": 1.0}
    assert "US forecast_revision_rate" not in found[MONTH, "constant_component"]["parts"]


def test_rows_that_belong_to_other_names_are_found(judged):
    rows = values(MONTH, value=lambda k: float((k + 20) % NAMES))  # each name has the value of the one twenty places on
    verdicts = judged("factor_price_level", rows, [MONTH], stored={"factor_price_level": values(BEFORE)})
    assert not verdicts[MONTH, "rank_drift"]["passed"]
    assert verdicts[MONTH, "level_drift"]["figure"] == 0.0


def test_momentum_may_forget_what_size_may_not(judged):
    """Half of the names change places at random: the rank correlation is the same, the factor decides what it means."""
    order = np.random.default_rng(5).permutation(NAMES)
    found = {}
    for factor, component in (("momentum", "return_60d"), ("size", "log_market_cap")):
        rows = values(MONTH, component, value=lambda k: float(k if k % 2 else order[k]))
        table = f"factor_{factor}"
        found[factor] = judged(table, rows, [MONTH], stored={table: values(BEFORE, component)})[MONTH, "rank_drift"]
    assert found["momentum"]["figure"] == found["size"]["figure"]
    assert 0.0 < found["size"]["figure"] < 0.5
    assert (found["momentum"]["passed"], found["size"]["passed"]) == (True, False)


@pytest.mark.parametrize(("shift", "passed"), [(9.0, True), (11.0, False)])
def test_a_shift_of_all_values_is_a_level_drift(judged, shift, passed):
    """Values 0 to 39: the quartiles are 9 and 29, so half the interquartile range is 10."""
    rows = values(MONTH, value=lambda k: k + shift)
    verdicts = judged("factor_price_level", rows, [MONTH], stored={"factor_price_level": values(BEFORE)})
    assert verdicts[MONTH, "level_drift"]["figure"] == pytest.approx(shift / 20)
    assert verdicts[MONTH, "level_drift"]["passed"] is passed
    assert verdicts[MONTH, "rank_drift"]["figure"] == 1.0  # which a rank cannot see


@pytest.mark.parametrize(("same", "passed"), [(38, True), (39, False)])
def test_a_component_that_is_the_same_for_all_is_constant(judged, same, passed):
    rows = values(MONTH, value=lambda k: 1.0 if k < same else float(k))  # 38 of 40 are 95 %
    found = judged("factor_price_level", rows, [MONTH])[MONTH, "constant_component"]
    assert found["figure"] == pytest.approx(same / NAMES)
    assert found["passed"] is passed


def test_the_spread_of_shrunk_betas_judges_nothing(judged):
    verdicts = judged("factor_us_beta", values(MONTH, "us_beta_60d"), [MONTH], stored={"factor_us_beta": values(BEFORE, "us_beta_60d")})
    assert (MONTH, "level_drift") not in verdicts
    assert (MONTH, "rank_drift") in verdicts


def test_few_names_say_nothing(judged):
    assert judged("factor_price_level", values(MONTH, names=29), [MONTH], stored={"factor_price_level": values(BEFORE, names=29)}) == {}


def test_markets_and_months_are_told_apart(judged):
    rows = [*values(BEFORE), *values(MONTH), *values(BEFORE, where="JP"), *values(MONTH, where="JP", value=lambda k: -float(k))]
    verdicts = judged("factor_price_level", rows, [BEFORE, MONTH])
    assert (BEFORE, "rank_drift") not in verdicts  # nothing before it
    assert verdicts[MONTH, "rank_drift"]["parts"] == {"JP log_price": -1.0, "US log_price": 1.0}


def test_ranks_are_those_of_an_independent_computation(judged):
    """Spearman's coefficient without ties: 1 - 6 sum of d squared / (n (n^2 - 1)), over the names of both months."""
    random = np.random.default_rng(11)
    old, new = random.normal(size=NAMES), random.normal(size=NAMES)
    rows = values(MONTH, value=lambda k: float(old[k] + new[k]))
    stored = values(BEFORE, value=lambda k: float(old[k]))
    distance = (np.argsort(np.argsort(old)) - np.argsort(np.argsort(old + new))).astype(float)
    expected = 1 - 6 * (distance**2).sum() / (NAMES * (NAMES**2 - 1))
    found = judged("factor_price_level", rows, [MONTH], stored={"factor_price_level": stored})[MONTH, "rank_drift"]
    assert found["figure"] == pytest.approx(expected, rel=1e-5)


def test_missing_values_are_no_values(contract):
    rows = contract("factor_value", values(MONTH, "book_to_price", value=lambda k: float("nan") if k == 1 else float(k)))
    panel = panel_of("value", "US", rows)
    assert panel.values.shape == (1, NAMES, 2)
    assert np.isfinite(panel.values).sum() == NAMES - 1
    assert panel.member.all()


@pytest.mark.parametrize("table", FACTOR_TABLES)
def test_every_factor_table_has_its_checks(judged, table):
    component = FACTOR_COMPONENTS[table.removeprefix("factor_")].split()[0]
    assert (MONTH, "constant_component") in judged(table, values(MONTH, component), [MONTH])
