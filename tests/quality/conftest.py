"""Small markets by hand for the quality checks, and verdicts as they are easiest to assert on."""

import json

import polars as pl
import pytest

from wg_dagster.calendars import CALENDAR_OF_MARKET, month_sessions, session_dates
from wg_dagster.quality.looks import look_of
from wg_dagster.quality.rules import judge
from wg_dagster.schemas.tables import TABLES


def contract_rows(table, rows, columns=None):
    """Rows with the contract's columns and types; what is not given is null, `quality` is ''."""
    schema = TABLES[table].schema
    if not rows:
        return TABLES[table].empty().select(columns or schema.names())
    given = pl.DataFrame(rows, infer_schema_length=None)
    missing = [name for name in schema if name not in given.columns]
    filled = given.with_columns(pl.lit("" if name == "quality" else None).alias(name) for name in missing)
    return filled.select(pl.col(name).cast(schema[name]) for name in columns or schema.names())


@pytest.fixture
def contract():
    return contract_rows


@pytest.fixture
def judged():
    """judged(table, rows, months, stored={table: rows}, strategy) -> {(month, check): verdict with `figure`, `samples`, `parts`}."""

    def run(table, rows, months, *, stored=None, strategy=None):
        kept = stored or {}

        def read(wanted):
            columns = look_of(table, wanted).columns
            found = kept.get(wanted, [])
            return found.select(columns) if isinstance(found, pl.DataFrame) else contract_rows(wanted, found, columns)

        frame = rows if isinstance(rows, pl.DataFrame) else contract_rows(table, rows)
        checks = judge("station", table, frame, months, stored=read, strategy=strategy)
        assert checks.schema == TABLES["checks"].schema
        return {(row["month"], row["check_name"]): row | json.loads(row["details"]) for row in checks.to_dicts()}

    return run


@pytest.fixture
def priced():
    """priced(months, names): one row a name and session whose close moves each session by up to 10 %; as dicts, to be spoilt."""

    def market(months, names=40, where="US"):
        rows = []
        sessions = session_dates(CALENDAR_OF_MARKET[where])
        for month in months:
            for day in month_sessions(CALENDAR_OF_MARKET[where], month):
                for number in range(names):
                    step = day.toordinal()
                    rows.append(
                        {
                            "month": month,
                            "security_id": f"s{number:03d}",
                            "session_date": day,
                            "session_index": sessions.index(day),
                            "market": where,
                            "close": 100.0 + (7 * number + 3 * step) % 11,
                            "volume": 1000,
                            "split_ratio": 1.0,
                            "cash_dividend": 0.0,
                            "return_1e9": 10_000_000 * ((number + step) % 5 - 2),
                        }
                    )
        return rows

    return market


@pytest.fixture
def failing():
    """Names of the checks that failed, by month."""

    def of(verdicts):
        return {key for key, row in verdicts.items() if not row["passed"]}

    return of
