"""Archives that cannot be used are refused by name, with what to do."""

import shutil

import pytest

from wg_dagster.errors import BadInput, MissingColumn, UnreadableFile
from wg_dagster.ingest.pystock import open_pystock

MARCH = "2015-03"
FIRST = ["AAA,2015-03-23,39.0,41.0,38.5,40.0,1000,40.0"]


def test_a_cut_archive_is_named(archive, gather):
    path = archive("20150323", [f"{FIRST[0]}{number}" for number in range(500)])
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    with pytest.raises(UnreadableFile, match=r"20150323\.tar\.gz is cut"):
        gather(open_pystock(path.parent), [MARCH])


def test_an_archive_of_no_bytes_is_named(archive, gather):
    path = archive("20150323", FIRST)
    path.write_bytes(b"")
    with pytest.raises(UnreadableFile, match=r"20150323\.tar\.gz is empty"):
        gather(open_pystock(path.parent), [MARCH])


def test_something_else_under_the_name_of_an_archive_is_named(archive, gather):
    path = archive("20150323", FIRST)
    path.write_text("<html>not found</html>")
    with pytest.raises(UnreadableFile, match=r"20150323\.tar\.gz is cut or not a tar\.gz"):
        gather(open_pystock(path.parent), [MARCH])


def test_an_archive_that_lacks_a_file_says_which(archive, gather):
    folder = archive("20150323", FIRST, members=("prices.csv", "symbols.txt")).parent
    with pytest.raises(UnreadableFile, match=r"20150323\.tar\.gz lacks reports\.csv"):
        gather(open_pystock(folder), [MARCH])


def test_a_missing_column_is_named_with_what_is_there(archive, gather):
    lines = ["symbol,date,open,high,low,close,volume", "AAA,2015-03-23,1,1,1,1,1"]
    folder = archive("20150323", lines, headers=False).parent
    with pytest.raises(MissingColumn, match=r"prices\.csv: column 'adj_close' is not there; there are symbol, date"):
        gather(open_pystock(folder), [MARCH])


def test_columns_in_another_order_are_read_by_name(archive, gather):
    lines = ["symbol,adj_close,date,open,high,low,close,volume", "AAA,20.0,2015-03-23,1,2,3,40.0,5"]
    rows = gather(open_pystock(archive("20150323", lines, headers=False).parent), [MARCH])["prices"]
    assert rows.select("close", "vendor_adjusted_close").row(0) == (40.0, 20.0)


def test_a_line_with_too_many_fields_refuses_the_archive(archive, gather):
    folder = archive("20150323", [*FIRST, f"{FIRST[0]},7,8"]).parent
    with pytest.raises(UnreadableFile, match=r"20150323\.tar\.gz/prices\.csv is not the published format"):
        gather(open_pystock(folder), [MARCH])


def test_the_same_archive_twice_names_both(archive):
    path = archive("20150323", FIRST)
    shutil.copy(path, path.with_name("20150324.tar.gz"))
    with pytest.raises(BadInput, match=r"20150323\.tar\.gz and 20150324\.tar\.gz have the same content"):
        open_pystock(path.parent)


@pytest.mark.parametrize(("name", "message"), [("prices", "not named after its day"), ("20990323", "in the future")])
def test_an_archive_without_a_credible_day_is_refused(archive, name, message):
    folder = archive(name, FIRST).parent
    with pytest.raises(BadInput, match=message):
        open_pystock(folder)


def test_a_folder_without_archives_says_what_is_there(tmp_path):
    (tmp_path / "other.csv").write_text("a\n1\n")
    with pytest.raises(BadInput, match=r"neither YYYYMMDD\.tar\.gz archives nor \*prices_pystock\.parquet; there is other\.csv"):
        open_pystock(tmp_path)


def test_a_bomb_is_refused_before_it_is_unpacked(archive, gather, monkeypatch):
    """A header that promises more than any day ever held; the limit is lowered instead of writing 200 MB."""
    from wg_dagster.ingest import pystock_archive

    path = archive("20150323", [f"{FIRST[0]}{number}" for number in range(2000)])
    monkeypatch.setattr(pystock_archive, "MOST_BYTES", 10_000)
    with pytest.raises(UnreadableFile, match=r"20150323\.tar\.gz holds prices\.csv of [0-9,]+ bytes unpacked, more than 10,000"):
        gather(open_pystock(path.parent), [MARCH])


def test_an_archive_that_holds_a_file_twice_is_refused(archive, gather):
    path = archive("20150323", FIRST, members=("prices.csv", "symbols.txt", "reports.csv", "prices.csv"))
    with pytest.raises(UnreadableFile, match=r"20150323\.tar\.gz holds prices\.csv twice"):
        gather(open_pystock(path.parent), [MARCH])
