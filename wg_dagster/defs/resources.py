"""The home that assets work in: one view of the lake a run, published when the run ends."""

import fcntl
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

import dagster as dg
from pydantic import PrivateAttr

from wg_dagster.warehouse import Warehouse


class HomeResource(dg.ConfigurableResource):
    """Opens the lake for one run: what the run's stations finish is seen by its later stations, and by readers when the run ends."""

    path: str
    _run_id: str = PrivateAttr(default="")
    _warehouse: Warehouse | None = PrivateAttr(default=None)

    @property
    def folder(self) -> Path:
        """The home folder."""
        return Path(self.path)

    @contextmanager
    def yield_for_execution(self, context: dg.InitResourceContext) -> Generator["HomeResource"]:
        """Publish at the end of the run (with one process a step: at the end of each step)."""
        self._run_id = context.run.run_id if context.run else "no-run"
        yield self
        if self._warehouse is not None:
            self._warehouse.publish()

    @contextmanager
    def station(self) -> Generator[Warehouse]:
        """The run's view; a station's writes count once it has ended without an error."""
        with self._lock():
            warehouse = self._load()
        yield warehouse
        with self._lock():
            if self._view.exists():
                warehouse.merge_view(self._view)
            warehouse.settle()
            warehouse.save_view(self._view)

    @property
    def _view(self) -> Path:
        return self.folder / "lake" / "_views" / f"{self._run_id}.json"

    def _load(self) -> Warehouse:
        if self._warehouse is None:
            self._warehouse = Warehouse.load_view(self._view) if self._view.exists() else Warehouse(self.folder)
        return self._warehouse

    @contextmanager
    def _lock(self) -> Generator[None]:
        self._view.parent.mkdir(parents=True, exist_ok=True)
        with self._view.with_suffix(".lock").open("w") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            yield
