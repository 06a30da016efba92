"""Windows of flows and balances by hand, and the law that nothing known later is seen."""

from datetime import date

import numpy as np
import polars as pl
import pytest
from polars.testing import assert_frame_equal
from statement_rows import INSTANT, day, quarter, statements, year

from wg_dagster.factor_windows.statement_windows import NEEDED, seen_ends, statement_windows

ENDS = ("2022-06-30", "2022-09-30", "2022-12-31", "2023-03-31", "2023-06-30", "2023-09-30", "2023-12-31", "2024-03-31")
EIGHT = [quarter(end, revenue=float(2**k), net_income=1.0) for k, end in enumerate(ENDS)]  # 1, 2, 4, ... 128


def looks(*instants, security_id="a"):
    rows = {"security_id": [security_id] * len(instants), "seen_at": [day(instant) for instant in instants]}
    return pl.DataFrame(rows, schema={"security_id": pl.String, "seen_at": INSTANT})


def seen(rows, *instants):
    """What looks at these instants see, as one dictionary a look."""
    table = statement_windows(statements(*rows).select(NEEDED), looks(*instants)).read_all()
    return pl.DataFrame(pl.from_arrow(table)).sort("seen_at").to_dicts()


def test_four_quarters_that_fit_are_a_year_beside_the_year_before():
    """16 + 32 + 64 + 128 = 240; the year before 1 + 2 + 4 + 8 = 15; three quarters 224 x 4 / 3, two 192 x 2."""
    (look,) = seen(EIGHT, "2024-06-01")
    assert (look["revenue_quarters"], look["revenue_year_ago_quarters"], look["net_income_quarters"]) == (240, 15, 4)
    assert (look["revenue_annualised_3"], look["revenue_annualised_2"]) == (224 * 4 / 3, 384)
    assert {look[f"end_date_{window}"] for window in ("quarters", "annualised_3", "annualised_2")} == {date(2024, 3, 31)}
    assert look["known_at_quarters"] == day("2024-05-15")
    assert (look["end_date_annual"], look["revenue_annual"], look["operating_profit_quarters"]) == (None, None, None)


def test_the_window_moves_when_the_next_quarter_is_known():
    """On 2024-05-14 the quarter of March is not known: 8 + 16 + 32 + 64."""
    before, after = seen(EIGHT, "2024-05-14", "2024-05-15")
    assert (before["revenue_quarters"], after["revenue_quarters"]) == (120, 240)
    assert (before["revenue_year_ago_quarters"], before["end_date_quarters"]) == (None, date(2023, 12, 31))


@pytest.mark.parametrize(
    ("lost", "windows"),
    [
        (7, {"quarters", "annualised_3", "annualised_2"}),  # September to December instead
        (6, set()),
        (5, {"annualised_2"}),
        (4, {"annualised_3", "annualised_2"}),
    ],
)
def test_a_lost_quarter_leaves_the_windows_before_it(lost, windows):
    (look,) = seen(EIGHT[:lost] + EIGHT[lost + 1 :], "2024-06-01")
    assert {window for window in ("quarters", "annualised_3", "annualised_2") if look[f"end_date_{window}"]} == windows


def test_a_lost_quarter_of_the_year_before_leaves_the_window_without_it():
    (look,) = seen(EIGHT[:2] + EIGHT[3:], "2024-06-01")
    assert (look["revenue_quarters"], look["revenue_year_ago_quarters"]) == (240, None)


@pytest.mark.parametrize("lost", ["2022-09-30", "2023-03-31"])
def test_the_year_before_are_four_quarters_that_fit_a_year_earlier(lost):
    """There are eight quarters, but one of the older four is missing, or the newest of them ended 456 days before."""
    older = [quarter("2021-12-31", revenue=1.0), quarter("2022-03-31", revenue=1.0)]
    (look,) = seen([*older, *(row for row in EIGHT if row["period_end_date"] != date.fromisoformat(lost))], "2024-06-01")
    assert (look["revenue_quarters"], look["revenue_year_ago_quarters"]) == (240, None)


def test_four_short_quarters_are_no_year():
    """Each ends 80 days after the one before: 240 days from the first to the last."""
    rows = [quarter(end, revenue=3.0) for end in ("2023-08-04", "2023-10-23", "2024-01-11", "2024-03-31")]
    (look,) = seen(rows, "2024-06-01")
    assert (look["revenue_quarters"], look["revenue_annualised_3"]) == (None, 12)


def test_the_quarters_of_the_year_before_date_the_window_too():
    (look,) = seen([*EIGHT, quarter(ENDS[0], known_at="2024-05-25", revenue=5.0)], "2024-06-01")
    assert (look["revenue_year_ago_quarters"], look["known_at_quarters"]) == (19, day("2024-05-25"))


def test_a_sum_needs_all_its_items():
    lost = [*EIGHT[:6], EIGHT[6] | {"revenue": None}, EIGHT[7]]
    (look,) = seen(lost, "2024-06-01")
    assert (look["revenue_quarters"], look["revenue_annualised_2"], look["net_income_quarters"]) == (None, None, 4)


def test_a_restatement_is_seen_from_its_day_and_dates_the_window():
    restated = quarter("2023-06-30", known_at="2024-05-20", revenue=1016.0)
    before, after = seen([*EIGHT, restated], "2024-05-19", "2024-05-20")
    assert (before["revenue_quarters"], before["known_at_quarters"]) == (240, day("2024-05-15"))
    assert (after["revenue_quarters"], after["known_at_quarters"]) == (1240, day("2024-05-20"))
    assert after["known_at_annualised_3"] == day("2024-05-15")


def test_quarters_before_the_newest_fiscal_year_are_not_the_latest_twelve_months():
    later = year("2024-04-30", known_at="2024-05-31", revenue=300.0)
    (look,) = seen([*EIGHT, later], "2024-06-01")
    assert (look["revenue_annual"], look["end_date_quarters"], look["end_date_annualised_2"]) == (300, None, None)
    same_end = later | {"period_end_date": date(2024, 3, 31)}
    assert seen([*EIGHT, same_end], "2024-06-01")[0]["revenue_quarters"] == 240


@pytest.mark.parametrize(
    ("end", "year_ago"), [("2022-12-31", 70), ("2022-12-16", 70), ("2022-12-15", None), ("2023-01-15", 70), ("2023-01-16", None)]
)
def test_a_fiscal_year_is_compared_with_one_that_ended_350_to_380_days_before(end, year_ago):
    (look,) = seen([year("2023-12-31", revenue=80.0), year(end, revenue=70.0, known_at="2024-01-20")], "2024-06-01")
    assert (look["revenue_annual"], look["revenue_year_ago_annual"]) == (80, year_ago)


def test_a_restated_year_before_dates_the_window_of_the_fiscal_year():
    restated = year("2022-12-31", revenue=75.0, known_at="2024-05-20")
    (look,) = seen([year("2022-12-31", revenue=70.0), year("2023-12-31", revenue=80.0), restated], "2024-06-01")
    assert (look["revenue_annual"], look["revenue_year_ago_annual"], look["known_at_annual"]) == (80, 75, day("2024-05-20"))


def test_flows_reach_forty_calendar_months_back():
    """From 2026-10-31 that is after 2023-06-30: clamped to the last day of June."""
    old = [year("2023-06-30", revenue=1.0), year("2023-07-01", revenue=2.0)]
    assert seen(old[:1], "2026-10-31")[0]["revenue_annual"] is None
    assert seen(old[1:], "2026-10-31")[0]["revenue_annual"] == 2
    assert seen_ends(looks("2026-10-31", "2027-01-01")) == date(2023, 6, 30)


def test_the_balance_of_a_quarter_goes_before_that_of_the_year_item_by_item():
    rows = [
        quarter("2023-12-31", assets=100.0, currency="USD"),
        year("2023-12-31", known_at="2024-03-01", assets=101.0, equity=40.0, currency="JPY"),
    ]
    (look,) = seen(rows, "2024-06-01")
    assert (look["closing_date"], look["assets"], look["equity"], look["total_liabilities"]) == (date(2023, 12, 31), 100, 40, 60)
    assert (look["balance_currency"], look["balance_known_at"]) == ("USD", day("2024-03-01"))


def test_a_statement_without_a_balance_closes_nothing():
    (look,) = seen([quarter("2023-12-31", assets=100.0, equity=50.0), quarter("2024-03-31", revenue=1.0)], "2024-06-01")
    assert (look["closing_date"], look["equity"]) == (date(2023, 12, 31), 50)


def test_the_balance_of_a_year_ago_is_the_nearest_that_has_the_item():
    """366 and 380 days before; the nearer one does not tell its equity."""
    rows = [quarter("2024-03-31", assets=9.0), quarter("2023-03-31", assets=8.0), quarter("2023-03-17", assets=7.0, equity=3.0)]
    (look,) = seen(rows, "2024-06-01")
    assert (look["assets_year_ago"], look["equity_year_ago"]) == (8, 3)


def test_the_year_ago_balance_is_that_of_the_quarter_and_dates_the_row():
    """Of the same end the year's came later: it fills what the quarter does not tell."""
    before = [quarter("2023-03-31", assets=8.0), year("2023-03-31", known_at="2024-05-20", assets=7.0, equity=3.0)]
    (look,) = seen([quarter("2024-03-31", assets=9.0), *before], "2024-06-01")
    assert (look["assets_year_ago"], look["equity_year_ago"], look["balance_known_at"]) == (8, 3, day("2024-05-20"))


def test_balances_reach_twenty_nine_calendar_months_back():
    first, second = seen([quarter("2023-12-31", assets=1.0)], "2026-05-30", "2026-05-31")
    assert (first["assets"], second["assets"]) == (1, None)


def test_nothing_known_later_changes_a_look():
    """Random statements: the looks at what was known by then equal the looks at everything."""
    rng = np.random.default_rng(5)
    rows = [
        (quarter if rng.random() < 0.8 else year)(
            str(rng.choice(ENDS)),
            known_at=str(date.fromordinal(date(2024, 4, 1).toordinal() + int(rng.integers(0, 300)))),
            security_id=str(rng.choice(["a", "b", "c"])),
            **{item: float(rng.integers(1, 99)) for item in ("revenue", "assets", "equity") if rng.random() < 0.8},
        )
        for _ in range(300)
    ]
    rows = list({(row["security_id"], row["period_kind"], row["period_end_date"], row["known_at"]): row for row in rows}.values())
    for instant in ("2024-05-01", "2024-08-01", "2025-01-01"):
        known = [row for row in rows if row["known_at"] <= day(instant)]
        assert seen(known, instant) == seen(rows, instant)
    assert seen(rows, "2024-05-01") != seen(rows, "2024-08-01")


def test_without_statements_a_look_sees_nothing_and_without_looks_there_is_no_row():
    (look,) = seen([], "2024-06-01")
    assert {value for name, value in look.items() if name not in {"security_id", "seen_at"}} == {None}
    assert seen(EIGHT) == []
    assert seen_ends(looks()) == date.max


def test_the_order_of_rows_and_looks_does_not_matter():
    many = pl.concat([looks("2024-06-01", "2023-06-01"), looks("2024-06-01", security_id="b"), looks("2024-01-01")])
    rows = statements(*EIGHT, *(row | {"security_id": "b", "revenue": 7.0} for row in EIGHT)).select(NEEDED)
    one, other = (
        pl.DataFrame(pl.from_arrow(statement_windows(table, at).read_all())).sort("security_id", "seen_at")
        for table, at in ((rows, many), (rows.reverse(), many.reverse()))
    )
    assert_frame_equal(one, other, check_exact=True)
    assert one["revenue_quarters"].to_list() == [1 + 2 + 4 + 8, 4 + 8 + 16 + 32, 240, 28]
