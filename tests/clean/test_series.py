"""Benchmarks, members, rates, forecasts, announcements and returns for risk."""

from datetime import date

import polars as pl

from wg_dagster.calendars import month_sessions

MARCH, APRIL = month_sessions("XNYS", "2024-03"), month_sessions("XNYS", "2024-04")


def _level(market, day, level, **other):
    row = {"index_id": "sp500", "session_date": day, "known_at": market.day_end(day), "currency": "USD", "level": level}
    return {**row, "is_total_return": True, "is_net": False, "is_proxy": False, **other}


def test_benchmark_returns_go_over_the_month_end(market):
    raw = market.raw_tables(index_levels=[_level(market, MARCH[-1], 100.0), _level(market, APRIL[0], 101.0)])
    nav = market.clean(raw, ["2024-04"])["benchmark_nav"].row(0, named=True)
    assert (nav["return_1e9"], nav["level"], nav["benchmark_id"]) == (10_000_000, 101.0, "sp500")


def test_total_return_is_preferred_and_returns_never_cross_series(market):
    """The total return series begins on the second session: that day still takes the price series, which has a return."""
    price = [_level(market, day, level, is_total_return=False) for day, level in zip(MARCH, (100.0, 110.0, 110.0), strict=False)]
    total = [_level(market, day, level, source="b") for day, level in zip(MARCH[1:], (500.0, 505.0), strict=False)]
    nav = market.clean(market.raw_tables(index_levels=price + total), ["2024-03"])["benchmark_nav"].sort("session_date")
    assert nav.select("return_1e9", "is_total_return").rows() == [(None, False), (100_000_000, False), (10_000_000, True)]


def test_a_level_of_zero_is_set_aside(market):
    built = market.clean(market.raw_tables(index_levels=[_level(market, MARCH[0], 0.0)]), ["2024-03"])
    assert (built["benchmark_nav"].height, built["quarantine"]["rule"].to_list()) == (0, ["non_positive_level"])


def test_members_are_those_told_by_the_cut_off(market):
    """AAA leaves in April, which is told in March; BBB joins in April, told in April; nobody knows ZZZ."""
    member = {"index_id": "sp500", "weight": None}
    rows = [
        {**member, "vendor_symbol": "AAA", "valid_from": date(2020, 1, 1), "known_at": market.at("2024-03-01")},
        {
            **member,
            "vendor_symbol": "AAA",
            "valid_from": date(2020, 1, 1),
            "valid_to": date(2024, 4, 10),
            "known_at": market.at("2024-03-25"),
        },
        {**member, "vendor_symbol": "BBB", "valid_from": date(2024, 4, 11), "known_at": market.at("2024-04-05")},
        {**member, "vendor_symbol": "ZZZ", "valid_from": date(2020, 1, 1), "known_at": market.at("2024-03-01")},
    ]
    prices = [market.price(symbol, MARCH[0], 10.0) for symbol in ("AAA", "BBB")]
    built = market.clean(market.raw_tables(index_members=rows, prices=prices), ["2024-03", "2024-04"])
    symbols = built["security_map"].select("security_id", "vendor_symbol")
    members = built["benchmark_members"].join(symbols, on="security_id").sort("month").select("month", "vendor_symbol").rows()
    assert members == [("2024-03", "AAA"), ("2024-04", "BBB")]
    assert built["quarantine"].select("month", "rule", "vendor_symbol").rows() == [
        (month, "unknown_symbol", "ZZZ") for month in ("2024-03", "2024-04")
    ]


def test_a_rate_stands_as_it_was_in_its_first_month(market):
    rate = {"rate_id": "us_bill", "date": MARCH[0]}
    rows = [
        {**rate, "value": 0.05, "known_at": market.at(MARCH[0])},
        {**rate, "value": 0.051, "known_at": market.at(MARCH[1])},
        {**rate, "value": 0.06, "known_at": market.at(APRIL[0])},
    ]
    built = market.clean(market.raw_tables(rates=rows), ["2024-03", "2024-04"])
    assert built["rates_clean"].select("month", "date", "value").rows() == [("2024-03", MARCH[0], 0.051)]


def test_a_forecast_range_counts_by_its_middle_and_the_group_before_the_parent(market):
    forecast = {
        "vendor_symbol": "7203",
        "fiscal_year_end_date": date(2025, 3, 31),
        "known_at": market.at("2024-03-05", 6),
        "currency": "JPY",
    }
    rows = [
        {**forecast, "item": "ordinary_profit", "value_low": 10.0, "value_high": 20.0, "scope": "consolidated"},
        {**forecast, "item": "ordinary_profit", "value": 7.0, "scope": "parent"},
        {**forecast, "item": "revenue", "scope": "consolidated"},
    ]
    built = market.clean(market.raw_tables(forecasts=rows, prices=[market.price("7203", date(2024, 3, 1), 10.0, "JP")]), ["2024-03"])
    assert built["forecasts_clean"].select("item", "value", "scope", "quality").rows() == [
        ("ordinary_profit", 15.0, "consolidated", "range_midpoint")
    ]
    assert built["quarantine"]["rule"].to_list() == ["missing_value"]


def test_an_announcement_cannot_lie_after_its_publication(market):
    told = {"vendor_symbol": "AAA", "known_at": market.at("2024-03-05"), "actual_eps": 1.0, "estimate_eps": 0.9}
    rows = [{**told, "announcement_date": date(2024, 3, 5)}, {**told, "announcement_date": date(2024, 3, 6)}]
    built = market.clean(market.raw_tables(earnings_announcements=rows), ["2024-03"])
    assert built["announcements_clean"]["announcement_date"].to_list() == [date(2024, 3, 5)]
    assert built["quarantine"]["rule"].to_list() == ["announced_after_publication"]


def _adjusted(market, day, close, **other):
    return {
        "vendor_symbol": "AAA",
        "session_date": day,
        "known_at": market.day_end(day),
        "currency": "USD",
        "adjusted_close": close,
        **other,
    }


def test_adjusted_returns_end_where_traded_prices_begin(market):
    february = month_sessions("XNYS", "2024-02")
    history = [
        _adjusted(market, day, close) for day, close in zip((february[-2], february[-1], MARCH[0]), (100.0, 110.0, 121.0), strict=True)
    ]
    raw = market.raw_tables(adjusted_prices=history, prices=[market.price("AAA", MARCH[0], 12.1)])
    built = market.clean(raw, ["2024-02", "2024-03"])
    assert built["risk_returns"].select("session_date", "return_1e9").rows() == [(february[-1], 100_000_000)]


def test_broken_adjusted_returns_are_set_aside(market):
    rows = [_adjusted(market, day, close) for day, close in zip(MARCH, (100.0, 190.0, -1.0, 191.0), strict=False)]
    built = market.clean(market.raw_tables(adjusted_prices=rows), ["2024-03"])
    assert built["quarantine"]["rule"].to_list() == ["extreme_return", "non_positive_price"]
    assert built["risk_returns"].select(pl.col("session_date")).to_series().to_list() == [MARCH[3]]


def test_traded_and_adjusted_returns_of_a_small_market_are_held_against_each_other(market):
    """30 names double in four sessions at another source; one of them trades a tenth higher from the third on: 1 of 90 returns."""
    names = [chr(65 + number // 26) + chr(65 + number % 26) for number in range(30)]
    told, traded = [], []
    for name in names:
        for day, close in zip(MARCH, (100.0, 126.0, 159.0, 200.0), strict=False):
            off = name == "AA" and day >= MARCH[2]
            told.append(_adjusted(market, day, close, vendor_symbol=name))
            traded.append(market.price(name, day, close * (1.1 if off else 1.0)))
    built = market.clean(market.raw_tables(adjusted_prices=told, prices=traded), ["2024-03"])
    (verdict,) = built["checks"].filter(pl.col("check_name") == "sources_disagree").to_dicts()
    assert (verdict["station"], verdict["table"], verdict["failed_rows"], verdict["total_rows"]) == (
        "clean.risk_returns",
        "risk_returns",
        0,
        90,
    )
    assert '"figure": 0.0111111' in verdict["details"]
    assert verdict["passed"]  # over half a per cent, but one session of one name: from five on
    assert built["risk_returns"].is_empty()
