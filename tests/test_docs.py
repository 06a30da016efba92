"""What the documents say is there: commands parse, links lead somewhere, every command, option, strategy and factor is described."""

import argparse
import re
import shlex
import subprocess
from pathlib import Path

import pytest

from wg_dagster.cli import build_parser
from wg_dagster.schemas.columns import FACTORS
from wg_dagster.strategies import STRATEGIES

ROOT = Path(__file__).parent.parent
DOCS = sorted((ROOT / "docs").rglob("*.md"))
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *DOCS]
SAID = "\n".join(page.read_text() for page in [ROOT / "README.md", *DOCS])
PROGRAM = re.compile(r"^(?:\.venv/bin/)?wg (?=\S)")
REGISTRIES = ["py" + "pi.org", "python" + "hosted.org", "npm" + "js.", "conda" + ".anaconda", "crates" + ".io", "proxy." + "golang"]
MACHINE = [rf"(?<![\w.])/{folder}/" for folder in ("work" + "/main", "work" + "/shared", "tm" + "p/w", "ro" + "ot", "ho" + "me/[a-z]")]


def commands(page):
    """Each line of a block that runs `wg`, without its remark."""
    blocks = re.findall(r"^```\w*\n(.*?)^```", page.read_text(), flags=re.MULTILINE | re.DOTALL)
    return [re.sub(r"\s+#.*$", "", line.strip()) for block in blocks for line in block.splitlines() if PROGRAM.match(line.strip())]


ALL_COMMANDS = [(page.relative_to(ROOT).as_posix(), line) for page in PAGES for line in commands(page)]
QUERIES = [line for _, line in ALL_COMMANDS if " sql " in line]


def arguments(line):
    return shlex.split(PROGRAM.sub("", line))


@pytest.mark.parametrize(("page", "line"), ALL_COMMANDS)
def test_each_command_of_the_documents_parses(page, line):
    words = arguments(line)
    if words != ["--help"]:
        assert build_parser().parse_args(words).command == words[0]


@pytest.mark.parametrize("line", QUERIES)
def test_each_query_of_the_documents_answers(main, small_home, line):
    code, _, err = main(*arguments(line), "--home", small_home)
    assert (code, err) == (0, "")


def test_the_readme_shows_status_and_a_check(main, small_home, tmp_path):
    shown = commands(ROOT / "README.md")
    assert any(arguments(line)[0] == "status" for line in shown)
    assert main("status", "--home", small_home)[0] == 0
    assert any(arguments(line)[:1] == ["check"] for line in shown)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_each_relative_link_leads_somewhere(page):
    for target in re.findall(r"\]\(([^)#\s]+)(?:#[^)]*)?\)", page.read_text()):
        if not re.match(r"[a-z]+:", target):
            assert (page.parent / target).exists(), f"{page.name}: {target} is not there"


def options_of(parser):
    """Every command with its options."""
    subparsers = next(action for action in parser._actions if isinstance(action, argparse._SubParsersAction))
    for command, sub in subparsers.choices.items():
        yield command, None
        for action in sub._actions:
            yield from ((command, option) for option in action.option_strings if option.startswith("--") and option != "--help")


@pytest.mark.parametrize(("command", "option"), list(options_of(build_parser())))
def test_each_command_and_option_is_described(command, option):
    assert re.search(rf"\bwg {command}\b", SAID), f"wg {command} is in no document"
    assert option is None or option in SAID, f"{option} of wg {command} is in no document"


@pytest.mark.parametrize("name", [*STRATEGIES, *FACTORS])
def test_each_strategy_and_factor_is_described(name):
    assert any(name in page.read_text() for page in DOCS)


@pytest.mark.parametrize("target", ["run", "test", "test-all", "test-real", "lint", "ui", "bench"])
def test_each_make_target_of_the_documents_is_there(target):
    assert re.search(rf"^{target}:", (ROOT / "Makefile").read_text(), flags=re.MULTILINE)


def repository_files():
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    if listed.returncode:
        pytest.skip("not a git repository")
    return [ROOT / name for name in listed.stdout.splitlines() if (ROOT / name).is_file() and name != "requirements.lock"]


def test_no_file_names_a_registry_or_a_folder_of_one_machine():
    pattern = re.compile("|".join([*map(re.escape, REGISTRIES), *MACHINE]))
    found = [
        f"{file.relative_to(ROOT)}:{number}: {match[0]}"
        for file in repository_files()
        for number, line in enumerate(file.read_text(encoding="utf-8", errors="ignore").splitlines(), 1)
        if (match := pattern.search(line))
    ]
    assert found == []


def test_the_lock_names_no_index():
    lines = (ROOT / "requirements.lock").read_text().splitlines()
    assert not [line for line in lines if "://" in line or line.startswith(("-i", "--index", "--extra-index"))]
