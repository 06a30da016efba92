"""Splits and dividends, given or read from two closes of one archive."""

import polars as pl
import pytest

from wg_dagster.calendars import month_sessions

MARCH = month_sessions("XNYS", "2024-03")


def _archives(market, adjusted, closes, days=MARCH):
    """Two captures a session: archive k holds session k - 1 with its adjusted close, and session k as traded."""
    rows = [market.price("AAA", days[0], closes[0], split_ratio=None, cash_dividend=None, vendor_adjusted_close=closes[0])]
    for k in range(1, len(closes)):
        known = market.day_end(days[k])
        rows.append(
            market.price(
                "AAA",
                days[k - 1],
                closes[k - 1],
                split_ratio=None,
                cash_dividend=None,
                vendor_adjusted_close=adjusted[k - 1],
                known_at=known,
            )
        )
        rows.append(market.price("AAA", days[k], closes[k], split_ratio=None, cash_dividend=None, vendor_adjusted_close=closes[k]))
    return rows


def _actions(market, rows):
    built = market.clean(market.raw_tables(prices=rows), ["2024-03"])
    return built, built["corporate_actions"].select("session_date", "split_ratio", "cash_dividend", "quality").rows()


@pytest.mark.parametrize(
    ("adjusted", "close", "expected"),
    [
        (50.0, 50.5, (2.0, 0.0, "ratio_read")),
        (14.29, 14.2, (7.0, 0.0, "ratio_read")),
        (66.67, 67.0, (1.5, 0.0, "ratio_read")),
        (1000.0, 990.0, (0.1, 0.0, "ratio_read,reverse_split")),
        (98.0, 98.5, (1.0, 2.0, "ratio_read")),
        (88.0, 88.5, (1.0, 12.0, "ratio_read,special_dividend")),
        (70.0, 71.0, (1.0, 30.0, "ratio_read,spin_off")),
    ],
)
def test_a_ratio_is_read_from_one_archive_and_named(market, adjusted, close, expected):
    """The close before is 100; the archive of the next day adjusts it."""
    built, actions = _actions(market, _archives(market, [100.0, adjusted, close], [100.0, 100.0, close, close]))
    assert [(day, split, pytest.approx(dividend), quality) for day, split, dividend, quality in actions] == [(MARCH[2], *expected)]
    split, dividend = expected[:2]
    row = built["prices_clean"].filter(pl.col("session_date") == MARCH[2]).row(0, named=True)
    assert row["return_1e9"] == pytest.approx((close * split + dividend - 100) / 100 * 1e9, abs=1)


def test_an_action_that_the_vendor_adjusts_early_is_counted_once(market):
    """A day before a 2 for 1 split the whole archive is already adjusted: both closes carry the factor, the ratio within it is 1."""
    days = MARCH[:4]
    closes = [100.0, 100.0, 100.0, 50.0]
    rows = [market.price("AAA", days[0], 100.0, split_ratio=None, cash_dividend=None, vendor_adjusted_close=100.0)]
    factors = {1: (1.0, 1.0), 2: (0.5, 0.5), 3: (0.5, 1.0)}
    for k, (earlier, later) in factors.items():
        known = market.day_end(days[k])
        for day, close, factor in ((days[k - 1], closes[k - 1], earlier), (days[k], closes[k], later)):
            rows.append(
                market.price("AAA", day, close, split_ratio=None, cash_dividend=None, vendor_adjusted_close=close * factor, known_at=known)
            )
    _, actions = _actions(market, rows)
    assert actions == [(days[3], 2.0, 0.0, "ratio_read")]


def test_noise_in_adjusted_closes_is_no_action(market):
    _, actions = _actions(market, _archives(market, [100.0, 64.29], [100.0, 64.290001, 64.0]))
    assert actions == []


def test_a_session_whose_ratio_nobody_saw_counts_as_one_and_says_so(market):
    """The archive of MARCH[1] is missing: its session is first seen in the archive of the next day, without the day before."""
    rows = [
        row for row in _archives(market, [100.0, 101.0, 100.0], [100.0, 101.0, 100.0, 101.0]) if row["known_at"] != market.day_end(MARCH[1])
    ]
    built, _ = _actions(market, rows)
    seen = built["prices_clean"].sort("session_date").select("session_date", "split_ratio", "cash_dividend", "return_1e9", "quality").rows()
    assert seen[1] == (MARCH[1], 1.0, None, 10_000_000, "action_unseen")
    assert seen[2] == (MARCH[2], 1.0, 0.0, round((100 / 101 - 1) * 1e9), "")


def test_a_source_that_tells_no_actions_at_all_says_so_on_each_row(market):
    built, actions = _actions(market, market.prices("AAA", "2024-03", [10.0, 10.1], split_ratio=None, cash_dividend=None))
    assert actions == []
    assert set(built["prices_clean"]["quality"]) == {"action_unseen"}


def test_a_later_capture_takes_an_action_back(market):
    rows = market.prices("AAA", "2024-03", [10.0, 10.0, 10.0])
    rows[1]["split_ratio"] = 2.0
    rows.append(market.price("AAA", MARCH[1], 10.0, known_at=market.day_end(MARCH[2])))
    assert _actions(market, rows)[1] == []


def test_an_action_told_after_the_month_is_not_in_the_month(market):
    rows = market.prices("AAA", "2024-03", [10.0, 10.0, 10.0])
    rows.append(market.price("AAA", MARCH[1], 10.0, split_ratio=2.0, known_at=market.day_end("2024-04-01")))
    assert _actions(market, rows)[1] == []


@pytest.mark.parametrize("fault", [{"split_ratio": 0.0}, {"split_ratio": -2.0}, {"cash_dividend": -1.0}])
def test_an_impossible_action_is_set_aside(market, fault):
    rows = market.prices("AAA", "2024-03", [10.0, 10.0])
    rows[1] |= fault
    built, actions = _actions(market, rows)
    assert actions == []
    assert built["quarantine"]["rule"].to_list() == ["impossible_action"]
