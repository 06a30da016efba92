"""The code location: every asset, check, job, schedule and sensor of one home."""

import os
from pathlib import Path

import dagster as dg

from wg_dagster.config import DEFAULT_HOME, load_config
from wg_dagster.defs.assets import build_assets
from wg_dagster.defs.jobs import build_jobs
from wg_dagster.defs.proof_job import build_proof_job
from wg_dagster.defs.resources import HomeResource
from wg_dagster.defs.schedules import build_schedules
from wg_dagster.defs.sensors import build_sensors


def build_definitions(home: Path) -> dg.Definitions:
    """Everything that Dagster shows of a home; its config.toml says which source and which months."""
    config = load_config(home)
    jobs = build_jobs()
    return dg.Definitions(
        assets=build_assets(config),
        jobs=[*jobs, build_proof_job()],
        schedules=build_schedules(jobs),
        sensors=build_sensors(home, config, jobs),
        resources={"home": HomeResource(path=str(home.resolve()))},
        executor=dg.in_process_executor,  # a step in its own process costs 2 CPU seconds, more than most stations
    )


defs = dg.Definitions.merge() if "WG_HOME" not in os.environ else build_definitions(Path(os.environ.get("WG_HOME", DEFAULT_HOME)))
