"""dbt inside this process, its project parsed once: a proof that builds factor tables dozens of times does not start dbt each time."""

import os
import warnings
from pathlib import Path
from typing import Any

from wg_dagster.dbt_view import VIEW


class DbtInside:
    """A way to run dbt (`factor_run.Dbt`) for one project; months are variables of a run, not of the parse."""

    def __init__(self) -> None:
        self._parsed: Any = None

    def __call__(self, arguments: list[str], view: Path) -> str:
        """Run dbt on a view of the lake; "" or what went wrong."""
        before = os.environ.get(VIEW)
        os.environ[VIEW] = str(view)
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # dbt's own, of the libraries that it uses
                return self._invoke(arguments)
        finally:
            if before is None:
                del os.environ[VIEW]
            else:
                os.environ[VIEW] = before

    def _invoke(self, arguments: list[str]) -> str:
        from dbt.adapters.duckdb.connections import DuckDBConnectionManager
        from dbt.cli.main import dbtRunner
        from dbt.contracts.graph.manifest import Manifest

        if self._parsed is None:
            first_option = next(place for place, word in enumerate(arguments) if word == "--project-dir")
            parsed = dbtRunner().invoke(["parse", *arguments[first_option:]])
            if not isinstance(parsed.result, Manifest):
                return f"it could not read the project: {parsed.exception}"
            self._parsed = parsed.result
        DuckDBConnectionManager.close_all_connections()  # else the connection and the view of the run before would be used again
        done = dbtRunner(manifest=self._parsed).invoke(arguments)
        DuckDBConnectionManager.close_all_connections()
        return "" if done.success else f"it said: {done.exception or _failures(done.result)}"


def _failures(result: Any) -> str:
    failed = (one for one in result if one.message and one.status not in {"success", "skipped"})
    return "\n".join(f"{one.node.name}: {_in_short(one.message)}" for one in failed)


def _in_short(message: str) -> str:
    """What was wrong, without the calls that led to it in a model in Python."""
    lines = message.strip().splitlines()
    return f"{lines[0]}: {lines[-1].strip()}" if "Traceback (most recent call last):" in message else message
