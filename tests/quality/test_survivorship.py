"""A universe that nobody ever leaves was chosen with hindsight."""

from datetime import date

import pytest

NOW, THEN = "2026-03", "2024-03"


def listings(month, as_of, names, left=0, **more):
    """`names` securities of which the first `left` have ended a year before."""
    return [
        {
            "month": month,
            "market": "US",
            "as_of_date": as_of,
            "security_id": f"s{k:03d}",
            "listed_to": date(2025, 1, 10) if k < left else None,
            "quality": "",
        }
        | more
        for k in range(names)
    ]


@pytest.mark.parametrize(("left", "passed"), [(0, False), (1, True)])
def test_a_universe_without_a_single_exit_is_flagged(judged, left, passed):
    rows = listings(NOW, date(2026, 3, 31), 120, left)
    found = judged("securities_clean", rows, [NOW], stored={"securities_clean": listings(THEN, date(2024, 3, 28), 110)})
    assert found[NOW, "survivorship"]["passed"] is passed
    assert found[NOW, "survivorship"]["severity"] == "WARN"


def test_an_exit_that_lies_ahead_is_none_yet(judged):
    rows = [row | {"listed_to": date(2026, 4, 10)} for row in listings(NOW, date(2026, 3, 31), 120)]
    found = judged("securities_clean", rows, [NOW], stored={"securities_clean": listings(THEN, date(2024, 3, 28), 110)})
    assert not found[NOW, "survivorship"]["passed"]


@pytest.mark.parametrize(("names", "then"), [(99, THEN), (120, "2024-04")])
def test_it_takes_a_hundred_names_and_two_years(judged, names, then):
    rows = listings(NOW, date(2026, 3, 31), names)
    assert judged("securities_clean", rows, [NOW], stored={"securities_clean": listings(then, date(2024, 3, 28), names)}) == {}


def test_names_that_never_had_a_price_do_not_count(judged):
    rows = listings(NOW, date(2026, 3, 31), 120, 60, quality="no_prices")
    assert judged("securities_clean", rows, [NOW], stored={"securities_clean": listings(THEN, date(2024, 3, 28), 110)}) == {}
