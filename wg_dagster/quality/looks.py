"""What the checks of a table see besides the rows just built: stored rows of declared tables, months and columns."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import polars as pl

from wg_dagster.calendars import month_shift
from wg_dagster.errors import OutsideData
from wg_dagster.quality.thresholds import OVERDUE_MONTHS, RESTATEMENT_MONTHS, STATEMENT_MONTHS, SURVIVOR_MONTHS
from wg_dagster.schemas.columns import BALANCE_ITEMS, FLOW_ITEMS, PER_SHARE_ITEMS
from wg_dagster.schemas.tables import FACTOR_TABLES, TABLES
from wg_dagster.warehouse import Warehouse

Stored = Callable[[str], pl.DataFrame]
Months = Callable[[Sequence[str], Sequence[str]], list[str]]  # (months that are judged, stored months) -> months to read

STATEMENT_ITEMS = (*FLOW_ITEMS, *PER_SHARE_ITEMS, *BALANCE_ITEMS)
RESTATEMENT_LOOK_BACK = RESTATEMENT_MONTHS + STATEMENT_MONTHS  # a version is held against those of the 15 months before it


@dataclass(frozen=True)
class Look:
    """Stored months and columns of a table."""

    months: Months
    columns: tuple[str, ...]


def newest_before(judged: Sequence[str], stored: Sequence[str]) -> list[str]:
    """The last stored month before the judged ones."""
    return [month for month in stored if month < min(judged)][-1:]


def same(judged: Sequence[str], stored: Sequence[str]) -> list[str]:
    """The judged months themselves."""
    return [month for month in stored if month in judged]


def _back(by: int) -> Months:
    return lambda judged, stored: [month for month in stored if month_shift(min(judged), -by) <= month < min(judged)]


def _exactly(by: int) -> Months:
    return lambda judged, stored: [month for month in stored if month in {month_shift(each, -by) for each in judged} - {*judged}]


def _columns(text: str) -> tuple[str, ...]:
    return tuple(text.split())


PRICE_COLUMNS = _columns("month market security_id session_date session_index close volume")
LISTING_COLUMNS = _columns("month market as_of_date security_id listed_to quality")
STATEMENT_COLUMNS = (
    "month",
    "security_id",
    "known_at",
    "known_at_rule",
    "period_end_date",
    "period_kind",
    "fiscal_period",
    "is_derived",
    *STATEMENT_ITEMS,
    "shares_outstanding",
)
_SOURCES = Look(same, ("month", "source"))  # of the raw rows: which source's usual faults to expect
LOOKS: dict[str, dict[str, Look]] = {
    "securities_clean": {"securities_clean": Look(_exactly(SURVIVOR_MONTHS), LISTING_COLUMNS)},
    "prices_clean": {
        "prices_clean": Look(newest_before, PRICE_COLUMNS),
        "securities_clean": Look(same, LISTING_COLUMNS),
        "prices": _SOURCES,
    },
    "announcements_clean": {
        "announcements_clean": Look(_back(OVERDUE_MONTHS), _columns("month security_id known_at announcement_date")),
        "securities_clean": Look(same, LISTING_COLUMNS),
        "earnings_announcements": _SOURCES,
    },
    "rates_clean": {"rates_clean": Look(newest_before, _columns("month rate_id date value"))},
    "fundamentals_clean": {
        "fundamentals_clean": Look(_back(RESTATEMENT_LOOK_BACK), STATEMENT_COLUMNS),
        "securities_clean": Look(same, (*LISTING_COLUMNS, "security_type", "is_eligible")),
        "fundamentals": _SOURCES,
    },
    "benchmark_nav": {"prices_clean": Look(same, _columns("month market session_date log_return_1e9"))},
    "universe_members": {"universe_members": Look(newest_before, _columns("month security_id"))},
    "model_portfolios": {
        "universe_members": Look(same, _columns("month security_id issuer_id")),
        "portfolio_solutions": Look(same, _columns("month status")),
    },
    "trades": {"model_portfolios": Look(newest_before, _columns("month as_of_date"))},
    "nav": {
        "nav": Look(newest_before, _columns("session_date month nav")),
        "holdings": Look(same, _columns("session_date weight")),
    },
    **{table: {table: Look(newest_before, TABLES[table].columns)} for table in FACTOR_TABLES},
}


def stored_rows(warehouse: Warehouse, table: str, months: Sequence[str], scope: str | None) -> Stored:
    """The read function for the checks of a table: declared columns of declared months, of the same strategy."""

    def stored(wanted: str) -> pl.DataFrame:
        look = look_of(table, wanted)
        owner = scope if "strategy" in TABLES[wanted].partition_by else None
        chosen = look.months(months, warehouse.months(wanted, scope=owner))
        return warehouse.read(wanted, months=chosen, scope=owner, columns=look.columns)

    return stored


def look_of(table: str, wanted: str) -> Look:
    """The declaration; OutsideData where the checks of a table read what they did not declare."""
    if wanted not in LOOKS.get(table, {}):
        raise OutsideData(f"the checks of {table} read {wanted} without declaring it; add it to quality/looks.py")
    return LOOKS[table][wanted]
