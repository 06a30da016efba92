"""One build of factor tables in a process of its own, with the processor seconds of each statement of DuckDB and of each table written.

`python -m benchmarks.factor_run HOME FIRST LAST` prints them as one line of JSON; dbt's own work (parsing, compiling) is the rest.
"""

import json
import os
import sys
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

from wg_dagster import dbt_pieces
from wg_dagster.dbt_view import VIEW
from wg_dagster.factor_run import build_factors
from wg_dagster.warehouse import Warehouse


def main() -> None:
    home, first, last = sys.argv[1:4]
    statements, stores = _watched()
    start = time.process_time()
    warehouse = Warehouse(home, latest=True)
    changed = build_factors(Warehouse(home, versions=warehouse.versions()), [first, last], dbt=_one_thread)
    total = time.process_time() - start
    status = Path("/proc/self/status").read_text()  # getrusage would count what the parent process held before
    peak = int(status.split("VmHWM:")[1].split()[0]) / 1e6
    print(json.dumps({"statements": statements, "stores": stores, "total": total, "changed": changed, "peak_gb": peak}))


def _one_thread(arguments: list[str], view: Path) -> str:
    """As `dbt_pieces` does in its process; one statement at a time, else the seconds of two could not be told apart."""
    os.environ[VIEW] = str(view)
    return "" if dbt_pieces.main([*arguments, "--threads", "1"]) == 0 else "see above"


def _watched() -> tuple[Counter[str], Counter[str]]:
    from dbt.adapters.duckdb.environments.local import DuckDBCursorWrapper, LocalEnvironment

    from wg_dagster.dbt_plugin import Plugin

    statements: Counter[str] = Counter()
    stores: Counter[str] = Counter()
    DuckDBCursorWrapper.execute = _timed(DuckDBCursorWrapper.execute, statements, lambda _, sql, *__: _model_of(sql))
    LocalEnvironment.submit_python_job = _timed(
        LocalEnvironment.submit_python_job, statements, lambda _, __, model, ___: str(model["alias"])
    )
    Plugin.store = _timed(Plugin.store, stores, lambda _, target: str(target.relation.identifier))
    return statements, stores


def _timed(call: Callable[..., Any], spent: Counter[str], name: Callable[..., str]) -> Callable[..., Any]:
    def timed(*arguments: Any, **options: Any) -> Any:
        start = time.process_time()
        try:
            return call(*arguments, **options)
        finally:
            spent[name(*arguments, **options)] += time.process_time() - start

    return timed


def _model_of(sql: str) -> str:
    """The model that a statement builds: dbt names it in a comment before the statement."""
    begins = sql.find('"node_id": "model.wg.')
    return sql[begins:].split('"')[3].rsplit(".", 1)[-1] if begins >= 0 else "other"


if __name__ == "__main__":
    main()
