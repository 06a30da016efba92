"""What became of a month whose files were damaged: refused, found, harmless, or silent."""

import json
import os
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import polars as pl
from chain_dbt import in_process
from concern import Hit, hit_by
from delivery import BEFORE, MONTH, STRATEGIES, map_text, market

from wg_dagster.chain import clean_stations, factor_station
from wg_dagster.errors import BadInput
from wg_dagster.ingest.drop import Drop
from wg_dagster.quality.figures import SAMPLES
from wg_dagster.runner import Outcome, land_raw, run_factors, run_station
from wg_dagster.schemas.tables import FACTOR_TABLES, TABLES
from wg_dagster.verdicts import blocked_months
from wg_dagster.walk import _strategies, walk
from wg_dagster.warehouse import Warehouse

ONE_BASIS_POINT = 1e-4
_PROVENANCE = ("source_file", "source_line")
_CLEAN = (
    "prices_clean",
    "fundamentals_clean",
    "securities_clean",
    "corporate_actions",
    "announcements_clean",
    "benchmark_nav",
    "rates_clean",
)
_HELD = ("table", "rule", "source_file", "source_line", "vendor_symbol", "session_date")


@dataclass(frozen=True)
class Verdict:
    """How a damage was met: `refused`, `quarantine`, `check`, `harmless` or `silent`, with the words that say so."""

    how: str
    words: str
    moved: float = 0.0  # largest change of a weight
    names_file: bool = True


@dataclass(frozen=True)
class Failed:
    """How many rows speak against the month, and up to five names among them."""

    rows: int
    samples: frozenset[str] = frozenset()


@dataclass(frozen=True)
class Known:
    """What the untouched month says: its files, findings, clean rows, factors, weights."""

    files: Mapping[str, bytes]
    held: frozenset
    failed: Mapping[tuple[str, str, str], "Failed"]
    clean: Mapping[str, pl.DataFrame]
    factors: Mapping[str, pl.DataFrame]
    weights: pl.DataFrame


def build_base(home: Path) -> None:
    """Everything up to the month before, with its portfolios."""
    warehouse = Warehouse(home)
    with in_process():
        walk(warehouse, market(), history=BEFORE, months=BEFORE[-1:], strategies=STRATEGIES, until="portfolio")
    warehouse.publish()


def linked(base: Path, to: Path) -> Warehouse:
    """A home of its own over the same files: tables are only ever added to."""
    shutil.copytree(base, to, copy_function=_link)
    return Warehouse(to)


def _link(source: str, target: str) -> None:
    if source.endswith(".parquet"):
        os.link(source, target)
    else:
        shutil.copy2(source, target)


class Case:
    """One delivery, taken step by step: later steps only where earlier ones changed something."""

    def __init__(self, base: Path, folder: Path, files: Mapping[str, bytes]) -> None:
        inbox = folder / "inbox"
        inbox.mkdir(parents=True)
        (folder / "map.toml").write_text(map_text())
        for name, content in files.items():
            (inbox / name).write_bytes(content)
        self._map, self._inbox = folder / "map.toml", inbox
        self.warehouse = linked(base, folder / "home")

    def clean(self) -> list[Outcome]:
        """Land and clean the month; BadInput where a file cannot be used."""
        adapter = Drop.open(self._map, self._inbox)
        outcomes = [land_raw(self.warehouse, adapter, [MONTH])]
        outcomes += [
            run_station(self.warehouse, station, [MONTH], failed=blocked_months(self.warehouse, station, [MONTH]))
            for station in clean_stations()
        ]
        self.warehouse.settle()
        return outcomes

    def factors(self) -> None:
        """Build the factors of the month."""
        station = factor_station()
        with in_process():
            run_factors(self.warehouse, station, [MONTH], failed=blocked_months(self.warehouse, station, [MONTH]))
        self.warehouse.settle()

    def portfolios(self) -> None:
        """Decide the month."""
        _strategies(self.warehouse, [MONTH], STRATEGIES, "portfolio")
        self.warehouse.settle()

    def held(self) -> frozenset:
        """Rows in quarantine."""
        return frozenset(self.warehouse.read("quarantine").select(_HELD).iter_rows())

    def failed(self) -> dict[tuple[str, str, str], Failed]:
        """Checks up to the factors that failed in the month."""
        rows = self.warehouse.read("checks", months=[MONTH]).filter(~pl.col("passed") & (pl.col("strategy") == ""))
        return {
            (table, name, severity): Failed(count, frozenset(json.loads(details or "{}").get("samples", [])))
            for table, name, severity, count, details in rows.select(
                "table", "check_name", "severity", "failed_rows", "details"
            ).iter_rows()
        }

    def ids(self, symbols: frozenset[str]) -> set[str]:
        """Security ids that the symbols have or had."""
        mapped = self.warehouse.read("security_map")
        return set(mapped.filter(pl.col("vendor_symbol").is_in(sorted(symbols)))["security_id"])

    def tables(self, names: tuple[str, ...]) -> dict[str, pl.DataFrame]:
        """Rows of the month."""
        return {name: self.warehouse.read(name, months=[MONTH]).sort(TABLES[name].key) for name in names}

    def weights(self) -> pl.DataFrame:
        """| strategy | security_id | weight |."""
        return self.warehouse.read("model_portfolios", months=[MONTH]).select("strategy", "security_id", "weight")


def known(base: Path, folder: Path, files: Mapping[str, bytes]) -> Known:
    """The untouched month, all the way."""
    case = Case(base, folder, files)
    case.clean()
    case.factors()
    case.portfolios()
    return Known(files, case.held(), case.failed(), case.tables(_CLEAN), case.tables(FACTOR_TABLES), case.weights())


def judged(base: Path, folder: Path, files: Mapping[str, bytes], before: Known, *, follow: bool = False) -> Verdict:
    """Take a delivery through the chain as far as it differs from the untouched one; `follow` goes on after a finding."""
    case, hit = Case(base, folder, files), hit_by(before.files, files)
    try:
        case.clean()
    except BadInput as refused:
        return Verdict("refused", str(refused), names_file=any(name in str(refused) for name in files))
    found = _found(case, before, hit)
    if found and not follow:
        return found
    if all(case_rows.equals(before.clean[name]) for name, case_rows in case.tables(_CLEAN).items()):
        return found or Verdict("harmless", "the same clean rows")
    case.factors()
    found = found or _found(case, before, hit)
    if found and not follow:
        return found
    if all(rows.equals(before.factors[name]) for name, rows in case.tables(FACTOR_TABLES).items()):
        return found or Verdict("harmless", "the same factors")
    case.portfolios()
    moved = largest_move(before.weights, case.weights())
    if found:
        return Verdict(found.how, found.words, moved)
    return Verdict("harmless" if moved <= ONE_BASIS_POINT else "silent", f"a weight moves by {moved * 1e4:.2f} bp", moved)


def _found(case: Case, before: Known, hit: Hit) -> Verdict | None:
    """A new finding about the damaged file, and about the damaged symbols where they are few."""
    new = sorted(case.held() - before.held, key=str)
    held = [row for row in new if hit.holds(row[0], row[2], row[4])]
    if held:
        return Verdict("quarantine", f"{held[0][0]} {held[0][1]} ({len(held)} rows, first {held[0][2]} line {held[0][3]})")
    ids, tables = case.ids(hit.symbols), hit.tables()
    for (table, name, severity), failed in sorted(case.failed().items()):
        was = before.failed.get((table, name, severity), Failed(0))
        names_it = not ids or not failed.samples or failed.samples & ids or failed.rows > SAMPLES
        if table in tables and failed.rows > was.rows and names_it:
            return Verdict("check", f"{severity} {name} of {table} ({failed.rows})")
    return None


def largest_move(one: pl.DataFrame, other: pl.DataFrame) -> float:
    """The largest change of a weight of any strategy and name."""
    both = one.join(other, on=["strategy", "security_id"], how="full", coalesce=True)
    moved = both.select((pl.col("weight").fill_null(0.0) - pl.col("weight_right").fill_null(0.0)).abs().max()).item()
    return float(moved or 0.0)


def symbols_held(folder: Path, before: Known) -> list[str]:
    """Symbols of the names in the untouched portfolios."""
    symbols = Warehouse(folder / "home", latest=True).read("security_map")
    held = pl.col("security_id").is_in(before.weights["security_id"].unique().implode())
    return symbols.filter(held)["vendor_symbol"].unique().sort().to_list()
