"""The source of a home's rows, opened once a process."""

from functools import cache
from pathlib import Path

from wg_dagster.config import Config
from wg_dagster.ingest.adapter import Adapter
from wg_dagster.ingest.registry import open_adapter


@cache
def source_of(config: Config) -> Adapter:
    """The adapter that a configuration names."""
    return open_adapter(
        config.source,
        map=Path(config.map) if config.map else None,
        input=Path(config.input) if config.input else None,
        scale=config.scale,
        seed=config.seed,
        world=config.world,
    )
