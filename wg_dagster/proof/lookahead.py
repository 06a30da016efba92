"""Proof that no decision looked ahead: what became known after a month's cut-off is changed, and the month is decided again.

The rebuilt rows must be those of the home, value by value. It works in a scratch lake, from the last month to the first: whatever lies
after the month at hand is by then removed or already tampered with, so a step rewrites two months of raw rows and builds two months.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import polars as pl

from wg_dagster.calendars import month_shift
from wg_dagster.chain import clean_stations, factor_station, strategy_stations
from wg_dagster.dbt_inside import DbtInside
from wg_dagster.errors import OutsideData
from wg_dagster.factor_run import PROJECT, build_factors
from wg_dagster.freshness import station_is_fresh
from wg_dagster.proof.differences import SCHEMA, differences
from wg_dagster.proof.scratch import branch, scratch_folder
from wg_dagster.proof.tamper import WAYS, cutoffs_of, tampered
from wg_dagster.runner import Outcome, errors, scoped
from wg_dagster.schemas.tables import FACTOR_TABLES, RAW_TABLES, TABLES
from wg_dagster.stations import Station
from wg_dagster.strategies import STRATEGIES
from wg_dagster.walk import rebuild
from wg_dagster.warehouse import Warehouse

CLEAN_TABLES = (
    "securities_clean",
    "corporate_actions",
    "fundamentals_clean",
    "prices_clean",
    "risk_returns",
    "forecasts_clean",
    "announcements_clean",
    "benchmark_nav",
    "benchmark_members",
    "rates_clean",
)
UNTIL = "portfolio"  # the last station that decides at the month's cut-off
_CONTROL = ("checks", "quarantine", "alerts", "runs")  # thousands of small files; of them only the failures are needed
_TOKYO_SERIES = {"benchmark_id": ("topix",), "rate_id": ("jp_bill",)}
_SHOWN = 1000  # differences kept a month: the first row is what matters


@dataclass(frozen=True)
class MonthProof:
    """One month decided again: how many raw rows were changed, how many rows were compared, and what was not the same."""

    month: str
    way: str
    changed_rows: int
    compared: dict[str, int]
    differences: pl.DataFrame
    count: int

    @property
    def compared_rows(self) -> int:
        """Rows of all tables."""
        return sum(self.compared.values())


def prove(
    warehouse: Warehouse,
    months: Sequence[str],
    *,
    strategies: Sequence[str] = tuple(STRATEGIES),
    ways: Sequence[str] = WAYS,
    project: Path = PROJECT,
) -> Iterator[MonthProof]:
    """Decide each month again in each way, the last month first.

    Parameters
    ----------
    warehouse
        The home, at the snapshot that is proved; it is only read.
    months
        Months with factors.
    strategies
        Whose universe, scores and portfolios are compared.
    ways
        Some of `tamper.WAYS`.
    project
        The dbt project that factors are built with.
    """
    stored = warehouse.months(FACTOR_TABLES[0])
    if missing := sorted(set(months) - set(stored)):
        raise OutsideData(f"months {', '.join(missing)} hold no factors; there are {', '.join(stored) or 'none'}: choose with --months")
    dbt = DbtInside()

    def factors(scratch: Warehouse, wanted: Sequence[str]) -> object:
        return build_factors(scratch, wanted, project=project, dbt=dbt)

    with scratch_folder(warehouse.home) as folder:
        scratch = branch(warehouse, folder / "home", without=_CONTROL)
        _keep_failures(warehouse, scratch)
        later = ""
        for month in sorted(set(months), reverse=True):
            if later != month_shift(month, 1):
                _empty_after(scratch, month)
            later = month
            yield from (_prove_month(warehouse, scratch, month, way, strategies=strategies, factors=factors) for way in ways)


def decided_tables() -> tuple[str, ...]:
    """What is decided at a month's cut-off, in the order of the chain: factors, universe, scores, candidates, portfolio."""
    return (*FACTOR_TABLES, *(table for station in _deciding_stations() for table in station.writes))


def _deciding_stations() -> tuple[Station, ...]:
    names = [station.name for station in strategy_stations()]
    return strategy_stations()[: names.index(UNTIL) + 1]


def first_offender(proofs: Sequence[MonthProof]) -> dict[str, object] | None:
    """The first row of the earliest month that differs, in the order of the chain; None where none does."""
    broken = [proof for proof in proofs if proof.count]
    return min(broken, key=lambda proof: proof.month).differences.row(0, named=True) if broken else None


def stale_stations(warehouse: Warehouse, month: str) -> list[str]:
    """Stations up to the portfolio that would build the month again, because code or inputs have changed since."""
    shared = [(station, None) for station in (*clean_stations(), factor_station())]
    owned = [(station, one) for station in _deciding_stations() for one in STRATEGIES.values()]
    return [scoped(station.name, owner) for station, owner in [*shared, *owned] if not station_is_fresh(warehouse, station, month, owner)]


def _prove_month(
    warehouse: Warehouse,
    scratch: Warehouse,
    month: str,
    way: str,
    *,
    strategies: Sequence[str],
    factors: Callable[[Warehouse, Sequence[str]], object],
) -> MonthProof:
    changed = _tamper(warehouse, scratch, month, way)
    scratch.ledger.forget_stations()
    outcomes = rebuild(scratch, history=_with_next(warehouse, month), months=[month], strategies=strategies, until=UNTIL, build=factors)
    found = [] if _failed_before(warehouse, month) else [_held_back(outcomes, month)]
    compared = {}
    for table in (*CLEAN_TABLES, *decided_tables()):
        there, here = (_known_rows(one, table, month, strategies) for one in (warehouse, scratch))
        compared[table] = there.height
        found.append(differences(table, there, here))
    rows = pl.concat([pl.DataFrame(schema=SCHEMA), *found])
    return MonthProof(month, way, changed, compared, rows.head(_SHOWN), rows.height)


def _tamper(warehouse: Warehouse, scratch: Warehouse, month: str, way: str) -> int:
    """Rewrite the raw rows of the month and the next one; how many rows were changed."""
    months, count = _with_next(warehouse, month), 0
    for table in RAW_TABLES:
        rows, changed = tampered(warehouse.read(table, months=months), cutoffs_of(month), way)
        scratch.write_months(table, rows, months)
        count += changed
    return count


def _with_next(warehouse: Warehouse, month: str) -> list[str]:
    """The month and, where it has data, the one after: rows known between the cut-off and the month's end lie in either."""
    following = month_shift(month, 1)
    return [month, following] if following in warehouse.months("prices") else [month]


def _keep_failures(warehouse: Warehouse, scratch: Warehouse) -> None:
    """Months that failed in the home are left as they are here too."""
    failed = errors(warehouse.read("checks"))
    for (station,), rows in failed.partition_by("station", as_dict=True, maintain_order=True).items():
        scratch.write_months("checks", rows, rows["month"].unique().sort().to_list(), scope=str(station))


def _empty_after(scratch: Warehouse, month: str) -> None:
    """Remove everything of the months after the next one; what strategies have decided later, no station can read."""
    for name, table in TABLES.items():
        if table.partition_by == ("month",):
            later = [one for one in scratch.months(name) if one > month_shift(month, 1)]
            if later:
                scratch.write_months(name, table.empty(), later)


def _known_rows(warehouse: Warehouse, table: str, month: str, strategies: Sequence[str]) -> pl.DataFrame:
    """Rows of a month that were known at its cut-off."""
    rows = warehouse.read(table, months=[month])
    if "strategy" in rows.columns:
        return rows.filter(pl.col("strategy").is_in(list(strategies)))
    if table in FACTOR_TABLES or "known_at" not in rows.columns:
        return rows
    ends = cutoffs_of(month)
    limit = pl.when(_of_tokyo(warehouse, rows, month)).then(pl.lit(ends["JP"])).otherwise(pl.lit(ends["US"]))
    return rows.filter(pl.col("known_at") <= limit)


def _of_tokyo(warehouse: Warehouse, rows: pl.DataFrame, month: str) -> pl.Expr:
    if "market" in rows.columns:
        return pl.col("market") == "JP"
    for name, ids in _TOKYO_SERIES.items():
        if name in rows.columns:
            return pl.col(name).is_in(ids)
    listed = warehouse.read("securities_clean", months=[month], columns=["security_id", "market"])
    return ~pl.col("security_id").is_in(
        listed.filter(pl.col("market") == "US")["security_id"].implode()
    )  # unknown names: the earlier cut-off


def _failed_before(warehouse: Warehouse, month: str) -> bool:
    """A check of the month, or of an earlier one that it may rest on, has failed in the home."""
    return errors(warehouse.read("checks")).filter(pl.col("month") <= month).height > 0


def _held_back(before: Sequence[Outcome], month: str) -> pl.DataFrame:
    """Stations that did not build the month: equal rows would then prove nothing."""
    told = [
        {"table": one.station, "month": month, "key": month, "column": "(station)", "stored": "built", "rebuilt": "held back"}
        for one in before
        if month in one.blocked
    ]
    return pl.DataFrame(told, schema=SCHEMA)
