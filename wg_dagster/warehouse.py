"""The lake: how tables are replaced, read and published.

A run sees the snapshot it started from plus its own writes. `write_months` replaces whole months in one commit and skips months
whose rows are the same; `append_new` adds raw rows that are not there yet. `publish` makes a run's writes visible to readers.
"""

import fcntl
import hashlib
import json
import os
from collections.abc import Generator, Iterable, Sequence
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from types import ModuleType

import polars as pl
import pyarrow as pa

from wg_dagster.content import arrow_hash, content_hash, is_comparable, to_arrow
from wg_dagster.crash_points import crash_point
from wg_dagster.data_files import DataFile, file_name, write_file
from wg_dagster.delta_tables import DeltaTables, Filters, Partitions
from wg_dagster.errors import BadHome, OutsideData
from wg_dagster.lake_rows import by_month, check_inside, conform, in_order, same_in_a_month, scope_column
from wg_dagster.ledger import Ledger
from wg_dagster.schemas.tables import TABLES, Table
from wg_dagster.snapshots import Snapshots

_NO_FILES = "[]"
Stored = tuple[str, str, str]  # the files of a month; of the ledger's row its hash and its files
_PLACE = {"source_file", "source_line"}


class Warehouse:
    """The tables of one home, seen from one run."""

    def __init__(self, home: Path | str, *, versions: dict[str, int] | None = None, latest: bool = False) -> None:
        """`versions` pins the tables; by default the newest snapshot, with `latest` the newest commits."""
        self.home = Path(home)
        self.lake = self.home / "lake"
        self._make_folders()
        self.snapshots = Snapshots(self.lake / "_manifests")
        self.ledger = Ledger(self.lake / "ledger.sqlite")
        self._base = dict(versions) if versions is not None else self.snapshots.latest()[1]
        self._own: dict[str, int] = {}
        self._settled: dict[str, int] = {}
        self._written = False
        self._latest = latest
        self._tables = DeltaTables(self.lake)

    # -- reading ---------------------------------------------------------------------------------------------------------------

    def version(self, table: str) -> int | None:
        """Version of a table in this view; None where it has no rows yet."""
        _known(table)
        if self._latest:
            return self._tables.newest(table) if self._tables.exists(table) else None
        return self._own.get(table, self._base.get(table))

    def versions(self) -> dict[str, int]:
        """All versions of this view."""
        return {table: version for table in TABLES if (version := self.version(table)) is not None}

    def months(self, table: str, *, scope: str | None = None) -> list[str]:
        """Months that hold rows, oldest first."""
        return sorted({month for owner, month in self._partitions(table) if month and scope in (None, owner)})

    def files(self, table: str, *, months: Iterable[str] | None = None, scope: str | None = None) -> list[str]:
        """Data files of this view, oldest month first; where there are none, one file without rows."""
        files = self._files(table, months, scope)
        return files or [self._empty_file(TABLES[table])]

    def scan(self, table: str, *, months: Iterable[str] | None = None, scope: str | None = None) -> pl.LazyFrame:
        """Rows of a table as a lazy frame with the columns of its contract, in stored order."""
        return self.scan_files(table, self._files(table, months, scope))

    def scan_files(self, table: str, files: Sequence[str]) -> pl.LazyFrame:
        """Rows of some data files of a table."""
        spec = _known(table)
        if not files:
            return spec.empty().lazy()
        partitions = dict.fromkeys(spec.partition_by, pl.String)
        scanned = pl.scan_parquet(
            list(files),
            schema=spec.schema,
            hive_partitioning=bool(partitions),
            hive_schema=partitions or None,
            glob=False,
            missing_columns="insert",  # a file from before the table had the column
        )
        return scanned.select(pl.col(name).cast(dtype) for name, dtype in spec.schema.items())

    def read(
        self,
        table: str,
        *,
        months: Iterable[str] | None = None,
        scope: str | None = None,
        columns: Sequence[str] | None = None,
    ) -> pl.DataFrame:
        """Rows of some months (default all) and of one scope (default all), as a frame."""
        scanned = self.scan(table, months=months, scope=scope)
        return (scanned.select(columns) if columns else scanned).collect()

    def identity(self, table: str, *, months: Iterable[str] | None = None, scope: str | None = None) -> str:
        """A hash that changes exactly when the data files behind these months change."""
        names = [file_name(file) for file in self._files(table, months, scope)]
        return _sha(json.dumps([table, scope or "", sorted(names)]))

    # -- writing ---------------------------------------------------------------------------------------------------------------

    def write_months(self, table: str, rows: pl.DataFrame, months: Sequence[str], *, scope: str | None = None) -> list[str]:
        """Replace exactly these months (of one scope) and return the months that changed.

        A month without rows becomes empty; rows of other months or scopes are an error. Months whose rows are what is stored already
        are left alone, so the same input makes no commit.
        """
        spec = _known(table)
        frame = conform(spec, rows)
        check_inside(spec, frame, months, scope)
        parts = by_month(spec, frame, scope)
        no_rows = spec.empty().drop(same_in_a_month(spec, scope))
        stored = self._stored(table, sorted(set(months)), scope)
        hashes, files = {}, []
        for month, known in stored.items():
            part = parts.pop(month, no_rows)
            content = to_arrow(part)
            wanted = arrow_hash(content)
            if not self._holds(table, month, scope, wanted, known):
                hashes[month] = wanted
                files += self._write_month(spec, month, scope, part, content)
        if hashes:
            self._commit(table, files, replacing=_filters(spec, list(hashes), scope))
            self._record(table, hashes, scope)
        return list(hashes)

    def append_new(self, table: str, rows: pl.DataFrame) -> int:
        """Append the raw rows that are not stored yet (by content) and return how many they were."""
        spec = _known(table)
        frame = in_order(spec, conform(spec, rows)).unique(maintain_order=True)
        months = frame["month"].unique().to_list()
        content = [name for name in frame.columns if name not in _PLACE]  # a longer file moves its lines: not a new row
        with self._alone(table):
            self._own[table] = self._tables.newest(table)
            stored = self.read(table, months=months)
            new = frame.join(stored, on=content, how="anti", nulls_equal=True) if stored.height else frame
            if new.height:
                self._commit(table, self._write_files(spec, new), replacing=None)
        return new.height

    def replace(self, table: str, rows: pl.DataFrame) -> bool:
        """Replace a table without partitions; False if it held these rows already."""
        spec = _known(table)
        frame = in_order(spec, conform(spec, rows))
        wanted = content_hash(frame)
        if self._holds(table, "", None, wanted, self._stored(table, [""], None)[""]):
            return False
        self._commit(table, self._write_files(spec, frame), replacing=[])
        self._record(table, {"": wanted}, None)
        return True

    def settle(self) -> None:
        """Everything written so far belongs to stations that have ended: the next `publish` may show it."""
        if self._written:
            os.sync()  # the log is not flushed when it is written: a power cut must not take what a snapshot will name
            self._written = False
        self._settled = dict(self._own)

    def publish(self) -> int:
        """Make the settled writes of this run visible to readers; the number of the snapshot."""
        crash_point("before_publish", "snapshot")
        number = self.snapshots.publish(self._settled)
        crash_point("after_publish", "snapshot")
        return number

    # -- work that need not be done again --------------------------------------------------------------------------------------

    def is_fresh(self, station: str, month: str, inputs: str, outputs: Iterable[str], *, scope: str | None = None) -> bool:
        """The station has run on these inputs, and what it wrote is still what this view holds."""
        row = self.ledger.station(station, scope or "").get(month)
        return row == (inputs, self._outputs(outputs, month, scope))

    def record_fresh(self, station: str, inputs: dict[str, str], outputs: Sequence[str], *, scope: str | None = None) -> None:
        """Remember that the station has run on these inputs, by month."""
        rows = [(month, identity, self._outputs(outputs, month, scope)) for month, identity in inputs.items()]
        self.ledger.record_station(station, scope or "", rows)

    # -- views handed to another process ---------------------------------------------------------------------------------------

    def save_view(self, path: Path) -> None:
        """Write this view where another process can load it."""
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps({"home": str(self.home), "base": self._base, "own": self._own}, sort_keys=True))

    @classmethod
    def load_view(cls, path: Path) -> "Warehouse":
        """The warehouse that `save_view` described."""
        saved = json.loads(path.read_text())
        warehouse = cls(saved["home"], versions=saved["base"])
        warehouse._own = saved["own"]
        warehouse.settle()
        return warehouse

    def merge_view(self, path: Path) -> None:
        """Take over the writes of a process that was given this view."""
        theirs = json.loads(path.read_text())["own"]
        self._own |= {table: max(version, self._own.get(table, -1)) for table, version in theirs.items()}

    # -- inside ----------------------------------------------------------------------------------------------------------------

    @contextmanager
    def _alone(self, table: str) -> Generator[None]:
        """One process at a time: two appends never conflict, so that both would add the same rows."""
        path = self.lake / "_locks" / table
        path.parent.mkdir(exist_ok=True)
        with path.open("w") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            yield

    def _make_folders(self) -> None:
        try:
            self.lake.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise BadHome(f"home {self.home} cannot be written ({error.strerror}); choose another with --home") from error
        if not os.access(self.lake, os.W_OK):
            raise BadHome(f"home {self.home} cannot be written; choose another with --home or mend its permissions")

    def _partitions(self, table: str) -> Partitions:
        version = self.version(table)
        return {} if version is None else self._tables.partitions(table, version)

    def _files(self, table: str, months: Iterable[str] | None, scope: str | None) -> list[str]:
        partitions = self._partitions(table)
        wanted = None if months is None else set(months)
        chosen = [
            (month, owner, files)
            for (owner, month), files in partitions.items()
            if (scope is None or owner == scope) and (wanted is None or month in wanted)
        ]
        return [file for _, _, files in sorted(chosen) for file in files]

    def _empty_file(self, spec: Table) -> str:
        folder = self.lake / "_empty" / spec.name
        path = folder.joinpath(*(f"{name}=none" for name in spec.partition_by)) / "empty.parquet"
        if not path.exists():
            path.parent.mkdir(parents=True, exist_ok=True)
            draft = path.with_suffix(f".{os.getpid()}")
            spec.empty().drop(spec.partition_by).write_parquet(draft)
            draft.replace(path)
        return str(path)

    def _write_month(self, spec: Table, month: str, scope: str | None, rows: pl.DataFrame, content: pa.Table) -> list[DataFile]:
        """The files of a month: of its rows without what is the same in all of them, and as they were hashed."""
        if scope is None and len(spec.partition_by) > 1:
            return self._write_files(spec, rows.with_columns(month=pl.lit(month)))
        partition = {name: month if name == "month" else str(scope) for name in spec.partition_by}
        return [write_file(self.lake / spec.name, content, partition)] if rows.height else []

    def _write_files(self, spec: Table, rows: pl.DataFrame) -> list[DataFile]:
        """One file a partition; a table without partitions has one file."""
        if rows.is_empty():
            return []
        names = spec.partition_by
        parts = rows.partition_by(names, as_dict=True, include_key=False).items() if names else [((), rows)]
        keyed = [(dict(zip(names, map(str, key), strict=True)), part) for key, part in parts]
        return [write_file(self.lake / spec.name, to_arrow(part), partition) for partition, part in keyed]

    def _commit(self, table: str, files: Sequence[DataFile], *, replacing: Filters | None) -> None:
        self._own[table] = self._tables.commit(table, files, replacing=replacing)
        self._written = True

    def _stored(self, table: str, months: Sequence[str], scope: str | None) -> dict[str, Stored]:
        """What is there of each month in the newest commit, which a replace would change, and what the ledger knows of it."""
        self._own[table] = self._tables.newest(table)
        known = self.ledger.contents(table, scope or "")
        return {month: (names, *known.get(month, ("", ""))) for month, names in self._file_names(table, months, scope).items()}

    def _holds(self, table: str, month: str, scope: str | None, wanted: str, stored: Stored) -> bool:
        """The stored rows of a month are known to be those of the wanted hash; in a home of before they are hashed anew."""
        there, known, known_files = stored
        if there == _NO_FILES:
            return wanted == _hash_of_no_rows(table, scope is not None)
        if known_files != there:
            return False
        if is_comparable(known):
            return known == wanted
        rows = self.read(table, months=[month], scope=scope).drop(same_in_a_month(TABLES[table], scope)) if month else self.read(table)
        if content_hash(rows) != wanted:
            return False
        self._record(table, {month: wanted}, scope)
        return True

    def _file_names(self, table: str, months: Iterable[str], scope: str | None) -> dict[str, str]:
        """Names of the data files of each month (and scope), as the ledger keeps them."""
        names: dict[str, list[str]] = {month: [] for month in months}
        for (owner, month), files in self._partitions(table).items():
            if month in names and scope in (None, owner):
                names[month] += map(file_name, files)
        return {month: json.dumps(sorted(files)) for month, files in names.items()}

    def _record(self, table: str, hashes: dict[str, str], scope: str | None) -> None:
        files = self._file_names(table, hashes, scope)
        rows = [(month, value, files[month]) for month, value in hashes.items()]
        self.ledger.record_contents(table, scope or "", rows)
        crash_point("after_record", table)

    def _outputs(self, tables: Iterable[str], month: str, scope: str | None) -> str:
        scopes = {table: scope if len(TABLES[table].partition_by) == 2 else None for table in tables}
        months = {table: [month] if "month" in TABLES[table].partition_by else None for table in scopes}
        return _sha("".join(self.identity(table, months=months[table], scope=scopes[table]) for table in sorted(scopes)))


@cache
def code_version(*modules: ModuleType | Path) -> str:
    """Hash of the source of modules and of all files below folders: a change of code makes a station stale."""
    digest = hashlib.sha256()
    for module in modules:
        path = module if isinstance(module, Path) else Path(str(module.__file__))
        for file in sorted(path.rglob("*")) if path.is_dir() else [path]:
            if file.is_file() and file.suffix in {".py", ".sql", ".csv", ".yml", ".html", ".css", ".j2", ".toml"}:
                digest.update(file.name.encode() + file.read_bytes())
    return digest.hexdigest()


def _known(table: str) -> Table:
    if table not in TABLES:
        raise OutsideData(f"table {table!r} is not known; known: {', '.join(TABLES)}")
    return TABLES[table]


def _filters(spec: Table, months: list[str], scope: str | None) -> Filters:
    where: Filters = [("month", "in", months)]
    return where if scope is None else [(scope_column(spec), "=", scope), *where]


@cache
def _hash_of_no_rows(table: str, is_scoped: bool) -> str:
    spec = TABLES[table]
    rows = spec.empty()
    return content_hash(rows.drop(same_in_a_month(spec, "any" if is_scoped else None)) if "month" in spec.partition_by else rows)


def _sha(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
