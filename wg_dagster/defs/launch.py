"""Materialise a range of months in one run of this process, on the instance that the UI shows."""

import fcntl
import os
from collections.abc import Generator
from contextlib import contextmanager
from importlib.resources import files
from pathlib import Path

import dagster as dg

from wg_dagster.definitions import build_definitions
from wg_dagster.defs.checks import KEEP_GOING
from wg_dagster.defs.event_log import BATCHES
from wg_dagster.defs.jobs import RANGE_JOB
from wg_dagster.defs.tables import search_keys
from wg_dagster.strategies import STRATEGIES

_RANGE = {"start": "dagster/asset_partition_range_start", "end": "dagster/asset_partition_range_end"}
_QUIET = {"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}}


def prepare_instance(home: Path) -> Path:
    """The Dagster home below our home, with the shipped settings."""
    folder = home.resolve() / "dagster"
    folder.mkdir(parents=True, exist_ok=True)
    shipped = files("wg_dagster").joinpath("dagster.yaml").read_text().replace("$INSTANCE", str(folder))
    settings = folder / "dagster.yaml"
    if not settings.exists() or settings.read_text() != shipped:
        draft = settings.with_suffix(".draft")
        draft.write_text(shipped)
        draft.replace(settings)
    return folder


@contextmanager
def open_instance(home: Path) -> Generator[dg.DagsterInstance]:
    """The instance of a home.

    It is opened by one process at a time: two first runs that both created the databases would leave them with two heads of migration,
    and no later run could open them.
    """
    (home / "dagster").mkdir(parents=True, exist_ok=True)
    with (home / "dagster" / "opening.lock").open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        folder = prepare_instance(home)
        os.environ |= {"DAGSTER_HOME": str(folder), **BATCHES}
        opened = dg.DagsterInstance.from_config(str(folder))
    with opened as instance:
        yield instance


def run_range(home: Path, first: str, last: str, strategies: list[str]) -> dg.ExecuteInProcessResult:
    """One run over the months first..last; of the strategies named (all = every asset of the home)."""
    definitions = build_definitions(home)
    selection = None
    if set(strategies) != set(STRATEGIES):
        wanted = dg.AssetSelection.groups("raw", "clean", "factors", *strategies) - dg.AssetSelection.assets(*search_keys())
        selection = list(wanted.resolve(definitions.resolve_asset_graph()))
    job = definitions.resolve_job_def(RANGE_JOB)
    with open_instance(home) as instance:
        return job.execute_in_process(
            instance=instance,
            tags={_RANGE["start"]: first, _RANGE["end"]: last, KEEP_GOING: "yes"},
            run_config=_QUIET,
            asset_selection=selection,
            raise_on_error=True,
        )


__all__ = ["open_instance", "prepare_instance", "run_range"]
