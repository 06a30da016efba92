"""`wg impact`: what a restatement and a vendor's revision would change, while history stands."""

from datetime import date

import polars as pl
import pytest

from wg_dagster.calendars import end_of_day, months_between
from wg_dagster.proof.impact import SCHEMA, TURNOVER, impact
from wg_dagster.walk import rebuild
from wg_dagster.warehouse import Warehouse

STRATEGY = "next_major_100"
LAST = "2026-05"
RESTATED_ON = date(2026, 6, 10)  # after both months were decided
HALVED = ["revenue", "operating_profit", "pretax_income", "net_income", "eps_basic", "eps_diluted"]


class Revised:
    """A source that delivers these rows and nothing else."""

    name = "revised"

    def __init__(self, **tables):
        self.tables = tables

    def span(self):
        return "2026-03", "2026-06"

    def identity(self):
        return "revised"

    def load(self, months):
        yield from ((table, rows.filter(pl.col("month").is_in(list(months)))) for table, rows in self.tables.items())


@pytest.fixture
def held(small_home):
    """Symbol and id of the largest holding of April that filed in the months before."""
    lake = Warehouse(small_home)
    weights = lake.read("model_portfolios", months=["2026-04"], scope=STRATEGY)
    names = lake.read("securities_clean", months=["2026-04"]).select("security_id", "vendor_symbol")
    filed = lake.read("fundamentals").filter((pl.col("month") < "2026-04") & (pl.col("filing_type") == "original"))
    rows = weights.join(names, on="security_id").filter(pl.col("vendor_symbol").is_in(filed["vendor_symbol"].unique().implode()))
    return rows.sort("weight", "security_id", descending=True).select("vendor_symbol", "security_id", "weight").row(0)


def restatement(lake, symbol):
    """The newest statement known before April, halved, filed in June."""
    known = (pl.col("vendor_symbol") == symbol) & (pl.col("month") < "2026-04") & (pl.col("filing_type") == "original")
    row = lake.read("fundamentals").filter(known).sort("period_end_date", "known_at").tail(1)
    at = pl.lit(end_of_day("XNYS", RESTATED_ON)).dt.cast_time_unit("us").dt.convert_time_zone("UTC")
    said = [pl.lit(value).alias(name) for name, value in (("month", "2026-06"), ("source_file", "restated"), ("filing_type", "amendment"))]
    return row.with_columns(pl.col(HALVED) * 0.5, at.alias("known_at"), *said)


def test_nothing_would_change_where_nothing_has_arrived(small_home):
    found = impact(Warehouse(small_home), None)
    assert found.news.is_empty()
    assert found.changes.is_empty()


@pytest.mark.slow
def test_the_coming_month_of_the_source_restates_and_changes_nothing_that_was_known(main, small_home, tmp_path):
    """The home was run up to May; the source has June by now, in which companies restated earlier quarters."""
    code, out, _ = main("impact", "--home", small_home, "--out", tmp_path / "june.csv")
    assert code == 0
    assert "will change these figures: nothing" in out
    assert "  fundamentals             restated" in out
    assert set(pl.read_csv(tmp_path / "june.csv")["event"]) <= {"hindsight"}


@pytest.mark.slow
def test_a_restatement_changes_the_view_with_hindsight_and_not_what_was_known(small_home, held):
    symbol, security_id, weight = held
    lake = Warehouse(small_home)
    before = Warehouse(small_home, latest=True).versions()
    found = impact(lake, Revised(fundamentals=restatement(lake, symbol)))
    assert found.news.rows() == [("fundamentals", "restated", 1, "2026-06", "2026-06")]
    assert set(found.changes["event"]) == {"hindsight"}
    activity = found.changes.filter(pl.col("table") == "factor_activity")
    assert activity.select("month", "security_id", "item").rows() == [(m, security_id, "asset_turnover") for m in ("2026-04", "2026-05")]
    assert (activity["change"] < 0).all()  # half the sales of a quarter
    own = found.changes.filter(
        (pl.col("table") == "model_portfolios") & (pl.col("month") == "2026-04") & (pl.col("security_id") == security_id)
    )
    assert own["before"].to_list() == [weight]
    assert own["basis_points"].item() == pytest.approx((own["after"].item() - weight) * 1e4)
    assert Warehouse(small_home, latest=True).versions() == before


@pytest.mark.slow
def test_the_turnover_is_half_of_what_the_weights_move_and_the_value_follows(small_home, held):
    lake = Warehouse(small_home)
    changes = impact(lake, Revised(fundamentals=restatement(lake, held[0]))).changes
    weights = changes.filter((pl.col("table") == "model_portfolios") & (pl.col("month") == "2026-04"))
    told = weights.filter(pl.col("item") == TURNOVER)["basis_points"].item()
    moved = weights.filter(pl.col("item") == "weight")
    assert told == pytest.approx(moved["basis_points"].abs().sum() / 2)
    assert moved["basis_points"].sum() == pytest.approx(0.0, abs=1e-4)
    assert moved["basis_points"].abs().to_list() == sorted(moved["basis_points"].abs(), reverse=True)
    nav = changes.filter((pl.col("table") == "nav") & pl.col("item").str.ends_with(" nav"))
    stored = lake.read("nav", scope=STRATEGY).sort("session_date")["nav"][-1]
    last = nav.filter(pl.col("item").str.starts_with("2026-05-29"))
    assert last["before"].item() == stored
    assert last["basis_points"].item() == pytest.approx((last["after"].item() / stored - 1) * 1e4)


@pytest.mark.slow
def test_a_filing_of_the_past_that_arrives_late_changes_what_was_known(main, own_home, held, tmp_path):
    """The same halved figures, but dated in March: the next run will rebuild April and May with them."""
    symbol, security_id, _ = held
    lake = Warehouse(own_home)
    at = pl.lit(end_of_day("XNYS", date(2026, 3, 20))).dt.cast_time_unit("us").dt.convert_time_zone("UTC")
    late = restatement(lake, symbol).with_columns(at.alias("known_at"), pl.lit("2026-03").alias("month"))
    Warehouse(own_home).append_new("fundamentals", late)  # landed, not built
    code, out, _ = main("impact", "--home", own_home, "--since", "1", "--top", "1", "--out", tmp_path / "changes.parquet")
    assert code == 0
    assert "the next `wg run` will change these figures: nothing" not in out
    changes = pl.read_parquet(tmp_path / "changes.parquet")
    assert changes.schema == SCHEMA
    reproduced = changes.filter(pl.col("event") == "reproduced")
    assert set(reproduced.filter(pl.col("table") == "factor_activity")["security_id"]) == {security_id}
    assert set(reproduced["month"]) == {"2026-04", "2026-05"}


@pytest.mark.slow
def test_a_vendor_s_revision_moves_a_past_portfolio_as_the_next_run_then_does(own_home, held):
    """The newest statement of the largest holding halved, at the same instant; what was told is held against the portfolios built afterwards."""
    symbol, security_id, weight = held
    lake = Warehouse(own_home)
    known = lake.read("fundamentals").join(restatement(lake, symbol), on=["vendor_symbol", "period_end_date", "fiscal_period"], how="semi")
    first = known.sort("known_at").row(0, named=True)
    told = [pl.lit(first[name]).alias(name) for name in ("known_at", "month")]
    revised = restatement(lake, symbol).with_columns(told).cast(known.schema)
    found = impact(lake, Revised(fundamentals=revised))
    assert found.news.rows() == [("fundamentals", "revised", 1, first["month"], first["month"])]
    assert set(found.changes["event"]) == {"reproduced"}
    of_april = found.changes.filter((pl.col("table") == "model_portfolios") & (pl.col("month") == "2026-04"))
    assert of_april.filter(pl.col("item") == TURNOVER)["basis_points"].item() > 50
    weights = Warehouse(own_home, latest=True).read("model_portfolios", months=["2026-04"], scope=STRATEGY)
    assert weights.filter(pl.col("security_id") == security_id)["weight"].item() == weight  # nothing has been changed

    latest = Warehouse(own_home, latest=True)
    latest.append_new("fundamentals", revised)
    history = months_between(min(latest.months("prices")), LAST)
    rebuild(latest, history=history, months=["2026-04", LAST], strategies=[STRATEGY], until="portfolio")
    again = latest.read("model_portfolios", months=["2026-04"], scope=STRATEGY)
    after = dict(of_april.filter(pl.col("item") == "weight").select("security_id", "after").rows())
    expected = dict(weights.select("security_id", "weight").rows()) | after
    assert dict(again.select("security_id", "weight").rows()) == {name: value for name, value in expected.items() if value}


@pytest.mark.slow
def test_a_revised_close_is_told_as_a_revision(small_home, held):
    """A close of May that the vendor now gives 3 % higher, at the same instant: the later line stands or both are set aside, and it is told."""
    lake = Warehouse(small_home)
    rows = lake.read("prices", months=[LAST]).filter(pl.col("vendor_symbol") == held[0]).sort("session_date")
    revised = rows[[10]].with_columns(pl.col("close") * 1.03, pl.col("high") * 1.03, pl.lit("revised").alias("source_file"))
    found = impact(lake, Revised(prices=revised))
    assert found.news.select("table", "kind", "rows").rows() == [("prices", "revised", 1)]
    assert set(found.changes["event"]) <= {"reproduced"}


def test_a_snapshot_that_is_not_there_is_refused(main, small_home):
    code, _, err = main("impact", "--since", "99", "--home", small_home)
    assert code == 1
    assert "snapshot 99 is not there" in err


def test_a_report_must_be_of_a_kind_that_we_write(main, small_home, tmp_path):
    code, _, err = main("impact", "--home", small_home, "--out", tmp_path / "changes.xlsx")
    assert code == 1
    assert "must end in .parquet or .csv" in err
