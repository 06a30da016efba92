"""The factor tables against plain loops, in any range of months, and blind to what came later."""

import json
from pathlib import Path

import lake_rows
import oracle
import polars as pl
import pytest
from polars.testing import assert_frame_equal

from wg_dagster import factor_run
from wg_dagster.errors import StationFailed
from wg_dagster.factor_components import components
from wg_dagster.factor_run import build_factors, factor_inputs
from wg_dagster.factor_windows import price_windows
from wg_dagster.schemas.columns import FACTORS
from wg_dagster.schemas.tables import FACTOR_COMPONENTS, FACTOR_TABLES, TABLES
from wg_dagster.warehouse import Warehouse, content_hash

MONTHS = ["2022-01", "2022-02", "2022-03", "2022-04"]
SAMPLE = "2022-03"


@pytest.fixture(scope="module")
def tables():
    """Twenty-four names, eighteen months of prices, six years of statements, with every disturbance that we know."""
    return lake_rows.clean_rows(names=24, first="2020-11", last="2022-05", messy=True)


@pytest.fixture(scope="module")
def built(tables, tmp_path_factory):
    """The lake after one `dbt build` of the range: models, data tests and unit tests."""
    warehouse = Warehouse(tmp_path_factory.mktemp("home"))
    lake_rows.write_lake(warehouse, tables)
    folder = warehouse.home / "dbt"
    warehouse.save_view(folder / "view.json")
    factor_run._run(["build"], MONTHS[0], MONTHS[-1], folder)
    warehouse.merge_view(folder / "view.json")
    return warehouse, json.loads((folder / "target" / "run_results.json").read_text())["results"]


def rows_of(warehouse, month):
    return {table: warehouse.read(table, months=[month]) for table in FACTOR_TABLES}


def test_every_factor_has_a_unit_test_and_all_tests_of_dbt_pass(built):
    _, results = built
    tested = {result["unique_id"].split(".")[2] for result in results if result["unique_id"].startswith("unit_test")}
    assert tested >= set(FACTOR_TABLES)
    assert {result["status"] for result in results} == {"success", "pass"}


@pytest.mark.parametrize("table", FACTOR_TABLES)
def test_values_equal_those_of_plain_loops(table, tables, built):
    expected = oracle_values(tables)
    rows = built[0].read(table, months=[SAMPLE])
    assert rows["security_id"].to_list() == sorted(expected)
    for component in FACTOR_COMPONENTS[table.removeprefix("factor_")].split():
        found = dict(zip(rows["security_id"], rows[component], strict=True))
        wanted = {name: values[component] for name, values in expected.items()}
        assert found == {name: value if value is None else pytest.approx(value, rel=1e-7, abs=1e-9) for name, value in wanted.items()}
        assert any(value is not None for value in wanted.values()), component


_ORACLE = {}


def oracle_values(tables):
    if not _ORACLE:
        _ORACLE.update(oracle.factor_values(tables, SAMPLE))
    return _ORACLE


def test_the_sample_holds_the_exceptions_that_the_method_names(built):
    rows = rows_of(built[0], SAMPLE)
    seen = {flag for frame in rows.values() for flags in frame["quality"] for flag in flags.split(",")}
    assert seen >= {
        *("annual", "operating_profit", "financial", "shares_inferred", "lagged", "gaps", "short_history"),
        *("route_forecast", "route_announced", "route_sue_statements", "item_operating_profit"),
    }


def test_one_month_built_alone_without_later_knowledge_equals_the_range(tables, built, tmp_path):
    """Bit by bit: neither the other months of a build nor rows known after the cut-off change a value."""
    warehouse = Warehouse(tmp_path)
    lake_rows.write_lake(warehouse, lake_rows.known_by(tables, SAMPLE))
    assert build_factors(warehouse, [SAMPLE]) == {table: [SAMPLE] for table in FACTOR_TABLES}
    for table, rows in rows_of(warehouse, SAMPLE).items():
        assert_frame_equal(rows, built[0].read(table, months=[SAMPLE]), check_exact=True)
        assert content_hash(rows) == content_hash(built[0].read(table, months=[SAMPLE])), table


def test_one_market_alone_without_statements_forecasts_and_rates_is_built(tables, tmp_path):
    warehouse = Warehouse(tmp_path)
    kept = ("prices_clean", "securities_clean", "announcements_clean")
    us_only = {table: tables[table].filter(pl.col("security_id").str.starts_with("US")) for table in kept}
    lake_rows.write_lake(warehouse, us_only | {"benchmark_nav": tables["benchmark_nav"]})
    names = ("factor_surprise", "factor_us_beta", "factor_profitability")
    assert set(build_factors(warehouse, [SAMPLE], select=[f"+{name}" for name in names])) == set(names)
    rows = {name: warehouse.read(name, months=[SAMPLE]) for name in names}
    assert set(rows["factor_surprise"]["quality"]) >= {"route_announced", "route_sue_announcements"}
    sue = rows["factor_surprise"].filter(pl.col("standardised_unexpected_earnings").is_not_null())
    seen = tables | {"fundamentals_clean": TABLES["fundamentals_clean"].empty(), "corporate_actions": TABLES["corporate_actions"].empty()}
    for name, found in zip(sue["security_id"], sue["standardised_unexpected_earnings"], strict=True):
        assert found == pytest.approx(oracle.Name(seen, name, SAMPLE).seasonal_surprise(), rel=1e-7)
    assert rows["factor_us_beta"]["us_beta_60d"].count() > 0
    assert all("no_bill_rate" in flags for flags in rows["factor_us_beta"]["quality"])
    assert rows["factor_profitability"]["operating_margin"].count() == 0
    assert rows["factor_profitability"]["coverage"].unique().to_list() == [0.0]
    assert {market for frame in rows.values() for market in frame["market"]} == {"US"}


@pytest.mark.slow
def test_a_second_run_changes_nothing(built):
    warehouse, _ = built
    versions = warehouse.versions()
    assert all(months == [] for months in build_factors(warehouse, MONTHS[1:3]).values())
    assert warehouse.versions() == versions


@pytest.mark.slow
def test_a_failing_model_is_reported_in_the_words_of_dbt(tables, tmp_path):
    warehouse = Warehouse(tmp_path)
    lake_rows.write_lake(warehouse, {"prices_clean": tables["prices_clean"]})
    for file in warehouse.files("prices_clean"):
        Path(file).write_bytes(b"")
    with pytest.raises(
        StationFailed, match=r"(?s)factors 2022-03 to 2022-03.*in model int_price_windows.*part-.*too small to be a Parquet file"
    ):
        build_factors(warehouse, [SAMPLE])


def test_the_seed_and_the_tables_name_the_same_components():
    rows = components()
    assert {factor: " ".join(rows.filter(pl.col("factor") == factor)["component"]) for factor in FACTORS} == FACTOR_COMPONENTS
    assert set(rows["direction"]) <= {-1, 1}
    assert set(rows["market"]) <= {"US", "JP", "both"}


def test_each_source_of_dbt_is_declared_as_an_input_with_its_look_back():
    """The staging models say how far they read; the declaration that decides staleness must say the same."""
    models = {path.stem: path.read_text() for path in (factor_run.PROJECT / "models" / "staging").glob("*.sql")}
    read = {}
    for text in models.values():
        table = text.split('source("lake", "')[1].split('"')[0]
        read[table] = int(text.split("within_months(")[1].split(")")[0]) if "within_months(" in text else 0
    read["prices_clean"] = price_windows.MONTHS_BACK  # read by models in Python
    assert read == {reads.table: reads.back for reads in factor_inputs()}


def test_no_months_are_no_work(tmp_path):
    assert build_factors(Warehouse(tmp_path), []) == {}
