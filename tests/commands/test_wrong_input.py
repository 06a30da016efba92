"""Wrong input, as a person meets it: one sentence that names the place and the remedy, exit code 1, and nothing that looks like a crash."""

import io
import re
import shutil
import tarfile

import pytest

MAP = """
currency = "USD"
[[file]]
path = "prices.csv"
table = "prices"
source = "vendor"
known_at = { column = "Date" }
[file.columns]
vendor_symbol = "Ticker"
session_date = "Date"
close = "Close"
currency = "Money"
"""
HEADER = "Ticker,Date,Close,Money\n"
SOUND = "".join(f"T{number},2015-06-{day:02},10.5,USD\n" for number in range(20) for day in (1, 2, 3, 4, 5, 8, 9, 10, 11, 12))
QUOTE = "symbol,date,open,high,low,close,volume,adj_close\nAAA,2015-03-23,39.0,41.0,38.5,40.0,1000,40.0\n"
REPORTS = "symbol,end_date,amend,period_focus,fiscal_year,doc_type,revenues\n"


@pytest.fixture
def vendor(tmp_path):
    """Function that writes prices.csv and its map, and gives the words of a run over them."""

    def write(content, map_text=MAP):
        folder = tmp_path / "vendor"
        folder.mkdir(exist_ok=True)
        (folder / "prices.csv").write_bytes(content if isinstance(content, bytes) else content.encode())
        (tmp_path / "map.toml").write_text(map_text)
        return ("run", "--source", "drop", "--map", tmp_path / "map.toml", "--input", folder, "--home", tmp_path / "home")

    return write


def daily(path, **files):
    """A daily archive."""
    with tarfile.open(path, "w:gz") as tar:
        for name, text in files.items():
            entry = tarfile.TarInfo(name.replace("_", "."))
            entry.size = len(text.encode())
            tar.addfile(entry, io.BytesIO(text.encode()))


def refused(result, command, message):
    """One line on stderr, after the name of the command; exit code 1."""
    code, _, err = result
    assert code == 1
    lines = err.strip().splitlines()
    assert len(lines) == 1, err
    assert lines[0].startswith(f"wg {command}: ")
    assert re.search(message, lines[0]), lines[0]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (
            "Ticker,Date,Last,Money\nA,2015-06-01,1,USD\n",
            r"prices\.csv: column 'Close' is named in map map and not in the file; there are Ticker",
        ),
        (
            f"{HEADER}A,2015-06-01,1,USD\nB,2015-06-01,ten,USD\n",
            r"prices\.csv, row 3: 'ten' cannot become close of prices; so in 1 of 2 rows",
        ),
        (f"{HEADER}A,2015-06-01,1,USX\n", r"prices\.csv, row 2: currency 'USX' is not known; known: AUD"),
        (b"", r"prices\.csv is empty"),
        (f"{HEADER}A,2015-06-01,1,USD\nB,2015-06-01,1,USD,7,8\n", r"prices\.csv cannot be read to its end as CSV"),
    ],
    ids=["missing column", "text in a number", "unknown currency", "empty file", "too many fields"],
)
def test_a_file_that_cannot_be_used(main, vendor, content, message):
    refused(main(*vendor(content)), "run", message)


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ('close = "Close"', 'closing = "Close"', r"closing is not known there; allowed: "),
        ('table = "prices"', 'table = "quotes"', r"table 'quotes' is not a raw table; known: securities"),
        ('path = "prices.csv"', 'path = "other.csv"', r"other\.csv is named in map map and not in vendor/; there is prices\.csv"),
        ("[[file]]", "[[file", r"map\.toml is not valid TOML"),
    ],
    ids=["a column that is not there", "a table that is not there", "a file that is not there", "not TOML"],
)
def test_a_map_that_is_wrong(main, vendor, old, new, message):
    refused(main(*vendor(HEADER + SOUND, MAP.replace(old, new))), "run", message)


def test_a_duplicated_file(main, vendor, tmp_path):
    words = vendor(HEADER + SOUND)
    shutil.copy(tmp_path / "vendor" / "prices.csv", tmp_path / "vendor" / "prices (copy).csv")
    refused(main(*words), "run", r"prices \(copy\)\.csv and prices\.csv have the same content")


def test_a_cut_archive(main, tmp_path):
    folder = tmp_path / "archives"
    folder.mkdir()
    daily(folder / "20150323.tar.gz", symbols_txt="AAA\n", prices_csv=QUOTE * 200, reports_csv=REPORTS)
    path = folder / "20150323.tar.gz"
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    words = ("run", "--source", "pystock", "--input", folder, "--home", tmp_path / "home")
    refused(main(*words), "run", r"20150323\.tar\.gz is cut")


def test_an_archive_of_a_day_in_the_future(main, tmp_path):
    folder = tmp_path / "archives"
    folder.mkdir()
    daily(folder / "20990323.tar.gz", symbols_txt="AAA\n", prices_csv=QUOTE, reports_csv=REPORTS)
    words = ("run", "--source", "pystock", "--input", folder, "--home", tmp_path / "home")
    refused(main(*words), "run", r"20990323\.tar\.gz.* in the future")


def test_a_row_of_a_day_in_the_future_is_found_without_loading_anything(main, vendor, tmp_path):
    vendor(f"{HEADER}{SOUND}A,2099-06-30,1,USD\n")
    code, out, _ = main("check", tmp_path / "vendor", "--map", tmp_path / "map.toml")
    assert code == 0
    assert re.search(r'WARN  prices\.csv \[prices\] future_date: 1 rows  row 202: .*"Date":"2099-06-30"', out)


def test_a_check_of_a_bad_file_ends_with_1_and_says_why(main, vendor, tmp_path):
    vendor("Ticker,Date,Last,Money\nA,2015-06-01,1,USD\n")
    code, out, _ = main("check", tmp_path / "vendor", "--map", tmp_path / "map.toml")
    assert code == 1
    assert re.search(r"ERROR prices\.csv \[prices\] missing_column: .*column 'Close' is named in map map", out)
    assert "1 of them ERROR" in out


def test_a_check_of_nothing(main, tmp_path):
    refused(main("check", tmp_path / "none"), "check", r"none is not there; give a file or a folder of vendor data")


def test_a_home_that_cannot_be_written(main, tmp_path):
    (tmp_path / "home").write_text("a file in the way")
    words = ("run", "--scale", "tiny", "--home", tmp_path / "home")
    refused(main(*words), "run", r"home .*/home cannot be written \(.+\); choose another with --home")


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (
            ("--from", "2031-01"),
            r"months 2031-01 to 2026-06 are not within the data, which go from 2024-01 to 2026-06; choose --from and --to inside",
        ),
        (("--to", "1999-12"), r"not within the data, which go from 2024-01 to 2026-06"),
        (("--from", "2026-05", "--to", "2026-04"), r"months 2026-05 to 2026-04 are not within"),
        (("--from", "2026-13"), r"--from '2026-13' is not a month; write it as YYYY-MM, e\.g\. 2026-01"),
        (("--to", "June"), r"--to 'June' is not a month"),
        (("--strategy", "moon_100"), r"strategy 'moon_100' is not known; known: major_100, next_major_100, samurai_25"),
        (("--source", "telex"), r"source 'telex' is not known; known: synthetic, pystock, drop"),
        (("--source", "drop"), r"source drop needs --map FILE"),
        (("--source", "pystock"), r"source pystock needs --input FOLDER"),
        (("--source", "pystock", "--input", "nowhere"), r"nowhere"),
    ],
)
def test_options_that_cannot_be(main, tmp_path, words, message):
    refused(main("run", "--scale", "tiny", "--home", tmp_path / "home", *words), "run", message)
    assert not (tmp_path / "home" / "config.toml").exists()
