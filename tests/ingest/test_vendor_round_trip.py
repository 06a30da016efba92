"""A whole market through the files of five vendors: the rows come back, and the chain runs on them."""

import importlib.util
from pathlib import Path

import polars as pl
import pytest
from polars.testing import assert_frame_equal

from wg_dagster.calendars import months_between
from wg_dagster.ingest.synthetic import SyntheticMarket
from wg_dagster.ingest.vendors import Vendors
from wg_dagster.schemas.columns import BALANCE_ITEMS, FLOW_ITEMS

FIRST, LAST = "2023-07", "2025-03"
pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def vendor_files():
    """`vendor_files.py` beside this file: tests are no package."""
    spec = importlib.util.spec_from_file_location("wg_vendor_files", Path(__file__).with_name("vendor_files.py"))
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def _gathered(adapter) -> dict[str, pl.DataFrame]:
    parts: dict[str, list[pl.DataFrame]] = {}
    for table, rows in adapter.load(months_between(FIRST, LAST)):
        parts.setdefault(table, []).append(rows)
    return {table: pl.concat(frames) for table, frames in parts.items()}


@pytest.fixture(scope="module")
def market():
    return _gathered(SyntheticMarket(7, n_us=180, n_jp=80, first=FIRST, last=LAST))


@pytest.fixture(scope="module")
def folder(market, vendor_files, tmp_path_factory):
    return vendor_files.write_all(market, tmp_path_factory.mktemp("vendors"))


@pytest.fixture(scope="module")
def read(folder):
    return _gathered(Vendors(folder))


def test_prices_come_back_as_they_were_traded(market, read, vendor_files):
    columns = ["vendor_symbol", "session_date", "currency", "close", "split_ratio", "cash_dividend"]
    expected = pl.concat([vendor_files.sound_prices(market, currency) for currency in ("USD", "JPY")])
    order = ["vendor_symbol", "session_date"]
    assert_frame_equal(read["prices"].select(columns).sort(order), expected.select(columns).sort(order), rel_tol=1e-3, abs_tol=1e-6)
    volumes = read["prices"].sort(order)["volume"] - expected.sort(order)["volume"]
    assert volumes.abs().max() <= 1


@pytest.mark.parametrize("currency", ["USD", "JPY"])
def test_statements_come_back_at_the_minute_they_were_published(market, read, currency):
    key = ["vendor_symbol", "period_end_date", "fiscal_period", "known_at"]
    key += ["filing_type"] if currency == "USD" else []  # in Tokyo an amendment of what lies before the files looks like an original
    own = [market["fundamentals"], read["fundamentals"]]
    told, found = (rows.filter(pl.col("currency") == currency).sort(key) for rows in own)
    told = told.filter(pl.col("period_end_date") <= pl.col("known_at").dt.date())  # the market plants one that ends after its publication
    items = [item for item in (*FLOW_ITEMS, *BALANCE_ITEMS, "shares_outstanding") if found[item].null_count() < found.height]
    assert len(items) >= 12
    assert_frame_equal(found.select(*key, *items), told.select(*key, *items))


def test_forecasts_come_back(market, read):
    key = ["vendor_symbol", "known_at", "fiscal_year_end_date", "item"]
    assert_frame_equal(
        read["forecasts"].select(*key, "value", "scope").sort(key), market["forecasts"].select(*key, "value", "scope").sort(key)
    )


def test_announcements_come_back_through_a_map_of_their_own(market, read):
    key = ["vendor_symbol", "known_at", "announcement_date"]
    columns = [*key, "actual_eps", "estimate_eps", "release_time"]
    assert_frame_equal(read["earnings_announcements"].select(columns).sort(key), market["earnings_announcements"].select(columns).sort(key))


def test_what_cannot_be_true_is_set_aside_and_nothing_else(read):
    assert read["quarantine"].select("table", "rule").rows() == [("fundamentals", "future_date")]


def test_the_chain_runs_on_the_files_of_five_vendors(wg, folder, tmp_path):
    done = wg("run", "--source", "vendors", "--input", folder, "--from", "2025-01", "--to", "2025-02", "--home", tmp_path / "home")
    assert done.returncode == 0, done.stdout + done.stderr
    solved = wg(
        "sql", "select strategy, month, status, names from portfolio_solutions order by all", "--format", "csv", "--home", tmp_path / "home"
    )
    assert solved.stdout.count("solved") == 6, solved.stdout
