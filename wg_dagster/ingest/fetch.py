"""Fetch what a plan asks for into a folder, request by request; what is there is not asked for again."""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from wg_dagster.errors import FetchFailed
from wg_dagster.ingest.fetch_manifest import Manifest, write_whole
from wg_dagster.ingest.http_client import Server

PAGE_KEY = "pagination_key"


@dataclass(frozen=True)
class Request:
    """One file of the folder and how to get it: `paged` answers are joined page by page, others are files as they are."""

    name: str
    host: str
    path: str
    query: Mapping[str, str] = field(default_factory=dict)
    paged: bool = False
    moving: bool = False  # the vendor goes on adding to it: ask each time

    @property
    def asked(self) -> str:
        """The request in one line, for the manifest: it holds no key."""
        return self.path + ("?" + "&".join(f"{name}={value}" for name, value in sorted(self.query.items())) if self.query else "")


def fetch_all(plan: Sequence[Request], servers: Mapping[str, Server], folder: Path, *, step: Callable[[str], None]) -> int:
    """Fetch what is not there yet; the number of files that were fetched. `step` is called with each file's name."""
    manifest = Manifest(folder)
    fetched = 0
    for request in plan:
        if request.moving or not manifest.has(request.name, request.asked):
            target = folder / request.name
            target.parent.mkdir(parents=True, exist_ok=True)
            if request.paged:
                _pages(request, servers[request.host], target)
            else:
                servers[request.host].download(request.path, request.query, target)
            manifest.add(request.name, request.asked)
            fetched += 1
        step(request.name)
    return fetched


def _pages(request: Request, server: Server, target: Path) -> None:
    """Join the pages of an answer; the pages that have arrived are kept with the cursor of the next one."""
    kept = target.with_name(f"{target.name}.pages")
    pages, cursor = _kept_pages(kept, request.asked)
    while cursor is not None or not pages:
        said = server.json(request.path, {**request.query, **({PAGE_KEY: cursor} if cursor else {})})
        if not isinstance(said, dict) or not isinstance(said.get("data"), list):
            raise FetchFailed(f"{request.path} answered something else than a list of rows under 'data'; check the address (--base-url)")
        following = said.get(PAGE_KEY) or None
        if following is not None and following == cursor:
            raise FetchFailed(f"{request.path} points to the same page again; nothing more can be fetched from it")
        pages.append(said["data"])
        cursor = following
        if cursor is not None:
            line = json.dumps({"asked": request.asked, "data": said["data"], "next": cursor}, ensure_ascii=False)
            with kept.open("a", encoding="utf-8") as handle:
                handle.write(line + "\n")
    rows = [json.dumps(row, ensure_ascii=False) for page in pages for row in page]
    write_whole(target, '{"data": [\n' + ",\n".join(rows) + "\n]}\n")
    kept.unlink(missing_ok=True)


def _kept_pages(kept: Path, asked: str) -> tuple[list[list[Any]], str | None]:
    """Pages of a fetch that was cut, and the cursor after them; a torn last line does not count."""
    pages: list[list[Any]] = []
    cursor: str | None = None
    whole = b""
    for line in kept.read_bytes().splitlines(keepends=True) if kept.exists() else ():
        try:
            said = json.loads(line) if line.endswith(b"\n") else None
        except ValueError:
            said = None
        if not isinstance(said, dict) or said.get("asked") != asked:
            break
        pages.append(said["data"])
        cursor = said["next"]
        whole += line
    if kept.exists():
        kept.write_bytes(whole)
    return pages, cursor
