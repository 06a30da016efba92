"""Damaged vendor files: each is refused, set aside, told by a check, or changes no weight by more than a basis point."""

import re
from collections import Counter
from pathlib import Path

import polars as pl
import pytest
from damage import DAMAGES
from news import NEWS
from verdicts import ONE_BASIS_POINT

DOCS = (Path(__file__).parents[2] / "docs" / "data-quality.md").read_text()

SEEDS = range(4)
# Damages that the landing itself meets: the error, or the rule under which rows are set aside.
AT_THE_DOOR = {
    "header_in_capitals": "MissingColumn",
    "column_renamed": "MissingColumn",
    "garbled_bytes": "UnreadableFile",
    "an_error_page": "MissingColumn",
    "utf16": "MissingColumn",
    "empty_file": "UnreadableFile",
    "file_twice": "BadInput",
    "american_dates": "BadInput",
    "only_a_header": "empty_file",
    "long_symbol": "odd_symbol",
    "path_as_symbol": "odd_symbol",
    "script_as_symbol": "odd_symbol",
    "statement_as_symbol": "odd_symbol",
    "future_dates": "future_date",
    "known_at_lost": "missing:known_at",
    "rows_twice_with_another_value": "conflicting_rows",
}


@pytest.mark.parametrize("name", AT_THE_DOOR)
def test_a_damage_is_met_at_the_door(landed, name):
    """Once with the seed 0: the file, and for rows their rule, are named."""
    said, files = landed(name, 0)
    assert AT_THE_DOOR[name] in said, said
    assert any(file in said for file in files), said


def test_untouched_files_land_without_a_word(landed):
    assert landed("", 0)[0] == ""


@pytest.mark.slow
@pytest.mark.parametrize("name", DAMAGES)
def test_no_damage_moves_a_weight_silently(delivered, name, record_property):
    verdicts = [delivered(name, seed) for seed in SEEDS]
    print(f"\n{line_of(name, verdicts)}")
    for seed, verdict in zip(SEEDS, verdicts, strict=True):
        assert verdict.how != "silent", (name, seed, verdict)
        assert verdict.how != "refused" or verdict.names_file, (name, seed, verdict)
        assert verdict.how != "harmless" or verdict.moved <= ONE_BASIS_POINT


@pytest.mark.slow
def test_clean_files_raise_hardly_any_alarm(base):
    """All verdicts of 22 clean months up to the factors; history that is too short for a factor is no false alarm."""
    from wg_dagster.warehouse import Warehouse

    checks = Warehouse(base).read("checks").filter((pl.col("strategy") == "") & ~pl.col("table").str.starts_with("factor_"))
    planted = pl.col("check_name").is_in(["rows_held_back", "repeated_bars", "suspected_splits"])  # faults of the embedded market
    alarms = checks.filter(~pl.col("passed") & ~planted)
    print(alarms.select("month", "table", "check_name", "failed_rows"))
    assert checks.height > 500
    assert alarms.height < 0.01 * checks.height


def line_of(name, verdicts):
    """The damage's line of the table in the documentation: how often it was met in which way, and how once."""
    ways = Counter(verdict.how for verdict in verdicts)
    rules = Counter(re.sub(r" \(.*", "", verdict.words) for verdict in verdicts if verdict.how in ("quarantine", "check"))
    counts = [str(ways[how] or "") for how in ("refused", "quarantine", "check", "harmless")]
    return f"| {name.replace('_', ' ')} | {' | '.join(counts)} | {', '.join(f'`{rule}`' for rule in sorted(rules))} |"


def largest_told(name):
    """The largest move of a weight in basis points that the documentation tells of a damage that looks like news."""
    return float(re.search(rf"^\| {name.replace('_', ' ')} \|.*\| ([0-9]+) \|$", DOCS, flags=re.MULTILINE).group(1))


@pytest.mark.slow
@pytest.mark.parametrize("name", NEWS)
def test_what_looks_like_news_moves_no_weight_by_more_than_is_told(delivered, name):
    """These cannot be found; what they can do is known."""
    verdicts = [delivered(name, seed, follow=True) for seed in SEEDS]
    moved = [round(verdict.moved / ONE_BASIS_POINT, 1) for verdict in verdicts]
    print(f"\n{name}: {[verdict.how for verdict in verdicts]}, {moved} bp")
    assert max(moved) <= largest_told(name)


@pytest.mark.parametrize("name", [*DAMAGES, *NEWS])
def test_every_damage_stands_in_the_documentation(name):
    assert f"\n| {name.replace('_', ' ')} |" in DOCS


def test_there_are_enough_damages():
    assert len(DAMAGES) >= 75
    assert len(DAMAGES) * len(SEEDS) >= 300
