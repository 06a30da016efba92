"""Statements become versions of standalone quarters and fiscal years."""

from datetime import date, datetime

import polars as pl
import pytest

from wg_dagster.calendars import months_between
from wg_dagster.clean.fundamentals import fundamentals_clean

MONTHS = months_between("2023-01", "2025-12")
Q1, Q2, Q3, FY = "2023-03-31", "2023-06-30", "2023-09-30", "2023-12-31"
TOLD = {Q1: "2023-05-01", Q2: "2023-08-01", Q3: "2023-11-01", FY: "2024-02-15"}


def _built(market, filings, months=MONTHS):
    raw = market.raw_tables(prices=[market.price("AAA", "2023-01-03", 10.0), market.price("BBB", "2023-01-03", 10.0)], fundamentals=filings)
    return fundamentals_clean(raw["fundamentals"], market.who(raw), months)


def _year(market, items, **common):
    """Filings of a year: {item: (Q1, Q2, Q3, FY)}."""
    periods = zip((Q1, Q2, Q3, FY), ("Q1", "Q2", "Q3", "FY"), strict=True)
    return [
        market.filing("AAA", end, period, market.at(TOLD[end]), **{name: values[k] for name, values in items.items()}, **common)
        for k, (end, period) in enumerate(periods)
    ]


def _state(rows, end, kind="quarter", seen: datetime | None = None):
    found = rows.filter((pl.col("period_end_date") == date.fromisoformat(end)) & (pl.col("period_kind") == kind)).sort("known_at")
    found = found.filter(pl.col("known_at") <= seen) if seen else found
    return found.row(-1, named=True)


def test_the_fourth_quarter_is_the_year_less_nine_months(market):
    rows, _ = _built(
        market,
        _year(market, {"revenue": (10.0, 20.0, 30.0, 100.0), "operating_cash_flow": (1.0, 3.0, 6.0, 10.0), "assets": (7.0, 7.0, 7.0, 8.0)}),
    )
    fourth = _state(rows, FY)
    assert (fourth["revenue"], fourth["operating_cash_flow"], fourth["assets"]) == (40.0, 4.0, 8.0)
    assert (fourth["fiscal_period"], fourth["is_derived"], fourth["known_at"]) == ("Q4", True, market.at(TOLD[FY]))
    year = _state(rows, FY, "annual")
    assert (year["revenue"], year["operating_cash_flow"], year["is_derived"]) == (100.0, 10.0, False)


def test_cash_flow_from_the_start_of_the_year_is_differenced(market):
    rows, _ = _built(market, _year(market, {"operating_cash_flow": (1.0, 3.0, 6.0, 10.0)}))
    assert [_state(rows, end)["operating_cash_flow"] for end in (Q1, Q2, Q3, FY)] == [1.0, 2.0, 3.0, 4.0]
    assert not _state(rows, Q2)["is_derived"]  # its income is as filed


def test_income_from_the_start_of_the_year_is_differenced(market):
    """Net income 10, 30, 60, 100 and EPS 1, 3, 6, 10 from the start of the year are 10 shares: EPS of the quarters 1, 2, 3, 4."""
    filings = _year(
        market,
        {"net_income": (1e6, 3e6, 6e6, 1e7), "eps_basic": (1.0, 3.0, 6.0, 10.0), "revenue": (1e7, 2e7, 3e7, 4e7)},
        income_is_cumulative=True,
    )
    rows, _ = _built(market, filings)
    assert [_state(rows, end)["net_income"] for end in (Q1, Q2, Q3, FY)] == [1e6, 2e6, 3e6, 4e6]
    assert [_state(rows, end)["eps_basic"] for end in (Q1, Q2, Q3, FY)] == pytest.approx([1.0, 2.0, 3.0, 4.0])
    assert [_state(rows, end)["is_derived"] for end in (Q1, Q2, Q3, FY)] == [False, True, True, True]


def test_the_fourth_quarter_s_eps_is_net_income_over_the_year_s_shares(market):
    """FY 10 m at 5 a share are 2 m shares; the quarter earned 4 m: 2 a share. FY EPS less nine months would be 5 - 3.5 = 1.5."""
    rows, _ = _built(
        market, _year(market, {"net_income": (2e6, 2e6, 2e6, 1e7), "eps_diluted": (1.0, 1.0, 1.5, 5.0), "revenue": (1e7,) * 3 + (4e7,)})
    )
    assert _state(rows, FY)["eps_diluted"] == 2.0


def test_a_fourth_quarter_out_of_proportion_has_no_flows(market):
    """Year to date revenue filed as a quarter: 100 - (10 + 30 + 60) = 0 is below a fifth of the mean quarter."""
    rows, _ = _built(
        market, _year(market, {"revenue": (10.0, 30.0, 60.0, 100.0), "net_income": (1.0, 1.0, 1.0, 4.0), "equity": (1.0, 2.0, 3.0, 4.0)})
    )
    fourth = _state(rows, FY)
    assert (fourth["revenue"], fourth["net_income"], fourth["equity"]) == (None, None, 4.0)
    assert "fourth_quarter_guard" in fourth["quality"]
    assert "year_suspect" not in _state(rows, FY, "annual")["quality"]


def test_a_year_far_above_its_quarters_is_suspect(market):
    rows, _ = _built(market, _year(market, {"revenue": (10.0, 10.0, 10.0, 100.0)}))
    assert _state(rows, FY)["revenue"] is None
    assert "year_suspect" in _state(rows, FY, "annual")["quality"]


def test_quarters_of_a_retail_year_find_each_other(market):
    """12, 12, 12 and 16 weeks."""
    ends = (("2023-03-26", "Q1"), ("2023-06-18", "Q2"), ("2023-09-10", "Q3"), ("2023-12-31", "FY"))
    filings = [
        market.filing("AAA", end, period, market.at("2024-02-01"), revenue=value)
        for (end, period), value in zip(ends, (3.0, 3.0, 3.0, 13.0), strict=True)
    ]
    assert _state(_built(market, filings)[0], "2023-12-31")["revenue"] == 4.0


def test_a_restated_part_makes_a_new_version_of_the_fourth_quarter(market):
    filings = _year(market, {"revenue": (10.0, 20.0, 30.0, 100.0)})
    filings.append(market.filing("AAA", Q2, "Q2", market.at("2024-06-03"), revenue=25.0, filing_type="amendment"))
    rows, _ = _built(market, filings)
    assert _state(rows, FY, seen=market.at("2024-06-02"))["revenue"] == 40.0
    restated = _state(rows, FY)
    assert (restated["revenue"], restated["known_at"], restated["month"]) == (35.0, market.at("2024-06-03"), "2024-06")


def test_an_old_quarter_filed_late_completes_the_fourth(market):
    filings = [filing for filing in _year(market, {"revenue": (10.0, 20.0, 30.0, 100.0)}) if filing["fiscal_period"] != "Q2"]
    filings.append(market.filing("AAA", Q2, "Q2", market.at("2024-06-03"), revenue=20.0))
    rows, _ = _built(market, filings)
    assert _state(rows, FY, seen=market.at("2024-06-02"))["revenue"] is None
    assert _state(rows, FY)["revenue"] == 40.0


def test_a_null_in_a_later_filing_keeps_the_earlier_value(market):
    filings = [
        market.filing("AAA", Q1, "Q1", market.at("2023-05-01"), revenue=10.0, equity=5.0),
        market.filing("AAA", Q1, "Q1", market.at("2023-05-10"), revenue=11.0, filing_type="amendment"),
    ]
    state = _state(_built(market, filings)[0], Q1)
    assert (state["revenue"], state["equity"]) == (11.0, 5.0)


def test_the_same_filing_seen_again_makes_no_version(market):
    filings = [market.filing("AAA", Q1, "Q1", market.at(day), revenue=10.0) for day in ("2023-05-01", "2023-05-02")]
    assert _built(market, filings)[0]["known_at"].to_list() == [market.at("2023-05-01")]


def test_in_one_archive_an_amendment_beats_the_original(market):
    known = market.at("2023-05-01")
    amended = market.filing("AAA", Q1, "Q1", known, revenue=11.0, filing_type="amendment")
    rows, broken = _built(market, [amended, market.filing("AAA", Q1, "Q1", known, revenue=10.0)])
    assert _state(rows, Q1)["revenue"] == 11.0
    assert broken.is_empty()


def test_two_originals_in_one_archive_are_set_aside_from_then_on_and_never_backwards(market):
    filings = [
        market.filing("AAA", Q1, "Q1", market.at("2023-05-01"), revenue=10.0),
        market.filing("AAA", Q1, "Q1", market.at("2023-06-01"), revenue=11.0),
        market.filing("AAA", Q1, "Q1", market.at("2023-06-01"), revenue=99.0),
        market.filing("AAA", Q1, "Q1", market.at("2023-06-02"), revenue=99.0),
    ]
    rows, broken = _built(market, filings)
    assert rows.select("known_at", "revenue").rows() == [(market.at("2023-05-01"), 10.0)]
    assert broken["rule"].to_list() == ["two_originals"] * 3


@pytest.mark.parametrize(
    ("rule", "fault"),
    [
        ("period_ends_after_publication", {"period_end_date": date(2023, 7, 1)}),
        ("period_out_of_range", {"period_end_date": date(1985, 3, 31)}),
        ("unknown_period", {"fiscal_period": "H1"}),
        ("missing_currency", {"currency": None}),
        ("negative_assets", {"assets": -1.0}),
        ("unknown_symbol", {"vendor_symbol": None}),
    ],
)
def test_each_bad_filing_is_set_aside_with_its_rule(market, rule, fault):
    good = market.filing("BBB", Q1, "Q1", market.at("2023-05-01"), revenue=10.0, assets=100.0)
    rows, broken = _built(market, [good, market.filing("AAA", Q1, "Q1", market.at("2023-05-02"), revenue=10.0) | fault])
    assert (broken["rule"].to_list(), broken["source_line"].to_list(), broken["month"].to_list()) == ([rule], [2], ["2023-05"])
    assert rows.height == 1


def test_figures_a_thousand_times_the_firm_s_past_are_set_aside(market):
    small = market.filing("AAA", Q1, "Q1", market.at("2023-05-01"), revenue=10.0, assets=100.0)
    large = market.filing("AAA", Q1, "Q1", market.at("2023-06-01"), revenue=10_000.0, assets=100_000.0, filing_type="amendment")
    rows, broken = _built(market, [small, large])
    assert rows["revenue"].to_list() == [10.0]
    assert broken["rule"].to_list() == ["unit_error"]


def test_the_past_of_a_firm_is_only_what_was_filed_before(market):
    """The wrong filing comes first: nobody can know, so it stands; the right one after it is the odd one out of a past of one."""
    wrong = market.filing("AAA", Q1, "Q1", market.at("2023-05-01"), revenue=10_000.0, assets=100_000.0)
    rows, broken = _built(market, [wrong, *(market.filing("AAA", Q2, "Q2", market.at("2023-08-01"), revenue=10.0, assets=100.0),)])
    assert rows["revenue"].to_list() == [10_000.0]
    assert broken["rule"].to_list() == ["unit_error"]


def test_a_wrong_first_filing_costs_one_right_one(market):
    """Of a past of 1,000 and 1 the next 1 fits; the mean of the two, 500.5, would set it aside as well."""
    filings = [
        market.filing("AAA", end, label, market.at(TOLD[end]), revenue=10.0 * scale, assets=100.0 * scale, shares_outstanding=1e6 * scale)
        for end, label, scale in ((Q1, "Q1", 1000.0), (Q2, "Q2", 1.0), (Q3, "Q3", 1.0))
    ]
    rows, broken = _built(market, filings)
    assert rows["revenue"].to_list() == [10_000.0, 10.0]
    assert rows["shares_outstanding"].to_list() == [1e9, 1e6]
    assert broken["rule"].to_list() == ["unit_error"]


def test_sales_that_outgrow_the_past_are_believed_while_assets_fit(market):
    """A firm that starts to sell: 600 times the sales of before, with assets of the same order."""
    filings = [
        market.filing("AAA", Q1, "Q1", market.at("2023-05-01"), revenue=1.0, assets=1000.0),
        market.filing("AAA", Q2, "Q2", market.at("2023-08-01"), revenue=600.0, assets=1000.0),
        market.filing("AAA", Q3, "Q3", market.at("2023-11-01"), revenue=900_000.0, assets=1000.0),
    ]
    rows, broken = _built(market, filings)
    assert rows["revenue"].to_list() == [1.0, 600.0]
    assert broken["rule"].to_list() == ["unit_error"]


def test_a_share_count_in_the_wrong_unit_is_dropped_and_flagged(market):
    filings = [
        market.filing("AAA", end, p, market.at(TOLD[end]), assets=1.0, shares_outstanding=count)
        for end, p, count in ((Q1, "Q1", 5e6), (Q2, "Q2", 5e3))
    ]
    state = _state(_built(market, filings)[0], Q2)
    assert (state["shares_outstanding"], "shares_in_wrong_unit" in state["quality"]) == (None, True)


def test_liabilities_are_assets_less_equity_where_they_are_not_given(market):
    filings = [
        market.filing("AAA", Q1, "Q1", market.at(TOLD[Q1]), assets=10.0, equity=4.0),
        market.filing("AAA", Q2, "Q2", market.at(TOLD[Q2]), assets=10.0, equity=4.0, total_liabilities=5.0),
        market.filing("AAA", Q3, "Q3", market.at(TOLD[Q3]), assets=10.0, equity=11.0),
    ]
    rows, _ = _built(market, filings)
    assert [_state(rows, end)["total_liabilities"] for end in (Q1, Q2, Q3)] == [6.0, 5.0, None]


def test_nonsense_fiscal_years_are_repaired(market):
    state = _state(_built(market, [market.filing("AAA", Q1, "Q1", market.at(TOLD[Q1]), revenue=1.0, fiscal_year=1215)])[0], Q1)
    assert (state["fiscal_year"], state["quality"]) == (2023, "fiscal_year_repaired")


def test_reported_accounts_beat_assumed_ones_from_the_instant_they_are_known(market):
    """The assumed row stays where the reported one is silent."""
    assumed = market.filing(
        "AAA", Q1, "Q1", market.at("2023-07-31"), revenue=9.0, equity=5.0, source="history", known_at_rule="assumed_lag"
    )
    reported = market.filing("AAA", Q1, "Q1", market.at("2023-09-01"), revenue=10.0)
    rows, _ = _built(market, [assumed, reported])
    before, after = (_state(rows, Q1, seen=market.at(day)) for day in ("2023-08-31", "2023-09-01"))
    assert (before["revenue"], before["equity"], before["known_at_rule"], before["quality"]) == (9.0, 5.0, "assumed_lag", "lag_assumed")
    assert (after["revenue"], after["equity"], after["known_at_rule"]) == (10.0, 5.0, "reported")


def test_assumed_accounts_that_come_later_change_nothing_that_is_reported(market):
    assumed = market.filing("AAA", Q1, "Q1", market.at("2023-07-31"), revenue=9.0, source="history", known_at_rule="assumed_lag")
    rows, _ = _built(market, [assumed, market.filing("AAA", Q1, "Q1", market.at("2023-05-01"), revenue=10.0)])
    assert rows["revenue"].to_list() == [10.0]


def test_group_accounts_are_never_filled_from_the_parent_s(market):
    parent = market.filing("AAA", Q1, "Q1", market.at("2023-05-01"), revenue=3.0, equity=2.0, is_consolidated=False)
    group = market.filing("AAA", Q1, "Q1", market.at("2023-05-02"), revenue=10.0)
    rows, _ = _built(market, [parent, group])
    assert rows.select("revenue", "equity").rows() == [(3.0, 2.0), (10.0, None)]


def test_cash_flows_by_half_years_sum_to_the_latest_twelve_months(market):
    """Half-years of 6 and 8: the quarters are 0, 6, 0 and 8, so any four in a row hold two half-years."""
    cash = {"operating_cash_flow": (None, 6.0, None, 14.0), "revenue": (1.0, 2.0, 3.0, 4.0)}
    rows, _ = _built(market, _year(market, cash, income_is_cumulative=True))
    assert [_state(rows, end)["operating_cash_flow"] for end in (Q1, Q2, Q3, FY)] == [0.0, 6.0, 0.0, 8.0]
    assert "by_half_year" in _state(rows, Q1)["quality"]


def test_a_missing_cash_flow_of_a_quarterly_filer_stays_missing(market):
    rows, _ = _built(market, _year(market, {"operating_cash_flow": (None, 6.0, 9.0, 14.0), "revenue": (1.0, 1.0, 1.0, 4.0)}))
    assert [_state(rows, end)["operating_cash_flow"] for end in (Q1, Q2, Q3, FY)] == [None, None, 3.0, 5.0]


def test_accounts_of_the_whole_year_called_the_fourth_quarter_are_the_year(market):
    filings = _year(market, {"revenue": (1.0, 2.0, 3.0, 4.0)}, income_is_cumulative=True)
    filings[3]["fiscal_period"] = "Q4"
    rows, _ = _built(market, filings)
    assert (_state(rows, FY)["revenue"], _state(rows, FY, "annual")["revenue"]) == (1.0, 4.0)


def test_a_fourth_quarter_that_was_filed_is_kept_as_filed(market):
    filings = [*_year(market, {"revenue": (10.0, 20.0, 30.0, 100.0)}), market.filing("AAA", FY, "Q4", market.at(TOLD[FY]), revenue=41.0)]
    assert _state(_built(market, filings)[0], FY)["revenue"] == 41.0


@pytest.mark.parametrize(("fourth", "kept"), [(6.0, True), (5.9, False), (150.0, True), (150.1, False)])
def test_the_fourth_quarter_lies_between_a_fifth_and_five_times_the_mean_quarter(market, fourth, kept):
    rows, _ = _built(market, _year(market, {"revenue": (30.0, 30.0, 30.0, 90.0 + fourth)}))
    assert (_state(rows, FY)["revenue"] is not None) == kept
