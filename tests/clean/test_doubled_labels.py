"""One label of a fiscal period for two ends: two firms under one symbol, or a wrong label."""

from datetime import date

import polars as pl
import pytest

from wg_dagster.calendars import months_between
from wg_dagster.clean.fundamentals import fundamentals_clean

MONTHS = months_between("2023-01", "2025-12")
FLAG = "label_of_two_ends"


def built(market, *filings):
    raw = market.raw_tables(prices=[market.price("AAA", "2023-01-03", 10.0)], fundamentals=filings)
    return fundamentals_clean(raw["fundamentals"], market.who(raw), MONTHS)


def filed(market, end, label, day, **items):
    """A filing of the fiscal year 2023 with sales of 10 and a cash flow of 3 so far."""
    return market.filing("AAA", end, label, market.at(day), **{"fiscal_year": 2023, "revenue": 10.0, "operating_cash_flow": 3.0} | items)


def kept(rows):
    """{period end: (cash flow, flags)} of the quarters."""
    quarters = rows.filter(pl.col("period_kind") == "quarter").sort("known_at")
    return {str(end): rest for end, *rest in quarters.select("period_end_date", "operating_cash_flow", "quality").iter_rows()}


def test_a_second_quarter_called_the_first_is_flagged_and_its_cash_flow_left_out(market):
    """Six months of cash flow under the label of three: nobody knows where they began. Sales are of the quarter and stand."""
    rows, broken = built(market, filed(market, "2023-03-31", "Q1", "2023-05-02"), filed(market, "2023-06-30", "Q1", "2023-08-02"))
    assert kept(rows) == {"2023-03-31": [3.0, ""], "2023-06-30": [None, FLAG]}
    assert rows["revenue"].to_list() == [10.0, 10.0]
    assert broken.is_empty()


def test_a_later_quarter_finds_its_part_by_the_distance_of_the_ends(market):
    """Two statements are called the third quarter; the second quarter ends 91 days before the later one: 7 - 5 = 2."""
    rows, _ = built(
        market,
        filed(market, "2023-03-31", "Q3", "2023-05-02"),
        filed(market, "2023-06-30", "Q2", "2023-08-02", operating_cash_flow=5.0),
        filed(market, "2023-09-30", "Q3", "2023-11-02", operating_cash_flow=7.0),
    )
    assert kept(rows)["2023-09-30"] == [2.0, FLAG]


@pytest.mark.parametrize(("end", "is_kept"), [("2023-05-02", False), ("2023-06-13", False), ("2023-06-14", True), ("2023-04-07", True)])
def test_ends_less_than_a_quarter_apart_are_two_firms_and_the_later_known_is_set_aside(market, end, is_kept):
    """74 days are too few for two quarters of one firm, 75 may do; a week is the same quarter, dated otherwise."""
    rows, broken = built(market, filed(market, "2023-03-31", "Q1", "2023-05-08"), filed(market, end, "Q1", "2023-08-05"))
    assert (end in kept(rows)) is is_kept
    assert broken["rule"].to_list() == ([] if is_kept else [FLAG])


def test_it_is_set_aside_from_then_on_and_never_backwards(market):
    first, second = filed(market, "2023-05-02", "Q1", "2023-05-20"), filed(market, "2023-03-31", "Q1", "2023-06-05")
    rows, broken = built(market, first, second, second | {"known_at": market.at("2023-06-06"), "source_file": "again"})
    assert rows.select("period_end_date", "known_at").rows() == [(date(2023, 5, 2), market.at("2023-05-20"))]
    assert broken.select("month", "rule").rows() == [("2023-06", FLAG)] * 2


def test_an_amendment_may_correct_the_end(market):
    rows, broken = built(
        market, filed(market, "2023-03-13", "Q1", "2023-05-08"), filed(market, "2023-03-31", "Q1", "2023-05-20", filing_type="amendment")
    )
    assert kept(rows)["2023-03-31"][1] == f"amended,{FLAG}"
    assert broken.is_empty()


@pytest.mark.parametrize(
    ("other", "why"),
    [
        ({"fiscal_year": 2024, "fiscal_period": "Q1"}, "another year"),
        ({"fiscal_year": 2023, "fiscal_period": "Q2"}, "another quarter"),
        ({"fiscal_year": None, "fiscal_period": "Q1"}, "no year was told"),
        ({"fiscal_year": 2023, "fiscal_period": "Q1", "is_consolidated": False}, "accounts of the parent are another series"),
        ({"fiscal_year": 2023, "fiscal_period": "Q1", "quality": "period_label_assumed"}, "the label was made from the end"),
    ],
)
def test_other_labels_are_no_doubles(market, other, why):
    rows, broken = built(market, filed(market, "2023-03-31", "Q1", "2023-05-08"), filed(market, "2023-06-30", "Q1", "2023-08-05", **other))
    assert not rows["quality"].str.contains(FLAG).any(), why
    assert broken.is_empty()


def test_the_label_of_the_year_before_with_the_wrong_year_is_no_double(market):
    rows, broken = built(market, filed(market, "2022-03-31", "Q1", "2022-05-08"), filed(market, "2023-03-31", "Q1", "2023-05-08"))
    assert not rows["quality"].str.contains(FLAG).any()
    assert broken.is_empty()
