"""What a process of dbt may see: the lake as a file describes it that the environment names."""

import os
from functools import lru_cache
from pathlib import Path

from wg_dagster.warehouse import Warehouse

VIEW = "WG_VIEW"  # environment variable: that file


def seen_lake() -> Warehouse:
    """The lake as the run of dbt in this process may see it."""
    return _lake_of(Path(os.environ[VIEW]))


@lru_cache(maxsize=1)
def _lake_of(view: Path) -> Warehouse:
    """Clean tables do not change while dbt runs, and every run has a view of its own."""
    return Warehouse.load_view(view)
