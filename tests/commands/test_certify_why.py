"""`wg certify` and `wg why` on a home that `wg run` made."""

import polars as pl
import pytest

from wg_dagster.warehouse import Warehouse

ID, MONTH = "next_major_100", "2026-04"


def test_a_portfolio_of_a_run_is_certified(main, small_home):
    code, out, err = main("certify", ID, MONTH, "--home", small_home)
    assert (code, err) == (0, "")
    lines = out.splitlines()
    assert lines[0] == f"{ID} {MONTH}: solved, objective ratio"
    assert [line.split()[0] for line in lines[2:8]] == ["ratio", "bound", "gap", "risk_ratio", "beta", "names"]
    assert all(line.split()[-1] == line.split()[-2] for line in lines[2:8])
    assert any(line.startswith("volatility over the index's") for line in lines)
    assert lines[-1].startswith("certified: no portfolio of this mandate is better by more than 0.")


def test_a_tampered_portfolio_ends_with_1(main, own_home):
    lake = Warehouse(own_home)
    rows = lake.read("model_portfolios", months=[MONTH], scope=ID)
    first, last = rows["security_id"].min(), rows["security_id"].max()
    moved = pl.col("weight") + pl.when(pl.col("security_id") == first).then(1e-4).when(pl.col("security_id") == last).then(-1e-4).otherwise(
        0.0
    )
    lake.write_months("model_portfolios", rows.with_columns(weight=moved), [MONTH], scope=ID)
    lake.settle()
    lake.publish()
    code, out, _ = main("certify", ID, MONTH, "--home", own_home)
    assert code == 1
    assert "FAILED ratio stored is" in out
    assert "certified:" not in out


def test_a_month_without_proof_ends_with_1(main, small_home):
    code, out, _ = main("certify", "samurai_25", MONTH, "--home", small_home)
    assert code == 1
    assert "FAILED nothing was proven: " in out


def test_each_holding_and_each_near_miss_is_explained(main, small_home):
    decisions = Warehouse(small_home).read("decisions", months=[MONTH], scope=ID)
    held = decisions.filter(pl.col("weight") > 0)["security_id"][0]
    missed = decisions.filter(pl.col("weight") == 0).sort("reduced_cost", nulls_last=True)["security_id"][0]
    code, out, _ = main("why", ID, MONTH, held, "--home", small_home)
    assert code == 0
    assert out.startswith(f"{ID} {MONTH}, decided at the close of 2026-04-30\n")
    assert "is held with" in out
    assert "It beat" in out or "No other name could have taken" in out
    out = main("why", ID, MONTH, missed, "--home", small_home)[1]
    assert "is not held." in out
    assert "It lost to" in out


def test_a_security_may_be_named_by_ticker_or_name(main, small_home):
    lake = Warehouse(small_home)
    row = lake.read("decisions", months=[MONTH], scope=ID).row(0, named=True)
    known = lake.read("securities_clean", months=[MONTH]).filter(pl.col("security_id") == row["security_id"]).row(0, named=True)
    said = {
        text: main("why", ID, MONTH, text, "--home", small_home)[1] for text in (row["security_id"], known["vendor_symbol"], known["name"])
    }
    assert len(set(said.values())) == 1
    assert known["name"] in said[row["security_id"]]


def test_a_name_outside_of_the_universe_is_told_so(main, small_home):
    lake = Warehouse(small_home)
    members = lake.read("universe_members", months=[MONTH], scope=ID).select("security_id")
    others = lake.read("securities_clean", months=[MONTH]).filter(pl.col("market") == "US").join(members, on="security_id", how="anti")
    code, out, _ = main("why", ID, MONTH, others["security_id"][0], "--home", small_home)
    assert code == 0
    assert "was not looked at: it is not in the strategy's universe of this month" in out


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("certify", "growth_9", MONTH), "strategy 'growth_9' is not known"),
        (("certify", ID, "2019-01"), f"{ID} has no portfolio of 2019-01; months with one: 2026-04 to 2026-05"),
        (("why", ID, "2019-01", "x"), f"{ID} has no portfolio of 2019-01"),
        (("why", ID, MONTH, "no such name"), "no security of this month has the id, ticker or name 'no such name'"),
        (("why", "samurai_25", MONTH, "x"), f"samurai_25 decided nothing in {MONTH}: not_runnable"),
    ],
)
def test_what_is_not_there_is_refused(main, small_home, words, message):
    code, _, err = main(*words, "--home", small_home)
    assert code == 1
    assert message in err
