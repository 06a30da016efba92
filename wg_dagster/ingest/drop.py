"""A folder of CSV and parquet files becomes raw rows by a declared map."""

from collections.abc import Iterator, Sequence
from datetime import date, timedelta
from functools import cached_property
from itertools import groupby
from pathlib import Path

import polars as pl

from wg_dagster.calendars import FIRST_DAY, end_of_day
from wg_dagster.errors import BadInput, MissingColumn
from wg_dagster.ingest.drop_map import ColumnRule, DropMap, FileMap, Lookup, load_map
from wg_dagster.ingest.drop_rules import converted, holds
from wg_dagster.ingest.files import LINE, collect, data_files, folder_identity, refuse_copies, scan_vendor
from wg_dagster.ingest.raw_rows import CARRIED, FILE, INSTANT, empty_file, raw_rows, refuse_text, unreadable_text
from wg_dagster.ingest.repeats import DAY, first_sightings, listing_changes

Part = tuple[str, pl.DataFrame]
PART_ROWS = 500_000
_DAILY = ("prices", "adjusted_prices", "index_levels")  # the tables whose newest day ends the span
_LOCAL = {"XNYS": "-5h", "XTKS": "9h"}


class Drop:
    """The adapter of a folder with a map."""

    name = "drop"

    def __init__(self, drop_map: DropMap, folder: Path) -> None:
        self.map = drop_map
        self.folder = folder
        self.files = data_files(folder)
        self._checked: set[tuple[str, str]] = set()

    @classmethod
    def open(cls, map_path: Path, folder: Path) -> "Drop":
        """Read the map and look at the folder; BadInput if two of its files are the same."""
        refuse_copies(data_files(folder))
        return cls(load_map(map_path), folder)

    def span(self) -> tuple[str, str]:
        """First month of all files, and last month of the daily ones (of all, where there are no daily ones)."""
        return self._span

    def identity(self) -> str:
        """Hash of the map and of the files that it names."""
        used = {path for file_map in self.map.files for path in self._matches(file_map)}
        lookups = {self._lookup_path(file_map, file_map.lookup) for file_map in self.map.files if file_map.lookup}
        return folder_identity(used | lookups, self.map.text)

    def load(self, months: Sequence[str]) -> Iterator[Part]:
        """Raw rows and quarantine rows of the months, file by file in the order of the map."""
        for file_map in self.map.files if months else ():
            for path in self._matches(file_map):
                yield from self.load_file(file_map, path, months)

    def load_file(self, file_map: FileMap, path: Path, months: Sequence[str]) -> Iterator[Part]:
        """Raw rows and quarantine rows of one file."""
        vendor = self._vendor_rows(file_map, path, months)
        self._refuse_text(file_map, path)
        if vendor.is_empty() and self.span()[0] in months and collect(scan_vendor(path).select(pl.len()), path).item() == 0:
            yield "quarantine", empty_file(file_map, path.name, self.span()[0])
        for part in _parts(vendor):
            rows, broken = raw_rows(part, file_map, first_month=self.span()[0], latest=self.map.received)
            for table, found in ((file_map.table, rows), ("quarantine", broken)):
                inside = found.filter(pl.col("month").is_in(list(months)))
                if inside.height:
                    yield table, inside

    def months_of(self, file_map: FileMap, path: Path) -> tuple[str, str] | None:
        """First and last month of one file; None where no row can be dated."""
        known = _known(self._scan(file_map, path), file_map).filter(pl.col(DAY) <= self.map.received)
        first, last = collect(known.select(pl.col(DAY).min().alias("first"), pl.col(DAY).max().alias("last")), path).row(0)
        return (f"{first:%Y-%m}", f"{last:%Y-%m}") if first else None

    @cached_property
    def _span(self) -> tuple[str, str]:
        found = [
            (file_map.table, span)
            for file_map in self.map.files
            for path in self._matches(file_map)
            if (span := self.months_of(file_map, path))
        ]
        if not found:
            raise BadInput(f"no row of {self.folder.name}/ has a day on which it became known; check known_at in the map")
        daily = [last for table, (_, last) in found if table in _DAILY]
        return min(first for _, (first, _) in found), max(daily or [last for _, (_, last) in found])

    def _matches(self, file_map: FileMap) -> list[Path]:
        found = sorted(self.folder.glob(file_map.path))
        if not found and not file_map.optional:
            there = ", ".join(file.name for file in self.files) or "nothing"
            raise BadInput(f"{file_map.path} is named in map {self.map.name} and not in {self.folder.name}/; there is {there}")
        return found

    def _scan(self, file_map: FileMap, path: Path) -> pl.LazyFrame:
        """The rows that the map asks for."""
        scanned = scan_vendor(path)
        schema = scanned.collect_schema()
        refuse_missing(file_map.own_columns(), list(schema), path, self.map.name)
        for condition in file_map.where:
            scanned = scanned.filter(holds(condition, schema))
        return scanned

    def _with_lookup(self, file_map: FileMap, rows: pl.DataFrame) -> pl.DataFrame:
        """The columns of the second file beside the first, as `name.column`."""
        rule = file_map.lookup
        if rule is None:
            return rows
        path = self._lookup_path(file_map, rule)
        wanted = sorted(name.removeprefix(f"{rule.name}.") for name in file_map.vendor_columns() - file_map.own_columns())
        scanned = scan_vendor(path)
        refuse_missing({rule.key, *wanted}, list(scanned.collect_schema()), path, self.map.name)
        renamed = [pl.col(name).alias(f"{rule.name}.{name}") for name in wanted]
        found = collect(scanned.select(pl.col(rule.key).cast(pl.String).str.strip_chars().alias(rule.on), *renamed), path)
        return rows.join(found.unique(rule.on, keep="first", maintain_order=True), on=rule.on, how="left", maintain_order="left")

    def _lookup_path(self, file_map: FileMap, rule: Lookup) -> Path:
        path = self.folder / rule.path
        found = sorted(self.folder.glob(rule.path))
        if len(found) == 1:
            return found[0]
        if not path.exists():
            raise BadInput(f"{rule.path} is named in map {self.map.name} (lookup of {file_map.path}) and not in {self.folder.name}/")
        return path

    def _vendor_rows(self, file_map: FileMap, path: Path, months: Sequence[str]) -> pl.DataFrame:
        """Rows whose day of publication lies in the months, with what they repeat taken out."""
        start, end = days_of(months)
        back = (start - FIRST_DAY).days if file_map.gone_after else file_map.repeat_days or 0  # a list is compared with all before it
        scanned = _known(self._scan(file_map, path), file_map)
        day = pl.col(DAY)
        undated = (day.is_null() | (day > self.map.received)) if self.span()[0] in months else pl.lit(value=False)
        wanted = scanned.filter(undated | day.is_between(start - timedelta(days=back + 1), end + timedelta(days=1)))
        if not file_map.repeat_days:
            wanted = wanted.select(*sorted(file_map.own_columns()), pl.col("^_.*$"))
        rows = collect(wanted, path)
        content = [name for name in rows.columns if not name.startswith("_") and name != file_map.known_at.column]
        if file_map.repeat_days:
            rows = first_sightings(rows, content=content, within_days=file_map.repeat_days, line=LINE)
        if file_map.gone_after:
            content = [name for name in content if name != file_map.listing_key]
            rows = listing_changes(rows, key=file_map.listing_key, content=content, gone_after=file_map.gone_after, line=LINE)
            rows = rows.filter(pl.col(DAY) <= end)
        return self._with_lookup(file_map, rows).with_columns(pl.lit(path.name).alias(FILE))

    def _refuse_text(self, file_map: FileMap, path: Path) -> None:
        if (file_map.path, path.name) in self._checked:
            return
        scanned = self._scan(file_map, path)
        counts = collect(unreadable_text(scanned, file_map, scanned.collect_schema()), path)
        refuse_text(counts, path.name, file_map.table)
        self._checked.add((file_map.path, path.name))


def _known(scanned: pl.LazyFrame, file_map: FileMap) -> pl.LazyFrame:
    """Add the day (and instant) of publication; leave out or carry in what was known before `keep_from`."""
    rule, schema = file_map.known_at, scanned.collect_schema()
    if rule.on:
        scanned = scanned.with_columns(pl.lit(rule.on, pl.Date).alias(DAY))
    elif rule.at == "instant":
        scanned = scanned.with_columns(_instant(rule.column, schema).alias(INSTANT))
        scanned = scanned.with_columns(pl.col(INSTANT).dt.offset_by(_LOCAL[rule.calendar]).dt.date().alias(DAY))
    else:
        day, _ = converted(ColumnRule(column=rule.column), schema, pl.Date())
        scanned = scanned.with_columns(
            day.dt.offset_by(f"{rule.lag_months}mo{rule.lag_days}d").alias(DAY) if rule.lag_months or rule.lag_days else day.alias(DAY)
        )
    if file_map.keep_from is None:
        return scanned
    if not file_map.carry_in:
        return scanned.filter(pl.col(DAY).is_null() | (pl.col(DAY) >= file_map.keep_from))
    early = (pl.col(DAY) < file_map.keep_from).fill_null(value=False)
    carried = [early.alias(CARRIED), pl.when(early).then(pl.lit(file_map.keep_from)).otherwise(pl.col(DAY)).alias(DAY)]
    if rule.at == "instant":
        first = pl.lit(end_of_day(rule.calendar, file_map.keep_from), pl.Datetime("us", "UTC"))
        carried.append(pl.when(early).then(first).otherwise(pl.col(INSTANT)).alias(INSTANT))
    return scanned.with_columns(carried)


def _instant(column: str, schema: pl.Schema) -> pl.Expr:
    """A UTC instant; text in ISO form and instants without zone are taken as UTC."""
    dtype = schema[column]
    if dtype == pl.String:
        return pl.col(column).str.to_datetime(time_unit="us", time_zone="UTC", strict=False)
    instant = pl.col(column).cast(pl.Datetime("us", getattr(dtype, "time_zone", None)))
    return instant.dt.convert_time_zone("UTC") if getattr(dtype, "time_zone", None) else instant.dt.replace_time_zone("UTC")


def refuse_missing(wanted: set[str], there: list[str], path: Path, name: str) -> None:
    """MissingColumn naming the columns of a map that are not in the file."""
    missing = sorted(wanted - set(there))
    if missing:
        columns = ", ".join(column for column in there if not column.startswith("_"))
        raise MissingColumn(
            f"{path.name}: column {', '.join(map(repr, missing))} is named in map {name} and not in the file; "
            f"there are {columns}. Correct the map, or fetch a file with that column"
        )


def days_of(months: Sequence[str]) -> tuple[date, date]:
    """First and last day of the months, those between included."""
    first, last = min(months), max(months)
    year, month = int(last[:4]), int(last[5:])
    following = date(year + month // 12, month % 12 + 1, 1)
    return date.fromisoformat(f"{first}-01"), following - timedelta(days=1)


def _parts(vendor: pl.DataFrame) -> Iterator[pl.DataFrame]:
    """The rows by whole months of publication, in parts of a size that stays flat in memory."""
    if vendor.height <= PART_ROWS:
        yield vendor
        return
    number = (pl.col(DAY).dt.year() * 12 + pl.col(DAY).dt.month().cast(pl.Int32)).fill_null(0)
    labelled = vendor.with_columns(number.alias("_month"))
    counts = labelled.group_by("_month").len().sort("_month").with_columns((pl.col("len").cum_sum() // PART_ROWS).alias("part"))
    for _, group in groupby(counts.iter_rows(named=True), key=lambda row: row["part"]):
        yield labelled.filter(pl.col("_month").is_in([row["_month"] for row in group])).drop("_month")
