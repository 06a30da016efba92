"""What kind of news a raw row is, and what it looks like with hindsight."""

from datetime import date

import pytest

from wg_dagster.calendars import end_of_day
from wg_dagster.proof.news import arrived, known_from_the_start, rows_of_today
from wg_dagster.schemas.tables import TABLES


def filing(symbol, known, revenue, *, period=date(2025, 3, 31), line=1):
    return {
        "source": "v",
        "vendor_symbol": symbol,
        "known_at": end_of_day("XNYS", known),
        "period_end_date": period,
        "fiscal_period": "Q1",
        "revenue": revenue,
        "month": f"{known:%Y-%m}",
        "source_line": line,
        "filing_type": "original",
    }


MAY, JUNE, AUGUST = date(2025, 5, 2), date(2025, 6, 2), date(2025, 8, 1)
KNOWN = [filing("A", MAY, 100.0), filing("B", MAY, 50.0)]


@pytest.fixture
def base(lake, rows):
    lake.append_new("fundamentals", rows("fundamentals", *KNOWN))
    return lake


def kinds(base, rows, *told):
    today = {table: spec.empty() for table, spec in TABLES.items()} | {"fundamentals": rows("fundamentals", *told)}
    found = arrived(base, today)
    return [] if not found else found["fundamentals"].select("vendor_symbol", "revenue", "kind").rows()


def test_rows_that_were_there_are_no_news_wherever_they_stand_in_the_file(base, rows):
    assert kinds(base, rows, *KNOWN, filing("A", MAY, 100.0, line=7)) == []


def test_another_value_at_the_same_instant_is_a_revision(base, rows):
    assert kinds(base, rows, filing("A", MAY, 101.0)) == [("A", 101.0, "revised")]


def test_a_later_filing_of_a_known_period_is_a_restatement(base, rows):
    assert kinds(base, rows, filing("A", AUGUST, 90.0)) == [("A", 90.0, "restated")]


def test_a_statement_never_seen_is_late(base, rows):
    assert kinds(base, rows, filing("C", MAY, 10.0)) == [("C", 10.0, "late")]


def test_with_hindsight_the_last_restatement_stands_at_the_first_instant(base, rows):
    today = {table: spec.empty() for table, spec in TABLES.items()}
    told = [filing("A", JUNE, 95.0), filing("A", AUGUST, 90.0), filing("C", MAY, 10.0), filing("C", AUGUST, 11.0, line=2)]
    news = arrived(base, today | {"fundamentals": rows("fundamentals", *told)})["fundamentals"]
    back = known_from_the_start(news, "2025-06").sort("vendor_symbol")
    assert back.select("vendor_symbol", "known_at", "month", "revenue", "filing_type").rows() == [
        ("A", end_of_day("XNYS", MAY), "2025-05", 90.0, "amendment"),
        ("C", end_of_day("XNYS", MAY), "2025-05", 11.0, "amendment"),
    ]
    assert known_from_the_start(news, "2025-04").is_empty()


def test_the_rows_of_today_are_those_of_the_lake_where_no_source_is_asked(base):
    assert rows_of_today(base, None, ["2025-05"])["fundamentals"]["vendor_symbol"].to_list() == ["A", "B"]
