"""Damaged vendor files: each is refused, set aside, told by a check, or changes no weight by more than a basis point."""

from collections import Counter

import polars as pl
import pytest
from damage import DAMAGES
from verdicts import ONE_BASIS_POINT

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
    record_property("how", Counter(verdict.how for verdict in verdicts).most_common())
    print(f"\n| {name.replace('_', ' ')} | " + " | ".join(f"{verdict.how}: {verdict.words[:90]}" for verdict in verdicts[:1]) + " |")
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


def test_there_are_enough_damages():
    assert len(DAMAGES) >= 75
    assert len(DAMAGES) * len(SEEDS) >= 300
