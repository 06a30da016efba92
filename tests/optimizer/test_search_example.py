"""The search on anyone's panel, as the example shows it: about ten lines that run and tell the truth of their panel."""

import ast
import runpy
from pathlib import Path

EXAMPLE = Path(__file__).parents[2] / "examples" / "factor_search.py"


def test_the_example_is_about_ten_lines():
    statements = [node for node in ast.parse(EXAMPLE.read_text()).body if not isinstance(node, (ast.Import, ast.ImportFrom))]
    assert len(statements) <= 10


def test_the_example_finds_true_factors_alone_and_says_what_it_is_worth(capsys):
    """Eight factors make 255 sets; the first two earn, the incumbent holds two others."""
    example = runpy.run_path(str(EXAMPLE))
    said = {line[:28].strip(): line[28:].strip() for line in capsys.readouterr().out.splitlines() if line[28:29] == " "}
    assert said["trials"] == "255.000"
    statistics = example["evidence"].statistics
    assert 1.0 < statistics["effective_trials"] < 8.5
    assert all(0.0 <= statistics[name] <= 1.0 for name in ("pbo", "spa_p"))
    assert f"{statistics['spa_p']:.3f}" == said["spa_p"]
    found = {test.factor for test in example["evidence"].tests if test.is_found}
    assert found
    assert found <= {"factor_01", "factor_02"}
