"""The books: trades, nav, holdings, attribution."""

from datetime import date

import pytest

from wg_dagster.calendars import month_sessions

MONTH, BEFORE = "2026-03", "2026-02"
ID = "major_100"
DAYS = month_sessions("XNYS", MONTH)


@pytest.mark.parametrize(
    ("traded", "decided", "passed"),
    [
        (date(2026, 3, 2), date(2026, 2, 27), True),
        (date(2026, 3, 2), None, True),  # a sale without a decision: nothing was decided yet
        (date(2026, 3, 2), date(2026, 3, 2), False),
        (date(2026, 3, 2), date(2026, 3, 3), False),
        (date(2026, 2, 27), date(2026, 2, 26), False),  # filed under a month in which it was not made
    ],
)
def test_trades_come_after_their_decision(judged, traded, decided, passed):
    rows = [
        {"strategy": ID, "month": MONTH, "trade_date": day, "security_id": name} for day, name in ((traded, "a"), (date(2026, 3, 9), "b"))
    ]
    stored = {"model_portfolios": [{"month": BEFORE, "as_of_date": decided}] if decided else []}
    found = judged("trades", rows, [MONTH], stored=stored, strategy=ID)[MONTH, "decided_before_trading"]
    assert (found["passed"], found["severity"]) == (passed, "WARN" if passed else "ERROR")
    assert found.get("samples", []) == ([] if passed else ["a"])


def nav(days, level=lambda k: 1.0 + 0.001 * k, cash=0.0):
    return [
        {"strategy": ID, "month": day.strftime("%Y-%m"), "session_date": day, "currency": "USD", "nav": level(k), "cash_weight": cash}
        for k, day in enumerate(days)
    ]


def holdings(days, weight=0.5):
    return [{"strategy": ID, "month": MONTH, "session_date": day, "security_id": name, "weight": weight} for day in days for name in "ab"]


def judged_nav(judged, rows, before=(), held=None):
    stored = {"nav": list(before), "holdings": holdings(DAYS) if held is None else held}
    return judged("nav", rows, [MONTH], stored=stored, strategy=ID)


def test_a_nav_on_each_session_raises_nothing(judged, failing):
    verdicts = judged_nav(judged, nav(DAYS), nav([date(2026, 2, 27)]))
    assert failing(verdicts) == set()
    assert {check for _, check in verdicts} == {"nav_sessions", "nav_jump", "holdings_add_up"}


def test_the_first_month_may_begin_at_any_session(judged, failing):
    assert failing(judged_nav(judged, nav(DAYS[5:]))) == set()


@pytest.mark.parametrize(
    ("rows", "before", "missing"),
    [
        (nav(DAYS[:4] + DAYS[6:]), [], 2),
        (nav(DAYS[1:]), nav([date(2026, 2, 27)]), 1),
        (nav(DAYS), nav([date(2026, 1, 30)]), 19),  # the whole of February, which has nineteen sessions
    ],
)
def test_sessions_without_a_nav_are_an_error(judged, rows, before, missing):
    found = judged_nav(judged, rows, before)[MONTH, "nav_sessions"]
    assert (found["figure"], found["severity"]) == (missing, "ERROR")


@pytest.mark.parametrize(("level", "passed"), [(1.14, True), (1.16, False), (0.84, False)])
def test_a_jump_of_the_nav_is_flagged(judged, level, passed):
    before = [row | {"nav": 1.0} for row in nav([date(2026, 2, 27)])]
    found = judged_nav(judged, nav(DAYS, level=lambda _: level), before)[MONTH, "nav_jump"]
    assert (found["passed"], found["severity"]) == (passed, "WARN")
    assert found["figure"] == pytest.approx(abs(level - 1))


@pytest.mark.parametrize(("cash", "weight", "passed"), [(0.1, 0.45, True), (0.1, 0.46, False), (0.0, 0.49, False)])
def test_holdings_and_cash_make_up_the_whole(judged, cash, weight, passed):
    found = judged_nav(judged, nav(DAYS, cash=cash), held=holdings(DAYS, weight))[MONTH, "holdings_add_up"]
    assert (found["passed"], found["severity"]) == (passed, "WARN" if passed else "ERROR")


def test_a_session_without_holdings_must_be_all_cash(judged):
    assert not judged_nav(judged, nav(DAYS), held=holdings(DAYS[1:]))[MONTH, "holdings_add_up"]["passed"]


def lines(scheme, total, *values):
    named = [("total", "active", total), *(("allocation", f"sector {k}", value) for k, value in enumerate(values))]
    return [
        {"strategy": ID, "month": MONTH, "scheme": scheme, "effect": effect, "item": item, "value": value} for effect, item, value in named
    ]


@pytest.mark.parametrize(
    ("rest", "passed", "severity"),
    [(0.0, True, "WARN"), (1e-10, True, "WARN"), (4e-5, False, "WARN"), (6e-5, False, "ERROR"), (-6e-5, False, "ERROR")],
)
def test_lines_add_up_to_the_active_return(judged, rest, passed, severity):
    """Half a basis point (5e-5) is a figure of the letter; rounding is not."""
    rows = lines("factor", 0.02, 0.015, 0.005) + lines("brinson", 0.02, 0.01, 0.01 - rest)
    found = judged("attribution", rows, [MONTH], strategy=ID)[MONTH, "lines_add_up"]
    assert (found["passed"], found["severity"]) == (passed, severity)
    assert found["parts"]["factor"] == 0.0
    assert found["figure"] == pytest.approx(abs(rest), abs=1e-15)
