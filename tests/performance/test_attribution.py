import numpy as np
import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from wg_dagster.performance.attribution import attribution_rows, brinson_lines, factor_lines, factor_return_rows
from wg_dagster.performance.book import drifted, open_book
from wg_dagster.performance.explain import explain_month, fit_month, with_scores
from wg_dagster.strategies import MAJOR_100

MONTH = "2024-02"
SCHEMES = ("factor", "brinson", "brinson_industry")


def explained(month):
    """The book of a month, its rows of `attribution` and the verdict."""
    frames = month.frames()
    members = with_scores(frames["universe_members"], frames["factor_scores"])
    named = {"nav": "nav", "levels": "benchmark_nav", "holdings": "holdings", "trades": "trades", "prices": "prices_clean"}
    book = open_book(MONTH, members, **{name: frames[table] for name, table in named.items()})
    built, verdict = explain_month(MAJOR_100, MONTH, book, members)
    return book, built["attribution"], verdict


def value(rows, scheme, effect, item=None):
    """One figure of `attribution`; 0 where it has no row."""
    return rows.filter((pl.col("scheme") == scheme) & (pl.col("effect") == effect) & (pl.col("item") == (item or effect)))["value"].sum()


def sums(rows, scheme):
    """Sum of all lines but the total, and the total."""
    inside = rows.filter(pl.col("scheme") == scheme)
    return inside.filter(pl.col("effect") != "total")["value"].sum(), value(rows, scheme, "total", "active")


@pytest.fixture
def one_day(a_month):
    """Two names in Technology, one in Energy, a third of the proxy each; half in name0, half in name2; the index returns 1.2 %.

    Sector means 2 % and -1 %; the market factor 2/3 x 2 % + 1/3 x -1 % = 1 %; Technology +1 %, Energy -2 %.
    """
    return a_month(
        sectors=["Technology", "Technology", "Energy"],
        returns=[[0.03], [0.01], [-0.01]],
        held=[0.5, 0.0, 0.5],
        index=[0.012],
        benchmark=[1 / 3, 1 / 3, 1 / 3],
    )


def test_factor_lines_of_a_day_worked_by_hand(one_day):
    _, rows, _ = explained(one_day)
    by_hand = {
        ("sector", "Technology"): (0.5 - 2 / 3) * 0.01,
        ("sector", "Energy"): (0.5 - 1 / 3) * -0.02,
        ("specific", "name0"): (0.5 - 1 / 3) * 0.01,
        ("specific", "name1"): (0.0 - 1 / 3) * -0.01,
        ("specific", "name2"): 0.0,
        ("market", "market"): 0.0,
        ("cash", "cash"): 0.0,
        ("trading", "trading"): 0.0,
        ("cost", "cost"): 0.0,
        ("index_minus_proxy", "index_minus_proxy"): 0.01 - 0.012,
        ("unexplained", "unexplained"): 0.0,
        ("total", "active"): 0.01 - 0.012,
    }
    for (effect, item), expected in by_hand.items():
        assert value(rows, "factor", effect, item) == pytest.approx(expected, abs=1e-15), (effect, item)


def test_brinson_lines_of_a_day_worked_by_hand(one_day):
    _, rows, _ = explained(one_day)
    assert value(rows, "brinson", "allocation", "Technology") == pytest.approx((0.5 - 2 / 3) * (0.02 - 0.01), abs=1e-15)
    assert value(rows, "brinson", "allocation", "Energy") == pytest.approx((0.5 - 1 / 3) * (-0.01 - 0.01), abs=1e-15)
    assert value(rows, "brinson", "selection", "Technology") == pytest.approx(0.5 * (0.03 - 0.02), abs=1e-15)
    assert value(rows, "brinson", "selection", "Energy") == pytest.approx(0.0, abs=1e-15)
    assert value(rows, "brinson", "index_minus_proxy") == pytest.approx(-0.002, abs=1e-15)


def test_cash_costs_what_the_market_earned(one_day):
    one_day.held = [0.45, 0.0, 0.45]
    _, rows, _ = explained(one_day)
    assert value(rows, "factor", "cash") == pytest.approx(-0.1 * 0.01, abs=1e-15)
    assert value(rows, "factor", "market") == pytest.approx(0.0, abs=1e-15)
    assert value(rows, "brinson", "cash") == pytest.approx(-0.1 * 0.01, abs=1e-15)


def test_a_name_outside_the_universe_is_wholly_specific(a_month):
    month = a_month(
        sectors=["Technology", "Technology", "Energy", "Energy"],
        returns=[[0.03], [0.01], [-0.01], [0.08]],
        held=[0.25, 0.25, 0.25, 0.25],
        index=[0.01],
        benchmark=[1 / 3, 1 / 3, 1 / 3, 0.0],
        outside=[3],
    )
    _, rows, _ = explained(month)
    assert value(rows, "factor", "specific", "name3") == pytest.approx(0.25 * 0.08, abs=1e-15)
    assert value(rows, "factor", "market") == pytest.approx(-0.25 * 0.01, abs=1e-15)  # three quarters in the market that made 1 %
    assert value(rows, "brinson", "selection", "outside_universe") == pytest.approx(0.25 * (0.08 - 0.01), abs=1e-15)
    assert sums(rows, "factor")[0] == pytest.approx(sums(rows, "factor")[1], abs=1e-15)


def test_the_old_portfolio_earns_the_first_session_when_trades_fill_at_its_close(a_month):
    """Session 1: all in name0, +2 %, then all into name1 at a cost of 0.1 % of each side; session 2: name1 loses 1 %."""
    month = a_month(
        sectors=["Technology", "Energy", "Energy"],
        returns=[[0.02, 0.05], [0.07, -0.01], [0.0, 0.0]],
        held=[1.0, 0.0, 0.0],
        targets=[0.0, 1.0, 0.0],
        cost_rate=0.001,
        index=[0.0, 0.0],
        benchmark=[1 / 3, 1 / 3, 1 / 3],
    )
    book, rows, _ = explained(month)
    assert book.booked == pytest.approx([1.02 * (1 - 0.002) - 1, -0.01], abs=1e-15)
    assert book.cost == pytest.approx([-1.02 * 0.002, 0.0], abs=1e-15)
    assert book.trading == pytest.approx([0.0, 0.0], abs=1e-15)
    assert book.weights[:, 0] == pytest.approx([1.0, 0.0, 0.0])
    assert book.weights[:, 1] == pytest.approx([0.0, 1.0, 0.0])
    assert value(rows, "factor", "unexplained") == pytest.approx(0.0, abs=1e-15)


def test_a_fill_away_from_the_close_has_a_trading_line_of_its_own(a_month):
    """Name0 rises 2 %, sold after its first 1 %: 1/50 units for each 1 of nav lose 0.5 a unit; name1, bought with 1.01 at 51, makes 1.02."""
    month = a_month(
        sectors=["Technology", "Energy"],
        returns=[[0.02], [0.0404]],
        held=[1.0, 0.0],
        targets=[0.0, 1.0],
        fills=[0.01, 0.02],
        index=[0.0],
        benchmark=[0.5, 0.5],
    )
    book, rows, _ = explained(month)
    by_hand = -1 / 50 * (51.0 - 50.5) + 1.01 / 51.0 * (52.02 - 51.0)
    assert book.trading == pytest.approx([by_hand], abs=1e-15)
    assert book.booked == pytest.approx([0.02 + by_hand], abs=1e-15)
    assert value(rows, "brinson", "unexplained") == pytest.approx(0.0, abs=1e-15)


def test_in_the_month_of_inception_the_window_starts_at_the_close_of_the_first_trade(a_month):
    month = a_month(
        sectors=["Technology", "Energy", "Energy"],
        returns=[[0.50, 0.02, 0.01], [0.40, 0.0, 0.03], [0.0, 0.01, 0.0]],
        held=None,
        targets=[0.5, 0.5, 0.0],
        cost_rate=0.001,
        index=[0.30, 0.01, 0.02],
        benchmark=[0.4, 0.3, 0.3],
    )
    book, rows, _ = explained(month)
    assert book.days == month.sessions[1:]
    by_hand = 0.5 * 1.02 * 1.01 + 0.5 * 1.00 * 1.03 - 1.01 * 1.02  # the cost came before the start
    assert value(rows, "factor", "total", "active") == pytest.approx(by_hand, abs=1e-15)
    assert value(rows, "factor", "cost") == 0.0
    # The proxy drifts through the first session: 0.4 x 1.5, 0.3 x 1.4, 0.3.
    assert book.proxy[:, 0] == pytest.approx(np.array([0.60, 0.42, 0.30]) / 1.32, abs=1e-15)


def test_a_name_without_a_return_contributes_nothing_that_day(a_month):
    """Name1 is delisted after the first session: its weight stays in the proxy at its last value, and earns nothing."""
    month = a_month(
        sectors=["Technology", "Technology", "Energy", "Energy"],
        returns=[[0.01, 0.03], [0.05, np.nan], [-0.01, 0.02], [0.02, 0.0]],
        held=[0.4, 0.4, 0.2, 0.0],
        index=[0.01, 0.01],
        benchmark=[0.25, 0.25, 0.25, 0.25],
    )
    book, rows, _ = explained(month)
    assert np.isnan(book.returns[1, 1])
    for scheme in SCHEMES:
        lines, total = sums(rows, scheme)
        assert lines == pytest.approx(total, abs=1e-15)
    assert value(rows, "factor", "unexplained") == pytest.approx(0.0, abs=1e-15)


def test_a_name_that_was_gone_before_the_month_has_no_line_and_leans_on_no_factor(a_month):
    """Name3 has a quarter of the proxy and no return. It takes no part in any line."""
    month = a_month(
        sectors=["Technology", "Technology", "Energy", "Energy"],
        returns=[[0.03], [0.01], [-0.01], [np.nan]],
        held=[0.5, 0.0, 0.5, 0.0],
        index=[0.0],
        benchmark=[0.25, 0.25, 0.25, 0.25],
    )
    _, rows, _ = explained(month)
    assert value(rows, "factor", "specific", "name3") == 0.0
    # Half of the cap is in each sector, so the market is the mean of 2 % and -1 %, and Energy makes -1.5 % against it.
    assert value(rows, "factor", "sector", "Energy") == pytest.approx((0.5 - 0.25) * -0.015, abs=1e-15)
    assert value(rows, "factor", "market") == pytest.approx(0.25 * 0.005, abs=1e-15)  # the proxy had a quarter less in the market
    assert value(rows, "factor", "unexplained") == pytest.approx(0.0, abs=1e-15)


def test_members_without_a_sector_are_a_sector_of_their_own(one_day):
    frames = one_day.frames()
    members = with_scores(frames["universe_members"].with_columns(pl.lit(None, dtype=pl.String).alias("sector")), frames["factor_scores"])
    assert members["sector"].to_list() == ["Unknown"] * 3


def test_a_portfolio_that_is_its_benchmark_has_no_active_lines(a_month):
    weights = [0.3, 0.3, 0.4]
    returns = np.array([[0.03, -0.01], [0.01, 0.02], [-0.01, 0.005]])
    proxy = drifted(np.array(weights), returns)
    index = [float(proxy[:, k] @ returns[:, k]) for k in range(2)]
    month = a_month(sectors=["A", "A", "B"], returns=returns, held=weights, index=index, benchmark=weights)
    _, rows, verdict = explained(month)
    assert rows["value"].abs().max() < 1e-15
    assert verdict["passed"]


def test_scores_that_were_rewarded_show_as_factor_lines(a_month):
    """Returns are exactly 1 % + 2 % x the score of growth; the portfolio holds the two best."""
    growth = np.array([-1.5, -0.5, 0.5, 1.5, 0.0, 0.0])
    scores = np.full((6, 14), np.nan)
    scores[:, 1] = growth
    month = a_month(
        sectors=["A", "A", "A", "A", "A", "A"],
        returns=(0.01 + 0.02 * growth)[:, None],
        held=[0.0, 0.0, 0.5, 0.5, 0.0, 0.0],
        index=[0.01],
        benchmark=[1 / 6] * 6,
        scores=scores,
    )
    _, rows, _ = explained(month)
    assert value(rows, "factor", "factor", "growth") == pytest.approx(0.5 * 0.02 * (0.5 + 1.5), abs=1e-12)
    specific = rows.filter((pl.col("scheme") == "factor") & (pl.col("effect") == "specific"))["value"]
    assert specific.abs().max() < 1e-10


def test_what_no_line_explains_is_said_and_fails_the_check(one_day):
    frames = one_day.frames()
    last = pl.col("session_date") == one_day.sessions[-1]
    nav = frames["nav"].with_columns(pl.when(last).then(pl.col("nav") * 1.001).otherwise("nav").alias("nav"))
    members = with_scores(frames["universe_members"], frames["factor_scores"])
    prices, levels = frames["prices_clean"], frames["benchmark_nav"]
    book = open_book(MONTH, members, nav=nav, levels=levels, holdings=frames["holdings"], trades=frames["trades"], prices=prices)
    built, verdict = explain_month(MAJOR_100, MONTH, book, members)
    assert value(built["attribution"], "factor", "unexplained") == pytest.approx(0.001 * 1.01, abs=1e-12)
    assert not verdict["passed"]
    assert verdict["severity"] == "ERROR"


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    seed=st.integers(0, 1_000_000),
    names=st.integers(3, 9),
    sessions=st.integers(2, 6),
    starts=st.booleans(),
    trades=st.booleans(),
    left_out=st.sampled_from(["nothing", "of_portfolio", "of_benchmark"]),
    gone=st.booleans(),
    outside=st.booleans(),
)
def test_lines_add_up_to_the_booked_active_return(a_month, seed, names, sessions, starts, trades, left_out, gone, outside):
    """Random weights and returns, sectors that one side does not hold, a name that ends, one outside, a trade on day one."""
    random = np.random.default_rng(seed)
    sectors = [f"sector{k % 3}" for k in range(names)]
    empty = np.array([sector == "sector0" for sector in sectors])
    returns = random.normal(0.0, 0.03, (names, sessions))
    if gone:
        returns[names - 1, 1:] = np.nan
    benchmark = random.dirichlet(np.ones(names))
    if left_out == "of_benchmark":
        benchmark[empty] = 0.0
    own = [random.dirichlet(np.ones(names)) * random.uniform(0.9, 1.0) for _ in range(2)]
    if left_out == "of_portfolio":
        for weights in own:
            weights[empty] = 0.0
    month = a_month(
        sectors=sectors,
        returns=returns,
        held=None if starts else list(own[0]),
        targets=list(own[1]) if trades or starts else None,
        cost_rate=0.002,
        index=list(random.normal(0.0, 0.02, sessions)),
        benchmark=list(benchmark / benchmark.sum()),
        caps=list(random.lognormal(20.0, 1.0, names)),
        scores=np.where(random.uniform(size=(names, 14)) < 0.1, np.nan, random.normal(size=(names, 14))),
        outside=[1] if outside else [],
    )
    book, rows, verdict = explained(month)
    frames = month.frames()
    values = frames["nav"]["nav"].to_numpy()
    levels = frames["benchmark_nav"]["level"].to_numpy()[1 if starts else 0 :]
    booked = (values[-1] / values[0]) - (levels[-1] / levels[0])
    for scheme in SCHEMES:
        lines, total = sums(rows, scheme)
        assert total == pytest.approx(booked, abs=1e-12)
        assert lines == pytest.approx(booked, abs=1e-12)
        assert value(rows, scheme, "unexplained") == pytest.approx(0.0, abs=1e-12)
    assert verdict["passed"]
    assert len(book.days) == sessions - starts


def test_the_order_of_rows_changes_nothing(one_day):
    frames = one_day.frames()
    members = with_scores(frames["universe_members"][::-1], frames["factor_scores"][::-1])
    shuffled = {name: rows[::-1] for name, rows in frames.items()}
    book = open_book(
        MONTH,
        members,
        nav=shuffled["nav"],
        levels=shuffled["benchmark_nav"],
        holdings=shuffled["holdings"],
        trades=shuffled["trades"],
        prices=shuffled["prices_clean"],
    )
    _, rows, _ = explained(one_day)
    assert explain_month(MAJOR_100, MONTH, book, members)[0]["attribution"].equals(rows)


def test_factor_returns_compound_and_their_t_is_mean_over_standard_error(a_month):
    """One sector, so its return is zero by the restriction and the market factor is the weighted mean: 1 %, then 3 %."""
    month = a_month(
        sectors=["A", "A", "A"],
        returns=[[0.0, 0.02], [0.01, 0.03], [0.02, 0.04]],
        held=[1.0, 0.0, 0.0],
        index=[0.0, 0.0],
        benchmark=[1 / 3] * 3,
    )
    frames = month.frames()
    members = with_scores(frames["universe_members"], frames["factor_scores"])
    book, _, _ = explained(month)
    _, fitted = fit_month(book, members)
    rows = {row["factor"]: row for row in factor_return_rows(fitted).to_dicts()}
    assert rows["market"]["value"] == pytest.approx(1.01 * 1.03 - 1, abs=1e-14)
    assert rows["market"]["t_stat"] == pytest.approx(0.02 / (np.std([0.01, 0.03], ddof=1) / np.sqrt(2)), rel=1e-12)
    assert rows["sector:A"]["value"] == pytest.approx(0.0, abs=1e-14)


@pytest.mark.parametrize("table", ["nav", "universe_members", "benchmark_nav"])
def test_a_month_without_its_inputs_has_no_book(one_day, table):
    frames = one_day.frames()
    frames[table] = frames[table].clear()
    members = with_scores(frames["universe_members"], frames["factor_scores"])
    prices, levels = frames["prices_clean"], frames["benchmark_nav"]
    found = open_book(MONTH, members, nav=frames["nav"], levels=levels, holdings=frames["holdings"], trades=frames["trades"], prices=prices)
    assert found is None


def test_both_schemes_link_with_the_same_total(one_day):
    frames = one_day.frames()
    members = with_scores(frames["universe_members"], frames["factor_scores"])
    book, _, _ = explained(one_day)
    exposure, fitted = fit_month(book, members)
    factors = attribution_rows(book, factor_lines(book, exposure, fitted))
    groups = attribution_rows(book, brinson_lines(book, members["sector"].to_list()))
    assert factors.filter(pl.col("effect") == "total")["value"].item() == groups.filter(pl.col("effect") == "total")["value"].item()
