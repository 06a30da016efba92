"""Sales filed from the start of the year as if they were a quarter's: flagged until the year is known, differenced from then on."""

from datetime import date

import polars as pl
import pytest

from wg_dagster.calendars import months_between
from wg_dagster.clean.fundamentals import fundamentals_clean

MONTHS = months_between("2023-01", "2025-12")
Q1, Q2, Q3, FY = "2023-03-31", "2023-06-30", "2023-09-30", "2023-12-31"
TOLD = {Q1: "2023-05-01", Q2: "2023-08-01", Q3: "2023-11-01", FY: "2024-02-15"}
LIKE, READ = "revenue_like_year_to_date", "revenue_from_year_start"


def filings_of(market, sales, **common):
    """One filing a quarter and one of the year, of these sales; profit and assets stand still."""
    labels = zip((Q1, Q2, Q3, FY), ("Q1", "Q2", "Q3", "FY"), sales, strict=True)
    return [
        market.filing("AAA", end, label, market.at(TOLD[end]), revenue=value, net_income=1.0, assets=500.0, **common)
        for end, label, value in labels
    ]


def built(market, filings):
    raw = market.raw_tables(prices=[market.price("AAA", "2023-01-03", 10.0)], fundamentals=filings)
    return fundamentals_clean(raw["fundamentals"], market.who(raw), MONTHS)[0].filter(pl.col("period_kind") == "quarter")


def versions(rows, end):
    """[(day from which it is known, sales, flags)] of a quarter."""
    own = rows.filter(pl.col("period_end_date") == date.fromisoformat(end)).sort("known_at")
    return [(str(known.date()), sales, flags) for known, sales, flags in own.select("known_at", "revenue", "quality").iter_rows()]


def test_sales_from_the_start_of_the_year_are_differenced_once_the_year_is_known(market):
    """20, 45, 75, 110 are quarters of 20, 25, 30, 35; read alone, 110 - (20 + 45 + 75) = -30 would be left for the fourth."""
    rows = built(market, filings_of(market, (20.0, 45.0, 75.0, 110.0)))
    assert versions(rows, Q1) == [(TOLD[Q1], 20.0, "")]
    assert versions(rows, Q2) == [(TOLD[Q2], 45.0, ""), (TOLD[FY], 25.0, READ)]
    assert versions(rows, Q3) == [(TOLD[Q3], 75.0, LIKE), (TOLD[FY], 30.0, READ)]
    assert versions(rows, FY) == [(TOLD[FY], 35.0, "")]


def test_other_income_is_of_the_quarter_as_before(market):
    rows = built(market, filings_of(market, (20.0, 45.0, 75.0, 110.0)))
    assert rows.filter(pl.col("period_end_date") < date(2023, 12, 31))["net_income"].to_list() == [1.0] * 5


@pytest.mark.parametrize(
    ("sales", "why"),
    [
        ((20.0, 45.0, 75.0, 175.0), "a year of 175 leaves 35 for the fourth: the firm has grown"),
        ((20.0, 25.0, 30.0, 110.0), "quarters as they should be"),
        ((10.0, 30.0, 60.0, 100.0), "quarters of 10, 20, 30 and 40 fit no better: nobody can say, the guard stands"),
        ((20.0, 45.0, 40.0, 90.0), "sales that fall do not run from the start of the year: the year is wrong"),
        ((20.0, None, 75.0, 110.0), "a quarter is missing"),
    ],
)
def test_what_does_not_only_fit_from_the_start_of_the_year_stands_as_filed(market, sales, why):
    rows = built(market, filings_of(market, sales))
    assert [versions(rows, end)[-1][1] for end in (Q1, Q2, Q3)] == list(sales[:3]), why
    assert not rows["quality"].str.contains(READ).any()


def test_an_amended_quarter_that_stands_alone_takes_the_reading_back(market):
    """The third quarter is mended to 30: 20, 45, 30 and 110 leave 15 for the fourth, so all of them stand alone again."""
    mended = market.filing("AAA", Q3, "Q3", market.at("2024-04-02"), revenue=30.0, filing_type="amendment")
    rows = built(market, [*filings_of(market, (20.0, 45.0, 75.0, 110.0)), mended])
    assert versions(rows, Q2)[-1] == ("2024-04-02", 45.0, "")
    assert versions(rows, Q3)[-1] == ("2024-04-02", 30.0, "amended")
    assert versions(rows, FY)[-1][:2] == ("2024-04-02", 15.0)


def test_a_firm_that_says_so_itself_is_no_suspect(market):
    rows = built(market, filings_of(market, (20.0, 45.0, 75.0, 110.0), income_is_cumulative=True))
    assert [[version[:2] for version in versions(rows, end)] for end in (Q2, Q3)] == [[(TOLD[Q2], 25.0)], [(TOLD[Q3], 30.0)]]
    assert not rows["quality"].str.contains("revenue").any()


def test_a_later_year_does_not_change_what_a_filing_said_of_itself(market):
    """In August the half year of 200 is called one, of which 100 are the quarter's; in September the same 200 are called the quarter's."""
    filings = [
        market.filing("AAA", Q1, "Q1", market.at(TOLD[Q1]), revenue=100.0, net_income=1.0),
        market.filing("AAA", Q2, "Q2", market.at(TOLD[Q2]), revenue=200.0, net_income=2.0, income_is_cumulative=True),
        market.filing("AAA", Q2, "Q2", market.at("2023-09-01"), revenue=200.0, net_income=1.0),
        market.filing("AAA", Q3, "Q3", market.at(TOLD[Q3]), revenue=300.0, net_income=1.0),
    ]
    year = market.filing("AAA", FY, "FY", market.at(TOLD[FY]), revenue=400.0, net_income=4.0)
    before, after = (versions(built(market, told), Q2) for told in (filings, [*filings, year]))
    assert [sales for _, sales, _ in before] == [100.0, 200.0]
    assert after[:2] == before
    assert after[2:] == [(TOLD[FY], 100.0, READ)]
