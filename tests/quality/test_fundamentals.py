"""Statements: restatements, coverage, assumed dates, units."""

from datetime import UTC, date, datetime

import pytest

from wg_dagster.calendars import month_shift, months_between

NOW = "2026-03"
YEAR = months_between("2025-03", "2026-02")


def statement(month, name, *, period="2025-12-31", kind="quarter", day=15, **items):
    year, number = map(int, month.split("-"))
    return {
        "month": month,
        "security_id": name,
        "known_at": datetime(year, number, day, 21, tzinfo=UTC),
        "known_at_rule": "reported",
        "period_end_date": date.fromisoformat(period),
        "period_kind": kind,
        "assets": 100.0,
        "revenue": 10.0,
    } | items


def originals(months, names=20):
    """Each month `names` companies file a period of their own."""
    return [statement(month, f"{month}-{number:02d}", period=f"{month}-01") for month in months for number in range(names)]


def restatements(month, count, of="2026-02", **items):
    return [statement(month, f"{of}-{number:02d}", period=f"{of}-01", **items) for number in range(count)]


@pytest.mark.parametrize(("count", "passed"), [(4, True), (5, False)])
def test_more_restatements_than_usual_are_flagged(judged, count, passed):
    """A normal month has 20 versions or so and no restatement; from five on, 10 % more than usual is flagged."""
    rows = originals([NOW]) + restatements(NOW, count, revenue=11.0)
    found = judged("fundamentals_clean", rows, [NOW], stored={"fundamentals_clean": originals(YEAR)})[NOW, "restatements"]
    assert found["passed"] is passed
    assert found["figure"] == pytest.approx(count / ((11 * 20 + 20 + count) / 12), rel=1e-5)
    assert found["threshold"] == pytest.approx(0.10)
    assert found.get("samples", []) == ([] if passed else [f"2026-02-{k:02d}" for k in range(5)])


def test_what_is_usual_is_no_alarm(judged):
    """A company group that restates a quarter of its statements every month is known by its median."""
    stored = originals(YEAR)
    for month, before in zip(YEAR[1:], YEAR, strict=False):
        stored += restatements(month, 6, of=before, revenue=12.0)
    found = judged(
        "fundamentals_clean", originals([NOW]) + restatements(NOW, 6, revenue=11.0), [NOW], stored={"fundamentals_clean": stored}
    )
    assert found[NOW, "restatements"]["passed"]
    assert found[NOW, "restatements"]["threshold"] > 0.3


@pytest.mark.parametrize("items", [{}, {"revenue": 10.0 + 1e-12}, {"net_income": 3.0}])
def test_a_version_that_repeats_or_adds_changes_nothing(judged, items):
    rows = originals([NOW]) + restatements(NOW, 15, **items)
    found = judged("fundamentals_clean", rows, [NOW], stored={"fundamentals_clean": originals(YEAR)})[NOW, "restatements"]
    assert found["figure"] == 0.0


def test_restatements_need_half_a_year_of_history(judged):
    rows = originals([NOW]) + restatements(NOW, 10, revenue=11.0)
    assert (NOW, "restatements") not in judged("fundamentals_clean", rows, [NOW], stored={"fundamentals_clean": originals(YEAR[-5:])})
    assert (NOW, "restatements") in judged("fundamentals_clean", rows, [NOW], stored={"fundamentals_clean": originals(YEAR[-6:])})


def company(name, **more):
    as_of = {
        "month": NOW,
        "market": "US",
        "as_of_date": date(2026, 3, 31),
        "security_id": name,
        "security_type": "common",
        "is_eligible": True,
    }
    return as_of | {"listed_to": None, "quality": ""} | more


@pytest.mark.parametrize(("silent", "passed"), [(10, True), (11, False)])
def test_companies_without_a_statement_are_counted(judged, silent, passed):
    names = [f"s{number:02d}" for number in range(40)]
    oldest = month_shift(NOW, -14)
    stored = {
        "fundamentals_clean": [statement(oldest, name) for name in names[silent:]]
        + [statement(month_shift(NOW, -15), name) for name in names[:silent]],
        "securities_clean": [company(name) for name in names],
    }
    found = judged("fundamentals_clean", [], [NOW], stored=stored)[NOW, "filing_coverage"]
    assert found["figure"] == pytest.approx(1 - silent / 40)
    assert found["passed"] is passed


@pytest.mark.parametrize(
    "changes",
    [
        {"security_type": "etf"},
        {"security_type": None, "is_eligible": False},
        {"listed_to": date(2026, 3, 1)},
        {"quality": "no_prices,type_assumed"},
    ],
)
def test_funds_and_names_that_left_owe_no_statement(judged, changes):
    stored = {
        "fundamentals_clean": [statement(month_shift(NOW, -14), f"s{number:02d}") for number in range(30)],
        "securities_clean": [company(f"s{number:02d}") for number in range(30)]
        + [company(f"x{number:02d}", **changes) for number in range(30)],
    }
    assert judged("fundamentals_clean", [], [NOW], stored=stored)[NOW, "filing_coverage"]["figure"] == 1.0


def test_coverage_is_judged_once_fifteen_months_are_there(judged):
    stored = {
        "fundamentals_clean": [statement(month_shift(NOW, -13), "s00")],
        "securities_clean": [company(f"s{number:02d}") for number in range(30)],
    }
    assert (NOW, "filing_coverage") not in judged("fundamentals_clean", [], [NOW], stored=stored)


@pytest.mark.parametrize(("assumed", "passed"), [(10, True), (11, False)])
def test_assumed_dates_are_told(judged, assumed, passed):
    rows = [row | {"known_at_rule": "assumed_lag" if number < assumed else "reported"} for number, row in enumerate(originals([NOW]))]
    assert judged("fundamentals_clean", rows, [NOW])[NOW, "assumed_lag"]["passed"] is passed


@pytest.mark.parametrize(("assets", "passed"), [(99.0 * 100, True), (1000.0 * 100, False), (0.1, False), (None, True)])
def test_a_statement_in_another_unit_is_found(judged, assets, passed):
    rows = [statement(NOW, "s1", period="2026-01-31", assets=assets), statement(NOW, "s2", period="2026-01-31", assets=101.0)]
    stored = [statement("2025-12", "s1", period="2025-10-31"), statement("2025-12", "s2", period="2025-10-31")]
    found = judged("fundamentals_clean", rows, [NOW], stored={"fundamentals_clean": stored})[NOW, "unit_jumps"]
    assert found["passed"] is passed
    assert found.get("samples", []) == ([] if passed else ["s1"])
