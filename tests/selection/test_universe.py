"""Who is in the universe, and with which benchmark weight, by arithmetic."""

from dataclasses import replace

import polars as pl
import pytest

from wg_dagster.schemas.gates import failures
from wg_dagster.schemas.tables import TABLES
from wg_dagster.selection.universe import market_lines, traded_value, traded_value_floor, universe_members, within_ranks
from wg_dagster.strategies import MAJOR_100, NEXT_MAJOR_100, SAMURAI_25, UniverseRule

EVERYONE = replace(MAJOR_100, universe=UniverseRule("US", 1, 100))
NOBODY = TABLES["benchmark_members"].empty()


def members_of(hand, caps, *, strategy=EVERYONE, securities=None, traded=None, benchmark=NOBODY, prices=None):
    return universe_members(
        strategy,
        hand.month,
        securities=hand.securities(list(caps)) if securities is None else securities,
        prices=hand.prices(caps, traded=traded) if prices is None else prices,
        benchmark_members=benchmark,
    )


def weights_of(rows):
    return dict(rows.select("security_id", "benchmark_weight").iter_rows())


def test_the_floor_sells_a_tenth_of_the_assets_in_five_days_at_a_tenth_of_the_volume():
    """Major: 0.10 x 50 million / (5 x 0.10) = 10 million a day; SAMURAI: 0.10 x 1 billion / 0.5 = 200 million yen."""
    assert traded_value_floor(MAJOR_100) == pytest.approx(10e6)
    assert traded_value_floor(SAMURAI_25) == pytest.approx(200e6)


def test_a_name_below_the_floor_cannot_be_bought(hand):
    rows = members_of(hand, {"a": 3e9, "b": 2e9}, traded={"a": 9.99e6, "b": 10e6})
    assert rows["security_id"].to_list() == ["b"]


def test_ranks_are_taken_before_the_floor(hand):
    """The second by size keeps its rank although the first is not traded enough: no name moves into another strategy's ranks."""
    first_two = replace(EVERYONE, universe=UniverseRule("US", 1, 2))
    rows = members_of(hand, {"a": 3e9, "b": 2e9, "c": 1e9}, traded={"a": 1.0}, strategy=first_two)
    assert rows["security_id"].to_list() == ["b"]


def test_in_a_small_market_the_two_us_strategies_share_it_forty_to_sixty(hand):
    caps = {f"n{k}": 1e9 * (20 - k) for k in range(10)}
    major, following = (members_of(hand, caps, strategy=strategy)["security_id"].to_list() for strategy in (MAJOR_100, NEXT_MAJOR_100))
    assert major == ["n0", "n1", "n2", "n3"]
    assert following == ["n4", "n5", "n6", "n7", "n8", "n9"]


@pytest.mark.parametrize("count", [1, 2, 7, 33, 555, 2499])
def test_shares_of_a_small_market_leave_no_name_out_and_share_none(count):
    lines = pl.DataFrame({"rank": pl.Series(range(1, count + 1), dtype=pl.Int32)})
    both = [within_ranks(lines, strategy.universe)["rank"].to_list() for strategy in (MAJOR_100, NEXT_MAJOR_100)]
    assert both[0] + both[1] == list(range(1, count + 1))
    assert len(both[0]) == count * 4 // 10


def test_a_large_market_is_cut_by_rank():
    lines = pl.DataFrame({"rank": pl.Series(range(1, 4001), dtype=pl.Int32)})
    assert within_ranks(lines, MAJOR_100.universe)["rank"].to_list() == list(range(1, 1001))
    assert within_ranks(lines, NEXT_MAJOR_100.universe)["rank"].to_list() == list(range(1001, 3001))


def test_two_share_classes_are_one_company_of_its_whole_size(hand):
    """The more traded class stands for the company, which ranks by the caps of both (300 against 250)."""
    securities = hand.securities(["x1", "x2", "y"], issuer_id={"x1": "x", "x2": "x"})
    caps, traded = {"x1": 300e9, "x2": 300e9, "y": 250e9}, {"x1": 1e8, "x2": 5e8}
    rows = members_of(hand, caps, securities=securities, traded=traded)
    assert rows.select("security_id", "issuer_id", "market_cap").rows() == [("x2", "x", 300e9), ("y", "y", 250e9)]
    largest = replace(EVERYONE, universe=UniverseRule("US", 1, 1))
    assert members_of(hand, caps, securities=securities, traded=traded, strategy=largest)["security_id"].to_list() == ["x2"]


def test_ineligible_lines_other_markets_and_unknown_sizes_stay_out(hand):
    securities = hand.securities(["a", "fund", "tokyo", "unknown"], is_eligible={"fund": False}, market={"tokyo": "JP"})
    caps = {"a": 1e9, "fund": 2e9, "tokyo": 3e9, "unknown": None}
    assert members_of(hand, caps, securities=securities)["security_id"].to_list() == ["a"]


def test_a_name_without_a_close_on_the_last_session_stays_out(hand):
    prices = hand.prices({"a": 1e9, "b": 1e9}).filter((pl.col("security_id") == "a") | (pl.col("session_date") < hand.as_of))
    assert members_of(hand, {"a": 1e9, "b": 1e9}, prices=prices)["security_id"].to_list() == ["a"]


def test_a_name_on_its_last_session_cannot_be_bought_any_more(hand):
    securities = hand.securities(["a", "b"], listed_to={"a": hand.as_of})
    assert members_of(hand, {"a": 1e9, "b": 1e9}, securities=securities)["security_id"].to_list() == ["b"]


def test_traded_value_is_the_mean_over_the_rows_of_twenty_sessions(hand):
    """16 rows: 12 of 10 and 4 of 30 make (120 + 120) / 16 = 15."""
    prices = hand.prices({"a": 1e9}, traded={"a": 10.0})
    days = prices["session_date"].sort()
    prices = prices.filter(~pl.col("session_date").is_in(days[:4].implode())).with_columns(
        pl.when(pl.col("session_date").is_in(days[-4:].implode())).then(30.0).otherwise("traded_value").alias("traded_value")
    )
    assert traded_value(prices, "US", hand.as_of)["traded_value_20d"].to_list() == [15.0]


def test_a_name_with_fewer_than_fifteen_sessions_has_no_traded_value(hand):
    assert members_of(hand, {"a": 1e9}, prices=hand.prices({"a": 1e9}, sessions=15)).height == 1
    assert members_of(hand, {"a": 1e9}, prices=hand.prices({"a": 1e9}, sessions=14)).height == 0


def test_benchmark_weights_are_the_members_by_market_cap(hand):
    """Members a (30) and b (10) of three names: 0.75 and 0.25."""
    rows = members_of(hand, {"a": 30e9, "b": 10e9, "c": 60e9}, benchmark=hand.members("sp500", {"a": None, "b": None}))
    assert weights_of(rows) == {"a": 0.75, "b": 0.25, "c": 0.0}


def test_published_weights_are_used_where_all_are_known(hand):
    """0.03 and 0.01 of the index, of which the universe holds these two: 0.75 and 0.25."""
    rows = members_of(hand, {"a": 1e9, "b": 1e9, "c": 1e9}, benchmark=hand.members("sp500", {"a": 0.03, "b": 0.01, "elsewhere": 0.96}))
    assert weights_of(rows) == pytest.approx({"a": 0.75, "b": 0.25, "c": 0.0})


def test_without_members_all_names_by_market_cap_stand_for_the_benchmark(hand):
    other = hand.members("topix", {"a": None})
    assert weights_of(members_of(hand, {"a": 30e9, "b": 10e9}, benchmark=other)) == {"a": 0.75, "b": 0.25}


def test_an_index_member_is_found_by_its_company(hand):
    """The index holds class 1, the universe the more traded class 2."""
    securities = hand.securities(["x1", "x2", "y"], issuer_id={"x1": "x", "x2": "x"})
    rows = members_of(
        hand,
        {"x1": 30e9, "x2": 30e9, "y": 10e9},
        securities=securities,
        traded={"x1": 1e8, "x2": 5e8},
        benchmark=hand.members("sp500", {"x1": None}),
    )
    assert weights_of(rows) == {"x2": 1.0, "y": 0.0}


def test_an_unknown_sector_has_a_name(hand):
    rows = members_of(hand, {"a": 1e9}, securities=hand.securities(["a"], sector={"a": None}, industry={"a": None}))
    assert rows.select("sector", "industry").rows() == [("Unknown", None)]


def test_the_order_of_the_rows_changes_nothing(random_market, hand):
    tables = {"securities": random_market.securities, "prices": random_market.prices, "benchmark_members": random_market.members}
    shuffled = {name: rows.sample(fraction=1.0, shuffle=True, seed=5) for name, rows in tables.items()}
    straight = universe_members(MAJOR_100, hand.month, **tables)
    assert straight.height == 48  # 40 % of 120
    assert universe_members(MAJOR_100, hand.month, **shuffled).equals(straight)


def test_scaling_all_prices_leaves_members_and_weights_alone(random_market, hand):
    money = pl.col("close", "traded_value", "market_cap") * 4
    straight, scaled = (
        universe_members(EVERYONE, hand.month, securities=random_market.securities, prices=prices, benchmark_members=random_market.members)
        for prices in (random_market.prices, random_market.prices.with_columns(money))
    )
    assert scaled["security_id"].equals(straight["security_id"])
    assert scaled["benchmark_weight"].to_list() == pytest.approx(straight["benchmark_weight"].to_list(), rel=1e-15)


def test_weights_of_the_benchmark_sum_to_one(random_market, hand):
    rows = universe_members(
        EVERYONE, hand.month, securities=random_market.securities, prices=random_market.prices, benchmark_members=random_market.members
    )
    assert rows["benchmark_weight"].sum() == pytest.approx(1.0, abs=1e-14)
    assert (rows["benchmark_weight"] > 0).sum() == 60
    assert failures("universe_members", rows).is_empty()


def test_rows_of_later_months_change_nothing(hand):
    caps = {"a": 3e9, "b": 2e9, "c": 1e9}
    later = hand.prices({"a": 9.0, "b": 1e12, "d": 5e9}, as_of=hand.as_of.replace(month=2, day=28))
    later = later.filter(pl.col("session_date") > hand.as_of)
    securities = pl.concat([hand.securities(list(caps)), hand.securities(["b", "d"], month="2020-02", is_eligible={"b": False})])
    benchmark = pl.concat([hand.members("sp500", {"a": None}), hand.members("sp500", {"b": None}, month="2020-02")])
    alone = members_of(hand, caps, benchmark=hand.members("sp500", {"a": None}))
    assert members_of(hand, caps, securities=securities, prices=pl.concat([hand.prices(caps), later]), benchmark=benchmark).equals(alone)


def test_a_month_without_data_has_no_members():
    tables = {"securities": "securities_clean", "prices": "prices_clean", "benchmark_members": "benchmark_members"}
    rows = universe_members(MAJOR_100, "2020-01", **{name: TABLES[table].empty() for name, table in tables.items()})
    assert rows.is_empty()
    assert rows.columns == list(TABLES["universe_members"].columns)


def test_ranks_run_from_the_largest_company(hand):
    lines = market_lines("US", hand.month, securities=hand.securities(["a", "b", "c"]), prices=hand.prices({"a": 1e9, "b": 3e9, "c": 3e9}))
    assert lines.select("security_id", "rank").rows() == [("b", 1), ("c", 2), ("a", 3)]
