"""Statements, forecasts and announcements of the synthetic market: they add up, and they know nothing of tomorrow."""

from functools import cache

import numpy as np
import polars as pl
import pytest
from scipy.stats import spearmanr

from wg_dagster.ingest.synthetic import SyntheticMarket
from wg_dagster.ingest.synthetic_market.business import ROW
from wg_dagster.ingest.synthetic_market.filings import _amendments, statement_items
from wg_dagster.ingest.synthetic_market.schedule import BEFORE
from wg_dagster.ingest.synthetic_market.weather import STYLES

QUARTERS = ("Q1", "Q2", "Q3")


@cache
def market() -> SyntheticMarket:
    return SyntheticMarket(5, scale="tiny", n_us=200, n_jp=60, first="2020-01", last="2025-12")


@cache
def table(name: str) -> pl.DataFrame:
    return pl.concat([rows for label, rows in market().load(market().parameters.months) if label == name])


@cache
def filings(country: str, kind: str = "original") -> pl.DataFrame:
    """Filings without the planted faults and without the receipts."""
    faults = market().truth()["faults"].filter(pl.col("table") == "fundamentals").select("vendor_symbol", period_end_date="date")
    rows = table("fundamentals").filter((pl.col("filing_type") == kind) & pl.col("source_file").str.starts_with(f"fundamentals/{country}/"))
    rows = rows.join(faults, on=["vendor_symbol", "period_end_date"], how="anti")
    return rows if country == "jp" else rows.filter(pl.col("accounting_standard") == "usgaap")


def wide(country: str, item: str) -> pl.DataFrame:
    """One row a line and fiscal year: the item of Q1, Q2, Q3, FY where all four were filed."""
    rows = filings(country).pivot("fiscal_period", index=["vendor_symbol", "fiscal_year"], values=item, aggregate_function="first")
    return rows.drop_nulls(["Q1", "Q2", "Q3", "FY"])


@pytest.mark.parametrize("country", ["us", "jp"])
def test_assets_are_liabilities_and_equity(country: str) -> None:
    step = 1e3 if country == "us" else 1e6  # each of three figures is rounded to this
    rows = filings(country)
    assert rows.height > 500
    assert rows.select((pl.col("assets") - pl.col("total_liabilities") - pl.col("equity")).abs().max()).item() <= 1.5 * step


@pytest.mark.parametrize("country", ["us", "jp"])
def test_the_change_of_cash_is_the_sum_of_the_three_cash_flows(country: str) -> None:
    step = 1e3 if country == "us" else 1e6
    rows = filings(country).filter(pl.col("fiscal_period") == "FY").sort("vendor_symbol", "fiscal_year")
    change = pl.col("cash") - pl.col("cash").shift(1).over("vendor_symbol")
    flows = pl.col("operating_cash_flow") + pl.col("investing_cash_flow") + pl.col("financing_cash_flow")
    follows = pl.col("fiscal_year") == pl.col("fiscal_year").shift(1).over("vendor_symbol") + 1
    off = rows.select(pl.when(follows).then((change - flows).abs())).to_series().drop_nulls()
    assert len(off) > 50
    assert off.max() <= 2.5 * step


def test_new_york_files_quarters_alone_for_income_and_year_to_date_for_cash_flows() -> None:
    assert filings("us")["income_is_cumulative"].unique().to_list() == [False]
    assert filings("us")["cash_flow_is_cumulative"].unique().to_list() == [True]
    assert set(filings("us")["fiscal_period"]) == {*QUARTERS, "FY"}
    revenue = wide("us", "revenue")
    fourth = revenue["FY"] - revenue["Q1"] - revenue["Q2"] - revenue["Q3"]
    mean = (revenue["Q1"] + revenue["Q2"] + revenue["Q3"]) / 3
    assert ((fourth / mean).is_between(0.4, 2.0)).all()


def test_tokyo_files_everything_from_the_start_of_the_year() -> None:
    assert filings("jp")["income_is_cumulative"].unique().to_list() == [True]
    assert filings("jp")["cash_flow_is_cumulative"].unique().to_list() == [True]
    revenue = wide("jp", "revenue")
    assert revenue.filter(~((pl.col("Q1") < pl.col("Q2")) & (pl.col("Q2") < pl.col("Q3")) & (pl.col("Q3") < pl.col("FY")))).is_empty()


@pytest.mark.parametrize(
    ("country", "items"), [("US", ("revenue", "net_income", "operating_cash_flow")), ("JP", ("revenue", "net_income"))]
)
def test_filings_sum_the_months_that_they_cover(country: str, items: tuple[str, ...]) -> None:
    """Month by month in plain Python, for a hundred filings spread over the market."""
    one = market().simulated[country]
    values, q = statement_items(one), one.quarters
    step = 1e3 if country == "US" else 1e6
    for k in range(0, len(q.company), len(q.company) // 100):
        for item in items:
            cumulative = country == "JP" or item == "operating_cash_flow" or q.period[k] == "FY"
            months = int(q.months_into_year[k]) if cumulative else 3
            by_hand = sum(one.accounts[q.end[k] - back, ROW[item], q.slot[k]] for back in range(months))
            assert values[item][k] == pytest.approx(by_hand, abs=0.51 * step)


def test_fiscal_year_is_the_sum_of_its_four_quarters() -> None:
    one = market().simulated["US"]
    values, q = statement_items(one), one.quarters
    at = {(int(c), int(y), str(p)): k for k, (c, y, p) in enumerate(zip(q.company, q.fiscal_year, q.period, strict=True))}
    checked = 0
    for (company, year, period), k in at.items():
        parts = [at.get((company, year, quarter)) for quarter in QUARTERS]
        if period == "FY" and None not in parts:
            fourth = sum(one.accounts[q.end[k] - back, ROW["net_income"], q.slot[k]] for back in range(3))
            total = sum(values["net_income"][part] for part in parts) + fourth
            assert values["net_income"][k] == pytest.approx(total, abs=2.5e3)
            checked += 1
    assert checked > 300


def test_most_japanese_years_end_in_march_and_one_us_company_closes_on_saturdays() -> None:
    ends = filings("jp").filter(pl.col("fiscal_period") == "FY")["period_end_date"].dt.month()
    assert (ends == 3).mean() > 0.5
    saturday = table("fundamentals").filter(pl.col("period_end_date").dt.weekday() == 6)
    weekly = filings("us").group_by("vendor_symbol").agg(all_saturdays=(pl.col("period_end_date").dt.weekday() == 6).all())
    assert saturday.height
    assert weekly.filter("all_saturdays").height == 1


def test_financials_have_no_operating_profit_and_ifrs_no_ordinary_profit() -> None:
    financial = table("securities").filter("is_financial").select("vendor_symbol").unique()
    theirs = filings("us").join(financial, on="vendor_symbol", how="semi")
    assert theirs.height
    for item in ("operating_profit", "current_assets", "current_liabilities"):
        assert theirs[item].null_count() == theirs.height
    ifrs = filings("jp").filter(pl.col("accounting_standard") == "ifrs")
    assert ifrs.height
    assert ifrs["ordinary_profit"].null_count() == ifrs.height
    assert filings("jp").filter(pl.col("accounting_standard") == "jgaap")["ordinary_profit"].null_count() == 0
    told = table("forecasts").join(ifrs.select("vendor_symbol").unique(), on="vendor_symbol", how="semi")
    assert set(told["item"]) == {"revenue", "operating_profit", "net_income"}


def test_filings_come_after_their_period_and_the_late_ones_are_few() -> None:
    for country, zone in (("us", "America/New_York"), ("jp", "Asia/Tokyo")):
        rows = filings(country).with_columns(day=pl.col("known_at").dt.convert_time_zone(zone).dt.date())
        lag = rows.select((pl.col("day") - pl.col("period_end_date")).dt.total_days()).to_series()
        assert lag.min() >= 20
        assert lag.max() > 60
        assert (lag > 75).mean() < 0.10


def test_amendments_follow_their_originals_and_bad_news_more_often() -> None:
    key = ["vendor_symbol", "period_end_date", "fiscal_period"]
    amended = filings("us", "amendment").join(filings("us").select(*key, first="known_at"), on=key)
    assert amended.height > 30
    assert (amended["known_at"] > amended["first"]).all()
    embedded = SyntheticMarket()
    one = embedded.simulated["US"]
    chosen, _, _ = _amendments(embedded.parameters, one, statement_items(one))
    bad = one.quarters.news < -1
    was = np.isin(np.arange(len(bad)), chosen)
    assert was[bad].mean() > 1.8 * was[~bad].mean()


def test_what_is_missing_is_missing_among_the_small() -> None:
    caps = market().simulated["US"].companies
    large = {symbols[0][0] for k, symbols in enumerate(caps.symbols) if caps.lives.size[k] > 0.25}
    rows = filings("us").with_columns(is_large=pl.col("vendor_symbol").is_in(large))
    missing = dict(rows.group_by("is_large").agg((pl.col("debt").is_null() | pl.col("eps_diluted").is_null()).mean()).iter_rows())
    assert missing[False] > 1.3 * missing[True] > 0


def test_earnings_a_share_times_shares_is_net_income() -> None:
    twins = table("securities").filter(pl.col("share_class").is_not_null()).select("vendor_symbol")
    rows = filings("us").join(twins, on="vendor_symbol", how="anti").filter(pl.col("eps_basic").abs() > 0.1)
    ratio = rows.select(pl.col("eps_basic") * pl.col("shares_outstanding") / pl.col("net_income")).to_series()
    assert ratio.is_between(0.997, 1.003).all()


def test_shares_of_two_classes_add_up_to_the_firm() -> None:
    classes = table("securities").filter(pl.col("share_class").is_not_null()).select("vendor_symbol", "issuer").unique()
    rows = filings("us").join(classes, on="vendor_symbol")
    firm = rows.group_by("issuer", "period_end_date", "fiscal_period").agg(
        pl.col("shares_outstanding").sum(), pl.len(), pl.col("eps_basic").first(), pl.col("net_income").unique()
    )
    assert firm["len"].unique().to_list() == [2]
    assert firm["net_income"].list.len().unique().to_list() == [1]
    sure = firm.filter(pl.col("eps_basic").abs() > 0.1)
    ratio = sure.select(pl.col("eps_basic") * pl.col("shares_outstanding") / pl.col("net_income").list.first()).to_series()
    assert ratio.is_between(0.997, 1.003).all()


def test_the_receipt_that_files_in_yen_is_worth_as_many_dollars() -> None:
    receipts = table("securities").filter(pl.col("security_type") == "adr").select("vendor_symbol", "adr_ratio")
    rows = table("fundamentals").join(receipts, on="vendor_symbol").filter(pl.col("accounting_standard") == "ifrs")
    assert set(rows["currency"]) == {"USD", "JPY"}
    in_yen = rows.filter(pl.col("currency") == "JPY")
    assert in_yen["adr_ratio"].unique().to_list() == [2.0]
    known = rows.filter((pl.col("eps_basic").abs() > 0.1) & (pl.col("filing_type") == "original"))
    ratio = known.select(pl.col("eps_basic") * pl.col("shares_outstanding") / pl.col("net_income")).to_series()
    assert ratio.is_between(0.99, 1.01).all()


def test_announced_surprises_follow_the_news_and_move_the_price() -> None:
    one = market().simulated["US"]
    rows = table("earnings_announcements")
    assert set(rows["release_time"]) == {"pre", "during", "post", None}
    assert rows.filter(pl.col("announcement_date") <= pl.col("period_end_date")).is_empty()
    q = one.quarters
    symbol = one.companies.first_symbols[q.company]
    news = pl.DataFrame(
        {
            "vendor_symbol": pl.Series(symbol, dtype=pl.String),
            "period_end_date": pl.Series(q.period_end.astype("datetime64[D]")),
            "news": q.news,
        }
    )
    joined = rows.join(news, on=["vendor_symbol", "period_end_date"]).with_columns(surprise=pl.col("actual_eps") - pl.col("estimate_eps"))
    assert joined.select(pl.corr("surprise", "news", method="spearman")).item() > 0.4


def test_forecasts_of_a_year_come_before_its_results_and_start_too_high() -> None:
    rows = table("forecasts")
    assert rows["issuer_of_forecast"].unique().to_list() == ["company"]
    assert rows.filter(pl.col("known_at").dt.date() > pl.col("fiscal_year_end_date")).is_empty()
    actual = (
        filings("jp").filter(pl.col("fiscal_period") == "FY").select("vendor_symbol", "net_income", fiscal_year_end_date="period_end_date")
    )
    told = rows.filter(pl.col("item") == "net_income").sort("known_at").group_by("vendor_symbol", "fiscal_year_end_date")
    both = told.agg(first=pl.col("value").first(), last=pl.col("value").last(), times=pl.len()).join(
        actual, on=["vendor_symbol", "fiscal_year_end_date"]
    )
    assert both.height > 80
    assert both["times"].max() > 1
    scale = both["net_income"].abs()
    assert ((both["last"] - both["net_income"]).abs() / scale).median() < ((both["first"] - both["net_income"]).abs() / scale).median()


def test_accounts_show_the_latent_traits_only_through_noise() -> None:
    """Margins rank with quality, sales growth with the growth trait; neither perfectly."""
    one = market().simulated["US"]
    q, values = one.quarters, statement_items(one)
    annual = np.flatnonzero(q.period == "FY")
    traits = one.companies.lives.traits[np.clip(q.end - BEFORE, 0, None), :, q.slot]
    margin = values["net_income"] / values["revenue"]
    assert 0.15 < spearmanr(margin[annual], traits[annual, STYLES.index("quality")]).statistic < 0.8
    following = annual[1:][q.company[annual[1:]] == q.company[annual[:-1]]]
    before = annual[:-1][q.company[annual[1:]] == q.company[annual[:-1]]]
    growth = values["revenue"][following] / values["revenue"][before]
    assert 0.10 < spearmanr(growth, traits[before, STYLES.index("growth")]).statistic < 0.8
