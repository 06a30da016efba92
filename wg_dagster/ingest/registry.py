"""Which adapter a source name means."""

from pathlib import Path

from wg_dagster.errors import BadInput, UnknownValue
from wg_dagster.ingest.adapter import Adapter

SOURCES = ("synthetic", "pystock", "drop", "edgar", "jquants", "sharadar", "reference", "vendors")
_FOLDERS = ("edgar", "jquants", "sharadar", "reference", "vendors")


def open_adapter(
    source: str,
    *,
    map: Path | None = None,  # noqa: A002 (named like the option --map)
    input: Path | None = None,  # noqa: A002 (named like the option --input)
    scale: str = "embedded",
    seed: int | None = None,
    world: str = "base",
) -> Adapter:
    """The adapter of a source; UnknownValue lists the sources, BadInput says which option is missing."""
    if source == "synthetic":
        from wg_dagster.ingest.synthetic import SyntheticMarket

        return SyntheticMarket(scale=scale, world=world) if seed is None else SyntheticMarket(seed=seed, scale=scale, world=world)
    if source == "pystock":
        from wg_dagster.ingest.pystock import open_pystock

        return open_pystock(_given(input, source, "--input FOLDER (daily archives, or the merged parquet files)"))
    if source == "drop":
        from wg_dagster.ingest.drop import Drop

        return Drop.open(_given(map, source, "--map FILE (examples/us_2015.toml is one)"), _given(input, source, "--input FOLDER"))
    if source in _FOLDERS:
        return _open_folder(source, _given(input, source, "--input FOLDER (what `wg fetch` has saved, or files of the same format)"))
    raise UnknownValue(f"source {source!r} is not known; known: {', '.join(SOURCES)}")


def _open_folder(source: str, folder: Path) -> Adapter:
    """The adapter of a folder that one vendor's files (or, for `vendors`, one subfolder a vendor) are in."""
    if source == "edgar":
        from wg_dagster.ingest.edgar import Edgar

        return Edgar(folder)
    if source == "jquants":
        from wg_dagster.ingest.jquants import JQuants

        return JQuants(folder)
    if source == "reference":
        from wg_dagster.ingest.reference import Reference

        return Reference(folder)
    if source == "sharadar":
        from wg_dagster.ingest.drop_sharadar import open_sharadar

        return open_sharadar(folder)
    from wg_dagster.ingest.vendors import Vendors

    return Vendors(folder)


def _given(path: Path | None, source: str, option: str) -> Path:
    if path is None:
        raise BadInput(f"source {source} needs {option}")
    return path
