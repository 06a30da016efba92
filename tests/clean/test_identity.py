"""Symbols become securities."""

from datetime import date

import polars as pl

from wg_dagster.calendars import month_sessions, months_between


def _ids(market, who, table, rows, date_column="session_date"):
    return who.assign(market.frame(table, rows), date=date_column)["security_id"].to_list()


def test_a_symbol_that_returns_after_more_than_ninety_sessions_is_a_new_security(market):
    old, new = market.price("OLD", "2024-01-31", 10), market.price("OLD", "2024-07-01", 99)
    who = market.who(market.raw_tables(prices=[market.price("OLD", "2024-01-02", 10), old, new]))
    first, last, again = _ids(market, who, "prices", [market.price("OLD", "2024-01-02", 10), old, new])
    assert first == last != again


def test_a_symbol_that_returns_after_ninety_sessions_is_the_same_security(market):
    """From 2024-01-31 to 2024-06-10 there are exactly 90 sessions, to 2024-06-11 there are 91."""
    from wg_dagster.calendars import session_dates

    days = session_dates("XNYS")
    start = days.index(date(2024, 1, 31))
    for gap, securities in ((90, 1), (91, 2)):
        rows = [market.price("OLD", days[start], 10), market.price("OLD", days[start + gap], 11)]
        who = market.who(market.raw_tables(prices=rows))
        assert len(set(_ids(market, who, "prices", rows))) == securities


def test_a_rename_joins_two_symbols_of_one_issuer_and_share_class(market):
    sessions = month_sessions("XNYS", "2024-03")
    rows = [market.price("AAA", day, 10) for day in sessions[:5]] + [market.price("BBB", day, 10) for day in sessions[5:]]
    told = [market.listing("AAA", market.day_end("2024-03-01"), issuer="7"), market.listing("BBB", market.day_end(sessions[5]), issuer="7")]
    who = market.who(market.raw_tables(prices=rows, securities=told))
    assert len(set(_ids(market, who, "prices", rows))) == 1
    spells = {row["vendor_symbol"]: (row["valid_from"], row["valid_to"]) for row in who.holders.iter_rows(named=True)}
    assert spells["AAA"][1] < spells["BBB"][0] == sessions[5]


def test_two_share_classes_of_one_issuer_stay_two_securities(market):
    sessions = month_sessions("XNYS", "2024-03")
    rows = [market.price("AAA", day, 10) for day in sessions[:5]] + [market.price("BBB", day, 10) for day in sessions[5:]]
    told = [market.listing(s, market.day_end("2024-03-01"), issuer="7", share_class=c) for s, c in (("AAA", "A"), ("BBB", "B"))]
    who = market.who(market.raw_tables(prices=rows, securities=told))
    assert len(set(_ids(market, who, "prices", rows))) == 2


def test_no_rename_while_the_old_symbol_still_trades(market):
    sessions = month_sessions("XNYS", "2024-03")
    rows = [market.price("AAA", day, 10) for day in sessions] + [market.price("BBB", day, 10) for day in sessions[5:]]
    told = [market.listing(symbol, market.day_end("2024-03-01"), issuer="7") for symbol in ("AAA", "BBB")]
    who = market.who(market.raw_tables(prices=rows, securities=told))
    assert len(set(_ids(market, who, "prices", rows))) == 2


def test_an_old_symbol_that_trades_again_after_its_rename_is_a_new_security(market):
    march, june = month_sessions("XNYS", "2024-03"), month_sessions("XNYS", "2024-06")
    rows = [market.price("AAA", day, 10) for day in march[:5]] + [market.price("BBB", day, 10) for day in march[5:]]
    again = [market.price("AAA", day, 3) for day in june]
    told = [market.listing("AAA", market.day_end("2024-03-01"), issuer="7"), market.listing("BBB", market.day_end(march[5]), issuer="7")]
    before = market.who(market.raw_tables(prices=rows, securities=told))
    after = market.who(market.raw_tables(prices=rows + again, securities=told))
    assert _ids(market, before, "prices", rows) == _ids(market, after, "prices", rows)
    assert not set(_ids(market, after, "prices", again)) & set(_ids(market, after, "prices", rows))


def test_several_sources_of_one_symbol_mean_one_security(market):
    rows = [market.price("AAA", "2024-03-01", 10), market.price("AAA", "2024-03-04", 10, source="other")]
    filed = [market.filing("AAA", "2023-12-31", "FY", market.at("2024-03-05"), source="third")]
    who = market.who(market.raw_tables(prices=rows, fundamentals=filed))
    assert len({*_ids(market, who, "prices", rows), *_ids(market, who, "fundamentals", filed, "known_at")}) == 1


def test_the_same_code_in_two_markets_is_two_securities(market):
    rows = [market.price("AAA", "2024-03-01", 10), market.price("AAA", "2024-03-01", 10, market="JP", source="tokyo")]
    assert len(set(_ids(market, market.who(market.raw_tables(prices=rows)), "prices", rows))) == 2


def test_no_id_changes_because_of_later_rows(market):
    """All decisions of a history with silence, rename and reuse are the same when it is cut after any month."""
    march, april, december = (month_sessions("XNYS", month) for month in ("2024-03", "2024-04", "2024-12"))
    rows = [market.price("AAA", day, 10) for day in march[:8]] + [market.price("BBB", day, 10) for day in (*march[8:], *april)]
    rows += [market.price("AAA", day, 4) for day in december] + [market.price("CCC", day, 5) for day in march]
    told = [market.listing("AAA", market.day_end("2024-03-01"), issuer="7"), market.listing("BBB", market.day_end(march[8]), issuer="7")]
    raw = market.raw_tables(prices=rows, securities=told)
    whole = market.who(raw).assign(raw["prices"], date="session_date")
    for month in months_between("2024-03", "2024-12"):
        cut = market.known_until(raw, market.day_end(month_sessions("XNYS", month)[-1]))
        part = market.who(cut).assign(cut["prices"], date="session_date")
        same = part.join(whole, on=["vendor_symbol", "session_date"], how="inner", suffix="_whole")
        assert same.height == cut["prices"].height
        assert same.filter(pl.col("security_id") != pl.col("security_id_whole")).is_empty()
    assert whole["security_id"].n_unique() == 3


def test_a_filing_before_a_reused_symbol_begins_belongs_to_the_old_holder(market):
    rows = [market.price("OLD", "2023-01-31", 10), market.price("OLD", "2024-07-01", 99)]
    filings = [market.filing("OLD", "2022-12-31", "FY", market.at(day)) for day in ("2023-02-10", "2024-07-10")]
    who = market.who(market.raw_tables(prices=rows))
    assert _ids(market, who, "fundamentals", filings, "known_at") == _ids(market, who, "prices", rows)


def test_an_issuer_is_its_own_until_it_is_told_and_never_changes_then(market):
    rows = [market.price("AAA", "2024-03-01", 10)]
    told = [market.listing("AAA", market.at(day), issuer=name) for day, name in (("2024-04-01", "Acme"), ("2024-05-01", "Acme Inc."))]
    who = market.who(market.raw_tables(prices=rows, securities=told))
    looks = who.assign(market.frame("prices", rows * 3), date="session_date").with_columns(
        pl.Series("looked_at", [market.at("2024-03-31"), market.at("2024-04-30"), market.at("2024-06-30")])
    )
    before, after, later = who.with_issuer(looks, as_of="looked_at")["issuer_id"].to_list()
    assert before != after == later


def test_a_row_of_a_future_session_is_no_sighting(market):
    rows = [market.price("AAA", "2024-03-01", 10), market.price("AAA", "2024-12-02", 10, known_at=market.day_end("2024-03-01"))]
    assert market.who(market.raw_tables(prices=rows)).seen["valid_to"].max() == date(2024, 3, 1)
