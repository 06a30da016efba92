"""The public US files of 2015, landed and cleaned: who has a market cap, how good inferred share counts are, what met each known defect."""

import os
import re
from datetime import date
from pathlib import Path

import polars as pl
import pytest

from wg_dagster.calendars import months_between
from wg_dagster.ingest.registry import open_adapter
from wg_dagster.quality.history import figure_of
from wg_dagster.quality.thresholds import THRESHOLDS
from wg_dagster.walk import walk
from wg_dagster.warehouse import Warehouse

pytestmark = pytest.mark.real
ROOT = Path(__file__).parents[2]
MONTHS = months_between("2013-05", "2015-12")
LIST_DAY = date(2015, 9, 11)  # the last session before the exchange's list of 2015-09-13


@pytest.fixture(scope="module")
def folder():
    if "WG_REAL_DATA" not in os.environ:
        pytest.skip("WG_REAL_DATA is not set")
    return Path(os.environ["WG_REAL_DATA"])


@pytest.fixture(scope="module")
def lake(folder, shared):
    """The cleaned home; WG_REAL_HOME names one that was built before, to save a minute of processor time."""

    def build(home):
        warehouse = Warehouse(home)
        walk(
            warehouse, open_adapter("drop", map=ROOT / "examples" / "us_2015.toml", input=folder), history=MONTHS, months=[], until="clean"
        )
        warehouse.publish()

    return Warehouse(Path(os.environ["WG_REAL_HOME"]) if "WG_REAL_HOME" in os.environ else shared("real_2015", build))


@pytest.fixture(scope="module")
def symbols(lake):
    """| vendor_symbol | security_id | of pystock."""
    mapped = lake.read("security_map").filter(pl.col("source") == "pystock")
    return mapped.sort("valid_from").unique("vendor_symbol", keep="last").select("vendor_symbol", "security_id")


def test_names_with_a_price_a_report_and_a_sector_have_market_cap_and_fundamentals(lake, symbols, capsys):
    month = "2015-12"
    prices = lake.read("prices_clean", months=[month])
    last = prices.filter(pl.col("session_date") == prices["session_date"].max())
    sectors = lake.read("securities_clean", months=[month]).filter(pl.col("sector").is_not_null()).select("security_id")
    filed = lake.read("fundamentals").filter(pl.col("source") == "pystock").join(symbols, on="vendor_symbol").select("security_id").unique()
    known = lake.read("fundamentals_clean").select("security_id").unique()
    reachable = last.join(sectors, on="security_id", how="semi").join(filed, on="security_id", how="semi")
    reached = reachable.filter(pl.col("market_cap").is_not_null()).join(known, on="security_id", how="semi")
    with capsys.disabled():
        print(f"\nreachable {reachable.height}, reached {reached.height} ({reached.height / reachable.height:.1%})")
    assert reachable.height > 3_500
    assert reached.height >= 0.95 * reachable.height


def test_inferred_shares_agree_with_the_exchange_s_own_market_caps(lake, symbols, folder, capsys):
    """The list judges and never feeds: no station reads its market caps."""
    parts = pl.col("MarketCap").str.extract_groups(r"\$([0-9.]+)([MB]?)").struct
    unit = parts.field("2").replace_strict({"M": 1e6, "B": 1e9}, default=1.0, return_dtype=pl.Float64)
    told = pl.read_parquet(folder / "us_companylist_20150913.parquet").select(
        pl.col("Symbol").str.strip_chars().alias("vendor_symbol"), (parts.field("1").cast(pl.Float64, strict=False) * unit).alias("told")
    )
    told = told.filter(pl.col("told") > 0).unique("vendor_symbol", keep="first", maintain_order=True).join(symbols, on="vendor_symbol")
    ours = lake.read("prices_clean", months=["2015-09"]).filter(pl.col("session_date") == LIST_DAY).drop_nulls("market_cap")
    both = ours.join(told, on="security_id").with_columns((pl.col("market_cap") / pl.col("told")).alias("ratio"))
    for name, rows, bar in (("all", both, 0.84), ("above 2 bn USD", both.filter(pl.col("told") > 2e9), 0.90)):
        within = rows.filter(pl.col("ratio").is_between(0.9, 1.1)).height / rows.height
        with capsys.disabled():
            print(f"\nshares, {name}: {rows.height} names, median ratio {rows['ratio'].median():.3f}, within 10 %: {within:.1%}")
        assert within >= bar


def test_two_price_sources_tell_the_same_returns_but_for_half_a_per_cent(lake, capsys):
    """Traded closes with read actions against closes that were adjusted in 2017: 100,000 sessions a month in both."""
    verdicts = figure_of(lake.read("checks").filter(pl.col("check_name") == "sources_disagree")).sort("month")
    with capsys.disabled():
        print(f"\nsources disagree: {dict(verdicts.select('month', 'figure').iter_rows())}")
    assert verdicts["month"].to_list() == months_between("2015-03", "2015-12")
    assert verdicts["total_rows"].min() > 25_000
    assert 0.002 < verdicts["figure"].min() < verdicts["figure"].max() < 0.0075
    assert verdicts["passed"].all()


def test_warnings_of_the_clean_tables_are_rare(lake, capsys):
    """Of the checks that count names or statements, few months have more than their sources usually show."""
    counts = [check for check, threshold in THRESHOLDS.items() if threshold.limit == 0.0]
    judged = lake.read("checks").filter(pl.col("check_name").is_in(counts))
    warned = judged.filter(~pl.col("passed"))
    with capsys.disabled():
        print(f"\nwarnings: {warned.height} of {judged.height} verdicts")
    assert warned.height <= 0.10 * judged.height


def documented():
    """The rows of the table of defects: defect -> (rule, count)."""
    text = (ROOT / "docs" / "data-quality.md").read_text()
    section = text[text.index("## The defects of the public files") :]
    rows = re.findall(r"^\| ([^|]+) \| ([^|]+) \| ([^|]+) \| ([^|]+) \|$", section, flags=re.MULTILINE)[2:]
    return {defect: (rule, count) for defect, rule, _, count in rows}


def test_every_defect_has_the_rule_and_the_count_of_the_documentation(lake):
    told = documented()
    assert len(told) >= 20
    counts = lake.read("quarantine").group_by("table", "rule").len()
    held = {f"{table}.{rule}": count for table, rule, count in counts.iter_rows()}
    flags = {
        f"{table}.{flag}": count
        for table in ("prices_clean", "fundamentals_clean", "securities_clean", "corporate_actions", "announcements_clean")
        for flag, count in lake.read(table, columns=["quality"])
        .select(pl.col("quality").str.split(",").explode())
        .filter(pl.col("quality") != "")
        .group_by("quality")
        .len()
        .iter_rows()
    }
    counts = [check for check, threshold in THRESHOLDS.items() if threshold.limit == 0.0]
    told_of = figure_of(lake.read("checks").filter(pl.col("check_name").is_in(counts))).group_by("check_name").agg(pl.col("figure").sum())
    measured = held | flags | {f"check.{name}": int(count) for name, count in told_of.iter_rows()}
    for defect, (rule, count) in told.items():
        if count.replace(",", "").isdigit():
            assert measured.get(rule.strip("`"), 0) == int(count.replace(",", "")), (defect, rule)
