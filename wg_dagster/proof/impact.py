"""What past figures would change with the raw rows of today, and by how much, without changing them.

Two questions are kept apart. `reproduced`: rows that claim to have been known in the past have arrived or were revised; the next run
will change history, and somebody must explain it. `hindsight`: statements were restated later; what was known at the time stands, and
the answer says what would have been decided had the restated figures been known from the start.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import polars as pl
from polars import selectors as cs

from wg_dagster.calendars import months_between
from wg_dagster.dbt_inside import DbtInside
from wg_dagster.errors import OutsideData
from wg_dagster.factor_run import build_factors
from wg_dagster.ingest.adapter import Adapter
from wg_dagster.proof.news import arrived, known_from_the_start, rows_of_today
from wg_dagster.proof.scratch import branch, scratch_folder
from wg_dagster.schemas.tables import FACTOR_TABLES, RAW_TABLES, TABLES
from wg_dagster.strategies import STRATEGIES
from wg_dagster.walk import rebuild
from wg_dagster.warehouse import Warehouse

COMPARED = ("performance", "nav", "model_portfolios", "candidates", "factor_scores", "universe_members", *FACTOR_TABLES)
TURNOVER = "(turnover)"
TOLERANCE = 1e-9  # relative: below it lies the noise of another order of sums
_FRACTIONS = r"return|drawdown|volatility|deviation|tracking_error|cost$|fx_|relative_wealth"
SCHEMA = pl.Schema(
    {
        "event": pl.String,
        "table": pl.String,
        "strategy": pl.String,
        "month": pl.String,
        "security_id": pl.String,
        "item": pl.String,
        "before": pl.Float64,
        "after": pl.Float64,
        "change": pl.Float64,
        "basis_points": pl.Float64,
        "deviations": pl.Float64,
    }
)


@dataclass(frozen=True)
class Impact:
    """News by table and kind, and every figure that would change, the largest first within its table."""

    news: pl.DataFrame
    changes: pl.DataFrame


def impact(
    warehouse: Warehouse,
    adapter: Adapter | None,
    *,
    strategies: Sequence[str] = tuple(STRATEGIES),
    tolerance: float = TOLERANCE,
) -> Impact:
    """Build in a scratch lake what `warehouse` (a home at a snapshot) had built, with the rows of today.

    Parameters
    ----------
    warehouse
        The home at the snapshot; it is only read.
    adapter
        The source as it is now, or None for the rows that have been landed already.
    strategies
        Whose scores, portfolios and figures are compared.
    tolerance
        Relative change from which on a figure counts as changed.
    """
    months = warehouse.months(FACTOR_TABLES[0])
    if not months:
        raise OutsideData(f"home {warehouse.home} has decided no month yet; start with `wg run`")
    begin = min(month for table in RAW_TABLES for month in warehouse.months(table))
    history = months_between(begin, warehouse.months("prices_clean")[-1])
    lake = Warehouse(warehouse.home, latest=True)
    landed = sorted({month for table in RAW_TABLES for month in lake.months(table)} | set(_span(adapter)))
    found = arrived(warehouse, rows_of_today(lake, adapter, landed))
    if not found:
        return Impact(_counts(found, history[-1]), pl.DataFrame(schema=SCHEMA))
    dbt = DbtInside()

    def build(scratch: Warehouse) -> dict[str, pl.DataFrame]:
        rebuild(
            scratch,
            history=history,
            months=months,
            strategies=strategies,
            until="performance",
            build=lambda one, wanted: build_factors(one, wanted, dbt=dbt),
        )
        return {table: _figures(scratch, table, strategies) for table in COMPARED}

    with scratch_folder(warehouse.home) as folder:
        scratch = branch(warehouse, folder / "home", with_ledger=True)
        before = build(scratch)  # no work, unless the code has changed since the snapshot
        for table, rows in found.items():
            scratch.append_new(table, rows.filter(pl.col("month") <= history[-1]).select(TABLES[table].columns))
        reproduced = build(scratch)
        changes = [_changes("reproduced", before, reproduced, tolerance)]
        restated = known_from_the_start(found["fundamentals"], history[-1]) if "fundamentals" in found else pl.DataFrame()
        if restated.height:
            scratch.append_new("fundamentals", restated)
            changes.append(_changes("hindsight", reproduced, build(scratch), tolerance))
    return Impact(_counts(found, history[-1]), pl.concat(changes))


def _span(adapter: Adapter | None) -> list[str]:
    return months_between(*adapter.span()) if adapter else []


def _counts(found: dict[str, pl.DataFrame], last: str) -> pl.DataFrame:
    """News up to the last built month by table and kind; what is dated after it is no news of the past, unless it restates."""
    schema = {"table": pl.String, "kind": pl.String, "rows": pl.UInt32, "first_month": pl.String, "last_month": pl.String}
    parts = [pl.DataFrame(schema=schema)]
    for table, rows in found.items():
        past = rows.filter((pl.col("month") <= last) | (pl.col("kind") == "restated"))
        counted = past.group_by("kind").agg(
            pl.len().alias("rows"), pl.col("month").min().alias("first_month"), pl.col("month").max().alias("last_month")
        )
        parts.append(counted.select(pl.lit(table).alias("table"), "kind", "rows", "first_month", "last_month"))
    return pl.concat(parts).sort("table", "kind")


def _figures(warehouse: Warehouse, table: str, strategies: Sequence[str]) -> pl.DataFrame:
    """`| strategy | month | security_id | item | figure |`: every number of a table, one row a value."""
    rows = warehouse.read(table)
    if "strategy" in rows.columns:
        rows = rows.filter(pl.col("strategy").is_in(list(strategies)))
    if table == "universe_members":
        rows = rows.select("strategy", "month", "security_id", pl.lit(1.0).alias("member"))
    named = [name for name in ("strategy", "month", "security_id") if name in rows.columns]
    others = [pl.col(name).cast(pl.String) for name in TABLES[table].key if name not in named and name in rows.columns and name != "rank"]
    numbers = rows.select(cs.float() - cs.by_name("coverage", require_all=False)).columns
    return (
        rows.select(*named, pl.concat_str([pl.lit(""), *others], separator=" ").str.strip_chars().alias("of"), *numbers)
        .unpivot(numbers, index=[*named, "of"], variable_name="item", value_name="figure")
        .with_columns(pl.concat_str([pl.col("of"), pl.col("item")], separator=" ").str.strip_chars().alias("item"))
        .with_columns(pl.lit(None, pl.String).alias(name) for name in ("strategy", "security_id") if name not in named)
        .filter(pl.col("figure").is_not_null() & pl.col("figure").is_not_nan())
        .select("strategy", "month", "security_id", "item", "figure")
    )


def _changes(event: str, before: dict[str, pl.DataFrame], after: dict[str, pl.DataFrame], tolerance: float) -> pl.DataFrame:
    parts = {table: _table_changes(event, table, before[table], after[table], tolerance) for table in COMPARED}
    parts["model_portfolios"] = pl.concat([_turnover(parts["model_portfolios"]), parts["model_portfolios"]])
    return pl.concat(parts.values())


def _turnover(weights: pl.DataFrame) -> pl.DataFrame:
    """How much of each portfolio would be another one: half the sum of absolute weight changes."""
    summed = weights.group_by("event", "table", "strategy", "month").agg(pl.col("change").abs().sum() / 2)
    told = summed.with_columns(
        pl.lit(TURNOVER).alias("item"),
        pl.lit(0.0).alias("before"),
        pl.col("change").alias("after"),
        (pl.col("change") * 1e4).alias("basis_points"),
        pl.lit(None, pl.String).alias("security_id"),
        pl.lit(None, pl.Float64).alias("deviations"),
    )
    return told.sort("change", "strategy", "month", descending=[True, False, False]).select(SCHEMA.names())


def _table_changes(event: str, table: str, before: pl.DataFrame, after: pl.DataFrame, tolerance: float) -> pl.DataFrame:
    """Changed values of one table (`SCHEMA`); a portfolio's absent name has weight 0, elsewhere absent stays absent."""
    key = ["strategy", "month", "security_id", "item"]
    both = before.rename({"figure": "before"}).join(
        after.rename({"figure": "after"}), on=key, how="full", coalesce=True, nulls_equal=True, validate="1:1"
    )
    if table in {"model_portfolios", "universe_members"}:
        both = both.with_columns(pl.col("before", "after").fill_null(0.0))
    change = pl.col("after") - pl.col("before")
    moved = (change.abs() > tolerance * pl.max_horizontal(pl.col("before").abs(), pl.col("after").abs())).fill_null(value=True)
    spread = before.group_by("strategy", "month", "item").agg(pl.col("figure").std().alias("_spread"))
    rows = both.filter(moved).join(spread, on=["strategy", "month", "item"], how="left", nulls_equal=True)
    return (
        rows.with_columns(
            pl.lit(event).alias("event"),
            pl.lit(table).alias("table"),
            change.alias("change"),
            _basis_points(table).alias("basis_points"),
            pl.when(pl.col("_spread") > 0).then(change / pl.col("_spread")).alias("deviations"),
        )
        .sort(
            pl.coalesce(pl.col("basis_points").abs(), pl.col("deviations").abs()),
            *key,
            descending=[True, *(False for _ in key)],
            nulls_last=True,
        )
        .select(pl.col(name).cast(dtype) for name, dtype in SCHEMA.items())
    )


def _basis_points(table: str) -> pl.Expr:
    """Change of what is a fraction in 1e-4; of a nav relative to itself."""
    change = pl.col("after") - pl.col("before")
    if table == "model_portfolios":
        return change * 1e4
    if table == "nav":
        return pl.when(pl.col("item").str.ends_with(" nav")).then(change / pl.col("before") * 1e4)
    if table == "performance":
        is_fraction = pl.col("item").str.contains(_FRACTIONS) & ~pl.col("item").str.contains("sessions")
        return pl.when(is_fraction).then(change * 1e4)
    return pl.lit(None, pl.Float64)
