"""Daily prices: each rule on both sides of its threshold, and the name that broke it."""

from datetime import date

import pytest

MONTH, BEFORE = "2026-03", "2026-02"
LAST, LAST_BEFORE = date(2026, 3, 31), date(2026, 2, 27)


def test_a_market_that_trades_raises_nothing(judged, priced, failing):
    verdicts = judged("prices_clean", priced([BEFORE, MONTH]), [BEFORE, MONTH])
    assert failing(verdicts) == set()
    assert len(verdicts) == 25  # thirteen checks in each month, but the first has no month before it


@pytest.mark.parametrize(
    ("lost", "passed", "severity"), [(0, True, "WARN"), (5, True, "WARN"), (6, False, "WARN"), (20, False, "WARN"), (21, False, "ERROR")]
)
def test_names_that_stop_closing_are_counted_against_last_month(judged, priced, lost, passed, severity):
    """40 names: five may leave before anyone looks, six are 15 %, and under half (21 of 40 gone) the month is not fit for use."""
    gone = {f"s{number:03d}" for number in range(lost)}
    rows = [row for row in priced([MONTH]) if row["security_id"] not in gone]
    found = judged("prices_clean", rows, [MONTH], stored={"prices_clean": priced([BEFORE])})[MONTH, "priced_names"]
    assert (found["passed"], found["severity"]) == (passed, severity)
    assert found["figure"] == pytest.approx(1 - lost / 40)
    assert found["failed_rows"] == (0 if passed else lost)
    assert found.get("samples", []) == ([] if passed else [f"s{number:03d}" for number in range(5)])


def test_a_market_without_any_rows_is_an_error(judged, priced):
    rows = priced([MONTH]) + priced([BEFORE], where="JP")
    found = judged("prices_clean", rows, [BEFORE, MONTH], stored={"prices_clean": priced(["2026-01"], where="JP")})
    assert found[MONTH, "priced_names"]["parts"] == {"JP": 0.0}  # the US names are new: nothing to compare
    assert found[MONTH, "priced_names"]["severity"] == "ERROR"


def test_new_identities_are_as_bad_as_no_prices(judged, priced):
    """As many names as before, but other ones."""
    rows = [row | {"security_id": "new" + row["security_id"]} for row in priced([MONTH])]
    found = judged("prices_clean", rows, [MONTH], stored={"prices_clean": priced([BEFORE])})[MONTH, "priced_names"]
    assert (found["figure"], found["severity"]) == (0.0, "ERROR")


@pytest.mark.parametrize(("names", "passed"), [(5, True), (6, False)])
def test_closes_that_stand_still_for_ten_sessions_are_stale(judged, priced, names, passed):
    still = {f"s{number:03d}" for number in range(names)}
    rows = [
        row | ({"close": 50.0} if row["security_id"] in still and row["session_date"] >= date(2026, 3, 17) else {})
        for row in priced([MONTH])
    ]
    found = judged("prices_clean", rows, [MONTH])[MONTH, "stale_names"]  # 17 to 31 March: eleven sessions, ten without a change
    assert found["passed"] is passed
    assert found["figure"] == pytest.approx(names / 40)


def test_nine_sessions_are_not_stale_yet(judged, priced):
    rows = [row | ({"close": 50.0} if row["session_date"] >= date(2026, 3, 18) else {}) for row in priced([MONTH])]
    assert judged("prices_clean", rows, [MONTH])[MONTH, "stale_names"]["figure"] == 0.0


def test_standing_still_is_counted_across_the_end_of_the_month(judged, priced):
    rows = [row | {"close": 50.0} for row in priced([MONTH]) if row["session_date"] <= date(2026, 3, 4)]
    stored = [row | ({"close": 50.0} if row["session_date"] >= date(2026, 2, 17) else {}) for row in priced([BEFORE])]
    alone = judged("prices_clean", rows, [MONTH])[MONTH, "stale_names"]
    found = judged("prices_clean", rows, [MONTH], stored={"prices_clean": stored})[MONTH, "stale_names"]
    assert (alone["figure"], found["figure"]) == (0.0, 1.0)


def test_names_without_a_row_on_the_last_session_are_stale(judged, priced):
    rows = [row for row in priced([MONTH]) if row["security_id"] >= "s006" or row["session_date"] < LAST]
    found = judged("prices_clean", rows, [MONTH])[MONTH, "stale_names"]
    assert (found["passed"], found["failed_rows"], found["samples"][0]) == (False, 6, "s000")


@pytest.mark.parametrize(("every", "passed"), [(11, True), (9, False)])
def test_sessions_without_volume_are_counted(judged, priced, every, passed):
    rows = [row | {"volume": 0 if number % every == 0 else 10} for number, row in enumerate(priced([MONTH]))]
    assert judged("prices_clean", rows, [MONTH])[MONTH, "zero_volume"]["passed"] is passed


@pytest.mark.parametrize(
    ("changes", "passed"),
    [
        ({"return_1e9": 510_000_000}, False),
        ({"return_1e9": -510_000_000}, False),
        ({"return_1e9": 490_000_000}, True),
        ({"return_1e9": 510_000_000, "split_ratio": 2.0}, True),
        ({"return_1e9": 510_000_000, "cash_dividend": 1.0}, True),
    ],
)
def test_moves_over_half_without_an_action_are_jumps(judged, priced, changes, passed):
    jumped = {"s001", "s002", "s003"}
    rows = [row | (changes if row["security_id"] in jumped and row["session_date"] == LAST else {}) for row in priced([MONTH])]
    found = judged("prices_clean", rows, [MONTH])[MONTH, "jumps"]
    assert found["passed"] is passed
    assert found.get("samples", []) == ([] if passed else sorted(jumped))


@pytest.mark.parametrize(("flag", "passed"), [("split_suspected", False), ("gap,split_suspected", False), ("not_split_suspected", True)])
def test_one_suspected_split_is_enough(judged, priced, flag, passed):
    rows = priced([MONTH])
    rows[100]["quality"] = flag
    found = judged("prices_clean", [{"quality": ""} | row for row in rows], [MONTH])[MONTH, "suspected_splits"]
    assert found["passed"] is passed
    assert found.get("samples", []) == ([] if passed else [rows[100]["security_id"]])


@pytest.mark.parametrize(("sessions", "passed"), [(4, True), (5, False)])
def test_five_identical_bars_are_a_copy(judged, priced, sessions, passed):
    days = sorted({row["session_date"] for row in priced([MONTH])})[3 : 3 + sessions]
    rows = [row | {"quality": "stale" if row["security_id"] == "s007" and row["session_date"] in days else ""} for row in priced([MONTH])]
    assert judged("prices_clean", rows, [MONTH])[MONTH, "repeated_bars"]["passed"] is passed


def test_a_month_that_ends_early_is_incomplete(judged, priced):
    rows = [row for row in priced([MONTH]) if row["session_date"] <= date(2026, 3, 27)]
    verdicts = judged("prices_clean", rows, [MONTH])
    assert verdicts[MONTH, "month_end_priced"]["figure"] == 2.0  # the 30th and the 31st
    assert not verdicts[MONTH, "month_end_priced"]["passed"]
    assert verdicts[MONTH, "stale_names"]["passed"]  # names are held against the last session that is there


def test_a_market_of_few_names_has_no_shares(judged, priced):
    verdicts = judged("prices_clean", priced([MONTH], names=29), [MONTH], stored={"prices_clean": priced([BEFORE], names=29)})
    assert (MONTH, "priced_names") not in verdicts
    assert (MONTH, "stale_names") not in verdicts
    assert (MONTH, "suspected_splits") in verdicts


def test_markets_are_judged_apart_and_the_worst_decides(judged, priced):
    here, there = priced([MONTH], names=200), priced([MONTH], names=40, where="JP")
    for row in there:
        row["security_id"] = "j" + row["security_id"]
    spoilt = [row for row in there if row["security_id"] >= "js010" or row["session_date"] < LAST]
    found = judged("prices_clean", here + spoilt, [MONTH])[MONTH, "stale_names"]
    assert found["parts"] == {"JP": 0.25, "US": 0.0}
    assert (found["figure"], found["failed_rows"], found["total_rows"]) == (0.25, 10, 240)
