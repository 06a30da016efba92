"""Daily prices: which capture, which rule, which return."""

import math
from datetime import UTC, datetime, timedelta

import polars as pl
import pytest

from wg_dagster.calendars import month_sessions

MARCH = month_sessions("XNYS", "2024-03")
APRIL = month_sessions("XNYS", "2024-04")


def _built(market, rows, months=("2024-03",), **tables):
    return market.clean(market.raw_tables(prices=rows, **tables), list(months))


def _closes(built):
    return dict(built["prices_clean"].sort("session_date").select("session_date", "close").iter_rows())


def _row(built, day):
    return built["prices_clean"].filter(pl.col("session_date") == day).row(0, named=True)


def _rules(built):
    return built["quarantine"]["rule"].to_list()


def test_the_latest_capture_that_was_visible_at_the_month_s_cut_off_counts(market):
    first, corrected = market.price("AAA", MARCH[3], 10.0), market.price("AAA", MARCH[3], 11.0, known_at=market.day_end(MARCH[4]))
    too_late = market.price("AAA", MARCH[3], 12.0, known_at=market.day_end(APRIL[0]))
    assert _closes(_built(market, [first, corrected, too_late]))[MARCH[3]] == 11.0


def test_exact_copies_are_set_aside_and_earlier_captures_are_not(market):
    row = market.price("AAA", MARCH[3], 10.0)
    built = _built(market, [row, row, market.price("AAA", MARCH[3], 11.0, known_at=market.day_end(MARCH[4]))])
    assert _rules(built) == ["duplicate"]
    assert _closes(built) == {MARCH[3]: 11.0}


@pytest.mark.parametrize(
    ("rule", "fault"),
    [
        ("missing_close", {"close": None}),
        ("missing_close", {"close": math.nan}),
        ("non_positive_price", {"close": 0.0}),
        ("non_positive_price", {"close": -10.0}),
        ("non_positive_price", {"low": -1.0}),
        ("high_below_low", {"high": 9.0, "low": 9.5}),
        ("negative_volume", {"volume": -5}),
        ("missing_currency", {"currency": None}),
        ("future_session", {"session_date": MARCH[8]}),
        ("not_a_session", {"session_date": MARCH[0] + timedelta(days=1)}),  # 2024-03-01 is a Friday
    ],
)
def test_each_bad_row_is_set_aside_with_its_rule_and_place(market, rule, fault):
    rows = market.prices("AAA", "2024-03", [10.0] * 6)
    built = _built(market, [*rows, {**market.price("AAA", MARCH[6], 10.0), **fault}])
    held = built["quarantine"].row(0, named=True)
    assert (held["rule"], held["table"], held["month"], held["vendor_symbol"]) == (rule, "prices", "2024-03", "AAA")
    assert (held["source_file"], held["source_line"]) == ("hand", 7)
    assert '"vendor_symbol":"AAA"' in held["row_json"]
    assert _closes(built) == dict.fromkeys(MARCH[:6], 10.0)


def test_a_bad_capture_does_not_hide_the_good_one_before_it(market):
    good, bad = market.price("AAA", MARCH[3], 10.0), market.price("AAA", MARCH[3], -10.0, known_at=market.day_end(MARCH[4]))
    assert _closes(_built(market, [good, bad])) == {MARCH[3]: 10.0}


def test_a_return_holds_the_dividend_and_the_split(market):
    """100 -> 51 with 2 for 1 and 3 paid on the old share: (51 x 2 + 3) / 100 - 1 = 5 %."""
    rows = [market.price("AAA", MARCH[0], 100.0), market.price("AAA", MARCH[1], 51.0, split_ratio=2.0, cash_dividend=3.0)]
    row = _row(_built(market, rows), MARCH[1])
    assert row["return_1e9"] == 50_000_000
    assert row["log_return_1e9"] == round(1e9 * math.log(1.05))
    assert row["traded_value"] == 51_000.0


def test_the_first_close_of_a_security_has_no_return(market):
    assert _row(_built(market, [market.price("AAA", MARCH[0], 100.0)]), MARCH[0])["return_1e9"] is None


def test_the_return_after_a_bad_day_spans_it(market):
    rows = market.prices("AAA", "2024-03", [100.0, -1.0, 110.0])
    row = _row(_built(market, rows), MARCH[2])
    assert (row["return_1e9"], row["quality"]) == (100_000_000, "gap")


def test_an_action_on_a_day_without_a_usable_close_counts_at_the_next_one(market):
    rows = [
        market.price("AAA", MARCH[0], 100.0),
        market.price("AAA", MARCH[1], 0.0, split_ratio=4.0),
        market.price("AAA", MARCH[2], 25.0, cash_dividend=0.0),
    ]
    row = _row(_built(market, rows), MARCH[2])
    assert (row["return_1e9"], row["split_ratio"]) == (0, 4.0)


def test_the_first_return_of_a_month_uses_the_last_close_of_the_month_before(market):
    rows = [market.price("AAA", MARCH[-1], 100.0), market.price("AAA", APRIL[0], 90.0)]
    built = _built(market, rows, ["2024-04"])
    assert built["prices_clean"]["return_1e9"].to_list() == [-100_000_000]


def test_returns_chain_over_a_month_end_as_the_closes_were_known(market):
    """The correction of March's last close comes in April: April's first return starts from the close that stood in March."""
    late = market.price("AAA", MARCH[-1], 105.0, known_at=market.day_end(APRIL[0]))
    rows = [market.price("AAA", MARCH[-1], 100.0), late, market.price("AAA", APRIL[0], 110.0)]
    built = _built(market, rows, ["2024-03", "2024-04"])
    assert _closes(built) == {MARCH[-1]: 100.0, APRIL[0]: 110.0}
    assert _row(built, APRIL[0])["return_1e9"] == 100_000_000


def test_no_return_is_made_over_more_than_sixty_sessions(market):
    days = [day for month in ("2024-01", "2024-02", "2024-03", "2024-04") for day in month_sessions("XNYS", month)]
    for gap, made in ((60, True), (61, False)):
        rows = [market.price("AAA", days[0], 100.0), market.price("AAA", days[gap], 110.0)]
        built = _built(market, rows, [f"{days[gap]:%Y-%m}"])
        assert (_row(built, days[gap])["return_1e9"] is not None) == made
        assert _row(built, days[gap])["quality"] == "gap"


def test_a_close_a_hundred_times_too_high_is_set_aside_when_it_comes_back(market):
    built = _built(market, market.prices("AAA", "2024-03", [10.0, 10.0, 1000.0, 10.1]))
    assert _rules(built) == ["jump_that_reverts"]
    assert _row(built, MARCH[3])["return_1e9"] == 10_000_000


def test_a_wrong_unit_of_several_days_is_set_aside(market):
    built = _built(market, market.prices("AAA", "2024-03", [10.0] * 6 + [0.1, 0.1] + [10.0] * 6))
    assert _rules(built) == ["jump_that_reverts"] * 2
    assert set(built["prices_clean"]["return_1e9"].drop_nulls()) == {0}


def test_a_jump_on_the_last_visible_session_is_not_believed_yet(market):
    rows = market.prices("AAA", "2024-03", [10.0] * 20) + market.prices("AAA", "2024-04", [500.0] * 5)
    rows[19]["close"] = rows[19]["open"] = rows[19]["high"] = rows[19]["low"] = 500.0
    built = _built(market, rows, ["2024-03", "2024-04"])
    assert _rules(built) == ["jump_not_confirmed"]
    assert _row(built, APRIL[0])["quality"] == "gap,jump"


def test_a_confirmed_collapse_is_booked_and_a_confirmed_tenfold_rise_is_not(market):
    down = _built(market, market.prices("AAA", "2024-03", [10.0] * 6 + [0.5] * 6))
    assert (_row(down, MARCH[6])["return_1e9"], _row(down, MARCH[6])["quality"]) == (-950_000_000, "jump")
    up = _built(market, market.prices("AAA", "2024-03", [1.0] * 6 + [20.0] * 6))
    assert (_row(up, MARCH[6])["return_1e9"], _row(up, MARCH[6])["quality"]) == (None, "jump")


def test_a_told_split_is_no_jump(market):
    rows = market.prices("AAA", "2024-03", [0.1] * 5 + [2.0] * 5)
    rows[5]["split_ratio"] = 0.05
    built = _built(market, rows)
    assert _row(built, MARCH[5])["return_1e9"] == 0
    assert _rules(built) == []


def test_an_untold_split_with_matching_volume_has_no_return(market):
    rows = market.prices("AAA", "2024-03", [90.0] * 6 + [30.2] * 3)
    for row in rows[6:]:
        row["volume"] = 3000
    row = _row(_built(market, rows), MARCH[6])
    assert (row["return_1e9"], row["quality"]) == (None, "split_suspected")


def test_a_crash_on_heavy_volume_is_a_return(market):
    rows = market.prices("AAA", "2024-03", [90.0] * 6 + [30.2] * 3)
    rows[6]["volume"] = 20_000
    assert _row(_built(market, rows), MARCH[6])["return_1e9"] == round((30.2 / 90 - 1) * 1e9)


def test_a_split_told_a_day_before_the_price_moves_is_not_a_return(market):
    rows = market.prices("AAA", "2024-03", [90.0] * 5 + [91.0] + [30.0] * 3)
    rows[5]["split_ratio"] = 3.0
    row = _row(_built(market, rows), MARCH[5])
    assert (row["return_1e9"], row["quality"]) == (None, "split_suspected")


def test_a_row_that_repeats_the_day_before_is_flagged(market):
    rows = market.prices("AAA", "2024-03", [10.0, 10.0, 10.0])
    rows[2]["volume"] = 1001
    assert [_row(_built(market, rows), day)["quality"] for day in MARCH[:3]] == ["", "stale", ""]


def test_a_day_without_trades_is_not_stale(market):
    assert _row(_built(market, market.prices("AAA", "2024-03", [10.0, 10.0], volume=0)), MARCH[1])["quality"] == ""


def test_shares_are_those_of_the_newest_statement_known_that_day_carried_by_splits(market):
    """1,000 shares told on the evening of MARCH[1]; 2 for 1 on MARCH[3]."""
    rows = market.prices("AAA", "2024-03", [10.0, 10.0, 10.0, 5.0])
    rows[3]["split_ratio"] = 2.0
    told = market.filing("AAA", "2023-12-31", "FY", market.at(MARCH[1]), shares_outstanding=1000.0)
    built = _built(market, rows, fundamentals=[told])
    sizes = built["prices_clean"].sort("session_date").select("shares_outstanding", "shares_source", "market_cap").rows()
    assert sizes == [(None, None, None), (1000.0, "reported", 10_000.0), (1000.0, "reported", 10_000.0), (2000.0, "reported", 10_000.0)]


@pytest.mark.parametrize("filed", [datetime(2024, 3, 16, 15, tzinfo=UTC), datetime(2024, 3, 19, 4, tzinfo=UTC)])
def test_shares_filed_after_the_cut_off_of_a_session_say_nothing_of_it(market, filed):
    """On a Saturday, after Friday the 15th; at midnight in New York's summer time, after Monday the 18th."""
    told = market.filing("AAA", "2023-12-31", "FY", filed, shares_outstanding=1000.0)
    built = _built(market, market.prices("AAA", "2024-03", [10.0] * 14), fundamentals=[told])
    known = built["prices_clean"].filter(pl.col("shares_outstanding").is_not_null())["session_date"]
    assert known.min() == next(day for day in MARCH if day > (filed - timedelta(hours=5)).date())


@pytest.mark.parametrize(("stated", "carried"), [(1000.0, 2000.0), (2010.0, 2010.0)])
def test_a_count_told_after_a_split_is_read_so_that_it_fits_the_statement_before(market, stated, carried):
    """Split 2 for 1 on MARCH[2], between the period end and the filing of the second statement."""
    rows = market.prices("AAA", "2024-03", [10.0, 10.0, 5.0, 5.0, 5.0])
    rows[2]["split_ratio"] = 2.0
    filings = [
        market.filing("AAA", "2023-12-31", "FY", market.at(MARCH[0]), shares_outstanding=1000.0),
        market.filing("AAA", "2024-02-29", "Q1", market.at(MARCH[3]), shares_outstanding=stated),
    ]
    assert _row(_built(market, rows, fundamentals=filings), MARCH[4])["shares_outstanding"] == carried


def test_shares_are_inferred_from_earnings_where_they_are_not_reported(market):
    told = market.filing("AAA", "2023-12-31", "Q4", market.at(MARCH[0]), net_income=5e6, eps_diluted=0.5, eps_basic=0.4)
    row = _row(_built(market, market.prices("AAA", "2024-03", [10.0, 10.0]), fundamentals=[told]), MARCH[1])
    assert (row["shares_outstanding"], row["shares_source"], row["market_cap"]) == (1e7, "inferred", 1e8)


@pytest.mark.parametrize(
    "items", [{"net_income": 2e5, "eps_diluted": 0.02}, {"net_income": -5e6, "eps_diluted": 0.5}, {"net_income": 100.0, "eps_diluted": 0.5}]
)
def test_no_shares_are_inferred_where_the_quotient_says_nothing(market, items):
    told = market.filing("AAA", "2023-12-31", "Q4", market.at(MARCH[0]), **items)
    assert _row(_built(market, market.prices("AAA", "2024-03", [10.0, 10.0]), fundamentals=[told]), MARCH[1])["market_cap"] is None


def test_small_earnings_per_share_give_the_count_together(market):
    """Cents are coarse: 500,000 / 0.05 and 430,000 / 0.04 say 10.0 and 10.75 million; together 930,000 / 0.09."""
    told = [
        market.filing("AAA", "2023-09-30", "Q3", market.at(MARCH[0]), net_income=5e5, eps_diluted=0.05),
        market.filing("AAA", "2023-12-31", "Q4", market.at(MARCH[0]), net_income=4.3e5, eps_diluted=0.04),
    ]
    row = _row(_built(market, market.prices("AAA", "2024-03", [10.0, 10.0]), fundamentals=told), MARCH[1])
    assert (row["shares_outstanding"], row["shares_source"]) == (pytest.approx(930_000 / 0.09), "inferred")


def test_market_cap_is_the_issuer_s_sum_over_its_lines_with_the_last_close_of_a_silent_one(market):
    """A: 10 x 1,000; B: 20 x 500; on the second day B does not trade."""
    rows = [*market.prices("A", "2024-03", [10.0, 11.0]), market.price("B", MARCH[0], 20.0)]
    told = [market.listing(symbol, market.day_end(MARCH[0]), issuer="7", share_class=symbol) for symbol in "AB"]
    filings = [
        market.filing(symbol, "2023-12-31", "FY", market.at(MARCH[0]), shares_outstanding=count)
        for symbol, count in (("A", 1000.0), ("B", 500.0))
    ]
    built = _built(market, rows, securities=told, fundamentals=filings)
    assert sorted(built["prices_clean"].select("session_date", "market_cap").rows()) == [
        (MARCH[0], 20_000.0),
        (MARCH[0], 20_000.0),
        (MARCH[1], 21_000.0),
    ]


def test_a_receipt_counts_in_receipts(market):
    """1,000 ordinary shares at 4 a receipt are 250 receipts."""
    told = market.listing("AAA", market.day_end(MARCH[0]), security_type="adr", adr_ratio=4.0)
    filed = market.filing("AAA", "2023-12-31", "FY", market.at(MARCH[0]), shares_outstanding=1000.0)
    assert (
        _row(_built(market, market.prices("AAA", "2024-03", [10.0]), securities=[told], fundamentals=[filed]), MARCH[0])["market_cap"]
        == 2500.0
    )


def test_prices_without_a_known_symbol_or_rows_build_empty_tables(market):
    built = _built(market, [])
    assert built["prices_clean"].is_empty()
    assert built["securities_clean"].is_empty()
