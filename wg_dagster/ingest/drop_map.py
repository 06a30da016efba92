"""The map of a folder: which file feeds which raw table, and how the vendor's columns become ours."""

import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields
from datetime import date
from pathlib import Path
from typing import Any

from wg_dagster.calendars import CALENDAR_OF_MARKET, LAST_DAY
from wg_dagster.errors import BadInput, UnknownValue
from wg_dagster.schemas.tables import RAW_TABLES, TABLES

Scalar = str | int | float | bool | date
AT = ("end_of_day", "session_end", "instant")
KNOWN_AT_RULES = ("reported", "first_seen", "assumed_lag")
FORMATS = ("money", "percent", "year_month", "calendar_quarter", "year")  # or a strptime format such as %Y%m%d
Content = Mapping[str, Any]
_OWN = ("month", "source", "source_file", "source_line", "known_at", "known_at_rule", "quality")


@dataclass(frozen=True)
class Condition:
    """A test of a vendor row: one column and one test, or `all`, `any`, `none` of other conditions."""

    column: str = ""
    equals: Scalar | None = None
    one_of: tuple[Scalar, ...] = ()
    matches: str = ""  # regular expression, found anywhere in the text
    at_least: Scalar | None = None
    at_most: Scalar | None = None
    missing: bool | None = None
    all: tuple["Condition", ...] = ()
    any: tuple["Condition", ...] = ()
    none: tuple["Condition", ...] = ()

    def columns(self) -> set[str]:
        """Vendor columns that the condition looks at."""
        inner = [condition.columns() for condition in (*self.all, *self.any, *self.none)]
        return {self.column}.union(*inner) - {""}


@dataclass(frozen=True)
class ColumnRule:
    """How one of our columns is made: from a vendor column, from a constant, or from the first case that holds."""

    column: str = ""
    value: Scalar | None = None
    format: str = ""
    multiply: float = 1.0
    multiply_by: str = ""  # another vendor column: shares of a factor
    divide_by: str = ""  # another vendor column: cross rates
    values: Mapping[str, Scalar] = field(default_factory=dict)
    otherwise: Scalar | None = None
    cases: tuple[tuple[Condition, Scalar], ...] = ()
    at_least: float | None = None  # outside of these the value becomes null
    at_most: float | None = None
    upper: bool = False
    strip_suffix: str = ""
    replace: Mapping[str, str] = field(default_factory=dict)
    extract: str = ""  # first group of a regular expression, null where it is not found
    fallback: str = ""  # vendor column that is used where the first one is null

    def columns(self) -> set[str]:
        """Vendor columns that the rule reads."""
        tested = [condition.columns() for condition, _ in self.cases]
        return {self.column, self.multiply_by, self.divide_by, self.fallback}.union(*tested) - {""}


@dataclass(frozen=True)
class KnownAt:
    """When a row became known: the day in `column` (plus a lag), or one day for the whole file."""

    column: str = ""
    on: date | None = None
    at: str = "end_of_day"
    calendar: str = ""
    lag_days: int = 0
    lag_months: int = 0
    rule: str = ""


@dataclass(frozen=True)
class Lookup:
    """A second file whose columns join the first by key and are seen as `name.column`."""

    name: str
    path: str
    on: str
    key: str


@dataclass(frozen=True)
class FileMap:
    """One file (or pattern) of the folder and the raw table that it feeds."""

    path: str
    table: str
    source: str
    known_at: KnownAt
    columns: Mapping[str, ColumnRule]
    where: tuple[Condition, ...] = ()
    quality: tuple[str, ...] = ()
    flags: tuple[tuple[str, Condition], ...] = ()
    keep_from: date | None = None  # rows known before are left out ...
    carry_in: bool = False  # ... or, with this, count as known on that day
    repeat_days: int | None = None  # the same row seen again within so many days is no news
    gone_after: int | None = None  # the file is a daily list: keep what appears, changes, or is missing from so many lists
    lookup: Lookup | None = None
    optional: bool = False

    @property
    def listing_key(self) -> str:
        """Vendor column that names the line in a daily list."""
        return self.columns["vendor_symbol"].column

    def own_columns(self) -> set[str]:
        """Vendor columns that must be in the file itself."""
        prefix = f"{self.lookup.name}." if self.lookup else None
        return {name for name in self.vendor_columns() if prefix is None or not name.startswith(prefix)}

    def vendor_columns(self) -> set[str]:
        """All vendor columns that the map names, those of the lookup included."""
        named = [rule.columns() for rule in self.columns.values()]
        tested = [condition.columns() for condition in (*self.where, *(when for _, when in self.flags))]
        joined = {self.lookup.on} if self.lookup else set()
        return {self.known_at.column}.union(joined, *named, *tested) - {""}


@dataclass(frozen=True)
class DropMap:
    """The whole map, with its text for the identity of a run."""

    name: str
    files: tuple[FileMap, ...]
    text: str
    received: date = LAST_DAY  # rows that claim to be known after this day are set aside


def load_map(path: Path) -> DropMap:
    """Read a map; BadInput says which entry is wrong and what is allowed there."""
    try:
        text = path.read_text(encoding="utf-8")
        content = tomllib.loads(text)
    except FileNotFoundError:
        raise BadInput(f"map {path} is not there; give an existing TOML file with --map") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise BadInput(f"map {path} is not valid TOML: {error}") from error
    shared = {key: content[key] for key in ("source", "currency", "calendar", "keep_from") if key in content}
    _only(content, {"name", "file", "received", *shared}, f"map {path}")
    if not content.get("file"):
        raise BadInput(f"map {path} names no file; add a [[file]] entry with path, table, known_at and columns")
    entries = [
        parse_file_map({**shared, **entry}, f"map {path}, file {entry.get('path', number)!r}") for number, entry in _numbered(content)
    ]
    received = _day(content.get("received"), f"map {path}, received") or LAST_DAY
    return DropMap(str(content.get("name", path.stem)), tuple(entries), text, received)


def parse_file_map(entry: Content, where: str) -> FileMap:
    """One [[file]] entry; `currency` and `calendar` are defaults for the columns and for `known_at`."""
    content = dict(entry)
    for needed in ("path", "table", "source", "known_at", "columns"):
        if needed not in content:
            raise BadInput(f"{where}: {needed} is missing")
    currency, calendar = content.pop("currency", None), str(content.pop("calendar", "XNYS"))
    _only(content, {each.name for each in fields(FileMap)}, where)
    table = str(content["table"])
    if table not in RAW_TABLES:
        raise UnknownValue(f"{where}: table {table!r} is not a raw table; known: {', '.join(RAW_TABLES)}")
    columns = {name: _column_rule(rule, f"{where}, column {name}") for name, rule in _table(content["columns"], where).items()}
    if currency is not None and "currency" in TABLES[table].columns:
        columns.setdefault("currency", ColumnRule(value=str(currency)))
    _only(columns, set(TABLES[table].columns) - set(_OWN), f"{where}, columns of {table}")
    lookup = content.get("lookup")
    return FileMap(
        path=str(content["path"]),
        table=table,
        source=str(content["source"]),
        known_at=_known_at(_table(content["known_at"], where), calendar, where),
        columns=columns,
        where=_conditions(content.get("where"), where),
        quality=tuple(map(str, _list(content.get("quality")))),
        flags=tuple((str(flag["flag"]), _condition(flag["when"], where)) for flag in map(dict, _list(content.get("flags")))),
        lookup=Lookup(**{name: str(value) for name, value in _table(lookup, where).items()}) if lookup else None,
        keep_from=_day(content.get("keep_from"), f"{where}, keep_from"),
        **{name: content[name] for name in ("carry_in", "repeat_days", "gone_after", "optional") if name in content},
    )


def _numbered(content: Content) -> list[tuple[int, Content]]:
    return [(number, dict(entry)) for number, entry in enumerate(_list(content["file"]), start=1)]


def _known_at(content: Content, calendar: str, where: str) -> KnownAt:
    _only(content, {each.name for each in fields(KnownAt)}, f"{where}, known_at")
    lagged = content.get("lag_days") or content.get("lag_months")
    given: dict[str, Any] = {"calendar": calendar, "rule": "assumed_lag" if lagged else "reported", **content}
    given["on"] = _day(content.get("on"), f"{where}, known_at")
    rule = KnownAt(**given)
    for value, known in ((rule.at, AT), (rule.rule, KNOWN_AT_RULES), (rule.calendar, tuple(CALENDAR_OF_MARKET.values()))):
        if value not in known:
            raise UnknownValue(f"{where}, known_at: {value!r} is not known; known: {', '.join(known)}")
    if bool(rule.column) == bool(rule.on):
        raise BadInput(f"{where}, known_at: give either column (a vendor column) or on (one day for the whole file)")
    return rule


def _column_rule(rule: Any, where: str) -> ColumnRule:
    if isinstance(rule, str):
        return ColumnRule(column=rule)
    if isinstance(rule, bool | int | float | date):
        return ColumnRule(value=rule)
    _table(rule, where)
    content = dict(rule)
    _only(content, {each.name for each in fields(ColumnRule)}, where)
    cases = tuple((_condition(case["when"], where), case["value"]) for case in map(dict, _list(content.pop("cases", None))))
    made = ColumnRule(**content, cases=cases)
    if made.format and made.format not in FORMATS and "%" not in made.format:
        raise UnknownValue(f"{where}: format {made.format!r} is not known; known: {', '.join(FORMATS)}, or one like %Y%m%d")
    if not made.column and not made.cases and made.value is None:
        raise BadInput(f"{where}: give column, value or cases")
    return made


def _conditions(content: Any, where: str) -> tuple[Condition, ...]:
    return tuple(_condition(each, where) for each in _list(content))


def _condition(content: Any, where: str) -> Condition:
    parts = dict(_table(content, where))
    _only(parts, {each.name for each in fields(Condition)}, f"{where}, condition")
    inner = {name: _conditions(parts.pop(name), where) for name in ("all", "any", "none") if name in parts}
    one_of = tuple(_list(parts.pop("one_of", None)))
    made = Condition(**parts, one_of=one_of, **inner)
    if bool(made.column) == bool(inner):
        raise BadInput(f"{where}: a condition needs a column and a test, or one of all, any, none; got {content!r}")
    return made


def _day(value: Any, where: str) -> date | None:
    if value is None or isinstance(value, date):
        return value
    try:
        return date.fromisoformat(str(value))
    except ValueError:
        raise BadInput(f"{where}: {value!r} is not a day such as 2013-05-01") from None


def _only(content: Content, allowed: set[str], where: str) -> None:
    unknown = sorted(set(content) - allowed)
    if unknown:
        raise BadInput(f"{where}: {', '.join(unknown)} is not known there; allowed: {', '.join(sorted(allowed))}")


def _table(content: Any, where: str) -> Content:
    if not isinstance(content, Mapping):
        raise BadInput(f'{where}: {content!r} should be a table such as {{ column = "date" }}')
    return content


def _list(content: Any) -> Sequence:
    return content if isinstance(content, list | tuple) else [] if content is None else [content]
