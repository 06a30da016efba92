"""`wg --help` and usage errors."""

import re

import pytest

from wg_dagster.cli import build_parser

COMMANDS = sorted(next(action for action in build_parser()._actions if action.dest == "command").choices)


def test_the_help_shows_examples_and_exit_codes(main):
    code, out, _ = main("--help")
    assert code == 0
    assert "examples:" in out
    assert "exit codes: 0 done, 1 a check or an input is bad, 2 usage" in out


def test_the_examples_of_the_help_are_commands_that_parse(main):
    _, out, _ = main("--help")
    examples = re.findall(r"^  wg (.+?)(?:   .*)?$", out.split("examples:")[1], flags=re.MULTILINE)
    assert len(examples) >= 5
    for example in examples:
        words = [word.strip('"') for word in re.findall(r'"[^"]*"|\S+', example)]
        assert build_parser().parse_args(words).command == words[0]


@pytest.mark.parametrize("command", COMMANDS)
def test_each_command_has_help_with_an_example_and_its_home(main, command):
    code, out, _ = main(command, "--help")
    assert code == 0
    assert re.search(rf"example:\n  wg {command}", out)
    assert "--home" in out


@pytest.mark.parametrize("command", COMMANDS)
def test_each_command_is_in_the_list_of_commands(main, command):
    assert re.search(rf"^    {command}\s+\w", main("--help")[1], flags=re.MULTILINE)


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ((), "the following arguments are required: COMMAND"),
        (("fly",), "invalid choice: 'fly'"),
        (("sql",), "the following arguments are required: query"),
        (("run", "--scale", "huge"), "invalid choice: 'huge'"),
        (("run", "--seed", "many"), "invalid int value: 'many'"),
        (("ui", "--port", "http"), "invalid int value: 'http'"),
        (("status", "--month", "2026-01"), "unrecognized arguments: --month"),
    ],
)
def test_a_usage_error_ends_with_2_and_says_what_is_wrong(main, words, message):
    code, _, err = main(*words)
    assert code == 2
    assert message in err
    assert "usage: wg" in err
