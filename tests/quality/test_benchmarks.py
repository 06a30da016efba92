"""Benchmark levels against the market they stand for."""

import math
from datetime import date

import pytest

from wg_dagster.calendars import month_sessions

MONTH = "2026-03"
DAYS = month_sessions("XNYS", MONTH)
MOVES = [0.01 * math.sin(3 * k) for k in range(len(DAYS))]


def market():
    """Three names around the moves; the median is the move itself."""
    return [
        {"month": MONTH, "market": "US", "session_date": day, "log_return_1e9": round((move + shift) * 1e9)}
        for day, move in zip(DAYS, MOVES, strict=True)
        for shift in (-0.02, 0.0, 0.02)
    ]


def index(moves, days=DAYS):
    return [
        {
            "month": MONTH,
            "benchmark_id": "sp500",
            "session_date": day,
            "currency": "USD",
            "level": 100.0,
            "log_return_1e9": round(move * 1e9),
        }
        for day, move in zip(days, moves, strict=True)
    ]


def test_an_index_that_moves_with_its_market_passes(judged, failing):
    verdicts = judged("benchmark_nav", index(MOVES), [MONTH], stored={"prices_clean": market()})
    assert failing(verdicts) == set()
    assert {check for _, check in verdicts} == {"index_gap", "index_correlation", "index_sessions"}
    assert verdicts[MONTH, "index_correlation"]["figure"] == 1.0


@pytest.mark.parametrize(("a_day", "passed"), [(0.006, True), (0.008, False)])
def test_an_index_far_from_the_median_is_flagged(judged, a_day, passed):
    """22 sessions x 0.6 % = 13 %, x 0.8 % = 18 %; the limit is 15 %."""
    verdicts = judged("benchmark_nav", index([move + a_day for move in MOVES]), [MONTH], stored={"prices_clean": market()})
    assert verdicts[MONTH, "index_gap"]["figure"] == pytest.approx(22 * a_day, rel=1e-6)
    assert verdicts[MONTH, "index_gap"]["passed"] is passed


def test_an_index_that_is_shifted_by_a_session_is_flagged(judged):
    verdicts = judged("benchmark_nav", index([0.0, *MOVES[:-1]]), [MONTH], stored={"prices_clean": market()})
    assert not verdicts[MONTH, "index_correlation"]["passed"]
    assert verdicts[MONTH, "index_gap"]["passed"]


def test_missing_sessions_are_counted(judged):
    kept = [k for k in range(len(DAYS)) if k not in {5, 6}]
    verdicts = judged("benchmark_nav", index([MOVES[k] for k in kept], [DAYS[k] for k in kept]), [MONTH], stored={"prices_clean": market()})
    assert (verdicts[MONTH, "index_sessions"]["figure"], verdicts[MONTH, "index_sessions"]["passed"]) == (2.0, False)


def test_a_benchmark_may_begin_within_the_month(judged):
    verdicts = judged("benchmark_nav", index(MOVES[12:], DAYS[12:]), [MONTH], stored={"prices_clean": market()})
    assert verdicts[MONTH, "index_sessions"]["passed"]
    assert DAYS[12] == date(2026, 3, 18)


def test_without_prices_there_is_nothing_to_compare(judged):
    assert {check for _, check in judged("benchmark_nav", index(MOVES), [MONTH])} == {"index_sessions"}
