import re
from pathlib import Path

from wg_dagster.letters import facts, findings
from wg_dagster.letters.display import UNITS

PAGE = (Path(__file__).parents[2] / "docs" / "letters.md").read_text(encoding="utf-8")


def test_every_finding_is_documented():
    rules = re.findall(r'Finding\(\s*"(\w+)"', Path(findings.__file__).read_text(encoding="utf-8"))
    assert len(rules) >= 10
    assert [rule for rule in rules if f"`{rule}`" not in PAGE] == []


def test_every_unit_and_setting_is_documented():
    assert [unit for unit in UNITS if f"`{unit}`" not in PAGE] == []
    assert all(name in PAGE for name in ("LARGE_GAP", "MATCHED_WITHIN"))
    assert (facts.LARGE_GAP, facts.MATCHED_WITHIN) == (0.05, 0.0005)
