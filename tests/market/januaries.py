"""January 2026 in three worlds from one past: the real chain up to December 2025, then the month of each world on a copy of that lake."""

import shutil
from collections.abc import Iterable
from pathlib import Path

import polars as pl

from wg_dagster.calendars import month_shift, months_between
from wg_dagster.chain import clean_stations, strategy_stations
from wg_dagster.ingest.synthetic import SyntheticMarket
from wg_dagster.ingest.synthetic_market.parameters import EVENT_MONTH, WORLDS
from wg_dagster.performance.returns import changes
from wg_dagster.runner import land_raw, run_station
from wg_dagster.strategies import NEXT_MAJOR_100
from wg_dagster.walk import walk
from wg_dagster.warehouse import Warehouse

DECIDED = [month_shift(EVENT_MONTH, -2), month_shift(EVENT_MONTH, -1)]  # the first is invested when January begins
US_NAMES, JP_NAMES, FIRST = 400, 12, "2022-01"  # as many US names as the embedded market, the fewest Japanese, half the history
BLAMED = ("surprise", "growth")
JANUARY = ("trading", "attribution")


def attributions(folder: Path, seed: int, *, worlds: Iterable[str] = WORLDS, us_names: int = US_NAMES, first: str = FIRST) -> pl.DataFrame:
    """`| world | effect | value |`: the effects of January 2026, and `portfolio`, `index` and `active`, the returns themselves."""

    def market(world: str) -> SyntheticMarket:
        return SyntheticMarket(seed, n_us=us_names, n_jp=JP_NAMES, first=first, last=EVENT_MONTH, world=world)

    past = Warehouse(folder / "past")
    before = months_between(first, DECIDED[-1])
    walk(past, market("base"), history=before, months=DECIDED, strategies=[NEXT_MAJOR_100.strategy_id], until="attribution")
    past.publish()
    frames = []
    for world in worlds:
        warehouse = Warehouse(shutil.copytree(folder / "past", folder / world))
        _live_january(warehouse, market(world))
        effects = waterfall(warehouse.read("attribution", months=[EVENT_MONTH])) | returns(warehouse)
        frames.append(pl.DataFrame({"world": world, "effect": list(effects), "value": list(effects.values())}))
        shutil.rmtree(folder / world)
    shutil.rmtree(folder / "past")
    return pl.concat(frames)


def _live_january(warehouse: Warehouse, market: SyntheticMarket) -> None:
    """What happens in January: rows come in and are cleaned, December's portfolio is traded, the month is explained."""
    land_raw(warehouse, market, [EVENT_MONTH])
    for station in clean_stations():
        run_station(warehouse, station, [EVENT_MONTH])
    for station in strategy_stations():
        if station.name in JANUARY:
            run_station(warehouse, station, [EVENT_MONTH], strategy=NEXT_MAJOR_100)


def waterfall(attribution: pl.DataFrame) -> dict[str, float]:
    """Effects as the letter's waterfall shows them: each factor by itself; sectors, names and every other effect summed."""
    lines = attribution.filter(pl.col("scheme") == "factor", pl.col("effect") != "total")
    bar = pl.when(pl.col("effect") == "factor").then("item").otherwise("effect").alias("bar")
    return dict(lines.group_by(bar).agg(pl.col("value").sum()).sort("bar").iter_rows())


def returns(warehouse: Warehouse) -> dict[str, float]:
    """Return of the month of the account and of its index, and their difference, from the daily values."""
    months = [DECIDED[-1], EVENT_MONTH]
    nav = warehouse.read("nav", months=months)
    levels = warehouse.read("benchmark_nav", months=months).filter(pl.col("benchmark_id") == NEXT_MAJOR_100.benchmarks[0])
    ends = [
        rows.sort("session_date").group_by("month", maintain_order=True).last()[column].to_numpy()
        for rows, column in ((nav, "nav"), (levels, "level"))
    ]
    portfolio, index = (float(changes(end)[-1]) for end in ends)
    return {"portfolio": portfolio, "index": index, "active": portfolio - index}


def effects_of(rows: pl.DataFrame, world: str) -> dict[str, float]:
    """All values of a world."""
    return dict(rows.filter(pl.col("world") == world).select("effect", "value").iter_rows())


def four_worst(effects: dict[str, float]) -> list[str]:
    """The four largest negative effects, worst first."""
    bars = {name: value for name, value in effects.items() if name not in ("portfolio", "index", "active") and value < 0}
    return sorted(bars, key=bars.__getitem__)[:4]


def lags(effects: dict[str, float]) -> bool:
    """Next Major fell behind its index."""
    return effects["active"] < 0


def is_blamed(effects: dict[str, float]) -> bool:
    """Surprise or growth is among the four largest negative effects."""
    return any(name in BLAMED for name in four_worst(effects))


def told(rows: dict[int, pl.DataFrame]) -> str:
    """A line a seed and world, for the message of a test that fails."""
    lines = []
    for seed, found in rows.items():
        for world in found["world"].unique(maintain_order=True):
            of = effects_of(found, world)
            figures = " ".join(f"{name} {of[name]:+.2%}" for name in ("portfolio", "index", "active", *BLAMED))
            lines.append(f"seed {seed:2} {world:13} {figures} worst: {', '.join(four_worst(of))}")
    return "\n".join(lines)
