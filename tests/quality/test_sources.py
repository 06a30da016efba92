"""Faults that a source always has, what two sources tell of the same session, and labels that do not follow each other."""

import json
from datetime import UTC, date, datetime

import polars as pl
import pytest

from wg_dagster.quality.other_sources import TRADED, disagreement

MONTH, BEFORE = "2026-03", "2026-02"


def gone(priced, names, of=400):
    """A market of 400 names of which some do not close in the month."""
    lost = {f"s{number:03d}" for number in range(names)}
    rows = [row for row in priced([MONTH], names=of) if row["security_id"] not in lost]
    return rows, {"prices_clean": priced([BEFORE], names=of)}


@pytest.mark.parametrize(("source", "names", "passed"), [("vendor", 1, False), ("pystock", 1, True), ("pystock", 2, False)])
def test_a_source_is_held_against_its_own_usual_faults(judged, priced, source, names, passed):
    """Half a per cent of the 399 (398) names of the month may leave pystock without a word: 1.995, so one may and two may not."""
    rows, stored = gone(priced, names)
    found = judged("prices_clean", rows, [MONTH], stored=stored | {"prices": [{"month": MONTH, "source": source}]})
    verdict = found[MONTH, "untold_departures"]
    assert verdict["passed"] is passed
    assert verdict["samples"] == [f"s{number:03d}" for number in range(names)]  # told also where they are usual


def test_what_is_usual_of_another_month_s_source_counts_nothing(judged, priced):
    rows, stored = gone(priced, 1)
    found = judged("prices_clean", rows, [MONTH], stored=stored | {"prices": [{"month": BEFORE, "source": "pystock"}]})
    assert not found[MONTH, "untold_departures"]["passed"]


def two_sources(priced, moved, source):
    """(traded rows, adjusted rows): `moved` sessions of name s000 on which the other source tells a return of a point and a bit more; 40 names, 22 sessions = 880."""
    traded = priced([MONTH])
    told = [row | {"source": source} for row in traded]
    of_name = [row for row in told if row["security_id"] == "s000"]
    for row in of_name[:moved]:
        row["return_1e9"] += 10_000_001
    return traded, told


def disagree(traded, told, contract):
    """The verdict and its details; None where nothing is judged."""
    checks = disagreement(pl.DataFrame(told), contract("prices_clean", traded, TRADED), "clean.risk_returns").to_dicts()
    return checks[0] | json.loads(checks[0]["details"]) if checks else None


@pytest.mark.parametrize(
    ("source", "moved", "passed"),
    [("other", 0, True), ("other", 4, True), ("other", 5, False), ("stooq", 6, True), ("stooq", 7, False), ("other", 12, False)],
)
def test_two_sources_that_tell_other_returns_are_flagged(contract, priced, source, moved, passed):
    """5 of 880 are 0.57 %, above half a per cent; stooq may have 0.75 %, so that 6 (0.68 %) pass and 7 (0.80 %) do not."""
    verdict = disagree(*two_sources(priced, moved, source), contract)
    assert verdict["passed"] is passed
    assert verdict["figure"] == pytest.approx(moved / 880, rel=1e-5)
    assert verdict.get("samples", []) == (["s000"] if moved >= 11 else [])  # half of its sessions: another line


def test_a_point_is_no_difference(contract, priced):
    traded, told = two_sources(priced, 0, "other")
    assert disagree(traded, [row | {"return_1e9": row["return_1e9"] + 10_000_000} for row in told], contract)["figure"] == 0.0


def test_returns_over_a_gap_are_not_compared(contract, priced):
    traded, told = two_sources(priced, 12, "other")
    traded = [row | {"quality": "gap" if row["security_id"] == "s000" else ""} for row in traded]
    verdict = disagree(traded, told, contract)
    assert (verdict["figure"], verdict["total_rows"]) == (0.0, 39 * 22)


def test_too_few_names_in_both_sources_cannot_be_judged(contract, priced):
    """29 of 40 names."""
    traded, told = two_sources(priced, 12, "other")
    assert disagree([row for row in traded if row["security_id"] < "s029"], told, contract) is None


def filed(month, label, period, *, day=15, rule="reported", **items):
    year, number = map(int, month.split("-"))
    return {
        "month": month,
        "security_id": "firm",
        "known_at": datetime(year, number, day, 21, tzinfo=UTC),
        "known_at_rule": rule,
        "period_end_date": date.fromisoformat(period),
        "period_kind": "annual" if label == "FY" else "quarter",
        "fiscal_period": label,
        "is_derived": False,
    } | items


@pytest.mark.parametrize(
    ("label", "period", "breaks"),
    [
        ("Q1", "2025-12-31", False),
        ("Q1", "2026-01-17", False),  # sixteen weeks: 109 days are 1.2 quarters
        ("Q3", "2025-12-31", True),
        ("Q2", "2025-12-31", True),
        ("FY", "2025-12-31", True),
        ("Q2", "2026-03-31", False),  # one was left out
        ("Q4", "2025-09-30", False),  # the quarter of the same year
        ("Q1", "2025-09-30", True),
    ],
)
def test_a_label_follows_from_the_one_before(judged, label, period, breaks):
    """The fiscal year ends on 30 September 2025; the quarter after it is the first."""
    stored = {"fundamentals_clean": [filed("2025-11", "FY", "2025-09-30")]}
    verdict = judged("fundamentals_clean", [filed(MONTH, label, period)], [MONTH], stored=stored)[MONTH, "label_breaks"]
    assert (not verdict["passed"]) is breaks
    assert verdict.get("samples", []) == (["firm"] if breaks else [])


def test_labels_are_compared_within_a_source_and_among_reported_ones(judged):
    """Another source's labels follow the calendar; what we derive has our own label."""
    stored = {
        "fundamentals_clean": [
            filed("2025-11", "Q2", "2025-09-30", rule="assumed_lag"),
            filed("2025-11", "Q2", "2025-09-30", is_derived=True),
        ]
    }
    verdict = judged("fundamentals_clean", [filed(MONTH, "Q1", "2025-12-31")], [MONTH], stored=stored)[MONTH, "label_breaks"]
    assert verdict["passed"]


def test_a_share_count_left_out_for_its_unit_is_told(judged):
    """Another count stands in, so that nobody would see it otherwise."""
    stored = {"fundamentals_clean": [filed("2025-11", "FY", "2025-09-30")]}
    row = filed(MONTH, "Q1", "2025-12-31", quality="shares_in_wrong_unit")
    verdict = judged("fundamentals_clean", [row], [MONTH], stored=stored)[MONTH, "share_units"]
    assert (verdict["passed"], verdict["samples"]) == (False, ["firm"])


@pytest.mark.parametrize(("actual", "passed"), [(0.31, True), (3.0, True), (3.1, False), (-3.1, False)])
def test_announced_earnings_in_cents_are_told(judged, actual, passed):
    """An estimate of ten cents: three dollars are thirty times it, 3.1 are more."""
    row = {
        "month": MONTH,
        "security_id": "firm",
        "known_at": datetime(2026, 3, 5, 21, tzinfo=UTC),
        "announcement_date": date(2026, 3, 5),
        "actual_eps": actual,
        "estimate_eps": 0.1,
    }
    assert judged("announcements_clean", [row], [MONTH])[MONTH, "announced_units"]["passed"] is passed
