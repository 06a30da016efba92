"""Changes of earnings per share by hand, on the share basis of a later day."""

from datetime import date

import polars as pl
import pytest
from statement_rows import INSTANT, announcements, day, quarter, splits, statements

from wg_dagster.factor_windows.eps_series import STATEMENT_COLUMNS
from wg_dagster.factor_windows.eps_windows import LOOK_COLUMNS, eps_windows

ENDS = [f"{year}-{end}" for year in range(2018, 2024) for end in ("03-31", "06-30", "09-30", "12-31")]  # 24, oldest first
SEEN = "2024-06-01"
LINE = [quarter(end, eps=float(k)) for k, end in enumerate(ENDS)]  # EPS rises by one a quarter


def looks(*rows, series="statements", market="US"):
    filled = [("a", series, day(seen_at), splits_known_at and day(splits_known_at), market) for seen_at, splits_known_at in rows]
    types = {name: INSTANT if name.endswith("_at") else pl.String for name in LOOK_COLUMNS}
    return pl.DataFrame(filled, schema=types, orient="row")


def seen(rows=(), *, at=((SEEN, None),), announced=(), split=(), **options):
    """What the looks see, as one dictionary a look."""
    fundamentals = statements(*rows).select(STATEMENT_COLUMNS)
    table = eps_windows(looks(*at, **options), fundamentals, announcements(*announced), splits(*split)).read_all()
    return pl.DataFrame(pl.from_arrow(table)).sort("seen_at", "splits_known_at").to_dicts()


def test_changes_over_a_year_are_listed_from_the_newest():
    """EPS of a line: each quarter is 4 above the year before, each sum of four 16; sums of 23 + 22 + 21 + 20 = 86 and 70."""
    (look,) = seen(LINE)
    assert look["quarter_changes"] == [4.0] * 9
    assert (look["year_changes"], look["year_change_count"]) == ([16.0] * 12, 12)
    assert look["year_sizes"][:2] == [(86 + 70) / 2, (82 + 66) / 2]
    assert look["first_known_at"] == look["quarter_changes_known_at"] == look["year_changes_known_at"] == day("2024-02-14")


def test_a_short_history_has_fewer_changes():
    """Nine quarters: five changes of quarters, two of sums (1 to 4 with 5 to 8, 2 to 5 with 6 to 9)."""
    (look,) = seen(LINE[-9:])
    assert [change is not None for change in look["quarter_changes"]] == [True] * 5 + [False] * 4
    assert [change is not None for change in look["year_changes"]] == [True] * 2 + [False] * 10
    assert look["year_change_count"] == 2


def test_a_lost_quarter_breaks_what_it_belongs_to():
    """Without the fifth newest: the newest has no year before it, nor has any sum over the gap."""
    (look,) = seen(LINE[:-5] + LINE[-4:])
    assert look["quarter_changes"][:5] == [None, None, None, None, 4.0]
    assert look["year_changes"][:5] == [None, None, None, None, 16.0]


@pytest.mark.parametrize(("end", "quarters", "years"), [("2024-01-14", 4.0, 16.0), ("2024-01-15", 4.0, None), ("2024-01-16", None, None)])
def test_ends_must_be_a_year_apart_and_four_quarters_a_year_long(end, quarters, years):
    """2024-01-14 is 289 days after 2023-03-31; 2024-01-15 is 380 days after 2022-12-31."""
    (look,) = seen([*LINE[:-1], quarter(end, eps=23.0)])
    assert (look["quarter_changes"][0], look["year_changes"][0]) == (quarters, years)


def test_quarters_reach_seventy_two_months_back():
    """The nineteenth quarter ended on 2019-06-30: with it there are twelve changes, and a day later it is out."""
    counts = [look["year_change_count"] for look in seen(LINE, at=(("2025-06-29", None), ("2025-06-30", None)))]
    assert counts == [12, 11]


def test_a_derived_quarter_divides_its_income_by_shares():
    """30 / 10 = 3, 2 above the year before; without shares by those that the quarter before implies, 20 / 2 = 10; else not at all."""
    older = [quarter(end, eps=1.0) for end in ENDS[-5:-2]]
    before = quarter(ENDS[-2], eps=2.0, net_income=20.0)
    derived = quarter(ENDS[-1], is_derived=True, eps=9.0, net_income=30.0)
    for income, shares, change in ((20.0, 10.0, 2.0), (20.0, None, 2.0), (None, None, None), (20.0, 0.0, None)):
        rows = [*older, before | {"net_income": income}, derived | {"shares_outstanding": shares}]
        assert seen(rows)[0]["quarter_changes"][0] == change
    reported = derived | {"is_derived": False}
    assert seen([*older, before, reported])[0]["quarter_changes"][0] == 9 - 1
    assert seen([*older, before, reported | {"eps": None}])[0]["quarter_changes"][0] is None


@pytest.mark.parametrize(
    ("session", "market", "halved"),
    [
        ("2024-02-14", "US", 1),  # the day of the filing in Tokyo; New York still has the 13th
        ("2024-02-14", "JP", 2),
        ("2024-02-13", "US", 2),
        ("2024-03-01", "JP", 1),
    ],
)
def test_earnings_are_divided_by_the_splits_after_their_day_on_the_exchange(session, market, halved):
    """The newest quarter was known at midnight UTC of 2024-02-14. Two for one: 4 more than before is 2 of today's shares."""
    split = {"security_id": "a", "session_date": date.fromisoformat(session), "known_at": day("2024-04-01"), "split_ratio": 2.0}
    without, with_split = seen(LINE, at=((SEEN, None), (SEEN, "2024-04-01")), split=[split], market=market)
    assert without["quarter_changes"][0] == 4
    assert with_split["quarter_changes"][0] == (2 if halved == 1 else 23 - 19 / 2)
    assert with_split["quarter_changes"][1] == 2


def test_splits_that_are_not_known_yet_change_nothing_and_several_multiply():
    split = {"security_id": "a", "session_date": date(2024, 4, 1), "known_at": day("2024-04-01"), "split_ratio": 2.0}
    later = split | {"session_date": date(2024, 5, 1), "known_at": day("2024-05-01")}
    other = split | {"security_id": "b", "split_ratio": 7.0}
    at = ((SEEN, "2024-04-30"), (SEEN, "2024-05-01"))
    first, both = seen(LINE, at=at, split=[later, other, split])
    assert (first["quarter_changes"][0], both["quarter_changes"][0]) == (2, 1)


def test_a_restatement_is_news_but_does_not_change_when_the_quarter_was_filed():
    restated = quarter(ENDS[-1], known_at="2024-05-01", eps=30.0)
    (look,) = seen([*LINE, restated])
    assert (look["quarter_changes"][0], look["first_known_at"]) == (30 - 19, day("2024-02-14"))
    assert look["quarter_changes_known_at"] == day("2024-05-01")


def test_changes_are_known_when_the_last_of_their_quarters_was():
    """The thirteenth quarter is only the year before of the ninth change, the nineteenth only in the sum before the twelfth."""
    for back, of_quarters in ((13, "2024-05-01"), (14, "2024-02-14"), (19, "2024-02-14")):
        (look,) = seen([*LINE, quarter(ENDS[-back], known_at="2024-05-01", eps=2.0)])
        assert look["quarter_changes_known_at"] == day(of_quarters), back
        assert look["year_changes_known_at"] == day("2024-05-01"), back


def test_announcements_are_a_series_of_their_own():
    """Of two rows of one instant the later day's stands; those known 48 months before, or earlier, are forgotten."""
    rows = [
        {"security_id": "a", "period_end_date": row["period_end_date"], "known_at": row["known_at"], "announcement_date": date(2024, 1, 1)}
        | {"actual_eps": 2 * row["eps"]}
        for row in LINE
    ]
    newest = rows[-1] | {"announcement_date": date(2024, 1, 2), "actual_eps": 100.0}
    (look,) = seen(LINE, announced=[*rows, newest], series="announcements")
    assert look["quarter_changes"] == [100 - 38, *[8.0] * 8]
    assert look["first_known_at"] == day("2024-02-14")
    (look,) = seen(announced=rows, at=(("2024-02-14", None),), series="announcements")
    assert look["quarter_changes"][:8] == [8.0] * 8
    (look,) = seen(announced=rows, at=(("2026-02-14", None),), series="announcements")  # nine quarters are left, one more a day before
    assert [change is not None for change in look["quarter_changes"]] == [True] * 4 + [False] * 5


def test_a_look_without_quarters_has_no_changes():
    (look,) = seen()
    assert (look["first_known_at"], look["year_change_count"], set(look["quarter_changes"])) == (None, 0, {None})
    assert seen(at=()) == []
