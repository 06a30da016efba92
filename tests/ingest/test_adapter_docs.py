"""Every setting of a map is explained, and the example obeys the code."""

from dataclasses import fields
from pathlib import Path

import pytest

from wg_dagster.ingest.drop_map import AT, FORMATS, KNOWN_AT_RULES, ColumnRule, Condition, FileMap, KnownAt, Lookup, load_map
from wg_dagster.ingest.registry import SOURCES

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "adapters.md").read_text()


@pytest.mark.parametrize("kind", [FileMap, KnownAt, ColumnRule, Condition, Lookup])
def test_every_setting_is_explained(kind):
    missing = [field.name for field in fields(kind) if f"`{field.name}" not in PAGE and f", {field.name}" not in PAGE]
    assert missing == []


def test_every_word_of_a_setting_is_explained():
    assert [word for word in (*AT, *KNOWN_AT_RULES, *FORMATS, *SOURCES) if f"`{word}`" not in PAGE] == []


def test_the_example_is_a_valid_map_and_feeds_eight_tables():
    example = load_map(ROOT / "examples" / "us_2015.toml")
    assert {file_map.table for file_map in example.files} == {
        "securities",
        "prices",
        "adjusted_prices",
        "fundamentals",
        "earnings_announcements",
        "index_levels",
        "index_members",
        "rates",
    }
