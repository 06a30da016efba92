"""Manifests {table: version}: which versions of all tables belong together, published by compare-and-swap."""

import json
import os
from pathlib import Path

from wg_dagster.crash_points import crash_point


class Snapshots:
    """The manifests of one lake: numbered files that are never changed once they exist."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def latest(self) -> tuple[int, dict[str, int]]:
        """Number and content of the newest manifest; (0, {}) before the first."""
        if not self.folder.is_dir():
            return 0, {}
        numbers = sorted(int(path.stem) for path in self.folder.glob("*.json"))
        if not numbers:
            return 0, {}
        return numbers[-1], self.load(numbers[-1])

    def load(self, number: int) -> dict[str, int]:
        """Content of one manifest."""
        return json.loads(self._path(number).read_text())

    def publish(self, versions: dict[str, int]) -> int:
        """Merge `versions` into the newest manifest and return the number of the manifest that holds them.

        Versions only move forward, so the merge of two runs is the higher version of each table. Nothing new = no manifest.
        """
        self.folder.mkdir(parents=True, exist_ok=True)
        while True:
            number, current = self.latest()
            merged = current | {table: max(version, current.get(table, -1)) for table, version in versions.items()}
            if merged == current:
                return number
            if self._create(number + 1, json.dumps(merged, indent=0, sort_keys=True)):
                return number + 1

    def _create(self, number: int, text: str) -> bool:
        draft = self.folder / f".draft-{os.getpid()}-{number}"
        with draft.open("w") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        crash_point("during_publish", "snapshot")
        try:
            os.link(draft, self._path(number))  # fails if another run took the number
        except FileExistsError:
            return False
        finally:
            draft.unlink()
        return True

    def _path(self, number: int) -> Path:
        return self.folder / f"{number:08d}.json"
