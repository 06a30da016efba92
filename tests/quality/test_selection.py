"""What a strategy decides: universe, scores, candidates, portfolio."""

from datetime import date

import pytest

from wg_dagster.quality.thresholds import THRESHOLDS
from wg_dagster.selection.candidates import LIST_LENGTH

MONTH, BEFORE = "2026-03", "2026-02"
ID = "major_100"


def members(month, names, **more):
    names = list(names)
    return [
        {
            "strategy": ID,
            "month": month,
            "security_id": f"s{k:03d}",
            "issuer_id": f"i{k:03d}",
            "sector": "Energy",
            "benchmark_weight": 1 / len(names),
        }
        | more
        for k in names
    ]


def verdicts_of(judged, rows, before):
    return judged("universe_members", rows, [MONTH], stored={"universe_members": before}, strategy=ID)


def test_a_universe_like_last_month_s_raises_nothing(judged, failing):
    verdicts = verdicts_of(judged, members(MONTH, range(2, 102)), members(BEFORE, range(100)))
    assert failing(verdicts) == set()
    assert len(verdicts) == 4


@pytest.mark.parametrize(("size", "passed"), [(115, True), (116, False), (85, True), (84, False)])
def test_a_universe_that_grows_or_shrinks_is_flagged(judged, size, passed):
    verdicts = verdicts_of(judged, members(MONTH, range(size)), members(BEFORE, range(100)))
    assert verdicts[MONTH, "universe_size"]["passed"] is passed
    assert verdicts[MONTH, "universe_size"]["figure"] == pytest.approx(abs(size / 100 - 1))


@pytest.mark.parametrize(
    ("shift", "passed", "severity"), [(15, True, "WARN"), (16, False, "WARN"), (50, False, "WARN"), (51, False, "ERROR")]
)
def test_turnover_is_flagged_and_past_half_it_is_an_error(judged, shift, passed, severity):
    found = verdicts_of(judged, members(MONTH, range(shift, 100 + shift)), members(BEFORE, range(100)))[MONTH, "universe_kept"]
    assert (found["passed"], found["severity"]) == (passed, severity)
    assert found.get("samples", []) == ([] if passed else [f"s{k:03d}" for k in range(5)])


def test_an_empty_universe_after_a_full_one_is_an_error(judged):
    found = verdicts_of(judged, [], members(BEFORE, range(100)))
    assert found[MONTH, "universe_kept"]["severity"] == "ERROR"


@pytest.mark.parametrize(("unknown", "passed"), [(10, True), (11, False)])
def test_members_without_a_sector_are_counted(judged, unknown, passed):
    rows = members(MONTH, range(100))
    for k in range(unknown):
        rows[k]["sector"] = None if k % 2 else "Unknown"
    assert verdicts_of(judged, rows, members(BEFORE, range(100)))[MONTH, "sector_unknown"]["passed"] is passed


@pytest.mark.parametrize(("off", "passed"), [(1e-10, True), (1e-6, False)])
def test_benchmark_weights_sum_to_one(judged, off, passed):
    rows = members(MONTH, range(100))
    rows[0]["benchmark_weight"] += off
    found = verdicts_of(judged, rows, members(BEFORE, range(100)))[MONTH, "benchmark_weights"]
    assert (found["passed"], found["severity"]) == (passed, "WARN" if passed else "ERROR")


@pytest.mark.parametrize(("scored", "passed"), [(70, True), (69, False)])
def test_members_need_the_strategy_s_factors(judged, scored, passed):
    """The strategy wants 60 % of its five factors: three of them."""
    rows = [{"strategy": ID, "month": MONTH, "security_id": f"s{k:03d}", "coverage": 0.6 if k < scored else 0.4} for k in range(100)]
    found = judged("factor_scores", rows, [MONTH], strategy=ID)[MONTH, "scored_members"]
    assert found["figure"] == pytest.approx(scored / 100)
    assert found["passed"] is passed


def test_the_list_is_as_long_as_the_station_makes_it():
    assert THRESHOLDS["candidate_count"].limit == LIST_LENGTH


@pytest.mark.parametrize(("count", "passed"), [(100, True), (99, False)])
def test_the_list_holds_a_hundred(judged, count, passed):
    rows = [{"strategy": ID, "month": MONTH, "rank": k + 1, "security_id": f"s{k:03d}"} for k in range(count)]
    assert judged("candidates", rows, [MONTH], strategy=ID)[MONTH, "candidate_count"]["passed"] is passed


def portfolio(weights):
    return [
        {"strategy": ID, "month": MONTH, "as_of_date": date(2026, 3, 31), "security_id": f"s{k:03d}", "weight": weight}
        for k, weight in enumerate(weights)
    ]


def judged_portfolio(judged, weights, **issuers):
    owners = [row | {"issuer_id": issuers.get(row["security_id"], row["issuer_id"])} for row in members(MONTH, range(40))]
    return judged("model_portfolios", portfolio(weights), [MONTH], stored={"universe_members": owners}, strategy=ID)


@pytest.mark.parametrize(("names", "passed"), [(19, False), (20, True), (25, True), (26, False)])
def test_a_portfolio_has_twenty_to_twenty_five_names(judged, names, passed):
    found = judged_portfolio(judged, [1 / names] * names)[MONTH, "portfolio_names"]
    assert (found["passed"], found["severity"]) == (passed, "WARN" if passed else "ERROR")


@pytest.mark.parametrize(("off", "passed"), [(5e-10, True), (-2e-9, False), (2e-9, False)])
def test_weights_sum_to_one(judged, off, passed):
    found = judged_portfolio(judged, [0.05 + off, *[0.05] * 19])[MONTH, "portfolio_weights"]
    assert (found["passed"], found["severity"]) == (passed, "WARN" if passed else "ERROR")


def test_ten_per_cent_of_a_name_is_too_much(judged):
    verdicts = judged_portfolio(judged, [0.10, *[0.9 / 19] * 19])
    assert verdicts[MONTH, "issuer_weight"]["severity"] == "ERROR"
    assert verdicts[MONTH, "issuer_weight"]["samples"] == ["i000"]


def test_share_classes_count_as_one_issuer(judged):
    weights = [0.06, 0.05, *[0.89 / 18] * 18]
    assert judged_portfolio(judged, weights)[MONTH, "issuer_weight"]["passed"]
    joint = judged_portfolio(judged, weights, s000="one", s001="one")[MONTH, "issuer_weight"]
    assert (joint["passed"], joint["samples"]) == (False, ["one"])


def test_a_name_outside_the_universe_is_its_own_issuer(judged):
    verdicts = judged("model_portfolios", portfolio([0.12, *[0.88 / 19] * 19]), [MONTH], strategy=ID)
    assert verdicts[MONTH, "issuer_weight"]["samples"] == ["s000"]


def test_a_kept_portfolio_may_have_lost_names_and_is_told_as_kept(judged):
    kept = [{"month": MONTH, "status": "kept_previous"}]
    verdicts = judged("model_portfolios", portfolio([0.05] * 18), [MONTH], stored={"portfolio_solutions": kept}, strategy=ID)
    assert all(verdict["passed"] for verdict in verdicts.values())


def test_no_portfolio_is_no_broken_rule(judged):
    assert judged("model_portfolios", [], [MONTH], strategy=ID) == {}


@pytest.mark.parametrize(("ratio", "months", "passed"), [(1.24, 12, True), (1.26, 12, False), (0.74, 24, False), (2.0, 11, None)])
def test_risk_forecasts_that_did_not_come_true_are_reported(judged, ratio, months, passed):
    """A quarter away from one, after a year of months; a sector may err by more."""
    told = [("portfolio", ratio, months), ("sector Oil", 3.0, 24)]
    rows = [
        {"strategy": ID, "month": MONTH, "item": item, "realised_over_forecast_24m": value, "months": count} for item, value, count in told
    ]
    verdict = judged("risk_bias", rows, [MONTH], strategy=ID).get((MONTH, "risk_came_true"))
    assert (verdict and verdict["passed"]) is passed
