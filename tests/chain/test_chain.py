"""What must hold between the tables of one home, from raw rows to letters, recomputed here from the tables alone."""

import json
from datetime import date

import numpy as np
import polars as pl
import pytest
from chain_dbt import in_process
from chain_market import MONTHS, SINCE, TOLD, copy_of, decide_again, decided, different, market, raw
from tampered import raw_rows

from wg_dagster.calendars import CALENDAR_OF_MARKET, month_end, month_sessions, month_shift, months_between
from wg_dagster.chain import clean_stations, factor_station, strategy_stations
from wg_dagster.commands.sql import open_views
from wg_dagster.quality.looks import LOOKS
from wg_dagster.schemas.columns import FACTORS
from wg_dagster.schemas.tables import SEARCH_TABLES, TABLES
from wg_dagster.strategies import STRATEGIES
from wg_dagster.walk import walk
from wg_dagster.warehouse import Warehouse

EXACT = 1e-10  # float sums of a few hundred terms
SOLVED = ("solved", "widened")
READERS_USE = {
    "prices_clean": "month security_id session_date close volume return_1e9 log_return_1e9 market_cap",
    "security_map": "source vendor_symbol security_id issuer_id valid_from valid_to",
    **{f"factor_{factor}": "month as_of_date security_id" for factor in FACTORS},
    "universe_members": "strategy month as_of_date security_id sector industry market_cap benchmark_weight",
    "factor_scores": f"strategy month as_of_date security_id {' '.join(FACTORS)} coverage",
    "factor_scores_long": "strategy month security_id factor score",
    "candidates": "strategy month as_of_date rank security_id composite expected_return",
    "model_portfolios": "strategy month as_of_date security_id weight",
    "portfolio_solutions": "strategy month status ratio bound gap bound_kind names risk_ratio risk_ratio_sp500 max_weight turnover",
    "trades": "strategy month trade_date security_id weight_before weight_after price cost",
    "nav": "strategy month session_date currency nav",
    "benchmark_nav": "benchmark_id month session_date currency level is_proxy",
    "performance": "strategy month benchmark_id metric window basis value",
    "attribution": "strategy month scheme effect item value",
    "exposures": "strategy month as_of_date factor portfolio benchmark active",
    "report_facts": "letter_id fact_id metric value unit display_ja display_en source_table source_key",
    "checks": "station month check_name severity passed",
    "quarantine": "station month rule row_json",
}
MAY_BE_EMPTY = {"adjusted_prices", "risk_returns", "alerts", "runs"}  # the market has no adjusted prices; only `wg run` writes the last two


@pytest.fixture(scope="module")
def lake(homes):
    return Warehouse(homes / "undisturbed")


def portfolios(lake):
    """(strategy, month, rows with issuer and sector) of every portfolio that was solved."""
    solved = lake.read("portfolio_solutions").filter(pl.col("status").is_in(SOLVED)).select("strategy", "month")
    members = lake.read("universe_members").select("strategy", "month", "security_id", "issuer_id", "sector")
    rows = lake.read("model_portfolios").join(solved, on=["strategy", "month"], how="semi")
    rows = rows.join(members, on=["strategy", "month", "security_id"], how="inner", validate="1:1")
    found = [(*key, part) for key, part in rows.partition_by("strategy", "month", as_dict=True).items()]
    assert len(found) == solved.height > 30
    return found


def test_every_portfolio_obeys_names_weights_and_sectors(lake):
    members = lake.read("universe_members")
    for strategy, month, rows in portfolios(lake):
        mandate = STRATEGIES[strategy].mandate
        assert 20 <= rows.height <= 25
        assert rows["weight"].sum() == pytest.approx(1.0, abs=1e-9)
        assert rows["weight"].min() >= mandate.weight[0] - 1e-7
        assert rows.group_by("issuer_id").agg(pl.col("weight").sum())["weight"].max() < 0.10
        here = members.filter((pl.col("strategy") == strategy) & (pl.col("month") == month))
        theirs = here.group_by("sector").agg(pl.col("benchmark_weight").sum())
        gaps = theirs.join(rows.group_by("sector").agg(pl.col("weight").sum()), on="sector", how="full", coalesce=True).fill_null(0.0)
        assert (gaps["weight"] - gaps["benchmark_weight"]).abs().max() <= 0.05 + 1e-6


def test_every_portfolio_keeps_the_risk_band(lake):
    """The model's figures obey the mandate, and the returns of the year before, without a model, say nearly the same."""
    solutions = {(row["strategy"], row["month"]): row for row in lake.read("portfolio_solutions").to_dicts()}
    members, prices = lake.read("universe_members"), lake.read("prices_clean", columns=["security_id", "session_date", "return_1e9"])
    apart = []
    for strategy, month, rows in portfolios(lake):
        solution = solutions[strategy, month]
        assert solution["risk_ratio"] <= 1.1 + 1e-6
        assert solution["beta"] >= 0.9 - 1e-6
        index = members.filter((pl.col("strategy") == strategy) & (pl.col("month") == month))
        past = prices.filter(pl.col("session_date").is_between(rows["as_of_date"][0].replace(year=2024), rows["as_of_date"][0]))
        own = daily_returns(past, rows.select("security_id", "weight"))
        theirs = daily_returns(past, index.select("security_id", pl.col("benchmark_weight").alias("weight")))
        apart.append(abs(own.std() / theirs.std() - solution["risk_ratio"]))
    assert np.median(apart) < 0.1
    assert max(apart) < 0.3


def daily_returns(prices, weights):
    """Of the weights, rebalanced each day; a name without a return that day counts as unchanged."""
    weighted = prices.join(weights, on="security_id", how="inner").with_columns(pl.col("return_1e9").fill_null(0) / 1e9 * pl.col("weight"))
    return weighted.group_by("session_date").agg(pl.col("return_1e9").sum()).sort("session_date")["return_1e9"].to_numpy()


def test_portfolios_are_decided_on_the_last_session_and_traded_on_the_first_of_the_next_month(lake):
    trades, decisions = lake.read("trades"), lake.read("model_portfolios").select("strategy", "month", "as_of_date").unique()
    assert set(trades["strategy"]) == set(STRATEGIES)
    for strategy, month, as_of in decisions.iter_rows():
        calendar = CALENDAR_OF_MARKET[STRATEGIES[strategy].market]
        assert as_of == month_end(calendar, month)
        filled = trades.filter((pl.col("strategy") == strategy) & (pl.col("month") == month_shift(month, 1)))
        if filled.height:
            assert filled["trade_date"].min() == month_sessions(calendar, month_shift(month, 1))[0] > as_of


def test_nav_is_what_the_holdings_earned_less_the_costs_of_trades(lake):
    """nav[t] = nav[t-1] x (1 + sum of weight[t-1] x return[t]) x (1 - costs of the trades at t)."""
    returns = dict_of(lake.read("prices_clean", columns=["security_id", "session_date", "return_1e9"]))
    trades, holdings, nav = lake.read("trades"), lake.read("holdings"), lake.read("nav").sort("strategy", "session_date")
    costs = {(s, d): c for s, d, c in trades.group_by("strategy", "trade_date").agg(pl.col("cost").sum()).iter_rows()}
    held = {key: dict(part.select("security_id", "weight").iter_rows()) for key, part in parts(holdings, "strategy", "session_date")}
    assert nav.height > 150
    for (strategy,), rows in parts(nav, "strategy"):
        assert rows["nav"][0] == pytest.approx(1.0 - costs[strategy, rows["session_date"][0]], abs=EXACT)
        for before, after in zip(rows.iter_rows(named=True), rows[1:].iter_rows(named=True), strict=False):
            earned = sum(w * returns.get((name, after["session_date"]), 0.0) for name, w in held[strategy, before["session_date"]].items())
            expected = before["nav"] * (1.0 + earned) * (1.0 - costs.get((strategy, after["session_date"]), 0.0))
            assert after["nav"] == pytest.approx(expected, rel=EXACT)
            assert sum(held[strategy, after["session_date"]].values()) + after["cash_weight"] == pytest.approx(1.0, abs=EXACT)


def dict_of(prices):
    known = prices.drop_nulls("return_1e9")
    return {(name, day): value / 1e9 for name, day, value in known.iter_rows()}


def parts(frame, *by):
    return frame.partition_by(by, as_dict=True, maintain_order=True).items()


def test_units_times_price_are_the_weights(lake):
    rows = lake.read("holdings").join(lake.read("nav"), on=["strategy", "month", "session_date"], how="inner", validate="m:1")
    assert (rows["units"] * rows["price"] / rows["nav"] - rows["weight"]).abs().max() < EXACT


def test_attribution_lines_add_up_to_the_booked_active_return(lake):
    levels, lines = lake.read("benchmark_nav"), lake.read("attribution")
    assert set(lines["scheme"]) >= {"factor", "brinson"}
    for (strategy, month), rows in parts(lines, "strategy", "month"):
        nav = lake.read("nav", scope=strategy).sort("session_date")
        sessions = nav.filter(pl.col("month") == month)["session_date"]
        start = nav.filter(pl.col("session_date") < sessions[0])["session_date"].max() or sessions[0]
        index = levels.filter(pl.col("benchmark_id") == STRATEGIES[strategy].benchmarks[0])
        active = grown(nav, "nav", start, sessions[-1]) - grown(index, "level", start, sessions[-1])
        for (scheme,), part in parts(rows, "scheme"):
            total = part.filter(pl.col("effect") == "total")["value"].item()
            assert total == pytest.approx(active, abs=EXACT), (strategy, month, scheme)
            assert part.filter(pl.col("effect") != "total")["value"].sum() == pytest.approx(total, abs=EXACT), (strategy, month, scheme)


def grown(series, column, start, end):
    on = {day: series.filter(pl.col("session_date") <= day).sort("session_date")[column][-1] for day in (start, end)}
    return on[end] / on[start]


def test_a_second_walk_commits_nothing(homes, tmp_path):
    again = copy_of(homes / "undisturbed", tmp_path / "home")
    before = Warehouse(tmp_path / "home", latest=True).versions()
    with in_process():
        outcomes = walk(again, market(), history=SINCE, months=TOLD, until="letter")
        outcomes += walk(again, market(), history=SINCE, months=MONTHS, until="portfolio")
    assert [outcome.station for outcome in outcomes if outcome.built] == []
    assert Warehouse(tmp_path / "home", latest=True).versions() == before


def test_no_month_failed(lake):
    checks = lake.read("checks")
    assert checks.filter(~pl.col("passed") & (pl.col("severity") == "ERROR")).rows() == []


def test_every_table_answers_in_sql(lake):
    connection = open_views(lake)
    for table in TABLES:
        (rows,) = connection.execute(f'select count(*) from "{table}"').fetchone()
        assert rows > 0 or table in {*MAY_BE_EMPTY, *SEARCH_TABLES}, table
    for table, columns in READERS_USE.items():
        quoted = ", ".join(f'"{column}"' for column in columns.split())  # `window` is a word of SQL
        assert connection.execute(f'select {quoted} from "{table}" limit 1').fetchone() is not None


def test_facts_of_letters_point_to_rows(lake):
    """Every fact of each strategy's last letter: its source is a table, its key finds rows, its value is in the row of its name."""
    facts = lake.read("report_facts", months=[TOLD[-1]])
    assert set(facts["strategy"]) == set(STRATEGIES)
    constants, stored = set(), {table: lake.read(table) for table in set(facts["source_table"]) & set(TABLES)}
    same = 0
    for fact in facts.iter_rows(named=True):
        if fact["source_table"] not in stored:
            constants.add(fact["source_table"])
            continue
        rows = found_by(stored[fact["source_table"]], json.loads(fact["source_key"]))
        assert rows.height, fact
        if rows.height == 1 and fact["metric"] in rows.columns and isinstance(rows[fact["metric"]][0], float):
            assert fact["value"] == rows[fact["metric"]][0], fact
            same += 1
    assert constants <= {"strategies", "settings"}
    assert same > 30


def found_by(rows, key):
    for name, value in key.items():
        if name in rows.columns:
            wanted = date.fromisoformat(value) if rows.schema[name] == pl.Date else value
            rows = rows.filter(pl.col(name) == wanted)
    return rows


def test_every_planted_fault_is_found(lake):
    """Set aside, or kept with a flag: prices by symbol and session, filings by symbol and period."""
    faults = market().truth()["faults"]
    names = lake.read("securities_clean").select("month", "security_id", "vendor_symbol").unique()
    held = lake.read("quarantine")
    told = {("prices", row["vendor_symbol"], row["session_date"]) for row in held.filter(pl.col("table") == "prices").to_dicts()}
    for row in held.filter(pl.col("table") == "fundamentals").to_dicts():
        told.add(("fundamentals", row["vendor_symbol"], date.fromisoformat(json.loads(row["row_json"])["period_end_date"])))
    odd = lake.read("prices_clean").filter(pl.col("quality").str.contains("stale|split_suspected"))
    odd = odd.join(names, on=["month", "security_id"], how="inner")
    told |= {("prices", *row) for row in odd.select("vendor_symbol", "session_date").iter_rows()}
    missed = [fault for fault in faults.to_dicts() if (fault["table"], fault["vendor_symbol"], fault["date"]) not in told]
    assert faults.height > 20
    assert missed == []


def test_the_checks_of_a_table_look_only_at_what_is_built_before_it():
    """Else a first run judges against tables that are not there yet, and says nothing."""
    for station in (*clean_stations(), factor_station(), *strategy_stations()):
        ready = {reads.table for reads in station.reads} | set(station.writes)
        wanted = {table for written in station.writes for table in LOOKS.get(written, {})}
        assert wanted <= ready, station.name


@pytest.mark.parametrize("world", ["event_off", "event_flipped"])
def test_the_worlds_differ_in_nothing_known_before_the_event(world):
    """The raw rows: with the tests of look-ahead, portfolios before January 2026 are the same too."""
    months = months_between(SINCE[0], "2025-12")
    other = raw_rows(market(world), SINCE)
    for table, rows in raw().items():
        before = pl.col("month").is_in(months)
        assert other[table].filter(before).equals(rows.filter(before & pl.col("month").is_in(SINCE))), table
    assert not other["prices"].filter(pl.col("month") == "2026-01").equals(raw()["prices"].filter(pl.col("month") == "2026-01"))


@pytest.mark.slow
@pytest.mark.parametrize("world", ["event_off", "event_flipped"])
@pytest.mark.parametrize("month", MONTHS)
def test_portfolios_before_the_event_are_the_same_in_all_worlds(world, month, homes, tmp_path, lake):
    copy_of(homes / "before", tmp_path / "home")
    again = decide_again(tmp_path / "home", market(world), month, lake, history=SINCE)
    assert different(decided(lake, month), decided(again, month)) == []
