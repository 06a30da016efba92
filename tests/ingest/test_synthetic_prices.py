"""Returns, indexes and the event of January 2026 in the synthetic market."""

import math
from functools import cache
from itertools import pairwise

import numpy as np
import polars as pl
import pytest

from wg_dagster.calendars import session_dates
from wg_dagster.ingest.synthetic import SyntheticMarket
from wg_dagster.ingest.synthetic_market import returns, weather
from wg_dagster.ingest.synthetic_market.events import SHOCK, event_sizes
from wg_dagster.ingest.synthetic_market.market import Simulated
from wg_dagster.ingest.synthetic_market.parameters import parameters
from wg_dagster.ingest.synthetic_market.sectors import HARDWARE, INDUSTRIES, SOFTWARE


@cache
def years() -> SyntheticMarket:
    return SyntheticMarket(3, scale="tiny", n_us=160, n_jp=120, first="2020-01", last="2025-12")


@cache
def tables() -> dict[str, pl.DataFrame]:
    parts: dict[str, list[pl.DataFrame]] = {}
    for table, rows in years().load(years().parameters.months):
        parts.setdefault(table, []).append(rows)
    return {table: pl.concat(rows) for table, rows in parts.items()}


def log_returns(simulated: Simulated) -> np.ndarray:
    return np.concatenate([month.log_return for month in simulated.months])


# -- prices --------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("market", ["US", "JP"])
def test_price_split_and_dividend_give_back_the_total_return(market: str) -> None:
    """(close x split + dividend) / previous close - 1, up to the rounding of quotes; over splits of all kinds and all dividends."""
    simulated = years().simulated[market]
    splits = dividends = 0
    for month in simulated.months:
        before = np.vstack([month.previous[None, :], month.close[:-1]])
        simple = (month.close * month.split + month.dividend) / before - 1
        tick = 0.01 if market == "US" else 1.0
        # Each quote is off by half a tick at most, the new one times the split, the old one times the growth; dividends by half a cent.
        growth = np.exp(month.log_return)
        slack = (0.5 * tick * month.split + 0.5 * tick * growth + 0.006) / before
        seen = ~np.isnan(simple)
        assert (np.abs(simple + 1 - growth) <= slack)[seen].all()
        splits += int((month.split != 1)[seen].sum())
        dividends += int((month.dividend > 0)[seen].sum())
    assert splits > 5
    assert dividends > 200


def test_some_splits_are_reverse() -> None:
    ratios = np.concatenate([month.split.ravel() for one in SyntheticMarket().simulated.values() for month in one.months])
    assert (ratios < 1).any()
    assert (ratios > 1).sum() > 20


@pytest.mark.parametrize(("index_id", "market"), [("sp500", "US"), ("russell2000", "US"), ("topix", "JP")])
def test_index_return_is_the_cap_weighted_return_of_the_members_of_the_day(index_id: str, market: str) -> None:
    """From vendor rows alone (and true share counts), for the quarter around a yearly review, name by name in plain Python."""
    months = ["2021-06", "2021-07", "2021-08"]
    dates = [day for day in session_dates("XNYS" if market == "US" else "XTKS") if "2021-05" <= day.strftime("%Y-%m") <= "2021-08"]
    truth = years().truth()
    held = truth["shares"].filter(pl.col("market") == market)
    shares = {(row["month"], row["vendor_symbol"]): row["shares"] for row in held.iter_rows(named=True)}
    rows = tables()["prices"].filter(
        pl.col("source_file").str.starts_with(f"prices/{market.lower()}/") & pl.col("session_date").is_in(dates)
    )
    assert rows.join(truth["faults"], left_on=["vendor_symbol", "session_date"], right_on=["vendor_symbol", "date"]).is_empty()
    price = {(row["vendor_symbol"], row["session_date"]): row for row in rows.iter_rows(named=True)}
    # A later row of a spell tells its end.
    members = tables()["index_members"].filter(pl.col("index_id") == index_id).sort("known_at")
    spells = {(row["vendor_symbol"], row["valid_from"]): row["valid_to"] for row in members.iter_rows(named=True)}
    level = dict(tables()["index_levels"].filter(pl.col("index_id") == index_id).select("session_date", "level").iter_rows())
    names = truth["identity"].filter(pl.col("market") == market).sort("valid_from")
    former = {new: old for (_,), line in names.group_by(["company"]) for old, new in pairwise(line["vendor_symbol"])}
    checked = 0
    for yesterday, day in pairwise(dates):
        month = day.strftime("%Y-%m")
        if month not in months:
            continue
        caps, gains = [], []
        for (symbol, start), end in spells.items():
            now = price.get((symbol, day)) if start <= day and (end is None or day <= end) else None
            before = price.get((symbol, yesterday)) or price.get((former.get(symbol), yesterday))
            if now and before:
                to_come = [row["split_ratio"] for d in dates if d >= day and d.month == day.month and (row := price.get((symbol, d)))]
                caps.append(before["close"] * shares[month, symbol] / math.prod(to_come))
                gains.append((now["close"] * now["split_ratio"] + now["cash_dividend"]) / before["close"] - 1)
        assert level[day] / level[yesterday] - 1 == pytest.approx(np.average(gains, weights=caps), abs=1e-8), day
        checked += 1
    assert checked > 55


def test_the_largest_two_fifths_make_the_index_of_large_companies() -> None:
    market = years()
    simulated, members = market.simulated["US"], market.members["US"].index
    july = market.parameters.months.index("2023-07")
    may = simulated.months[july - 2]
    caps = may.close[-1] * may.shares
    caps /= simulated.companies.line_share()
    stayed = (may.company == simulated.months[july].company) & ~np.isnan(caps)
    large, small = caps[stayed & (members[july] == 0)], caps[stayed & (members[july] == 1)]
    assert large.min() >= small.max()
    assert 0.35 < len(large) / (len(large) + len(small)) < 0.45


# -- size of things ------------------------------------------------------------------------------------------------------------


def test_volatilities_are_those_of_real_markets() -> None:
    market = SyntheticMarket()
    for name, one in market.simulated.items():
        year = np.nanstd(log_returns(one), axis=0) * np.sqrt(252)
        assert 0.25 < np.median(year) < 0.45, name
        assert 0.20 < year.min() < year.max() < 0.90, name
        for index_id, paths in market.levels[name].items():
            daily = np.diff(np.log(np.concatenate(paths)))
            assert 0.13 < daily.std() * np.sqrt(252) < 0.20, index_id


def test_volatility_clusters_and_tails_are_fat() -> None:
    daily = np.diff(np.log(np.concatenate(SyntheticMarket().levels["US"]["sp500"])))
    assert np.mean(((daily - daily.mean()) / daily.std()) ** 4) > 4  # 3 = normal
    assert np.corrcoef(np.abs(daily[1:]), np.abs(daily[:-1]))[0, 1] > 0.08


@pytest.mark.parametrize(("market", "others"), [("US", 0), ("JP", 1)])
def test_about_a_third_of_variance_lies_outside_of_market_sectors_and_observable_styles(market: str, others: int) -> None:
    """Cross-sectional regression of each session's returns on betas, industries and the eight observable loadings."""
    one = years().simulated[market]
    left = total = 0.0
    for month in one.months:
        seen = ~np.isnan(month.log_return).any(axis=0)
        habits = {name: values[month.company[seen]] for name, values in one.companies.habits.items()}
        industry = one.companies.industry[seen]
        slope = returns.beta(month.styles[:, seen], habits)
        columns = [np.equal(industry, k).astype(float) for k in set(industry.tolist())]
        columns += [*month.styles[: len(weather.OBSERVABLE_STYLES), seen], slope]
        columns += [slope * habits["new_york"]] * others
        exposures = np.column_stack(columns)
        daily = month.log_return[:, seen].T
        weights, *_ = np.linalg.lstsq(exposures, daily, rcond=None)
        freedom = len(industry) / (len(industry) - exposures.shape[1])
        left += ((daily - exposures @ weights) ** 2).sum() * freedom
        total += (daily**2).sum()
    assert 0.25 < left / total < 0.45


def test_small_companies_trade_less() -> None:
    traded = (
        tables()["prices"]
        .filter(pl.col("source_file").str.starts_with("prices/us/") & (pl.col("close") > 0) & (pl.col("volume") > 0))
        .group_by("vendor_symbol")
        .agg(value=(pl.col("close") * pl.col("volume")).mean())
    )
    members = tables()["index_members"].group_by("vendor_symbol").agg(pl.col("index_id").first())
    value = dict(traded.join(members, on="vendor_symbol").group_by("index_id").agg(pl.col("value").median()).iter_rows())
    assert value["sp500"] > 5 * value["russell2000"]


def test_tokyo_answers_the_new_york_session_that_closed_before_it_opened() -> None:
    """Regression of the Tokyo market on New York of the same date finds nothing, on the session before it finds the mean exposure."""
    us = dict(zip(session_dates("XNYS"), range(10**6), strict=False))
    new_york = {day: ret for month in years().simulated["US"].weather for day, ret in zip(month.dates, month.market, strict=True)}
    pairs = []
    for month in years().simulated["JP"].months:
        for day, ret in zip(month.dates, np.nanmean(month.log_return, axis=1), strict=True):
            earlier = [d for d in new_york if d < day and (day - d).days <= 4]
            if day in us and earlier:
                pairs.append((ret, new_york.get(max(earlier)), new_york.get(day, 0.0)))
    tokyo, before, same = np.array(pairs).T
    assert np.corrcoef(tokyo, before)[0, 1] > 0.25
    assert abs(np.corrcoef(tokyo, same)[0, 1]) < 0.10


def test_distress_comes_before_failure() -> None:
    lives = SyntheticMarket().simulated["US"].companies.lives
    failed = np.isin(lives.reason, (2, 3))
    distress = lives.traits[lives.died[failed], 3, lives.slot[failed]]
    assert distress.mean() > 0.5


def test_growth_premium_fades_and_some_traits_earn_nothing() -> None:
    premia = {m: weather.premia_of(m, turbulent=False, slow=np.zeros(len(weather.STYLES))) for m in (0, weather.GROWTH_HALF_LIFE)}
    at = weather.STYLES.index
    assert premia[weather.GROWTH_HALF_LIFE][at("growth")] == pytest.approx(premia[0][at("growth")] / 2)
    assert all(premia[0][at(name)] == 0 for name in ("leverage", "junk", "size", "hidden_1", "hidden_2"))
    assert np.abs(premia[0]).max() < 0.05


# -- the event -----------------------------------------------------------------------------------------------------------------

SEEDS = (1, 2, 3, 4, 5, 6)


@cache
def january(seed: int, world: str) -> tuple[Simulated, SyntheticMarket]:
    market = SyntheticMarket(seed, scale="tiny", n_us=200, n_jp=12, first="2025-08", last="2026-02", world=world)
    return market.simulated["US"], market


def of_event(seed: int, world: str = "base") -> tuple[np.ndarray, Simulated]:
    """What the event did to each slot's log return of January, in sizes of the draw."""
    with_event, without = january(seed, world)[0], january(seed, "event_off")[0]
    size = event_sizes(parameters(seed, "tiny", "base"))[-6]
    difference = (with_event.months[5].log_return - without.months[5].log_return).sum(axis=0)
    return difference / size, with_event


@pytest.mark.parametrize("seed", SEEDS)
def test_flipping_the_event_mirrors_it(seed: int) -> None:
    up, _ = of_event(seed)
    down, _ = of_event(seed, "event_flipped")
    seen = ~np.isnan(up)
    np.testing.assert_allclose(up[seen], -down[seen], atol=1e-9)


@pytest.mark.parametrize("seed", SEEDS)
def test_january_lifts_junk_and_hardware_and_hurts_software_growth_and_surprise(seed: int) -> None:
    effect, one = of_event(seed)
    month, industry = one.months[5], one.companies.industry
    seen = ~np.isnan(effect)
    style = {name: month.styles[k] for k, name in enumerate(weather.STYLES)}
    chosen = style["growth"] + style["news"]
    best = seen & (chosen > np.nanquantile(chosen[seen], 0.8))
    junk = seen & (style["junk"] > np.nanquantile(style["junk"][seen], 0.8))
    assert effect[best].mean() < effect[seen].mean() - 0.02
    assert effect[junk].mean() > effect[seen].mean() + 0.02
    assert effect[seen & (industry == HARDWARE)].mean() > effect[seen & (industry == SOFTWARE)].mean() + 0.05
    expected = SHOCK.junk * np.maximum(style["junk"], SHOCK.junk_floor) + SHOCK.news * style["news"] + SHOCK.growth * style["growth"]
    expected = expected + SHOCK.software * (industry == SOFTWARE) + SHOCK.hardware * (industry == HARDWARE)
    twins = [slot for pair in one.companies.twins for slot in pair]
    plain = np.setdiff1d(np.flatnonzero(seen & ~np.isnan(month.log_return[0])), twins)
    full = plain[~np.isnan(month.log_return[:, plain]).any(axis=0)]
    np.testing.assert_allclose(effect[full], expected[full], atol=1e-9)


def test_january_lifts_the_small_index_more_than_the_large_one() -> None:
    """On average over seeds; the draw's size is random, its direction is not."""
    gaps, small = [], []
    for seed in SEEDS:
        _, base = january(seed, "base")
        _, off = january(seed, "event_off")
        moved = {name: np.log(base.levels["US"][name][5][-1] / off.levels["US"][name][5][-1]) for name in ("sp500", "russell2000")}
        small.append(moved["russell2000"])
        gaps.append(moved["russell2000"] - moved["sp500"])
    assert np.mean(small) > 0.01
    assert np.mean(gaps) > 0.01


def test_draws_come_a_few_times_a_decade_through_all_history() -> None:
    counts = [np.count_nonzero(event_sizes(parameters(seed, "full", "event_off"))) for seed in range(40)]
    assert 4 < np.mean(counts) < 11  # 239 months x 0.03 = 7.2 in twenty years


def test_the_draw_of_january_is_not_tuned() -> None:
    sizes = [
        event_sizes(parameters(seed, "embedded", "base"))[parameters(seed, "embedded", "base").months.index("2026-01")]
        for seed in range(200)
    ]
    assert 0.8 < np.median(sizes) < 1.2
    default = event_sizes(parameters(20260, "embedded", "base"))[-10]
    assert np.quantile(sizes, 0.05) < default < np.quantile(sizes, 0.95)


def test_industries_are_those_of_eleven_sectors() -> None:
    assert len({industry.sector for industry in INDUSTRIES}) == 11
