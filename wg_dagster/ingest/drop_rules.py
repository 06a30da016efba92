"""The rules of a map as polars expressions: vendor column in, our column out, and which rows could not be converted."""

from collections.abc import Mapping
from datetime import date

import polars as pl

from wg_dagster.ingest.drop_map import ColumnRule, Condition, Scalar

NOTHING = ("", "-", ".", "n/a", "N/A", "#N/A", "NaN", "nan", "null", "None")  # what vendors write for a missing value
NO_NUMBER = (*NOTHING, "NA", "NAN", "NULL", "na", "none")  # the same in columns of numbers; NA and NAN are tickers elsewhere
_MONEY = r"^(-?)\$?\s*([0-9][0-9,]*\.?[0-9]*)\s*([KMBT]?)$"
_MONEY_UNITS = {"": 1.0, "K": 1e3, "M": 1e6, "B": 1e9, "T": 1e12}
_GROUPED = r"^\s*[+-]?\d{1,3}(,\d{3})+(\.\d*)?([eE][+-]?\d+)?\s*$"  # 1,234.5; a comma anywhere else may be a decimal one
_SINGLE_PRECISION_DIGITS = 7
_TRUTH = {"true": True, "yes": True, "1": True, "false": False, "no": False, "0": False}
Schema = Mapping[str, pl.DataType]


def holds(condition: Condition, schema: Schema) -> pl.Expr:
    """True where the condition is met; a missing value meets only `missing = true`."""
    if condition.all:
        return pl.all_horizontal(holds(each, schema) for each in condition.all)
    if condition.any:
        return pl.any_horizontal(holds(each, schema) for each in condition.any)
    if condition.none:
        return ~pl.any_horizontal(holds(each, schema) for each in condition.none)
    column = source(condition.column, schema)
    tests = []
    if condition.missing is not None:
        tests.append(column.is_null() if condition.missing else column.is_not_null())
    if condition.equals is not None:
        tests.append(column == _like(condition.equals, schema[condition.column]))
    if condition.one_of:
        tests.append(column.is_in([_like(each, schema[condition.column]) for each in condition.one_of]))
    if condition.matches:
        tests.append(column.cast(pl.String).str.contains(condition.matches))
    if condition.at_least is not None:
        tests.append(column >= _like(condition.at_least, schema[condition.column]))
    if condition.at_most is not None:
        tests.append(column <= _like(condition.at_most, schema[condition.column]))
    return pl.all_horizontal(tests).fill_null(value=False)


def source(column: str, schema: Schema, *, nothing: tuple[str, ...] = NOTHING) -> pl.Expr:
    """A vendor column; text without surrounding blanks, and null where it is a word for nothing."""
    if schema[column] != pl.String:
        return pl.col(column)
    text = pl.col(column).str.strip_chars()
    return pl.when(text.is_in(nothing).not_()).then(text)


def converted(rule: ColumnRule, schema: Schema, target: pl.DataType) -> tuple[pl.Expr, pl.Expr | None]:
    """The column in its own type, and where it could not be converted (None where nothing can go wrong)."""
    if rule.cases:
        return _by_cases(rule, schema, target)
    if not rule.column:
        return pl.lit(rule.value, dtype=target), None
    nothing = NOTHING if target == pl.String else NO_NUMBER
    came = source(rule.column, schema, nothing=nothing)
    if rule.fallback:
        came = came.fill_null(source(rule.fallback, schema, nothing=nothing))
    if rule.values:
        return _by_values(rule, came, target)
    scaled = bool(rule.multiply_by or rule.divide_by)
    made = _typed(rule, came, schema[rule.column], pl.Float64() if scaled else target)
    if rule.multiply_by:
        made = made * _figure(rule.multiply_by, schema)
    if rule.divide_by:
        made = made / _figure(rule.divide_by, schema)
    if scaled:
        made = pl.when(made.is_finite()).then(made)
        made = made.round().cast(target, strict=False) if target.is_integer() else made.cast(target, strict=False)
    can_fail = target != pl.String and (schema[rule.column] == pl.String or (target == pl.Date and schema[rule.column].is_integer()))
    failed = came.is_not_null() & made.is_null() if can_fail else None
    return _in_range(rule, made), failed


def _figure(column: str, schema: Schema) -> pl.Expr:
    """Another vendor column as a number."""
    return _typed(ColumnRule(column=column), source(column, schema, nothing=NO_NUMBER), schema[column], pl.Float64())


def _by_cases(rule: ColumnRule, schema: Schema, target: pl.DataType) -> tuple[pl.Expr, pl.Expr | None]:
    made, failed = pl.lit(rule.otherwise, dtype=target), None
    if rule.column and rule.values:
        made, failed = _by_values(rule, source(rule.column, schema), target)
    elif rule.column:
        made = source(rule.column, schema).cast(target)
    for condition, value in reversed(rule.cases):
        made = pl.when(holds(condition, schema)).then(pl.lit(value, dtype=target)).otherwise(made)
    return made, failed


def _by_values(rule: ColumnRule, came: pl.Expr, target: pl.DataType) -> tuple[pl.Expr, pl.Expr | None]:
    made = came.cast(pl.String).replace_strict(list(rule.values), list(rule.values.values()), default=None, return_dtype=target)
    if rule.otherwise is not None:
        return made.fill_null(pl.lit(rule.otherwise, dtype=target)), None
    return made, came.is_not_null() & made.is_null()


def _typed(rule: ColumnRule, came: pl.Expr, vendor: pl.DataType, target: pl.DataType) -> pl.Expr:
    if rule.format == "calendar_quarter":
        # Firms with 52 or 53 weeks end a few days off the quarter.
        return pl.format("Q{}", _day(came, vendor, "").dt.offset_by("-15d").dt.quarter())
    if rule.format == "year":
        return _day(came, vendor, "").dt.year().cast(target)
    if target == pl.Date:
        return _day(came, vendor, rule.format)
    if target == pl.String:
        return _text(rule, came.cast(pl.String))
    if target.is_numeric():
        return _number(rule, came, vendor).cast(target, strict=False)
    return _truth(came, vendor)


def _truth(came: pl.Expr, vendor: pl.DataType) -> pl.Expr:
    if vendor == pl.String:
        return came.str.to_lowercase().replace_strict(_TRUTH, default=None, return_dtype=pl.Boolean)
    return came.cast(pl.Boolean, strict=False)


def _day(came: pl.Expr, vendor: pl.DataType, spelling: str) -> pl.Expr:
    if vendor.is_integer():
        return came.cast(pl.String).str.strptime(pl.Date, spelling or "%Y%m%d", strict=False)
    if vendor != pl.String:
        return came.cast(pl.Date)
    if spelling == "year_month":
        # Spreadsheets turn "Oct 2012" into 12-Oct: the last day of that month.
        return pl.format("01-{}", came).str.strptime(pl.Date, "%d-%y-%b", strict=False).dt.month_end()
    return came.str.strptime(pl.Date, spelling or "%Y-%m-%d", strict=False)


def _text(rule: ColumnRule, came: pl.Expr) -> pl.Expr:
    if rule.strip_suffix:
        came = came.str.strip_suffix(rule.strip_suffix)
    for old, new in rule.replace.items():
        came = came.str.replace_all(old, new, literal=True)
    if rule.extract:
        came = came.str.extract(rule.extract)
    return came.str.to_uppercase() if rule.upper else came


def _number(rule: ColumnRule, came: pl.Expr, vendor: pl.DataType) -> pl.Expr:
    if rule.format == "money":
        parts = [came.str.to_uppercase().str.extract(_MONEY, group) for group in (1, 2, 3)]
        sign = pl.when(parts[0] == "-").then(-1.0).otherwise(1.0)
        unit = parts[2].replace_strict(_MONEY_UNITS, default=None, return_dtype=pl.Float64)
        return sign * parts[1].str.replace_all(",", "", literal=True).cast(pl.Float64, strict=False) * unit
    if vendor == pl.String:
        came = came.str.strip_suffix("%") if rule.format == "percent" else came
        came = pl.when(came.str.contains(_GROUPED)).then(came.str.replace_all(",", "", literal=True)).otherwise(came)
        came = came.cast(pl.Float64, strict=False)
        came = pl.when(came.is_finite()).then(came)
    elif vendor == pl.Float32:
        # Single precision carries seven digits: 42.21 is not 42.209999084.
        came = came.cast(pl.Float64).round_sig_figs(_SINGLE_PRECISION_DIGITS)
    if vendor.is_float():
        came = pl.when(came.is_finite()).then(came)
    factor = rule.multiply * (0.01 if rule.format == "percent" else 1.0)
    return came if factor == 1.0 else came * factor


def _in_range(rule: ColumnRule, made: pl.Expr) -> pl.Expr:
    if rule.at_least is not None:
        made = pl.when(made >= rule.at_least).then(made)
    if rule.at_most is not None:
        made = pl.when(made <= rule.at_most).then(made)
    return made


def _like(value: Scalar, vendor: pl.DataType) -> Scalar:
    """A constant of the map in the type of the column that it is compared with."""
    if vendor == pl.String:
        return value.isoformat() if isinstance(value, date) else str(value)
    if vendor == pl.Date and isinstance(value, str):
        return date.fromisoformat(value)
    return value
