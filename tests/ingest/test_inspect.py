"""`wg check` reads without loading: what was read, what would be set aside, what cannot be used."""

import shutil

import pytest

from wg_dagster.ingest.inspect import FINDINGS, inspect_path

MAP = """
[[file]]
path = "prices.csv"
table = "prices"
source = "v"
currency = "USD"
known_at = { column = "Date" }
[file.columns]
vendor_symbol = "Ticker"
session_date = "Date"
close = "Close"
"""
SOUND = "Ticker,Date,Close\n" + "".join(f"T{number},2015-06-30,10.5\n" for number in range(199))


@pytest.fixture
def folder(tmp_path):
    made = tmp_path / "drop"
    made.mkdir()
    (made / "prices.csv").write_text(f"{SOUND}A,2015-07-01,ten\n")
    (tmp_path / "map.toml").write_text(MAP)
    return made


def _said(found):
    return found.select("file", "table", "rule", "rows", "severity").rows()


def test_a_folder_is_counted_file_by_file(folder):
    (folder / "notes.csv").write_text("a,b\n1,2\n")
    found = inspect_path(folder, folder.parent / "map.toml")
    assert found.schema == FINDINGS
    assert _said(found) == [
        ("notes.csv", "", "not_in_map", 0, "INFO"),
        ("prices.csv", "prices", "read", 199, "INFO"),
        ("prices.csv", "prices", "not_a_number:close", 1, "WARN"),
    ]
    assert found["sample"].to_list()[1:] == ["known in 2015-06 to 2015-06", 'row 201: {"Close":"ten","Date":"2015-07-01","Ticker":"A"}']


def test_one_file_alone_is_judged_by_the_map(folder):
    assert _said(inspect_path(folder / "prices.csv", folder.parent / "map.toml"))[0] == ("prices.csv", "prices", "read", 199, "INFO")


def test_every_bad_archive_is_named_and_the_sound_ones_are_counted(archive):
    good = archive("20150323", ["AAA,2015-03-23,1,1,1,1,1,1", "AAA,2015-03-24,1,1,1,1,1,1"], symbols=["AAA\tAlpha"])
    archive("20150324", ["AAA,2015-03-24,1,1,1,1,1,1"]).write_bytes(good.read_bytes()[:100])
    archive("20150325").write_bytes(b"")
    found = inspect_path(good.parent)
    assert _said(found) == [
        ("20150323.tar.gz", "prices", "read", 1, "INFO"),
        ("20150323.tar.gz", "securities", "read", 1, "INFO"),
        ("20150323.tar.gz", "prices", "future_date", 1, "WARN"),
        ("20150324.tar.gz", "", "unreadable_file", 0, "ERROR"),
        ("20150325.tar.gz", "", "unreadable_file", 0, "ERROR"),
    ]


@pytest.mark.parametrize(
    ("content", "rule"),
    [("", "unreadable_file"), ("Ticker,Date\nA,2015-06-30\n", "missing_column"), ("Ticker,Date,Close\nA,2015-06-30,x\n", "bad_input")],
)
def test_a_file_that_cannot_be_used_is_an_error(folder, content, rule):
    (folder / "prices.csv").write_text(content)
    assert _said(inspect_path(folder, folder.parent / "map.toml")) == [("prices.csv", "prices", rule, 0, "ERROR")]


def test_copies_absent_files_and_wrong_maps_are_errors(folder, tmp_path):
    shutil.copy(folder / "prices.csv", folder / "again.csv")
    assert ("drop", "", "same_content", 0, "ERROR") in _said(inspect_path(folder, folder.parent / "map.toml"))
    (folder / "prices.csv").unlink()
    assert ("prices.csv", "prices", "missing_file", 0, "ERROR") in _said(inspect_path(folder, folder.parent / "map.toml"))
    (tmp_path / "wrong.toml").write_text("[[file]]\n")
    assert _said(inspect_path(folder, tmp_path / "wrong.toml"))[0][2:] == ("bad_input", 0, "ERROR")
    assert _said(inspect_path(tmp_path / "nowhere"))[0][2:] == ("bad_input", 0, "ERROR")
