"""`wg status` and the homes that commands refuse."""

import re

import polars as pl
import pytest

from wg_dagster.chain import clean_stations, strategy_stations
from wg_dagster.strategies import STRATEGIES
from wg_dagster.warehouse import Warehouse


def lines_of(text):
    """Station -> (present, stale, missing, failed)."""
    return {match[1]: tuple(map(int, match[0].split()[1:])) for match in re.finditer(r"^([\w.]+)(?:\s+\d+){4}$", text, flags=re.MULTILINE)}


def test_after_a_run_its_months_are_present_and_the_others_missing(main, small_home):
    code, out, _ = main("status", "--home", small_home)
    assert code == 0
    assert "synthetic, portfolios from 2026-04, data to 2026-06" in out
    found = lines_of(out)
    assert len(found) == 1 + len(clean_stations()) + 1 + len(STRATEGIES) * len(strategy_stations())
    assert found["raw"] == found["clean.prices"] == (19, 0, 1, 0)  # 2024-11 to 2026-05; 2026-06 is missing
    assert found["factors"] == found["samurai_25.letter"] == (2, 0, 1, 0)


def test_a_changed_input_makes_what_rests_on_it_stale(main, own_home):
    lake = Warehouse(own_home)
    rates = lake.read("rates_clean", months=["2026-05"])
    lake.write_months("rates_clean", rates.with_columns(pl.col("value") * 2), ["2026-05"])
    lake.settle()
    lake.publish()
    found = lines_of(main("status", "--home", own_home)[1])
    assert found["clean.rates"][1] == 1
    assert found["factors"][1] == 1
    assert found["clean.prices"][1] == 0


def test_a_failed_month_is_counted_and_ends_with_1(main, own_home):
    lake = Warehouse(own_home)
    checks = lake.read("checks", months=["2026-05"], scope="factors")
    failed = checks.with_columns(pl.lit(False).alias("passed"), pl.lit("ERROR").alias("severity"))
    lake.write_months("checks", failed, ["2026-05"], scope="factors")
    lake.settle()
    lake.publish()
    code, out, _ = main("status", "--home", own_home)
    assert code == 1
    assert lines_of(out)["factors"][3] == 1


@pytest.mark.parametrize("words", [("status",), ("sql", "select 1"), ("ui",)])
def test_a_home_without_a_run_says_how_to_start(main, tmp_path, words):
    code, out, err = main(*words, "--home", tmp_path / "new")
    assert (code, out) == (1, "")
    assert (
        err
        == f"wg {words[0]}: home {tmp_path}/new holds no config.toml: nothing was run here yet; start with `wg run --home {tmp_path}/new`\n"
    )
    assert not (tmp_path / "new").exists()


def test_a_home_of_another_source_is_refused(main, own_home):
    code, _, err = main("run", "--home", own_home, "--seed", "7")
    assert code == 1
    assert err == f"wg run: home {own_home} was made for other input (seed differ); choose another with --home\n"


def test_a_second_run_finds_nothing_to_do(main, own_home):
    before = Warehouse(own_home).versions()
    code, out, _ = main("run", "--home", own_home, "--from", "2026-04", "--to", "2026-05")
    assert code == 0
    assert "nothing has changed since the last run: no work, no commit" in out
    assert Warehouse(own_home).versions() == before


def test_the_run_says_what_came_out_and_where_to_look(small_home):
    said = (small_home / "said.txt").read_text()
    assert re.search(r"^next_major_100__letter +2 built +[\d,]+ rows", said, flags=re.MULTILINE)
    assert "next_major_100: 2 months solved" in said
    assert "samurai_25: 2 months not_runnable" in said
    assert re.search(r"quarantine: \d+ rows; duplicate \d+", said)
    assert f"Letters: {small_home}/letters/index.html" in said.splitlines()[-1]


def test_a_port_that_is_taken_is_refused(main, small_home):
    import socket

    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        code, _, err = main("ui", "--home", small_home, "--port", port)
    assert code == 1
    assert err == f"wg ui: port {port} cannot be used (Address already in use); choose another with --port\n"
