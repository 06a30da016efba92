"""The search on real US data of 2009-2015: it ends, its evidence is there, and survivors are called survivors."""

import os
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[2]))  # the benchmarks are no package that is installed
from benchmarks.search_real import is_flagged, run

pytestmark = pytest.mark.real


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    return tmp_path_factory.mktemp("real") / "home"


@pytest.fixture(scope="module")
def report(home):
    data = os.environ.get("WG_REAL_DATA")
    if not data:
        pytest.skip("WG_REAL_DATA is not set")
    return run(Path(data), home)


def test_the_evidence_is_complete(report):
    assert report.value("trials") == 2 ** len(report.searched()) - 1
    assert report.value("months") >= 60
    for name in ("pbo", "spa_p", "deflated_sharpe_best", "walk_forward_premia", "cross_validated_premia", "construction_sortino_incumbent"):
        assert report.value(name) is not None, name
    assert (report.value("walk_forward_months"), report.value("construction_months")) >= (24.0, 24.0)


def test_survivors_are_called_survivors_and_recommend_nothing(report, home):
    assert is_flagged(home)
    assert "The incumbent stays" in report.verdict()
    assert all("nobody ever leaves this market" in report.notes[f"recommend_{rule}"] for rule in ("premia", "top_1_percent"))
    assert (home / "site" / "search" / "major_100" / "2015-12.html").stat().st_size > 20_000
