"""What Dagster is told: assets, partitions, checks, jobs, schedule and sensors of a home, and what a run leaves in its event log."""

import json
import re
from dataclasses import replace
from datetime import UTC, datetime

import dagster as dg
import polars as pl
import pytest
from dagster._core.storage.asset_check_execution_record import AssetCheckExecutionResolvedStatus
from dagster._core.storage.asset_check_state import bulk_update_asset_check_state
from dagster._core.storage.dagster_run import RunsFilter

from wg_dagster.chain import clean_stations, strategy_stations
from wg_dagster.config import load_config
from wg_dagster.definitions import build_definitions
from wg_dagster.defs import assets as assets_module
from wg_dagster.defs.checks import GATE
from wg_dagster.defs.launch import open_instance
from wg_dagster.defs.partitions import portfolio_months
from wg_dagster.defs.resources import HomeResource
from wg_dagster.runner import run_station
from wg_dagster.schemas.tables import FACTOR_TABLES, RAW_TABLES, SEARCH_TABLES, TABLES
from wg_dagster.strategies import STRATEGIES
from wg_dagster.verdicts import blocked_months
from wg_dagster.warehouse import Warehouse

MONTHS = ["2026-04", "2026-05"]
STEPS = ["universe", "scores", "candidates", "model_portfolio", "trades", "nav", "performance", "attribution", "letter"]
RANGE = {"dagster/asset_partition_range_start": MONTHS[0], "dagster/asset_partition_range_end": MONTHS[1]}


@pytest.fixture(scope="session")
def definitions(small_home):
    return build_definitions(small_home)


@pytest.fixture(scope="session")
def specs(definitions):
    return {spec.key.to_user_string(): spec for spec in definitions.resolve_all_asset_specs()}


@pytest.fixture(scope="module")
def instance(small_home):
    """The shared home's instance, to be read."""
    with open_instance(small_home) as opened:
        yield opened


@pytest.fixture
def own_instance(own_home):
    with open_instance(own_home) as opened:
        yield opened


def test_the_assets_bear_the_names_of_the_design(specs):
    assert {f"raw/{table}" for table in RAW_TABLES} <= set(specs)
    assert {f"factors/{table}" for table in FACTOR_TABLES} <= set(specs)
    assert {f"clean/{table}" for station in clean_stations() for table in station.writes} <= set(specs)
    assert {f"{strategy}/{step}" for strategy in STRATEGIES for step in STEPS} <= set(specs)


def test_each_asset_says_what_it_holds_whose_it_is_and_what_its_columns_are(specs):
    for key, spec in specs.items():
        table = spec.metadata["dagster/table_name"]
        assert spec.description, key
        assert spec.owners == ["team:investment-data"], key
        assert spec.group_name == key.split("/", maxsplit=1)[0], key
        assert spec.kinds == ({"dbt", "duckdb"} if table in FACTOR_TABLES else {"polars", "deltalake"}), key
        columns = spec.metadata["dagster/column_schema"].columns
        assert [column.name for column in columns] == list(TABLES[table].columns), key
        assert all(column.description and column.type for column in columns), key


def test_a_column_says_which_columns_it_comes_from(specs):
    spec = specs["clean/prices_clean"]
    close = next(column for column in spec.metadata["dagster/column_schema"].columns if column.name == "close")
    assert "raw/prices.close" in close.description
    lineage = spec.metadata["dagster/column_lineage"].deps_by_column["close"]
    assert dg.TableColumnDep(asset_key=dg.AssetKey(["raw", "prices"]), column_name="close") in lineage


def test_the_component_metrics_have_the_words_of_their_sql_models(specs):
    columns = {column.name: column for column in specs["factors/factor_profitability"].metadata["dagster/column_schema"].columns}
    assert columns["operating_margin"].description.startswith("Operating profit over sales of the same year.")
    assert specs["factors/factor_profitability"].description.startswith("収益性 Profitability")


def test_partitions_are_the_months_with_portfolios(specs):
    for key, spec in specs.items():
        assert spec.partitions_def.get_partition_keys() == [*MONTHS, "2026-06"], key


def test_every_table_has_a_check_with_the_same_months(definitions, specs):
    checks = {check.asset_key.to_user_string(): check for asset in definitions.assets for check in asset.check_specs}
    assert set(checks) == set(specs)
    assert all(check.name == GATE and check.blocking and check.partitions_def == specs[key].partitions_def for key, check in checks.items())


def test_a_source_that_grows_has_a_partition_for_the_month_that_is_not_over(small_home):
    growing = portfolio_months(replace(load_config(small_home), source="edgar", first_month="2026-01"))
    assert growing.end is None
    assert growing.end_offset == 1


def test_the_jobs_of_the_month_take_all_assets_but_the_search_which_has_its_own(definitions, specs):
    searched = {f"{strategy}/{table}" for strategy in STRATEGIES for table in SEARCH_TABLES}
    wanted = {"month": set(specs) - searched, "month_range": set(specs) - searched, "search": searched}
    for name, keys in wanted.items():
        job = definitions.resolve_job_def(name)
        assert {key.to_user_string() for key in job.asset_layer.executable_asset_keys} == keys


def test_the_schedule_and_the_sensors_ship_stopped(definitions):
    repository = definitions.get_repository_def()
    assert [(one.name, one.default_status, one.cron_schedule) for one in repository.schedule_defs] == [
        ("monthly", dg.DefaultScheduleStatus.STOPPED, "0 6 2 * *")
    ]
    assert {sensor.name: sensor.default_status for sensor in repository.sensor_defs} == dict.fromkeys(
        ["month_is_complete", "alert_outbox", "failed_runs"], dg.DefaultSensorStatus.STOPPED
    )


@pytest.mark.filterwarnings("ignore:Function `JobDefinition.run_request_for_partition`")  # Dagster's own call
def test_the_schedule_asks_for_the_month_that_has_ended(definitions, instance):
    context = dg.build_schedule_context(instance=instance, scheduled_execution_time=datetime(2026, 6, 2, 6, tzinfo=UTC))
    (request,) = definitions.get_repository_def().get_schedule_def("monthly").evaluate_tick(context).run_requests
    assert request.partition_key == "2026-05"


def test_the_sensor_asks_for_the_newest_finished_month_once(definitions, instance):
    sensor = definitions.get_repository_def().get_sensor_def("month_is_complete")
    requests = [sensor.evaluate_tick(dg.build_sensor_context(instance=instance, definitions=definitions)).run_requests[0] for _ in range(2)]
    assert {request.partition_key for request in requests} == {"2026-06"}
    assert len({request.run_key for request in requests}) == 1
    assert re.fullmatch("2026-06:[0-9a-f]{16}", requests[0].run_key)


def test_a_range_run_materialises_each_month_of_each_asset(instance, specs):
    (run,) = instance.get_runs()
    assert run.status is dg.DagsterRunStatus.SUCCESS
    for key in specs:
        wanted = set() if key.rsplit("/", maxsplit=1)[-1] in SEARCH_TABLES else set(MONTHS)  # the search has a job of its own
        assert instance.get_materialized_partitions(dg.AssetKey.from_user_string(key)) == wanted, key


def test_each_month_has_its_own_row_count_and_the_newest_the_lineage(instance, small_home):
    warehouse = Warehouse(small_home)
    shown = {event.partition: event.metadata for event in materialisations(instance, "clean/prices_clean")}
    for month in MONTHS:
        assert shown[month]["dagster/row_count"].value == warehouse.read("prices_clean", months=[month]).height
        assert shown[month]["state"].value == "built"
    assert "dagster/column_lineage" in shown["2026-05"]


def test_a_month_with_a_letter_shows_it(instance):
    shown = {event.partition: event.metadata for event in materialisations(instance, "next_major_100/letter")}
    assert "letter" not in shown["2026-04"]  # no return before the first trade
    text = shown["2026-05"]["letter"].value
    assert "# Next Major 100" in text
    assert "| Strategy | Benchmark |" in text
    assert shown["2026-05"]["page"].value.endswith("letters/next_major_100/2026-05/letter_en.html")


def test_the_planted_faults_are_warnings_of_their_month_with_samples_and_their_place(instance):
    (failed,) = [event for event in evaluations(instance, "clean/prices_clean") if not event.passed]
    assert (failed.partition, failed.severity) == ("2026-04", dg.AssetCheckSeverity.WARN)  # the first partition answers for the warm-up
    rows = [record.data for record in failed.metadata["failed checks"].records]
    assert {"rows_held_back"} <= {row["check"] for row in rows}
    assert failed.metadata["rows in quarantine"].value >= len(failed.metadata["samples"].records) == 5
    assert all(
        re.fullmatch(r"prices/(us|jp)/\d{4}-\d\d:\d+", record.data["file and line"]) for record in failed.metadata["samples"].records
    )
    assert "wg sql" in failed.metadata["to see all"].value


def test_each_month_of_a_check_has_a_status(instance, specs):
    keys = [
        (dg.AssetCheckKey(dg.AssetKey.from_user_string(key), GATE), specs[key].partitions_def)
        for key in ("clean/prices_clean", "raw/prices")
    ]
    empty = {key: dg_state() for key, _ in keys}
    states = bulk_update_asset_check_state(instance, keys, empty)
    prices, raw = (states[key] for key, _ in keys)
    assert months_in(prices, AssetCheckExecutionResolvedStatus.FAILED) == {"2026-04"}
    assert months_in(prices, AssetCheckExecutionResolvedStatus.SUCCEEDED) == {"2026-05"}
    assert months_in(raw, AssetCheckExecutionResolvedStatus.SUCCEEDED) == set(MONTHS)


def test_failed_checks_reach_the_default_sink_once_each(small_home):
    lines = [json.loads(line) for line in (small_home / "alerts" / "alerts.jsonl").read_text().splitlines()]
    assert len({line["alert_id"] for line in lines}) == len(lines) > 0
    table = Warehouse(small_home).read("alerts")
    assert set(table["alert_id"]) == {line["alert_id"] for line in lines}
    failed = Warehouse(small_home).read("checks", months=MONTHS).filter(~pl.col("passed"))
    assert len(lines) == failed.height
    assert "wg sql" in lines[0]["body"]


def test_the_sensor_delivers_what_runs_of_the_ui_have_failed(definitions, own_home, own_instance):
    (own_home / "alerts" / "alerts.sqlite").unlink()
    (own_home / "alerts" / "alerts.jsonl").unlink()
    sensor = build_definitions(own_home).get_repository_def().get_sensor_def("alert_outbox")
    told = [sensor.evaluate_tick(dg.build_sensor_context(instance=own_instance)).skip_message for _ in range(2)]
    failed = Warehouse(own_home).read("checks").filter(~pl.col("passed")).height
    assert told == ["; ".join(f"{sink}: {count} delivered, 0 waiting" for sink in ("file", "table")) for count in (failed, 0)]


# -- a month that fails ---------------------------------------------------------------------------------------------------------


def spoiled(months):
    """The station of clean prices, with every tenth close of some months below zero."""
    station = next(one for one in clean_stations() if one.name == "clean/prices")

    def build(reader, wanted):
        built = station.build(reader, wanted)
        bad = pl.col("month").is_in(months) & (pl.int_range(pl.len()) % 10 == 0)
        return built | {"prices_clean": built["prices_clean"].with_columns(pl.when(bad).then(-1.0).otherwise("close").alias("close"))}

    return replace(station, build=build, settings=lambda _home: f"spoiled {months}")


def test_a_month_whose_check_failed_is_left_alone_by_later_stations(own_home):
    lake = Warehouse(own_home)
    universe = next(one for one in strategy_stations() if one.name == "universe")
    strategy = STRATEGIES["next_major_100"]
    before = lake.read("universe_members", scope="next_major_100")
    history = [month for month in lake.months("prices_clean") if month >= "2026-01"]
    assert run_station(lake, spoiled(["2026-05"]), history).failed_months == ["2026-05"]
    assert blocked_months(lake, universe, MONTHS, strategy) == ["2026-05"]
    outcome = run_station(lake, universe, MONTHS, strategy=strategy, failed=blocked_months(lake, universe, MONTHS, strategy))
    assert outcome.blocked == ["2026-05"]
    assert lake.read("universe_members", scope="next_major_100").equals(before)


def materialise(home, instance, station, **how):
    """Run one clean station as Dagster would."""
    config = load_config(home)
    asset = assets_module._clean(config, station, portfolio_months(config))
    resources = {"home": HomeResource(path=str(home))}
    return dg.materialize([asset], instance=instance, resources=resources, raise_on_error=False, **how)


def test_a_run_stops_where_no_month_of_it_is_fit_for_use(own_home, own_instance):
    result = materialise(own_home, own_instance, spoiled(["2026-05"]), partition_key="2026-05")
    assert not result.success
    (failed,) = evaluations(own_instance, "clean/prices_clean", result.run_id)
    assert (failed.partition, failed.passed, failed.severity, failed.blocking) == ("2026-05", False, dg.AssetCheckSeverity.ERROR, True)
    assert "2026-05 gate: " in failed.description


def test_a_run_goes_on_with_its_other_months_and_says_error_of_the_one(own_home, own_instance):
    result = materialise(own_home, own_instance, spoiled(["2026-05"]), tags=RANGE)
    assert result.success
    found = {event.partition: event for event in evaluations(own_instance, "clean/prices_clean", result.run_id)}
    assert found["2026-05"].severity is dg.AssetCheckSeverity.ERROR
    assert not found["2026-05"].passed
    assert found["2026-04"].severity is dg.AssetCheckSeverity.WARN


def test_a_month_that_is_left_alone_says_so(own_home, own_instance):
    lake = Warehouse(own_home)
    run_station(lake, spoiled(["2026-05"]), [month for month in lake.months("prices_clean") if month >= "2026-01"])
    lake.settle()
    lake.publish()
    universe = next(one for one in strategy_stations() if one.name == "universe")
    config = load_config(own_home)
    asset = assets_module._strategy(config, universe, STRATEGIES["next_major_100"], portfolio_months(config))
    result = dg.materialize(
        [asset], instance=own_instance, resources={"home": HomeResource(path=str(own_home))}, tags=RANGE, raise_on_error=False
    )
    shown = {event.partition: event.metadata["state"].value for event in materialisations(own_instance, "next_major_100/universe")[:2]}
    assert shown["2026-05"] == "left as it was: an earlier station failed this month"
    found = {event.partition: event for event in evaluations(own_instance, "next_major_100/universe", result.run_id)}
    assert found["2026-04"].passed
    assert found["2026-05"].severity is dg.AssetCheckSeverity.ERROR
    assert "An earlier station failed this month" in found["2026-05"].description


def materialisations(instance, key):
    """Materialisations of an asset, newest first."""
    records = instance.fetch_materializations(dg.AssetKey.from_user_string(key), limit=50).records
    return [record.asset_materialization for record in records]


def evaluations(instance, key, run_id=None):
    """What a run (default: the newest) said of the months of an asset."""
    run_id = run_id or instance.get_run_records(RunsFilter(), limit=1)[0].dagster_run.run_id
    events = [entry.dagster_event for entry in instance.all_logs(run_id, of_type=dg.DagsterEventType.ASSET_CHECK_EVALUATION)]
    found = [event.asset_check_evaluation_data for event in events]
    return [one for one in found if one.asset_key == dg.AssetKey.from_user_string(key)]


def dg_state():
    from dagster._core.storage.asset_check_state import AssetCheckState

    return AssetCheckState.empty()


def months_in(state, status):
    subset = state.subsets.get(status)
    return set(subset.subset_value.get_partition_keys()) if subset else set()
