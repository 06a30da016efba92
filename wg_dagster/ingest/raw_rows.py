"""Vendor rows become raw rows by the rules of a file map; rows that cannot are set aside with the rule that they broke."""

from collections.abc import Mapping
from datetime import date

import polars as pl

from wg_dagster.calendars import CALENDAR_OF, end_of_day, month_of_instant, sessions
from wg_dagster.errors import BadInput, UnknownValue
from wg_dagster.ingest.drop_map import FileMap
from wg_dagster.ingest.drop_rules import Schema, converted, holds
from wg_dagster.ingest.files import LINE
from wg_dagster.ingest.repeats import DAY, LISTED_TO
from wg_dagster.schemas.tables import TABLES

FILE = "_file"  # name of the file that the row came from
INSTANT = "_known_at"  # UTC instant, where the vendor gives one
CARRIED = "_carried"  # known before the first day that is kept
GIVEN_FAULT = "_given_fault"  # rule that a reader has found broken before any conversion
CURRENCIES = (
    "AUD",
    "BRL",
    "CAD",
    "CHF",
    "CNY",
    "DKK",
    "EUR",
    "GBP",
    "HKD",
    "IDR",
    "ILS",
    "INR",
    "JPY",
    "KRW",
    "MXN",
    "NOK",
    "NZD",
    "PLN",
    "RUB",
    "SEK",
    "SGD",
    "THB",
    "TRY",
    "TWD",
    "USD",
    "ZAR",
)
_FAULT = "_fault"
_SYMBOL = r"^[\p{L}\p{N}][\p{L}\p{N} ._^$/+=:&*#-]{0,31}$"  # what exchanges use; nothing that a path, a page or a query could mean
_NEEDED = {
    "securities": ("vendor_symbol",),
    "prices": ("vendor_symbol", "session_date", "close"),
    "adjusted_prices": ("vendor_symbol", "session_date", "adjusted_close"),
    "fundamentals": ("vendor_symbol", "period_end_date", "fiscal_period"),
    "forecasts": ("vendor_symbol", "fiscal_year_end_date", "item", "issuer_of_forecast"),
    "earnings_announcements": ("vendor_symbol", "announcement_date", "actual_eps"),
    "index_levels": ("index_id", "session_date", "level"),
    "index_members": ("index_id", "vendor_symbol", "valid_from"),
    "rates": ("rate_id", "date", "value"),
}
_EVENT = {  # what cannot lie after the day on which it was known
    "prices": "session_date",
    "adjusted_prices": "session_date",
    "index_levels": "session_date",
    "fundamentals": "period_end_date",
    "earnings_announcements": "announcement_date",
    "rates": "date",
}
_ONE_VALUE = ("prices", "adjusted_prices", "index_levels", "rates")  # two different rows of one key cannot both be true


def raw_rows(vendor: pl.DataFrame, file_map: FileMap, *, first_month: str, latest: date) -> tuple[pl.DataFrame, pl.DataFrame]:
    """The raw rows of one table, and its quarantine.

    Parameters
    ----------
    vendor
        Vendor columns with `_line`, `_file` and `_known_day` (and `_known_at` where instants are given).
    first_month
        Month under which rows are set aside whose day of publication cannot be read.
    latest
        Rows known after this day are set aside.
    """
    spec = TABLES[file_map.table]
    staged = _staged(vendor, file_map, spec.schema)
    _refuse_unknown(staged, file_map)
    faults = _faults(staged, file_map, latest)
    staged = staged.with_columns(faults.alias(_FAULT), (pl.col(DAY) > latest).fill_null(value=False).alias("_beyond"))
    sound = staged.filter(pl.col(_FAULT).is_null())
    kept, conflicting = _without_repeats(sound, file_map)
    broken = pl.concat([staged.filter(pl.col(_FAULT).is_not_null()), conflicting])
    rows = kept.select(pl.col(name).cast(dtype) for name, dtype in spec.schema.items())
    return rows, set_aside(broken, vendor, file_map, first_month)


def unreadable_text(vendor: pl.LazyFrame, file_map: FileMap, schema: Schema) -> pl.LazyFrame:
    """Per column that is read from text: rows, and those that could not be converted, with the first line and value of them."""
    target = TABLES[file_map.table].schema
    there = {name: rule for name, rule in file_map.columns.items() if rule.columns() <= set(schema)}
    failing = {name: converted(rule, schema, target[name])[1] for name, rule in there.items()}
    counts = [
        pl.struct(
            pl.len().alias("rows"),
            failed.sum().alias("failed"),
            pl.col(LINE).filter(failed).first().alias("line"),
            pl.col(file_map.columns[name].column).filter(failed).first().cast(pl.String).alias("value"),
        ).alias(name)
        for name, failed in failing.items()
        if failed is not None and name not in ("currency", "exchange")
    ]
    return vendor.select(counts)


def instants(days: pl.Series, file_map: FileMap) -> pl.DataFrame:
    """`_known_day`, `known_at`, `month` of the distinct days of publication."""
    rule = file_map.known_at
    distinct = sorted(days.drop_nulls().unique().to_list())
    ends = [end_of_day(rule.calendar, day) for day in distinct]
    found = pl.DataFrame({DAY: distinct, "known_at": ends}, schema={DAY: pl.Date, "known_at": pl.Datetime("us", "UTC")})
    if rule.at == "session_end":
        closes = sessions().filter(pl.col("exchange") == rule.calendar).select(pl.col("session_date").alias(DAY), "close_at")
        found = found.join(closes, on=DAY, how="left").select(DAY, pl.coalesce("close_at", "known_at").alias("known_at"))
    return found.with_columns(month_of_instant(pl.col("known_at")).alias("month"))


def set_aside(broken: pl.DataFrame, vendor: pl.DataFrame, file_map: FileMap, first_month: str) -> pl.DataFrame:
    """Quarantine rows (station raw) of staged rows, with the vendor's row as JSON."""
    spec = TABLES["quarantine"]
    if broken.is_empty():
        return spec.empty()
    wanted = vendor.join(broken.select(LINE, FILE), on=[LINE, FILE], how="semi").unique([LINE, FILE], keep="first", maintain_order=True)
    as_came = wanted.select(LINE, FILE, pl.struct(pl.exclude("^_.*$")).struct.json_encode().alias("row_json"))
    session = pl.col("session_date") if "session_date" in broken.columns else pl.lit(None, pl.Date)
    symbol = pl.col("vendor_symbol") if "vendor_symbol" in broken.columns else pl.lit(None, pl.String)
    rows = broken.join(as_came, on=[LINE, FILE], how="left").select(
        pl.lit("raw").alias("station"),
        pl.when(~pl.col("_beyond")).then(pl.col("month")).fill_null(first_month).alias("month"),
        pl.lit(file_map.table).alias("table"),
        pl.col(_FAULT).alias("rule"),
        pl.lit(file_map.source).alias("source"),
        pl.col(FILE).alias("source_file"),
        pl.col(LINE).alias("source_line"),
        pl.lit(None, pl.String).alias("security_id"),
        symbol.alias("vendor_symbol"),
        session.alias("session_date"),
        pl.lit("WARN").alias("severity"),
        "row_json",
    )
    return rows.select(pl.col(name).cast(dtype) for name, dtype in spec.schema.items())


def empty_file(file_map: FileMap, file_name: str, month: str) -> pl.DataFrame:
    """The quarantine row of a file (or member of an archive) that holds no rows."""
    spec = TABLES["quarantine"]
    said = {
        "station": "raw",
        "month": month,
        "table": file_map.table,
        "rule": "empty_file",
        "source": file_map.source,
        "source_file": file_name,
        "severity": "WARN",
        "row_json": "{}",
    }
    return pl.DataFrame([{name: said.get(name) for name in spec.columns}], schema=spec.schema)


def _staged(vendor: pl.DataFrame, file_map: FileMap, target: Mapping[str, pl.DataType]) -> pl.DataFrame:
    """Our columns and, as `_failed_<column>`, where a conversion failed."""
    schema = vendor.schema
    made, failed = [], []
    for name, rule in file_map.columns.items():
        expression, failure = converted(rule, schema, target[name])
        made.append(expression.alias(name))
        if failure is not None:
            failed.append(failure.alias(f"_failed_{name}"))
    fixed = {
        "source": pl.lit(file_map.source),
        "source_file": pl.col(FILE),
        "source_line": pl.col(LINE),
        "known_at_rule": pl.lit(file_map.known_at.rule),
        "quality": _quality(file_map, schema),
    }
    if LISTED_TO in schema:
        made.append(pl.col(LISTED_TO).alias("listed_to"))
    given = {*file_map.columns, *fixed, "month", "known_at", *(["listed_to"] if LISTED_TO in schema else [])}
    absent = [pl.lit(None, target[name]).alias(name) for name in target if name not in given]
    helpers = [name for name in (LINE, FILE, DAY, INSTANT, GIVEN_FAULT) if name in schema]
    rows = vendor.select(*made, *failed, *absent, *(each.alias(name) for name, each in fixed.items() if name in target), *helpers)
    if INSTANT in schema:
        return rows.with_columns(pl.col(INSTANT).alias("known_at"), month_of_instant(pl.col(INSTANT)).alias("month"))
    return rows.join(instants(vendor[DAY], file_map), on=DAY, how="left", maintain_order="left")


def _quality(file_map: FileMap, schema: Schema) -> pl.Expr:
    always: dict[str, pl.Expr | None] = dict.fromkeys(file_map.quality)
    if file_map.known_at.rule == "assumed_lag":
        always["lag_assumed"] = None
    when = {**always, **{name: holds(condition, schema) for name, condition in file_map.flags}}
    if CARRIED in schema:
        when["carried_in"] = pl.col(CARRIED)
    if LISTED_TO in schema:
        when["left_listing"] = pl.col(LISTED_TO).is_not_null()
    if all(condition is None for condition in when.values()):
        return pl.lit(",".join(sorted(when)))
    parts = [pl.lit(name) if condition is None else pl.when(condition).then(pl.lit(name)) for name, condition in sorted(when.items())]
    return pl.concat_str(parts, separator=",", ignore_nulls=True)


def _faults(staged: pl.DataFrame, file_map: FileMap, latest: date) -> pl.Series:
    """Name of the first rule that a row breaks; null where it is sound."""
    text = TABLES[file_map.table].schema
    rules = [pl.col(GIVEN_FAULT)] if GIVEN_FAULT in staged.columns else []
    rules += [
        pl.when(pl.col(f"_failed_{name}")).then(pl.lit(f"{_kind(text[name])}:{name}"))
        for name in file_map.columns
        if f"_failed_{name}" in staged.columns
    ]
    rules += [pl.when(pl.col(name).is_null()).then(pl.lit(f"missing:{name}")) for name in _NEEDED[file_map.table]]
    rules.append(pl.when(pl.col("known_at").is_null()).then(pl.lit("missing:known_at")))
    if "vendor_symbol" in staged.columns:
        odd = ~pl.col("vendor_symbol").str.contains(_SYMBOL) | pl.col("vendor_symbol").str.contains("..", literal=True)
        rules.append(pl.when(odd).then(pl.lit("odd_symbol")))
    event = _EVENT.get(file_map.table)
    late = [pl.col(DAY) > latest, *([pl.col(event) > pl.col(DAY)] if event else [])]
    rules.append(pl.when(pl.any_horizontal(late)).then(pl.lit("future_date")))
    return staged.select(pl.coalesce(rules)).to_series()


def _kind(dtype: pl.DataType) -> str:
    return "not_a_date" if dtype == pl.Date else "unknown_value" if dtype in (pl.String, pl.Boolean) else "not_a_number"


def _without_repeats(rows: pl.DataFrame, file_map: FileMap) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Rows with exact copies collapsed to the first, and the rows of keys that have two different values."""
    spec = TABLES[file_map.table]
    key = [name for name in spec.key if name not in ("source", "source_line")]
    repeated = rows.select(key).is_duplicated()
    if not repeated.any():
        return rows, rows.clear()
    content = [name for name in spec.columns if name != "source_line"]
    single = rows.filter(repeated).unique(content, keep="first", maintain_order=True)
    conflict = single.select(key).is_duplicated() if file_map.table in _ONE_VALUE else pl.Series([False]).new_from_index(0, single.height)
    kept = pl.concat([rows.filter(~repeated), single.filter(~conflict)])
    return kept, single.filter(conflict).with_columns(pl.lit("conflicting_rows").alias(_FAULT))


def _refuse_unknown(staged: pl.DataFrame, file_map: FileMap) -> None:
    """UnknownValue for a currency or exchange that we do not know."""
    for name, known in (("currency", CURRENCIES), ("exchange", tuple(CALENDAR_OF))):
        if name not in file_map.columns:
            continue
        failed = pl.col(f"_failed_{name}") if f"_failed_{name}" in staged.columns else pl.lit(value=False)
        wrong = staged.filter(failed | (pl.col(name).is_not_null() & ~pl.col(name).is_in(known)))
        if wrong.height:
            first = wrong.row(0, named=True)
            raise UnknownValue(
                f"{first[FILE]}, row {first[LINE]}: {name} {first[name]!r} is not known; known: {', '.join(known)}. "
                f"Give the map a value for it: {name} = {{ column = ..., values = {{ ... }} }}"
            )


def refuse_text(counts: pl.DataFrame, file_name: str, table: str) -> None:
    """BadInput where more than one row in a hundred holds text in a column of numbers or dates (`unreadable_text`)."""
    for name in counts.columns:
        found = counts[name][0]
        if found["failed"] > found["rows"] / 100:
            raise BadInput(
                f"{file_name}, row {found['line']}: {found['value']!r} cannot become {name} of {table}; "
                f"so in {found['failed']} of {found['rows']} rows, at most 1 in 100 is set aside. Mend the column or its rule in the map"
            )
