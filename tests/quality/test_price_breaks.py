"""Two names that exchange their rows: how far apart in price they must lie to be seen, and how calm they must be."""

import pytest

from wg_dagster.calendars import month_sessions, session_dates

MONTH = "2026-03"
DAYS = month_sessions("XNYS", MONTH)
SINCE = DAYS[15]


def rows_of(name, level, move, volume=1000):
    """A name that goes up and down by `move` from session to session."""
    index = session_dates("XNYS")
    return [
        {
            "month": MONTH,
            "market": "US",
            "security_id": name,
            "session_date": day,
            "session_index": index.index(day),
            "close": level * (1.0 + move * (k % 2)),
            "volume": volume,
            "quality": "",
        }
        for k, day in enumerate(DAYS)
    ]


@pytest.mark.parametrize(
    ("apart", "move", "volumes", "found"),
    [
        (1.25, 0.01, (1000, 1000), True),  # log 0.223 is 22 usual moves
        (1.10, 0.005, (1000, 1000), True),  # log 0.095 is 19 usual moves
        (1.07, 0.001, (1000, 1000), False),  # log 0.068 is no move at all
        (1.10, 0.01, (1000, 1000), False),  # ten usual moves may be news ...
        (1.10, 0.01, (1000, 90_000), True),  # ... unless the volumes were exchanged as well
    ],
)
def test_exchanged_names_are_seen_where_they_move_out_of_the_ordinary(judged, apart, move, volumes, found):
    rows = [*rows_of("one", 100.0, move, volumes[0]), *rows_of("other", 100.0 * apart, move, volumes[1])]
    swapped = {"one": "other", "other": "one"}
    rows = [row | {"security_id": swapped[row["security_id"]]} if row["session_date"] >= SINCE else row for row in rows]
    verdict = judged("prices_clean", rows, [MONTH])[MONTH, "exchanged_names"]
    assert verdict["passed"] is not found
    assert verdict.get("samples", []) == (["one", "other"] if found else [])
