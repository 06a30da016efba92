"""A month of the account by arithmetic: three names in New York, the first eight sessions of January 2020."""

from dataclasses import replace
from datetime import date

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from wg_dagster.calendars import month_sessions
from wg_dagster.schemas.gates import failures
from wg_dagster.schemas.tables import TABLES
from wg_dagster.stations import Reader
from wg_dagster.strategies import MAJOR_100, Costs
from wg_dagster.trading.holdings import Account
from wg_dagster.trading.nav import holding_rows, last_account, nav_rows, trade_rows
from wg_dagster.trading.stations import STATIONS, trade_month
from wg_dagster.warehouse import Warehouse

MONTH = "2020-01"
SESSIONS = month_sessions("XNYS", MONTH)[:8]
FREE = replace(MAJOR_100, costs=Costs(commission=0.0, half_spread=0.0))
COSTLY = replace(MAJOR_100, costs=Costs(commission=0.002, half_spread=0.008))  # 1 % of what is traded
HALVES = {"a": 0.5, "b": 0.5}


def prices_of(sessions=SESSIONS, **names):
    """Rows of prices_clean; a name is its list of (close, return), None = no row that session."""
    rows = [
        {"month": day.strftime("%Y-%m"), "security_id": name, "session_date": day, "market": "US", "close": seen[0]}
        | {"return_1e9": None if seen[1] is None else round(seen[1] * 1e9)}
        for name, path in names.items()
        for day, seen in zip(sessions, path, strict=True)
        if seen is not None
    ]
    schema = TABLES["prices_clean"].schema
    columns = ("month", "security_id", "session_date", "market", "close", "return_1e9")
    return pl.DataFrame(rows, schema={column: schema[column] for column in columns})


def securities_of(month=MONTH, **listed_to):
    schema = {"month": pl.String, "security_id": pl.String, "listed_to": pl.Date}
    return pl.DataFrame([{"month": month, "security_id": name, "listed_to": day} for name, day in listed_to.items()], schema=schema)


def portfolio_of(weights):
    schema = {"security_id": pl.String, "weight": pl.Float64}
    return pl.DataFrame({"security_id": list(weights), "weight": list(weights.values())}, schema=schema)


def run(prices, weights, *, held=None, strategy=FREE, securities=None):
    securities = securities_of(a=None, b=None, c=None) if securities is None else securities
    return trade_month(strategy, MONTH, portfolio=portfolio_of(weights), held=held, prices=prices, securities=securities)


def path(month):
    return [account.nav for _, account in month.accounts]


FLAT = {"a": [(10.0, 0.0)] * 8, "b": [(20.0, 0.0)] * 8, "c": [(40.0, 0.0)] * 8}
A_RISES = {**FLAT, "a": [(10.0, 0.0), (11.0, 0.1), *[(11.0, 0.0)] * 6]}


def test_the_first_portfolio_is_bought_from_one_unit_of_cash():
    month = run(prices_of(**FLAT), HALVES)
    rows = trade_rows(FREE, MONTH, month.trades)
    assert rows["trade_date"].unique().to_list() == [SESSIONS[0]]
    assert rows.select("security_id", "units_before", "units_after", "weight_before", "weight_after", "price", "cost").rows() == [
        ("a", 0.0, 0.05, 0.0, 0.5, 10.0, 0.0),
        ("b", 0.0, 0.025, 0.0, 0.5, 20.0, 0.0),
    ]
    assert path(month) == [1.0] * 8


def test_half_in_a_name_that_rises_by_a_tenth_gives_a_twentieth():
    month = run(prices_of(**A_RISES), HALVES)
    assert path(month) == pytest.approx([1.0] + [1.05] * 7, abs=1e-15)
    last = holding_rows(FREE, MONTH, month).filter(pl.col("session_date") == SESSIONS[-1])
    assert last["weight"].to_list() == pytest.approx([0.55 / 1.05, 0.5 / 1.05], abs=1e-15)
    assert last["units"].to_list() == pytest.approx([0.05, 0.025], abs=1e-15)


def test_the_old_portfolio_earns_the_first_session_and_the_new_one_the_rest():
    """a gains 10 % on the first session and 20 % on the second; it is held on the first alone."""
    prices = prices_of(**{**FLAT, "a": [(11.0, 0.1), (13.2, 0.2), *[(13.2, 0.0)] * 6]})
    held = Account(("a",), np.array([2.0]), np.array([10.0]), 0.0)
    assert path(run(prices, {"b": 1.0}, held=held)) == pytest.approx([2.2] * 8, abs=1e-15)


def test_costs_are_taken_at_the_trade():
    """2 of a: half is sold for b, V' = 2 - 0.01 (|V'/2 - 2| + V'/2) = 1.98, so the cost is 0.02 = 1 % of the nav before."""
    held = Account(("a",), np.array([2.0]), np.array([10.0]), 0.0)
    month = run(prices_of(**FLAT), HALVES, held=held, strategy=COSTLY)
    rows = trade_rows(COSTLY, MONTH, month.trades)
    assert path(month) == pytest.approx([1.98] * 8, abs=1e-12)
    assert rows["cost"].to_list() == pytest.approx([0.00505, 0.00495], abs=1e-12)
    assert rows["weight_before"].to_list() == [1.0, 0.0]
    assert rows["weight_after"].to_list() == pytest.approx([0.5, 0.5], abs=1e-12)


def test_the_first_portfolio_pays_for_its_purchase():
    assert path(run(prices_of(**FLAT), HALVES, strategy=COSTLY))[0] == pytest.approx(1 / 1.01, abs=1e-12)


def test_an_exit_is_a_trade_to_nothing():
    held = Account(("a", "c"), np.array([0.5, 0.5]), np.array([10.0, 40.0]), 0.0)
    rows = trade_rows(FREE, MONTH, run(prices_of(**FLAT), HALVES, held=held).trades)
    assert rows.select("security_id", "units_before", "units_after", "weight_after").rows() == [
        ("b", 0.0, 0.025, 0.5),
        ("c", 0.0125, 0.0, 0.0),
    ]


def test_a_split_changes_units_and_not_the_value():
    month = run(prices_of(**{**FLAT, "a": [(10.0, 0.0)] * 3 + [(5.0, 0.0)] * 5}), HALVES)
    of_a = holding_rows(FREE, MONTH, month).filter(pl.col("security_id") == "a")
    assert path(month) == [1.0] * 8
    assert of_a["units"].to_list() == pytest.approx([0.05] * 3 + [0.1] * 5, abs=1e-15)


def test_a_dividend_is_reinvested_in_the_same_name_at_the_close():
    """a pays 1 and falls from 10 to 9: 0.05 units pay 0.05, which buys 0.05 / 9 units."""
    month = run(prices_of(**{**FLAT, "a": [(10.0, 0.0), *[(9.0, 0.0)] * 7]}), HALVES)
    last = holding_rows(FREE, MONTH, month).filter((pl.col("security_id") == "a") & (pl.col("session_date") == SESSIONS[1]))
    assert last["units"].item() == pytest.approx(0.05 + 0.05 / 9, abs=1e-15)
    assert path(month) == [1.0] * 8


def test_a_delisted_name_is_sold_at_its_last_price():
    """a gains a tenth on its last session, the third; on the fourth its value is cash, without cost."""
    ended = prices_of(**{**FLAT, "a": [(10.0, 0.0), (10.0, 0.0), (11.0, 0.1), *[None] * 5]})
    month = run(ended, HALVES, securities=securities_of(a=SESSIONS[2], b=None))
    sale = trade_rows(FREE, MONTH, month.trades).filter(pl.col("trade_date") > SESSIONS[0])
    assert sale.select("trade_date", "security_id", "price", "units_before", "units_after", "cost").rows() == [
        (SESSIONS[3], "a", 11.0, pytest.approx(0.05), 0.0, 0.0)
    ]
    assert path(month) == pytest.approx([1.0, 1.0] + [1.05] * 6, abs=1e-15)
    cash = nav_rows(FREE, MONTH, month)["cash_weight"].to_list()
    assert cash == pytest.approx([0.0] * 3 + [0.55 / 1.05] * 5, abs=1e-15)
    assert holding_rows(FREE, MONTH, month).filter(pl.col("session_date") == SESSIONS[3])["security_id"].to_list() == ["b"]


def test_a_name_delisted_before_the_rebalance_pays_for_the_new_ones():
    held = Account(("a",), np.array([1.0]), np.array([12.5]), 0.0)
    prices = prices_of(b=FLAT["b"])
    month = run(prices, {"b": 1.0}, held=held, securities=securities_of(a=date(2019, 12, 31)))
    rows = trade_rows(FREE, MONTH, month.trades)
    assert rows.select("security_id", "price", "units_after").rows() == [("a", 12.5, 0.0), ("b", 20.0, 0.05)]
    assert failures("trades", rows).is_empty()
    assert month.untraded == ()


def test_a_name_that_left_the_list_of_securities_is_sold_at_its_last_price():
    held = Account(("a",), np.array([1.0]), np.array([12.5]), 0.0)
    month = run(prices_of(b=FLAT["b"]), {"b": 1.0}, held=held, securities=securities_of(b=None))
    assert trade_rows(FREE, MONTH, month.trades)["security_id"].to_list() == ["a", "b"]
    assert month.untraded == ()


def test_a_name_without_a_price_is_kept_at_its_last_value_and_reported():
    """A trading halt: c is not delisted, so it is not sold; the target is scaled to what is left."""
    held = Account(("c",), np.array([0.25]), np.array([40.0]), 0.75)
    month = run(prices_of(a=FLAT["a"], b=FLAT["b"]), HALVES, held=held)
    last = holding_rows(FREE, MONTH, month).filter(pl.col("session_date") == SESSIONS[0])
    assert last.select("security_id", "weight", "price").rows() == [("a", 0.375, 10.0), ("b", 0.375, 20.0), ("c", 0.25, 40.0)]
    assert month.untraded == ("c",)


def test_a_target_without_a_price_stays_in_cash_and_is_reported():
    month = run(prices_of(a=FLAT["a"]), HALVES)
    assert nav_rows(FREE, MONTH, month)["cash_weight"].to_list() == [0.5] * 8
    assert month.untraded == ("b",)


def test_a_session_without_a_return_leaves_the_value():
    month = run(prices_of(**{**FLAT, "a": [(10.0, 0.0), None, (11.0, 0.1), (12.0, None), *[(12.0, 0.0)] * 4]}), HALVES)
    assert path(month) == pytest.approx([1.0, 1.0] + [1.05] * 6, abs=1e-15)
    assert holding_rows(FREE, MONTH, month).filter(pl.col("session_date") == SESSIONS[1])["price"].to_list() == [10.0, 20.0]


def test_without_a_decision_and_without_holdings_there_is_nothing():
    assert run(prices_of(**FLAT), {}) is None


def test_without_a_decision_the_holdings_are_held():
    held = Account(("a",), np.array([1.0]), np.array([10.0]), 0.0)
    month = run(prices_of(**A_RISES), {}, held=held)
    assert path(month) == pytest.approx([1.0] + [1.1] * 7, abs=1e-15)
    assert trade_rows(FREE, MONTH, month.trades).is_empty()


def test_sessions_that_have_not_happened_are_not_in_the_account():
    assert [day for day, _ in run(prices_of(**FLAT), HALVES).accounts] == list(SESSIONS)
    assert run(prices_of(), HALVES) is None


def test_prices_of_other_months_and_markets_change_nothing():
    prices = prices_of(**A_RISES)
    later = prices_of(sessions=month_sessions("XNYS", "2020-02")[:8], **{name: [(99.0, 5.0)] * 8 for name in FLAT})
    tokyo = prices_of(**{name: [(99.0, 5.0)] * 8 for name in FLAT}).with_columns(pl.lit("JP").alias("market"))
    assert path(run(pl.concat([tokyo, prices, later]), HALVES)) == path(run(prices, HALVES))


def test_the_order_of_the_rows_changes_nothing():
    prices, weights = prices_of(**A_RISES), {"a": 0.3, "b": 0.3, "c": 0.4}
    shuffled = run(prices.sample(fraction=1.0, shuffle=True, seed=3), dict(reversed(weights.items())), strategy=COSTLY)
    straight = run(prices, weights, strategy=COSTLY)
    for rows in (nav_rows, holding_rows):
        assert rows(COSTLY, MONTH, shuffled).equals(rows(COSTLY, MONTH, straight))
    assert trade_rows(COSTLY, MONTH, shuffled.trades).equals(trade_rows(COSTLY, MONTH, straight.trades))


def test_scaling_all_prices_leaves_weights_and_nav_alone():
    scaled = {name: [(4 * close, returned) for close, returned in seen] for name, seen in A_RISES.items()}
    straight, times_four = run(prices_of(**A_RISES), HALVES), run(prices_of(**scaled), HALVES)
    assert path(straight) == path(times_four)
    assert holding_rows(FREE, MONTH, straight)["weight"].equals(holding_rows(FREE, MONTH, times_four)["weight"])


def test_the_rows_pass_the_gates():
    month = run(prices_of(**A_RISES), {"a": 0.3, "b": 0.3, "c": 0.4}, strategy=COSTLY)
    for table, rows in {
        "trades": trade_rows(COSTLY, MONTH, month.trades),
        "holdings": holding_rows(COSTLY, MONTH, month),
        "nav": nav_rows(COSTLY, MONTH, month),
    }.items():
        assert failures(table, rows).is_empty(), table


returns = st.lists(st.floats(-0.5, 0.5), min_size=8, max_size=8)


@settings(max_examples=40)
@given(st.tuples(returns, returns, returns), st.lists(st.floats(0.01, 1.0), min_size=3, max_size=3), st.floats(0.0, 1.0))
def test_nav_is_the_nav_before_times_the_weighted_return_less_costs(paths, weights, cash):
    """nav_d = nav_(d-1) (1 + sum of w_(d-1) r_d) - cost, read from the tables alone; weights and cash sum to one."""
    closes = [10.0 * np.cumprod(1.0 + np.array(name)) for name in paths]
    prices = prices_of(**{name: list(zip(closes[k], paths[k], strict=True)) for k, name in enumerate("abc")})
    held = Account(("a", "c"), np.array([0.5, 0.3]), np.array([10.0, 10.0]), cash)
    targets = dict(zip("abc", np.array(weights) / sum(weights), strict=True))
    month = run(prices, targets, held=held, strategy=COSTLY)
    nav, holdings = nav_rows(COSTLY, MONTH, month), holding_rows(COSTLY, MONTH, month)
    trades = trade_rows(COSTLY, MONTH, month.trades)
    value, weight = held.nav, {"a": 0.5 / held.nav, "c": 0.3 / held.nav}
    for k, day in enumerate(SESSIONS):
        earned = value * (1.0 + sum(weight.get(name, 0.0) * round(paths[i][k] * 1e9) / 1e9 for i, name in enumerate("abc")))
        value = earned * (1.0 - trades.filter(pl.col("trade_date") == day)["cost"].sum())
        booked = nav.filter(pl.col("session_date") == day)
        assert booked["nav"].item() == pytest.approx(value, rel=1e-12)
        weight = dict(holdings.filter(pl.col("session_date") == day).select("security_id", "weight").iter_rows())
        assert sum(weight.values()) + booked["cash_weight"].item() == pytest.approx(1.0, abs=1e-12)


def test_an_account_read_back_from_its_rows_is_the_account():
    month = run(prices_of(**A_RISES), {"a": 0.3, "b": 0.3, "c": 0.2}, strategy=COSTLY)
    held = last_account(holding_rows(COSTLY, MONTH, month), nav_rows(COSTLY, MONTH, month))
    _, account = month.accounts[-1]
    assert held.security_ids == account.security_ids
    assert held.values == pytest.approx(account.values, rel=1e-14)
    assert held.prices.tolist() == account.prices.tolist()
    assert held.cash == pytest.approx(account.cash, rel=1e-14)


def test_nothing_was_held_where_there_is_no_nav():
    assert last_account(TABLES["holdings"].empty(), TABLES["nav"].empty()) is None


def full(table, rows):
    """Rows with all columns of their table; what is not given is null."""
    spec = TABLES[table]
    return rows.select(
        pl.col(name).cast(dtype) if name in rows.columns else pl.lit(None, dtype).alias(name) for name, dtype in spec.schema.items()
    )


def test_the_station_trades_last_months_decision_and_goes_on_from_its_own_rows(tmp_path):
    """December's decision is traded on 2 January; February starts from January's last account."""
    warehouse, (station,) = Warehouse(tmp_path), STATIONS
    months = {"2020-01": month_sessions("XNYS", "2020-01"), "2020-02": month_sessions("XNYS", "2020-02")}
    prices = pl.concat(prices_of(sessions=days, a=[(10.0, 0.01)] * len(days), b=[(20.0, 0.0)] * len(days)) for days in months.values())
    warehouse.write_months("prices_clean", full("prices_clean", prices.with_columns(pl.lit("").alias("quality"))), list(months))
    for month, as_of, weights in (("2019-12", date(2019, 12, 31), HALVES), ("2020-01", date(2020, 1, 31), {"b": 1.0})):
        rows = portfolio_of(weights).with_columns(
            pl.lit("major_100").alias("strategy"), pl.lit(month).alias("month"), pl.lit(as_of).alias("as_of_date")
        )
        warehouse.write_months("model_portfolios", full("model_portfolios", rows), [month], scope="major_100")
    for month in months:
        built = station.build(Reader(warehouse, station, [month], FREE), [month], FREE)
        assert built["trades"]["trade_date"].unique().to_list() == [months[month][0]]
        assert built["checks"]["passed"].to_list() == [True]
        for table in station.writes:
            warehouse.write_months(table, built[table], [month], scope="major_100")
    nav = warehouse.read("nav")
    january = 0.5 + 0.5 * 1.01**20  # 21 sessions, the first of which is the trade
    assert nav.filter(pl.col("month") == "2020-01")["nav"].to_list()[-1] == pytest.approx(january, rel=1e-12)
    first = 0.5 + 0.5 * 1.01**21  # a earns the first session of February before it is sold
    assert nav.filter(pl.col("month") == "2020-02")["nav"].to_list() == pytest.approx([first] * 19, rel=1e-12)


def test_the_station_has_no_rows_before_the_first_decision(tmp_path):
    (station,) = STATIONS
    assert station.build(Reader(Warehouse(tmp_path), station, [MONTH], FREE), [MONTH], FREE) == {}
