"""From a vendor's file to the clean station: firms whose numbers can be followed on paper."""

import zipfile
from datetime import UTC, date, datetime
from pathlib import Path

import polars as pl
import pytest

from wg_dagster.calendars import months_between
from wg_dagster.ingest.edgar import Edgar
from wg_dagster.ingest.jquants import JQuants
from wg_dagster.schemas.tables import RAW_TABLES, TABLES

PAYLOADS = Path(__file__).parents[1] / "ingest" / "payloads"
MILLION, BILLION = 1e6, 1e9


def _raw(adapter) -> tuple[dict[str, pl.DataFrame], list[str]]:
    months = months_between(*adapter.span())
    parts: dict[str, list[pl.DataFrame]] = {}
    for table, part in adapter.load(months):
        parts.setdefault(table, []).append(part)
    return {table: pl.concat(parts.get(table, [TABLES[table].empty()])) for table in RAW_TABLES}, months


@pytest.fixture(scope="module")
def tokyo(market):
    return market.clean(*_raw(JQuants(PAYLOADS / "jquants")))


@pytest.fixture(scope="module")
def new_york(market, tmp_path_factory):
    folder = tmp_path_factory.mktemp("edgar")
    for quarter in ("2023q1", "2023q2", "2023q3", "2023q4"):
        with zipfile.ZipFile(folder / f"{quarter}.zip", "w") as archive:
            for name in ("sub.txt", "num.txt"):
                archive.write(PAYLOADS / "edgar" / quarter / name, name)
    return market.clean(*_raw(Edgar(folder)))


def _of(tables: dict[str, pl.DataFrame], symbol: str, table: str = "fundamentals_clean") -> pl.DataFrame:
    ids = tables["security_map"].filter(pl.col("vendor_symbol") == symbol)["security_id"].unique()
    assert len(ids) == 1
    return tables[table].filter(pl.col("security_id") == ids[0]).sort("known_at")


def _newest(rows: pl.DataFrame, kind: str = "quarter") -> pl.DataFrame:
    return (
        rows.filter(pl.col("period_kind") == kind)
        .sort("period_end_date", "known_at")
        .unique("period_end_date", keep="last", maintain_order=True)
    )


def test_an_ifrs_filer_s_quarters_are_differenced_and_its_ordinary_profit_stays_unknown(tokyo):
    """From the start of the year 100, 210, 330, 460 of sales and 8, 18, 30, 42 of operating profit."""
    quarters = _newest(_of(tokyo, "9001")).filter(pl.col("fiscal_year") == 2024)
    assert quarters["revenue"].to_list() == [value * BILLION for value in (100, 110, 120, 130)]
    assert quarters["operating_profit"].to_list() == [value * BILLION for value in (8, 10, 12, 12)]
    assert quarters["fiscal_period"].to_list() == ["Q1", "Q2", "Q3", "Q4"]
    assert quarters["ordinary_profit"].null_count() == 4
    assert all("ordinary_profit_not_reported" in flags for flags in quarters["quality"])


def test_cash_flow_of_half_years_falls_to_the_second_and_fourth_quarter(tokyo):
    """22 to the half-year and 46 to the end of the year; the first and the third quarter have no statement of it."""
    quarters = _newest(_of(tokyo, "9001")).filter(pl.col("fiscal_year") == 2024)
    assert quarters["operating_cash_flow"].to_list() == [0.0, 22 * BILLION, 0.0, 24 * BILLION]


def test_an_amended_half_year_moves_its_own_quarter_and_the_next(tokyo):
    """Half-year sales of 41, then 40: the second quarter is 21, then 20; the third, 61 less 40, is 21 from its first day on."""
    rows = _of(tokyo, "9002").filter(pl.col("period_kind") == "quarter")
    half = rows.filter(pl.col("period_end_date") == date(2023, 9, 30))
    assert half.select("known_at", "revenue", "ordinary_profit").rows() == [
        (datetime(2023, 11, 9, 14, 59, 59, 999999, UTC), 21 * BILLION, pytest.approx(1.1 * BILLION)),
        (datetime(2023, 12, 15, 8, 0, tzinfo=UTC), 20 * BILLION, pytest.approx(0.9 * BILLION)),
    ]
    assert rows.filter(pl.col("period_end_date") == date(2023, 12, 31))["revenue"].to_list() == [21 * BILLION]


def test_a_revised_forecast_is_the_input_of_the_surprise(tokyo):
    """Ordinary profit 4.2, then 3.8 on 22 March, 15:30 in Tokyo: a change of -0.4, then an actual of 4.0, above the last forecast."""
    told = _of(tokyo, "9002", "forecasts_clean").filter(
        (pl.col("item") == "ordinary_profit") & (pl.col("fiscal_year_end_date") == date(2024, 3, 31))
    )
    assert set(told["scope"]) == {"consolidated"}
    changes = told.with_columns(pl.col("value").diff().alias("change")).filter(pl.col("change") != 0)
    assert changes.select("known_at", "change").rows() == [(datetime(2024, 3, 22, 6, 30, tzinfo=UTC), pytest.approx(-0.4 * BILLION))]
    year = _newest(_of(tokyo, "9002"), "annual").filter(pl.col("period_end_date") == date(2024, 3, 31))
    assert year["ordinary_profit"].to_list() == [4.0 * BILLION]


def test_an_ifrs_filer_s_surprise_rests_on_operating_profit(tokyo):
    told = _of(tokyo, "9001", "forecasts_clean").filter(pl.col("fiscal_year_end_date") == date(2024, 3, 31))
    assert "ordinary_profit" not in set(told["item"])
    assert told.filter(pl.col("item") == "operating_profit")["value"].to_list() == [value * BILLION for value in (38, 38, 40, 40, 43)]


def test_a_split_in_tokyo_is_no_loss(tokyo):
    """3,000 to 1,020 at three for one: 3 x 1,020 / 3,000 - 1 = 2 %."""
    rows = _of(tokyo, "9001", "prices_clean").sort("session_date")
    assert rows["return_1e9"].to_list()[1] == 20_000_000
    assert rows["split_ratio"].to_list() == [1.0, 3.0, 1.0]
    # 300 m shares at the end of March, reported in May, are 900 m after the split.
    assert rows["shares_outstanding"].to_list() == [300e6, 900e6, 900e6]


def test_a_year_of_52_weeks_has_a_fourth_quarter(new_york):
    """390 less 120, 90 and 80; quarters end on Saturdays: 31 December, 1 April, 1 July, 30 September."""
    quarters = _newest(_of(new_york, "ORRB"))
    assert quarters["period_end_date"].to_list() == [date(2022, 12, 31), date(2023, 4, 1), date(2023, 7, 1), date(2023, 9, 30)]
    assert quarters["revenue"].to_list() == [value * MILLION for value in (120, 90, 80, 100)]
    assert quarters["net_income"].to_list() == [value * MILLION for value in (18, 12, 10, 17)]
    assert quarters["operating_cash_flow"].to_list() == [value * MILLION for value in (30, 14, 16, 30)]
    assert quarters["buybacks"].to_list() == [2 * MILLION] * 4
    fourth = quarters.row(3, named=True)
    assert (fourth["is_derived"], fourth["fiscal_period"], fourth["known_at"]) == (True, "Q4", datetime(2023, 11, 3, 10, tzinfo=UTC))
    assert fourth["eps_diluted"] == pytest.approx(0.85)  # 17 over the 20 m shares that 57 at 2.85 imply


def test_an_amended_filing_in_new_york_is_a_later_version(new_york):
    """Half-year sales of 104, amended to 100: the second quarter is 54, then 50."""
    half = _of(new_york, "TCKM").filter((pl.col("period_end_date") == date(2023, 6, 30)) & (pl.col("period_kind") == "quarter"))
    assert half.select("known_at", "revenue", "net_income").rows() == [
        (datetime(2023, 8, 8, 20, 15, tzinfo=UTC), 54 * MILLION, 6 * MILLION),
        (datetime(2023, 9, 15, 16, 0, tzinfo=UTC), 50 * MILLION, 4 * MILLION),
    ]
    assert "amended" in half["quality"][1]


def test_nothing_of_either_market_is_lost(tokyo, new_york):
    assert tokyo["quarantine"].is_empty()
    assert new_york["quarantine"].is_empty()
