"""Our event log keeps what the stock one keeps, in the same files."""

import dagster as dg
import pytest
from dagster._core.storage.event_log import SqliteEventLogStorage

from wg_dagster.defs.event_log import SqliteEventLog

MONTHS = dg.MonthlyPartitionsDefinition("2026-01", "2026-04", fmt="%Y-%m")
RANGE = {"dagster/asset_partition_range_start": "2026-01", "dagster/asset_partition_range_end": "2026-03"}


@dg.asset(partitions_def=MONTHS, backfill_policy=dg.BackfillPolicy.single_run(), check_specs=[dg.AssetCheckSpec("gate", asset="prices")])
def prices():
    return dg.MaterializeResult(
        metadata={"rows": 3}, check_results=[dg.AssetCheckResult(passed=False, severity=dg.AssetCheckSeverity.WARN)]
    )


@pytest.mark.parametrize("batch", ["0", "1000"])
def test_a_range_run_is_read_back_by_ours_and_by_the_stock_storage(tmp_path, monkeypatch, batch):
    monkeypatch.setenv("DAGSTER_EVENT_BATCH_SIZE", batch)
    settings = (
        "telemetry:\n  enabled: false\nevent_log_storage:\n  module: wg_dagster.defs.event_log\n  class: SqliteEventLog\n"
        f"  config:\n    base_dir: {tmp_path}/runs\n"
    )
    (tmp_path / "dagster.yaml").write_text(settings)
    with dg.DagsterInstance.from_config(str(tmp_path)) as instance:
        job = dg.Definitions(assets=[prices], jobs=[dg.define_asset_job("all")]).resolve_job_def("all")
        assert isinstance(instance.event_log_storage, SqliteEventLog)
        result = job.execute_in_process(instance=instance, tags=RANGE)
        assert result.success
        assert instance.get_materialized_partitions(dg.AssetKey("prices")) == {"2026-01", "2026-02", "2026-03"}
        ours = [entry.message for entry in instance.all_logs(result.run_id)]
    stock = SqliteEventLogStorage(str(tmp_path / "runs"))
    assert [entry.message for entry in stock.get_logs_for_run(result.run_id)] == ours
    assert len(ours) > 10
    newest = stock.get_asset_records([dg.AssetKey("prices")])[0].asset_entry
    assert newest.last_materialization.get_dagster_event().partition == "2026-03"
    assert newest.last_run_id == result.run_id


def test_a_batch_is_not_stored_one_by_one(tmp_path, monkeypatch, capfd):
    monkeypatch.setenv("DAGSTER_EVENT_BATCH_SIZE", "1000")
    test_a_range_run_is_read_back_by_ours_and_by_the_stock_storage(tmp_path, monkeypatch, "1000")
    assert "Falling back" not in capfd.readouterr().err
