"""The frame around the rules: declared reads, documented thresholds, results that depend on nothing but the rows."""

import ast
from datetime import date
from pathlib import Path

import numpy as np
import polars as pl
import pytest

import wg_dagster.quality
from wg_dagster.calendars import months_between
from wg_dagster.errors import OutsideData
from wg_dagster.quality.figures import Figure, Finding, verdicts
from wg_dagster.quality.looks import LOOKS, newest_before, same, stored_rows
from wg_dagster.quality.rules import RULES, judge
from wg_dagster.quality.thresholds import LIMITS_OF_FACTORS, THRESHOLDS, USUAL_OF_SOURCES
from wg_dagster.schemas.columns import FACTORS
from wg_dagster.schemas.tables import TABLES
from wg_dagster.warehouse import Warehouse

DOCS = (Path(__file__).parents[2] / "docs" / "data-quality.md").read_text()
CODE = Path(wg_dagster.quality.__file__).parent


def checks_in_code():
    """Names that the modules give to a Finding."""
    calls = [node for file in CODE.glob("*.py") for node in ast.walk(ast.parse(file.read_text())) if isinstance(node, ast.Call)]
    strings = [arg.value for call in calls for arg in call.args if isinstance(arg, ast.Constant) and isinstance(arg.value, str)]
    return {text for text in strings if text in THRESHOLDS}


def test_every_threshold_is_used():
    assert checks_in_code() | {"component_coverage", "rank_drift", "level_drift", "constant_component"} >= set(THRESHOLDS)


@pytest.mark.parametrize("check", THRESHOLDS)
def test_every_check_is_documented_with_its_limits(check):
    threshold = THRESHOLDS[check]
    line = next(line for line in DOCS.splitlines() if line.startswith(f"| `{check}`"))
    assert f"| {threshold.limit:g} |" in line
    assert ("ERROR" in line) is (threshold.error is not None)


@pytest.mark.parametrize("factor", LIMITS_OF_FACTORS)
def test_limits_of_factors_are_documented(factor):
    assert factor in FACTORS
    line = next(line for line in DOCS.splitlines() if line.startswith(f"| {factor} |"))
    for check, limit in LIMITS_OF_FACTORS[factor].items():
        assert f"{check} {limit:g}" in line


@pytest.mark.parametrize("source", USUAL_OF_SOURCES)
def test_what_is_usual_of_a_source_is_documented(source):
    line = next(line for line in DOCS.splitlines() if line.startswith(f"| {source} |"))
    for check, share in USUAL_OF_SOURCES[source].items():
        assert check in THRESHOLDS
        assert f"{check} {share:.2%}" in line


def test_a_table_without_rules_has_no_verdicts(judged):
    assert judged("letters", [], ["2026-03"]) == {}


@pytest.mark.parametrize("table", RULES)
def test_no_rows_and_no_history_are_no_verdicts(judged, table):
    assert judged(table, [], ["2026-03"], strategy="major_100") == {}


def test_checks_read_only_what_they_declare(tmp_path):
    stored = stored_rows(Warehouse(tmp_path), "prices_clean", ["2026-03"], None)
    assert stored("prices_clean").is_empty()
    with pytest.raises(OutsideData, match=r"prices_clean read nav without declaring it"):
        stored("nav")


def test_looks_are_of_tables_and_columns_that_exist():
    for table, looks in LOOKS.items():
        assert table in RULES
        for wanted, look in looks.items():
            assert set(look.columns) <= set(TABLES[wanted].columns)


def test_stored_months_never_lie_after_the_judged_ones():
    """Rows that were stored by an earlier run, of later months, must not decide on a month that is built again."""
    stored, judged = months_between("2018-01", "2026-12"), months_between("2023-01", "2023-12")
    for looks in LOOKS.values():
        for look in looks.values():
            assert max(look.months(judged, stored)) <= "2023-12"


def test_the_month_before_is_the_newest_that_is_stored():
    assert newest_before(["2026-03", "2026-04"], ["2025-11", "2026-01", "2026-03", "2026-05"]) == ["2026-01"]
    assert same(["2026-03"], ["2026-02", "2026-03"]) == ["2026-03"]


def test_strategy_tables_are_read_of_the_strategy_alone(tmp_path, contract):
    warehouse = Warehouse(tmp_path)
    for name in ("major_100", "samurai_25"):
        rows = contract(
            "universe_members", [{"strategy": name, "month": "2026-02", "as_of_date": date(2026, 2, 27), "security_id": f"of {name}"}]
        )
        warehouse.write_months("universe_members", rows, ["2026-02"], scope=name)
    found = stored_rows(warehouse, "universe_members", ["2026-03"], "samurai_25")("universe_members")
    assert found.rows() == [("2026-02", "of samurai_25")]


def test_a_month_that_cannot_be_judged_has_no_verdict():
    finding = Finding("zero_volume", [Figure("2026-03", "", None, 50, 100)])
    assert list(verdicts(finding, "station", "prices_clean", None)) == []


def test_one_failing_part_of_two_fails_the_month():
    finding = Finding("zero_volume", [Figure("2026-03", "JP", 0.09, 90, 1000), Figure("2026-03", "US", 0.2, 20, 100)])
    (row,) = verdicts(finding, "station", "prices_clean", None)
    assert (row["passed"], row["failed_rows"], row["total_rows"]) == (False, 20, 1100)
    assert '"figure": 0.2' in row["details"]


def test_a_high_share_of_few_rows_does_not_hide_the_part_that_fails():
    """90 % of 19 rows is under the smallest number that counts; 11 % of 1,000 is not."""
    finding = Finding("zero_volume", [Figure("2026-03", "JP", 0.9, 17, 19), Figure("2026-03", "US", 0.11, 110, 1000)])
    (row,) = verdicts(finding, "station", "prices_clean", None)
    assert (row["passed"], row["failed_rows"]) == (False, 110)
    assert '"figure": 0.11' in row["details"]


@pytest.mark.parametrize("seed", range(3))
def test_the_order_of_rows_changes_nothing(priced, contract, seed):
    rows = contract("prices_clean", priced(["2026-02", "2026-03"]))
    empty = TABLES["prices_clean"].empty()

    def run(frame):
        return judge(
            "s",
            "prices_clean",
            frame,
            ["2026-02", "2026-03"],
            stored=lambda table: (empty if table == "prices_clean" else TABLES[table].empty()).select(LOOKS["prices_clean"][table].columns),
            strategy=None,
        )

    assert run(rows).equals(run(rows.sample(fraction=1.0, shuffle=True, seed=seed)))


@pytest.mark.parametrize("seed", range(4))
def test_a_random_walk_raises_nothing(contract, priced, judged, failing, seed):
    """300 names that move by 2 % a session, of which 0.5 % leave a month."""
    random = np.random.default_rng(seed)
    months = ["2026-01", "2026-02", "2026-03"]
    rows = contract("prices_clean", priced(months, names=300))
    moves = random.normal(0.0, 0.02, rows.height)
    last = {f"s{k:03d}": "2026-02" if random.random() < 0.005 else "2026-03" for k in range(300)}
    walked = (
        rows.sort("security_id", "session_date")
        .with_columns(pl.Series("return_1e9", np.round(np.expm1(moves) * 1e9).astype(np.int64)), pl.Series("_move", moves))
        .with_columns((50.0 * pl.col("_move").cum_sum().over("security_id").exp()).round(2).alias("close"))
        .filter(pl.col("month") <= pl.col("security_id").replace_strict(last))
    )
    told = [
        {"month": month, "market": "US", "as_of_date": date(2026, 3, 31), "security_id": name, "listed_to": date(2026, 2, 27)}
        for name, end in last.items()
        for month in months
        if end < month
    ]
    assert failing(judged("prices_clean", walked.select(rows.columns), months, stored={"securities_clean": told})) == set()


def test_verdicts_of_a_batch_are_those_of_its_months(contract, priced):
    """Each month alone, with the stored month before it, says what the batch says."""
    months = ["2026-01", "2026-02", "2026-03"]
    rows = contract("prices_clean", [row for row in priced(months) if row["security_id"] > "s007" or row["month"] < "2026-03"])
    columns = LOOKS["prices_clean"]["prices_clean"].columns

    def run(judged_months):
        before = newest_before(judged_months, months)
        part, past = (rows.filter(pl.col("month").is_in(chosen)) for chosen in (judged_months, before))
        nobody = TABLES["securities_clean"].empty().select(LOOKS["prices_clean"]["securities_clean"].columns)
        unsaid = TABLES["prices"].empty().select(LOOKS["prices_clean"]["prices"].columns)
        known = {"prices_clean": past.select(columns), "securities_clean": nobody, "prices": unsaid}
        return judge("s", "prices_clean", part, judged_months, stored=known.__getitem__, strategy=None)

    batch, alone = run(months), pl.concat(run([month]) for month in months)
    order = ["month", "check_name"]
    assert batch.sort(order).equals(alone.sort(order))
    assert batch.filter(~pl.col("passed")).height > 0
