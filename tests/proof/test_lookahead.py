"""`wg verify lookahead`: nothing differs where nothing peeked, and every planted cheat is found."""

import re
import sys
from pathlib import Path

import polars as pl
import pytest

sys.path.insert(0, str(Path(__file__).parent))  # tests are no package: lets them import their neighbours
from cheats import CHEATS, HONEST, build_with, project_with

from wg_dagster.calendars import months_between
from wg_dagster.proof.lookahead import decided_tables, first_offender, prove
from wg_dagster.proof.tamper import WAYS
from wg_dagster.schemas.tables import FACTOR_TABLES
from wg_dagster.warehouse import Warehouse

MONTH = "2026-04"  # the month after it is in the home: that is what may not be seen


def test_an_honest_month_has_no_differences(main, small_home):
    before = Warehouse(small_home, latest=True).versions()
    code, out, err = main("verify", "lookahead", "--months", MONTH, "--ways", "poisoned", "--home", small_home)
    assert (code, err) == (0, "")
    month, way, changed, compared, found = re.search(r"^2026-04 .*$", out, flags=re.MULTILINE)[0].split()
    assert (month, way, found) == (MONTH, "poisoned", "0")
    assert int(changed) > 500
    assert int(compared) > 1000
    assert Warehouse(small_home, latest=True).versions() == before


@pytest.mark.slow
def test_a_changed_row_of_the_home_is_named(main, own_home):
    """The stored score of one name is moved by a millionth: whoever wrote it did not get it from what was known."""
    lake = Warehouse(own_home)
    scores = lake.read("factor_scores", months=[MONTH], scope="next_major_100")
    name = scores["security_id"][3]
    moved = pl.when(pl.col("security_id") == name).then(pl.col("momentum") + 1e-6).otherwise(pl.col("momentum"))
    lake.write_months("factor_scores", scores.with_columns(moved.alias("momentum")), [MONTH], scope="next_major_100")
    lake.settle()
    lake.publish()
    code, out, _ = main("verify", "lookahead", "--months", MONTH, "--ways", "removed", "--strategy", "next_major_100", "--home", own_home)
    assert code == 1
    assert re.search(
        rf"FAILED, first offending row: factor_scores next_major_100 2026-04 security {name} \(\w+\), momentum: stored \S+, rebuilt ", out
    )


def test_a_month_that_was_not_decided_and_a_folder_that_is_no_project_are_refused(main, small_home, tmp_path):
    code, _, err = main("verify", "lookahead", "--months", "2020-01", "--home", small_home)
    assert code == 1
    assert "months 2020-01 hold no factors; there are 2026-04, 2026-05" in err
    code, _, err = main("verify", "lookahead", "--project", tmp_path, "--home", small_home)
    assert code == 1
    assert "holds no dbt_project.yml" in err


@pytest.mark.slow
def test_another_project_that_does_not_peek_is_honest_too(own_home, tmp_path):
    """So it is the peeking, not the other project, that the next tests find."""
    project = project_with(HONEST, tmp_path / "project")
    build_with(project, own_home, MONTH)
    assert [proof.count for proof in prove(Warehouse(own_home), [MONTH], project=project)] == [0, 0, 0]


@pytest.mark.slow
@pytest.mark.parametrize("cheat", CHEATS)
def test_a_planted_cheat_is_found(cheat, own_home, tmp_path):
    """The home was built with the cheat, while the month after was known; without it the values are others."""
    project = project_with(CHEATS[cheat], tmp_path / "project")
    build_with(project, own_home, MONTH)
    proofs = list(prove(Warehouse(own_home), [MONTH], ways=["removed", "poisoned"], project=project))
    blind = {"poisoned"} if cheat == "only names that survive" else set()  # it asks whether there are rows, not what they say
    assert {proof.way for proof in proofs if not proof.count} == blind
    row = first_offender(proofs)
    assert row["table"] in FACTOR_TABLES
    assert row["month"] == MONTH
    assert row["stored"] != row["rebuilt"]


@pytest.mark.slow
def test_months_are_decided_from_the_last_to_the_first_in_each_way(small_home):
    both = [(proof.month, proof.way, proof.count) for proof in prove(Warehouse(small_home), ["2026-04", "2026-05"])]
    assert both == [(month, way, 0) for month in ("2026-05", "2026-04") for way in WAYS]


@pytest.mark.slow
def test_all_months_of_the_embedded_market(wg, tmp_path):
    """All 24 months, a third of them in each way; tests/chain has every way for a smaller market."""
    home = tmp_path / "home"
    done = wg("run", "--home", home)
    assert done.returncode == 0, done.stdout + done.stderr
    lake = Warehouse(home)
    months = lake.months("factor_momentum")
    assert months == months_between("2024-11", "2026-10")
    proofs = [proof for k, way in enumerate(WAYS) for proof in prove(lake, months[k::3], ways=[way])]
    compared = sum(proof.compared_rows for proof in proofs)
    found = sum(proof.count for proof in proofs)
    print(
        f"look-ahead: {len(proofs)} months x {len(FACTOR_TABLES)} factors, universe, scores, portfolios: {compared} rows compared, {found} differences"
    )
    assert first_offender(proofs) is None
    assert found == 0
    assert len(proofs) == 24
    assert compared > 400_000
    assert all(proof.compared[table] > 0 for proof in proofs for table in (*FACTOR_TABLES, "universe_members", "factor_scores"))
    assert set(proofs[0].compared) >= set(decided_tables())
