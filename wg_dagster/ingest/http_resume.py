"""A download on its way: what has arrived, how to ask for the rest, and the move to its place when it is whole."""

import json
import os
from collections.abc import Mapping
from http import HTTPStatus
from pathlib import Path


class Partial:
    """`NAME.part` beside the target, with `NAME.part.json` that says which version of the file it belongs to."""

    def __init__(self, target: Path) -> None:
        self.target = target
        self.part = target.with_name(f"{target.name}.part")
        self._note = target.with_name(f"{target.name}.part.json")
        self._total: int | None = None

    def range_headers(self) -> dict[str, str]:
        """Headers that ask for the rest of the same version; none where nothing has arrived or its version is not known."""
        have = self._size()
        version = self._version()
        return {"Range": f"bytes={have}-", "If-Range": version} if have and version else {}

    def begin(self, status: int, headers: Mapping[str, str]) -> None:
        """Take note of an answer: a part goes on where the file ends, everything else starts anew."""
        have = self._size()
        if status == HTTPStatus.PARTIAL_CONTENT:
            total = headers.get("Content-Range", "").rsplit("/", 1)[-1]
            self._total = int(total) if total.isdigit() else None
            if not headers.get("Content-Range", "").startswith(f"bytes {have}-"):
                self._forget()  # not the part that was asked for
            return
        if status == HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE:
            total = headers.get("Content-Range", "").rsplit("/", 1)[-1]
            self._total = int(total) if total.isdigit() else -1
            if self._total != have:
                self._forget()
            return
        self._forget()
        self.target.parent.mkdir(parents=True, exist_ok=True)
        self.part.write_bytes(b"")
        length = headers.get("Content-Length", "")
        self._total = int(length) if length.isdigit() else None
        version = headers.get("ETag") or headers.get("Last-Modified") or ""
        self._note.write_text(json.dumps({"version": version if not version.startswith("W/") else ""}))

    def add(self, chunk: bytes) -> None:
        """Append what has arrived."""
        if self.part.exists():
            with self.part.open("ab") as handle:
                handle.write(chunk)

    def missing(self) -> str:
        """Why the file is not whole; empty where it is."""
        have = self._size()
        if not self.part.exists():
            return "the server has another version of the file"
        if self._total is not None and have != self._total:
            if have > self._total:
                self._forget()
            return f"{have} of {self._total} bytes arrived"
        return "" if have else "the file is empty"

    def finish(self) -> None:
        """Move the whole file to its place, in one step that a crash cannot halve."""
        with self.part.open("rb") as handle:
            os.fsync(handle.fileno())
        self.part.replace(self.target)
        self._note.unlink(missing_ok=True)

    def _size(self) -> int:
        return self.part.stat().st_size if self.part.exists() else 0

    def _version(self) -> str:
        try:
            return str(json.loads(self._note.read_text()).get("version", ""))
        except (OSError, ValueError, AttributeError):
            return ""

    def _forget(self) -> None:
        self.part.unlink(missing_ok=True)
        self._note.unlink(missing_ok=True)
