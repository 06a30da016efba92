"""dbt inside this process, parsed once: a test that builds factor tables a dozen times does not start dbt a dozen times."""

import os
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from unittest.mock import patch

from wg_dagster import factor_run
from wg_dagster.errors import StationFailed


@contextmanager
def in_process() -> Iterator[None]:
    """`build_factors` with the same project, arguments and view, in this process."""
    with patch.object(factor_run, "_run", _run):
        yield


def _run(command: list[str], first: str, last: str, folder: Path) -> None:
    started: list[list[str]] = []
    with patch.object(factor_run.subprocess, "run", lambda arguments, **_: started.append(arguments) or _Ended()):
        _REAL_RUN(command, first, last, folder)
    arguments = started[0][started[0].index(factor_run._DBT) + 1 :]
    with warnings.catch_warnings(), patch.dict(os.environ, {factor_run.VIEW: str(folder / "view.json")}):
        warnings.simplefilter("ignore")
        _invoke(arguments)


def _invoke(arguments: list[str]) -> None:
    from dbt.adapters.duckdb.connections import DuckDBConnectionManager
    from dbt.cli.main import dbtRunner

    DuckDBConnectionManager.close_all_connections()  # else the connection and the view of the run before would be used again
    done = dbtRunner(manifest=_manifest(*arguments[1:])).invoke(arguments)
    DuckDBConnectionManager.close_all_connections()
    if not done.success:
        raise StationFailed(f"dbt failed: {done.exception or done.result}")


_PARSED: list[Any] = []


def _manifest(*options: str) -> Any:
    """The project as parsed by the first run: months are variables of a run, not of the parse."""
    from dbt.cli.main import dbtRunner

    if not _PARSED:
        _PARSED.append(dbtRunner().invoke(["parse", *options]).result)
    return _PARSED[0]


class _Ended:
    returncode = 0


_REAL_RUN = factor_run._run
