"""`wg verify`: show that nothing looked ahead, and how far dates of publication can be trusted."""

import argparse

import polars as pl

from wg_dagster.config import load_config
from wg_dagster.errors import OutsideData
from wg_dagster.factor_run import PROJECT
from wg_dagster.proof.dates import QUANTILES, compare_dates, table_of
from wg_dagster.proof.lookahead import MonthProof, first_offender, prove, stale_stations
from wg_dagster.proof.report import refuse_ending, write_report
from wg_dagster.proof.tamper import WAYS
from wg_dagster.schemas.tables import FACTOR_TABLES
from wg_dagster.strategies import STRATEGIES, find_strategy
from wg_dagster.warehouse import Warehouse

_SAMPLES = 5


def verify(options: argparse.Namespace) -> int:
    """Run one of the proofs."""
    load_config(options.home)
    refuse_ending(options.out)
    return {"lookahead": _lookahead, "dates": _dates}[options.what](options)


def _lookahead(options: argparse.Namespace) -> int:
    """Decide the months again without what was known later; 1 if a row differs, and which."""
    warehouse = Warehouse(options.home)
    months = options.months or warehouse.months(FACTOR_TABLES[0])
    strategies = [find_strategy(name).strategy_id for name in options.strategy or STRATEGIES]
    project = options.project or PROJECT
    if not (project / "dbt_project.yml").exists():
        raise OutsideData(f"{project} holds no dbt_project.yml; give the folder of a dbt project with --project")
    number, _ = warehouse.snapshots.latest()
    print(f"{options.home}, snapshot {number}: rows known after each month's cut-off are changed, and the month is decided again")
    print(f"{'month':<8} {'later rows':<10} {'changed':>9} {'compared':>9} {'differences':>12}", flush=True)
    proofs = []
    for proof in prove(warehouse, months, strategies=strategies, ways=options.ways or WAYS, project=project):
        proofs.append(proof)
        print(f"{proof.month:<8} {proof.way:<10} {proof.changed_rows:>9} {proof.compared_rows:>9} {proof.count:>12}", flush=True)
    return _conclude(warehouse, proofs)


def _conclude(warehouse: Warehouse, proofs: list[MonthProof]) -> int:
    months = {proof.month for proof in proofs}
    count = sum(proof.count for proof in proofs)
    print(
        f"{len(months)} months x {len(FACTOR_TABLES)} factors, universe, scores, candidates and portfolios, decided {len(proofs)} times: "
        f"{sum(proof.compared_rows for proof in proofs)} rows compared, {count} differences"
    )
    row = first_offender(proofs)
    if row is None:
        return 0
    print(f"FAILED, first offending row: {_sentence(warehouse, row)}")
    if stale := stale_stations(warehouse, str(row["month"])):
        print(f"  but the home was built by other code or from other rows ({', '.join(stale[:4])}): `wg run` first, then verify again")
    return 1


def _sentence(warehouse: Warehouse, row: dict[str, object]) -> str:
    """Table, month, security, column and both values of a difference."""
    listed = warehouse.read("securities_clean", months=[str(row["month"])], columns=["security_id", "vendor_symbol"])
    symbols = dict(listed.filter(pl.col("security_id") == (row["security_id"] or "")).iter_rows())
    who = f" security {row['security_id']} ({symbols.get(row['security_id'], 'not listed')})" if row["security_id"] else ""
    whose = f" {row['strategy']}" if row["strategy"] else ""
    return f"{row['table']}{whose} {row['month']}{who}, {row['column']}: stored {row['stored']}, rebuilt {row['rebuilt']} [{row['key']}]"


def _dates(options: argparse.Namespace) -> int:
    """Hold dates of publication against each other; 1 if more than the allowed share of the home's own dates is too early."""
    warehouse = Warehouse(options.home)
    compared = compare_dates(warehouse)
    if not compared:
        raise OutsideData(f"home {options.home} holds no statements, announcements or prices whose dates could be compared")
    print("errors in days, by quantile: the judged date less the date it is held against; below zero = known too early")
    print(f"{'what':<34} {'judged':<26} {'against':<26} {'pairs':>8} " + " ".join(f"{q:>5.0%}" for q in QUANTILES) + f" {'too early':>16}")
    for one in compared:
        errors = " ".join(f"{value:>5.0f}" for value in one.quantiles().values())
        early = f"{one.too_early.height} ({one.share:.2%})"
        print(f"{one.what:<34} {one.judged:<26} {one.against:<26} {one.rows.height:>8} {errors} {early:>16}")
    if options.out:
        write_report(table_of(compared), options.out)
    broken = [one for one in compared if one.fails and one.share > options.allow]
    for one in broken:
        print(f"FAILED {one.what}: {one.too_early.height} of {one.rows.height} dates of {one.judged} are too early, against {one.against}")
        for row in one.too_early.head(_SAMPLES).to_dicts():
            print(f"  {row['vendor_symbol']} of {row['period_end_date']}: known on {row['day']}, error {row['error']} days")
    used = [one for one in compared if one.fails]
    print(f"{sum(one.rows.height for one in used)} dates held against another: {sum(one.too_early.height for one in used)} too early")
    return 1 if broken else 0
