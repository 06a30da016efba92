"""The bridge between dbt and the lake: `delta_files(table)` for reading, `store` for replacing months.

dbt runs in its own process. `WG_VIEW` names the file that describes what the run may see; after each table that file also holds
the versions that were written, and `changed.json` beside it the months that changed.
"""

import json
import os
import threading
from pathlib import Path
from typing import Any, ClassVar

import polars as pl
from dbt.adapters.duckdb.credentials import DuckDBCredentials
from dbt.adapters.duckdb.plugins import BasePlugin
from dbt.adapters.duckdb.utils import TargetConfig
from duckdb import DuckDBPyConnection

from wg_dagster.calendars import months_between
from wg_dagster.dbt_view import VIEW
from wg_dagster.errors import OutsideData
from wg_dagster.warehouse import Warehouse

_BATCH = 24  # months that are held and written at once


class Plugin(BasePlugin):
    """Reads the files of one view of the lake and writes tables back to it."""

    _before: ClassVar[tuple[Path, Warehouse] | None] = None  # what the piece of the range before this one has opened

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
        if Plugin._before is None or Plugin._before[0] != self._view:
            Plugin._before = self._view, Warehouse.load_view(self._view)
        self._warehouse = Plugin._before[1]
        listed = self._view.with_name("changed.json")
        self._changed = json.loads(listed.read_text()) if listed.exists() else {}
        self._connection = conn
        conn.create_function("delta_files", self._files, ["VARCHAR"], "VARCHAR[]")

    def store(self, target_config: TargetConfig) -> None:
        """Replace the months of a table by the rows of the relation of the same name."""
        table, relation = str(target_config.relation.identifier), target_config.relation.render()
        months = months_between(target_config.config["month_start"], target_config.config["month_end"])
        changed = [
            month for begin in range(0, len(months), _BATCH) for month in self._replace(table, relation, months[begin : begin + _BATCH])
        ]
        with self._lock:
            self._changed[table] = sorted({*self._changed.get(table, []), *changed})
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
