"""The bridge between dbt and the lake: `delta_files(table)` for reading, `store` for replacing months.

dbt runs in its own process. `WG_VIEW` names the file that describes what the run may see; after each table that file also holds
the versions that were written, and `changed.json` beside it the months that changed.
"""

import json
import os
import threading
from pathlib import Path
from typing import Any

import polars as pl
from dbt.adapters.duckdb.credentials import DuckDBCredentials
from dbt.adapters.duckdb.plugins import BasePlugin
from dbt.adapters.duckdb.utils import TargetConfig
from duckdb import DuckDBPyConnection

from wg_dagster.calendars import months_between
from wg_dagster.errors import OutsideData
from wg_dagster.factor_run import VIEW
from wg_dagster.warehouse import Warehouse


class Plugin(BasePlugin):
    """Reads the files of one view of the lake and writes tables back to it."""

    def initialize(self, plugin_config: dict[str, Any]) -> None:  # noqa: ARG002
        """Wait for the first connection: parsing needs no lake."""
        self._lock = threading.Lock()
        self._changed: dict[str, list[str]] = {}

    def update_connection_config(self, creds: DuckDBCredentials, config: dict[str, Any]) -> None:  # noqa: ARG002
        """Find the view; tables that outgrow the memory spill beside it."""
        if VIEW not in os.environ:
            raise OutsideData(f"environment variable {VIEW} must name a view of the lake; run dbt through `wg run` or build_factors")
        self._view = Path(os.environ[VIEW])
        config["temp_directory"] = str(self._view.with_name("spill"))

    def configure_connection(self, conn: DuckDBPyConnection) -> None:
        """Open the view and register `delta_files`; all cursors share both. What an earlier piece of the range changed stays listed."""
        self._warehouse = Warehouse.load_view(self._view)
        listed = self._view.with_name("changed.json")
        self._changed = json.loads(listed.read_text()) if listed.exists() else {}
        self._connection = conn
        conn.create_function("delta_files", self._files, ["VARCHAR"], "VARCHAR[]")

    def store(self, target_config: TargetConfig) -> None:
        """Replace the months of a table by the rows of the relation of the same name, year by year."""
        relation = target_config.relation
        months = months_between(target_config.config["month_start"], target_config.config["month_end"])
        years = {year: [month for month in months if month[:4] == year] for year in sorted({month[:4] for month in months})}
        changed = [self._replace(str(relation.identifier), relation.render(), batch) for batch in years.values()]
        with self._lock:
            before = self._changed.get(str(relation.identifier), [])
            self._changed[str(relation.identifier)] = sorted({*before, *(month for batch in changed for month in batch)})
            self._warehouse.save_view(self._view)
            self._view.with_name("changed.json").write_text(json.dumps(self._changed, sort_keys=True))

    def _replace(self, table: str, relation: str, months: list[str]) -> list[str]:
        cursor = self._connection.cursor()
        rows: pl.DataFrame = cursor.sql(f"select * from {relation} where month between '{months[0]}' and '{months[-1]}'").pl()  # noqa: S608
        cursor.close()
        with self._lock:  # one ledger connection, one dictionary of versions
            return self._warehouse.write_months(table, rows, months)

    def _files(self, table: str) -> list[str]:
        with self._lock:
            return self._warehouse.files(table)
