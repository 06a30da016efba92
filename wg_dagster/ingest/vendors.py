"""Several sources of one home: a folder with one subfolder a source, as `wg fetch` fills it."""

import hashlib
from collections.abc import Iterator, Sequence
from pathlib import Path

from wg_dagster.errors import BadInput
from wg_dagster.ingest.adapter import Adapter
from wg_dagster.ingest.drop import Part

MAP = "map.toml"  # a subfolder with a map of its own is a drop folder
_DAILY = ("pystock", "jquants", "sharadar")  # their last month ends the span


class Vendors:
    """The adapter of all subfolders together: each is read by the source that it is named after, or by the map that lies in it."""

    name = "vendors"

    def __init__(self, folder: Path) -> None:
        from wg_dagster.ingest.registry import SOURCES, open_adapter

        if not folder.is_dir():
            raise BadInput(f"input {folder} is not there or not a folder; give an existing folder with --input")
        self.adapters: dict[str, Adapter] = {}
        for each in sorted(path for path in folder.iterdir() if path.is_dir()):
            if (each / MAP).exists():
                self.adapters[each.name] = open_adapter("drop", map=each / MAP, input=each)
            elif each.name in SOURCES and each.name not in ("synthetic", "drop", "vendors"):
                self.adapters[each.name] = open_adapter(each.name, input=each)
            else:
                raise BadInput(f"{folder.name}/{each.name}/ is no source and holds no {MAP}; rename it or take it out")
        if not self.adapters:
            raise BadInput(f"{folder.name}/ holds no subfolder of a source; fetch one with `wg fetch`, or give another --input")

    def span(self) -> tuple[str, str]:
        """From the first filing or price to the last price; of all sources, where none has them."""
        spans = {name: adapter.span() for name, adapter in self.adapters.items()}
        told = [span for name, span in spans.items() if name != "reference"] or list(spans.values())
        priced = [span for name, span in spans.items() if name in _DAILY or self.adapters[name].name == "drop"] or told
        return min(first for first, _ in told), max(last for _, last in priced)

    def identity(self) -> str:
        """Hash of the identities of all."""
        told = "\n".join(f"{name} {adapter.identity()}" for name, adapter in self.adapters.items())
        return hashlib.sha256(told.encode()).hexdigest()

    def load(self, months: Sequence[str]) -> Iterator[Part]:
        """The rows of all, source by source."""
        for adapter in self.adapters.values():
            yield from adapter.load(months)
