"""A source name opens its adapter, or says what is missing."""

from pathlib import Path

import pytest

from wg_dagster.errors import BadInput, UnknownValue
from wg_dagster.ingest.drop import Drop
from wg_dagster.ingest.pystock import Archives
from wg_dagster.ingest.registry import open_adapter

EXAMPLE = Path(__file__).parents[2] / "examples" / "us_2015.toml"


def test_archives_open_as_pystock(archive):
    folder = archive("20150323", ["AAA,2015-03-23,1,1,1,1,1,1"]).parent
    adapter = open_adapter("pystock", input=folder)
    assert isinstance(adapter, Archives)
    assert (adapter.name, adapter.span()) == ("pystock", ("2015-03", "2015-03"))


def test_a_folder_with_a_map_opens_as_drop(tmp_path):
    (tmp_path / "any.csv").write_text("a\n1\n")
    adapter = open_adapter("drop", map=EXAMPLE, input=tmp_path)
    assert isinstance(adapter, Drop)
    assert adapter.map.name == "us_2015"


def test_the_embedded_market_is_the_same_for_the_same_seed():
    one, same, other = (open_adapter("synthetic", scale="tiny", seed=seed) for seed in (1, 1, 2))
    assert one.identity() == same.identity() != other.identity()
    assert open_adapter("synthetic", scale="tiny").name == "synthetic"


def test_an_unknown_source_lists_the_known_ones():
    with pytest.raises(UnknownValue, match="source 'bloom' is not known; known: synthetic, pystock, drop"):
        open_adapter("bloom")


@pytest.mark.parametrize(
    ("source", "given", "message"), [("pystock", {}, "--input"), ("drop", {}, "--map"), ("drop", {"map": EXAMPLE}, "--input")]
)
def test_a_missing_option_is_named(source, given, message):
    with pytest.raises(BadInput, match=f"source {source} needs {message}"):
        open_adapter(source, **given)
