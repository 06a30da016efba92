"""What has been fetched into a folder: `manifest.json`, file by file with its checksum. A file that still has it is not fetched again."""

import json
import os
from pathlib import Path
from typing import Any

from wg_dagster.errors import BadInput
from wg_dagster.ingest.files import file_hash

MANIFEST = "manifest.json"


class Manifest:
    """The files of a folder that were fetched whole, written after each of them."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.path = folder / MANIFEST
        self.files: dict[str, dict[str, Any]] = {}
        if self.path.exists():
            try:
                self.files = dict(json.loads(self.path.read_text(encoding="utf-8"))["files"])
            except (ValueError, KeyError, TypeError) as error:
                raise BadInput(f"{self.path} is no manifest ({error}); take it away, and the files are fetched again") from error

    def has(self, name: str, asked: str) -> bool:
        """The file was fetched by the same request and has not changed on disk since."""
        entry, path = self.files.get(name), self.folder / name
        return entry is not None and entry["asked"] == asked and path.exists() and file_hash(path) == entry["sha256"]

    def add(self, name: str, asked: str) -> None:
        """Take note of a file that is in its place."""
        path = self.folder / name
        self.files[name] = {"asked": asked, "bytes": path.stat().st_size, "sha256": file_hash(path)}
        write_whole(self.path, json.dumps({"files": dict(sorted(self.files.items()))}, indent=1) + "\n")


def write_whole(path: Path, text: str) -> None:
    """Write a file so that a reader, or a crash, sees the old one or the new one."""
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f"{path.name}.draft-{os.getpid()}")
    with draft.open("w", encoding="utf-8") as handle:
        handle.write(text)
        handle.flush()
        os.fsync(handle.fileno())
    draft.replace(path)
