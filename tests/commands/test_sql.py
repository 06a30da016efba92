"""`wg sql`: four formats, every table, and nothing but the tables."""

import io
import json
import subprocess
import sys

import polars as pl
import pytest

from wg_dagster.schemas.columns import FACTORS
from wg_dagster.schemas.tables import TABLES

QUERY = "select month, count(*) as names, max(weight) as largest from model_portfolios where strategy = 'next_major_100' group by month order by month"
MONTHS = ["2026-04", "2026-05"]


def test_a_table_is_printed_with_its_number_of_rows(main, small_home):
    code, out, _ = main("sql", "--home", small_home, QUERY)
    assert code == 0
    assert all(word in out for word in ("month", "names", "largest", *MONTHS))
    assert out.rstrip().endswith("2 rows")


def test_csv_and_json_hold_the_same_rows(main, small_home):
    csv = pl.read_csv(io.StringIO(main("sql", "--home", small_home, QUERY, "--format", "csv")[1]))
    rows = json.loads(main("sql", "--home", small_home, QUERY, "--format", "json")[1])
    assert csv["month"].to_list() == MONTHS
    assert csv.to_dicts() == rows
    assert all(20 <= row["names"] <= 25 and row["largest"] < 0.1 for row in rows)


def test_parquet_goes_to_the_standard_output(small_home, tmp_path):
    with (tmp_path / "rows.parquet").open("wb") as file:
        command = [sys.executable, "-m", "wg_dagster.cli", "sql", "--home", str(small_home), QUERY, "--format", "parquet"]
        assert subprocess.run(command, stdout=file, check=False).returncode == 0
    assert pl.read_parquet(tmp_path / "rows.parquet")["month"].to_list() == MONTHS


def test_every_table_answers(main, small_home):
    counts = " union all ".join(f"select '{table}' as name, count(*) as rows from \"{table}\"" for table in TABLES)
    code, out, _ = main("sql", "--home", small_home, counts, "--format", "json")
    assert code == 0
    rows = {row["name"]: row["rows"] for row in json.loads(out)}
    assert set(rows) == set(TABLES)
    assert min(rows[name] for name in ("prices", "prices_clean", "factor_growth", "nav", "attribution", "letters", "checks")) > 0


def test_scores_have_a_long_form(main, small_home):
    code, out, _ = main("sql", "--home", small_home, "select distinct factor from factor_scores_long", "--format", "json")
    assert code == 0
    assert {row["factor"] for row in json.loads(out)} == set(FACTORS) - {"eps_stability"}  # it needs more years than this market has


def test_the_newest_commits_can_be_read_too(main, small_home):
    assert main("sql", "--home", small_home, QUERY, "--format", "csv", "--latest") == main(
        "sql", "--home", small_home, QUERY, "--format", "csv"
    )


@pytest.mark.parametrize(
    ("query", "message"),
    [
        ("selec 1", "syntax error"),
        ("select nothing from nav", 'column "nothing" not found'),
        ("select * from no_such_table", "no_such_table does not exist"),
    ],
)
def test_a_bad_query_says_what_is_wrong(main, small_home, query, message):
    code, _, err = main("sql", "--home", small_home, query)
    assert code == 1
    assert err.startswith("wg sql: the query failed: ")
    assert message.lower() in err.lower()


@pytest.mark.parametrize(
    "query",
    [
        "select * from read_csv('{outside}')",
        "select * from read_text('{outside}')",
        "copy (select 1) to '{new}'",
        "attach '{new}' as other",
        "export database '{new}'",
        "install httpfs",
        "set enable_external_access = true",
    ],
)
def test_a_query_reaches_nothing_outside_of_the_lake(main, small_home, tmp_path, query):
    outside, new = tmp_path / "outside.csv", tmp_path / "new.csv"
    outside.write_text("secret\n42\n")
    code, out, err = main("sql", "--home", small_home, query.format(outside=outside, new=new))
    assert code == 1
    assert "42" not in out
    assert err.startswith("wg sql: the query failed: ")
    assert not new.exists()


@pytest.mark.parametrize("query", ["drop view nav", "delete from nav", "insert into nav select * from nav", "update nav set nav = 0"])
def test_a_query_changes_no_table(main, small_home, query):
    count = ("sql", "--home", small_home, "select sum(nav) as s from nav", "--format", "csv")
    before = main(*count)
    main("sql", "--home", small_home, query)
    assert main(*count) == before


@pytest.mark.parametrize("before", ["", "explain analyze ", "select 1; "])
def test_nothing_in_the_lake_can_be_written_over(main, own_home, before):
    target = next((own_home / "lake" / "nav").rglob("*.parquet"))
    content = target.read_bytes()
    code, _, err = main("sql", "--home", own_home, f"{before}copy (select 1) to '{target}' (format parquet)")
    assert target.read_bytes() == content
    assert code == 1
    assert "wg sql answers one select" in err
