"""Builds the fourteen factor tables: one dbt invocation for any range of months."""

import json
import os
import shutil
import subprocess
import sys
import uuid
from collections.abc import Callable, Sequence
from pathlib import Path

from wg_dagster.dbt_view import VIEW
from wg_dagster.errors import StationFailed
from wg_dagster.stations import Reads
from wg_dagster.warehouse import Warehouse

PROJECT = Path(__file__).parent.parent / "dbt_project"
CODE = (  # what decides the values: not the seed, which only scores read, nor what dbt leaves in its target folder
    PROJECT / "dbt_project.yml",
    PROJECT / "profiles.yml",
    PROJECT / "macros",
    PROJECT / "models",
    Path(__file__).with_name("dbt_plugin.py"),
    Path(__file__).with_name("factor_windows"),
)
_LONGEST_MESSAGE = 4000
Dbt = Callable[[list[str], Path], str]  # runs dbt with these arguments on the view in a file; "" or what went wrong


def factor_inputs() -> tuple[Reads, ...]:
    """What the factors of a month may see: for each table as many months back as the staging models read."""
    return (
        Reads("sessions"),
        Reads("securities_clean"),
        Reads("prices_clean", back=12),
        Reads("corporate_actions", back=90),
        Reads("fundamentals_clean", back=90),
        Reads("forecasts_clean", back=36),
        Reads("announcements_clean", back=60),
        Reads("benchmark_nav", back=5),
        Reads("rates_clean", back=6),
    )


def build_factors(
    warehouse: Warehouse,
    months: Sequence[str],
    *,
    select: Sequence[str] | None = None,
    project: Path = PROJECT,
    dbt: Dbt | None = None,
) -> dict[str, list[str]]:
    """Build the factor tables of the range from the first to the last of `months` and return, by table, the months that changed.

    Parameters
    ----------
    warehouse
        What the run sees; it takes over the versions that dbt writes.
    months
        Both ends and everything between them are replaced.
    select
        dbt selectors, e.g. ["+factor_momentum"]; default all models.
    project
        Folder of the dbt project: a proof may build with another one than ours.
    dbt
        How dbt is run; default in a process of its own.

    Raises
    ------
    StationFailed
        With dbt's own words if a model fails; tables that were written before stay out of the view.
    """
    if not months:
        return {}
    folder = warehouse.home.resolve() / "dbt" / uuid.uuid4().hex
    view = folder / "view.json"
    warehouse.save_view(view)
    _run(["run", *(["--select", *select] if select else [])], min(months), max(months), folder, project=project, dbt=dbt)
    warehouse.merge_view(view)
    changed = json.loads((folder / "changed.json").read_text())
    shutil.rmtree(folder)
    return changed


def in_own_process(arguments: list[str], view: Path) -> str:
    """Run dbt in a process that ends with it, a long range of months in pieces."""
    done = subprocess.run(
        [sys.executable, "-m", "wg_dagster.dbt_pieces", *arguments],
        env=os.environ | {VIEW: str(view)},
        capture_output=True,
        text=True,
        check=False,
    )
    return f"it ended with {done.returncode} and said:\n{done.stdout}{done.stderr}".strip() if done.returncode else ""


def _run(command: list[str], first: str, last: str, folder: Path, *, project: Path = PROJECT, dbt: Dbt | None = None) -> None:
    """Run dbt with its own folder for whatever it writes."""
    options = {
        "--project-dir": str(project),
        "--profiles-dir": str(project),
        "--target-path": str(folder / "target"),
        "--log-path": str(folder / "logs"),
        "--vars": json.dumps({"month_start": first, "month_end": last}),
    }
    switches = ["--no-send-anonymous-usage-stats", "--no-version-check", "--no-use-colors", "--no-partial-parse", "--quiet"]
    failure = (dbt or in_own_process)([*command, *(word for option in options.items() for word in option), *switches], folder / "view.json")
    if failure:
        raise StationFailed(f"factors {first} to {last}: dbt failed; its folder is {folder}; {failure[-_LONGEST_MESSAGE:]}")
