"""What was known of each security at the cut-off of a month."""

from datetime import date

import polars as pl
import pytest

from wg_dagster.calendars import month_sessions

MARCH, APRIL = month_sessions("XNYS", "2024-03"), month_sessions("XNYS", "2024-04")
MONTHS = ["2024-03", "2024-04"]


def _built(market, told, rows=None, months=MONTHS, **tables):
    rows = rows or [market.price("AAA", day, 10.0) for day in (*MARCH, *APRIL)]
    return market.clean(market.raw_tables(prices=rows, securities=told, **tables), months)["securities_clean"]


def _row(built, month, symbol="AAA"):
    return built.filter((pl.col("month") == month) & (pl.col("vendor_symbol") == symbol)).row(0, named=True)


def test_attributes_are_those_known_at_the_cut_off(market):
    told = [
        market.listing("AAA", market.at("2024-03-01"), sector="Energy"),
        market.listing("AAA", market.at("2024-04-10"), sector="Utilities", name=None),
    ]
    built = _built(market, told)
    assert [_row(built, month)["sector"] for month in MONTHS] == ["Energy", "Utilities"]
    assert _row(built, "2024-04")["name"] == "AAA"


def test_what_is_told_after_the_last_session_s_day_waits_a_month(market):
    """2024-03-28 was the last session of March (Good Friday followed)."""
    told = [
        market.listing("AAA", market.at("2024-03-01"), sector="Energy"),
        market.listing("AAA", market.at("2024-03-29", 12), sector="Utilities"),
    ]
    assert [_row(_built(market, told), month)["sector"] for month in MONTHS] == ["Energy", "Utilities"]


@pytest.mark.parametrize(
    ("attributes", "eligible"),
    [
        ({"security_type": "common"}, True),
        ({"security_type": "etf"}, False),
        ({"security_type": "preferred"}, False),
        ({"security_type": None}, True),
        ({"security_type": "adr", "adr_ratio": 2.0}, True),
        ({"security_type": "adr"}, False),
        ({"security_type": "adr", "adr_ratio": 2.0, "currency": "JPY"}, False),
        ({"listed_to": date(2024, 3, 28), "delisting_reason": "merger"}, False),
        ({"listed_to": date(2024, 4, 30)}, True),
    ],
)
def test_who_is_eligible(market, attributes, eligible):
    """Common stock; receipts with a known ratio that report in the currency of their listing; listed after the as-of date."""
    filed = market.filing("AAA", "2023-12-31", "FY", market.at("2024-03-05"), revenue=1.0)
    built = _built(market, [market.listing("AAA", market.at("2024-03-01"), **attributes)], fundamentals=[filed])
    assert _row(built, "2024-03")["is_eligible"] == eligible


def test_a_line_of_unknown_type_without_filings_is_not_eligible(market):
    row = _row(_built(market, [market.listing("AAA", market.at("2024-03-01"), security_type=None)]), "2024-03")
    assert (row["is_eligible"], row["quality"]) == (False, "type_assumed")


def test_a_line_without_prices_for_more_than_ten_sessions_is_taken_as_gone_at_its_last_one(market):
    built = _built(market, [market.listing("AAA", market.at("2024-03-01"))], rows=[market.price("AAA", day, 10.0) for day in MARCH])
    assert _row(built, "2024-03")["listed_to"] is None
    gone = _row(built, "2024-04")
    assert (gone["listed_to"], gone["is_eligible"], gone["quality"]) == (MARCH[-1], False, "listed_to_inferred")


def test_a_renamed_security_takes_what_is_told_of_its_new_symbol(market):
    """The vendor ends the old symbol and begins the new one at the same instant."""
    rows = [market.price("AAA", day, 10.0) for day in MARCH[:5]] + [market.price("BBB", day, 10.0) for day in (*MARCH[5:], *APRIL)]
    known = market.day_end(MARCH[5])
    told = [
        market.listing("AAA", market.at("2024-03-01"), issuer="7"),
        market.listing("BBB", known, issuer="7", listed_from=date(2020, 1, 2)),
        market.listing("AAA", known, issuer="7", listed_to=MARCH[4]),
    ]
    built = _built(market, told, rows)
    assert built.filter(pl.col("month") == "2024-03").height == 1
    row = _row(built, "2024-03", "BBB")
    assert (row["listed_to"], row["is_eligible"], row["listed_from"]) == (None, True, date(2020, 1, 2))


def test_financials_are_told_or_seen_from_the_sector(market):
    told = [
        market.listing("AAA", market.at("2024-03-01"), sector="Finance", industry="Major Banks"),
        market.listing("BBB", market.at("2024-03-01"), sector="Finance", industry="Real Estate Investment Trusts"),
        market.listing("CCC", market.at("2024-03-01"), sector=None),
    ]
    rows = [market.price(symbol, day, 10.0) for symbol in ("AAA", "BBB", "CCC") for day in MARCH]
    built = _built(market, told, rows, ["2024-03"])
    assert [_row(built, "2024-03", symbol)["is_financial"] for symbol in ("AAA", "BBB", "CCC")] == [True, False, False]
    assert _row(built, "2024-03", "CCC")["quality"] == "sector_unknown"


def test_a_sector_from_a_later_list_is_flagged(market):
    told = [market.listing("AAA", market.at("2024-03-01"), known_at_rule="assumed_lag")]
    assert _row(_built(market, told), "2024-03")["quality"] == "sector_assumed"


def test_the_map_names_every_symbol_and_ends_a_reused_one(market):
    rows = [market.price("OLD", date(2023, 1, 31), 10.0), market.price("OLD", date(2024, 3, 1), 9.0)]
    built = market.clean(market.raw_tables(prices=rows), ["2024-03"], before=market.clean(market.raw_tables(prices=rows), ["2023-01"]))
    spells = built["security_map"].sort("valid_from").select("vendor_symbol", "valid_from", "valid_to").rows()
    assert spells == [("OLD", date(2023, 1, 31), date(2024, 2, 29)), ("OLD", date(2024, 3, 1), None)]


def test_a_source_that_only_describes_is_matched_by_symbol_and_market(market):
    told = [
        market.listing("AAA", market.at("2024-03-01"), sector=None),
        market.listing("AAA", market.at("2024-03-02"), source="list", sector="Energy"),
    ]
    assert _row(_built(market, told), "2024-03")["sector"] == "Energy"
