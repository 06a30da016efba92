import re
from dataclasses import replace
from datetime import date
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from optimizer import measures
from wg_dagster.calendars import month_end, month_sessions, months_between
from wg_dagster.errors import UnknownValue
from wg_dagster.performance.measures_table import performance_rows
from wg_dagster.performance.returns import drawdown_series, month_ends, same_dates
from wg_dagster.strategies import MAJOR_100, NEXT_MAJOR_100, SAMURAI_25


@pytest.fixture
def history(rows_of):
    """Builds nav and benchmark rows from inception and monthly returns: flat inside a month, the return on its last session."""

    def build(first, own, index, *, benchmark_id="sp500", calendar="XNYS", currency="USD", start=0.999, **flags):
        months = months_between(first, "2026-12")[: len(own)]
        nav, levels = [], []
        value, level = start, 4000.0
        for month, return_, of_index in zip(months, own, index, strict=True):
            for day in month_sessions(calendar, month):
                if day == month_end(calendar, month):
                    value, level = value * (1 + return_), level * (1 + of_index)
                nav.append({"month": month, "session_date": day, "currency": currency, "nav": value})
                levels.append(
                    {"month": month, "benchmark_id": benchmark_id, "session_date": day, "currency": currency, "level": level}
                    | {"is_total_return": True, "is_proxy": False, **flags}
                )
        return months, rows_of("nav", nav), rows_of("benchmark_nav", levels)

    return build


@pytest.fixture
def rates_at(rows_of):
    """Builds `rates_clean` from {rate_id: {date: value}}."""

    def build(values):
        rows = [
            {"month": f"{day:%Y-%m}", "rate_id": rate_id, "date": day, "value": value}
            for rate_id, by_day in values.items()
            for day, value in by_day.items()
        ]
        return rows_of("rates_clean", rows)

    return build


def figure(rows, metric, window, *, month=None, words=""):
    """The only value of a metric and window whose basis holds all of `words`; fails if there is none."""
    chosen = rows.filter((pl.col("metric") == metric) & (pl.col("window") == window))
    if month:
        chosen = chosen.filter(pl.col("month") == month)
    for word in words.split():
        chosen = chosen.filter(pl.col("basis").str.contains(word))
    assert chosen.height == 1, f"{chosen.height} rows of {metric} {window} {words}"
    return chosen["value"].item()


def metrics(rows, window):
    """Names of the metrics that a window has."""
    return set(rows.filter(pl.col("window") == window)["metric"])


def test_g1_and_g3_the_gap_is_arithmetic(history, rates_at):
    months, nav, levels = history("2025-12", [0.0, -0.0433], [0.0, 0.0583])
    rows = performance_rows(MAJOR_100, months, nav, levels, rates_at({}))
    january = {"month": "2026-01"}
    assert figure(rows, "return", "1m", **january) == pytest.approx(-0.0433, abs=1e-15)
    assert figure(rows, "benchmark_return", "1m", **january) == pytest.approx(0.0583, abs=1e-15)
    assert figure(rows, "excess_return", "1m", **january) == pytest.approx(-0.1016, abs=1e-15)
    assert figure(rows, "relative_wealth", "1m", **january) == pytest.approx(0.9567 / 1.0583 - 1, abs=1e-15)


def test_g6_the_gain_needed_stands_beside_the_drawdown(history, rates_at):
    months, nav, levels = history("2025-02", [0.0, -0.1361], [0.0, 0.0])
    rows = performance_rows(MAJOR_100, months, nav, levels, rates_at({}))
    assert figure(rows, "current_drawdown", "since_inception", month="2025-03") == pytest.approx(-0.1361, abs=1e-15)
    assert figure(rows, "gain_to_recover", "since_inception", month="2025-03") == pytest.approx(0.1575, abs=5e-5)


def test_both_series_start_at_the_close_of_the_first_trade(history, rates_at):
    """The benchmark has a year of history before inception; its return since inception must not see it."""
    _, _, before = history("2024-01", [0.0] * 12, [0.05] * 12)
    months, nav, levels = history("2025-01", [0.10, 0.0], [0.02, 0.01])
    rows = performance_rows(MAJOR_100, months, nav, pl.concat([before, levels]), rates_at({}))
    assert figure(rows, "return", "since_inception", month="2025-02") == pytest.approx(0.10, abs=1e-14)
    assert figure(rows, "benchmark_return", "since_inception", month="2025-02") == pytest.approx(1.02 * 1.01 - 1, abs=1e-14)
    assert figure(rows, "inception_cost", "since_inception", month="2025-02") == pytest.approx(0.001, abs=1e-15)
    assert figure(rows, "excess_return", "1m", month="2025-01") == pytest.approx(0.10 - 0.02, abs=1e-14)


def test_a_benchmark_that_starts_later_is_compared_in_no_window_that_begins_before_it(history, rates_at):
    months, nav, levels = history("2025-01", [0.01] * 4, [0.02] * 4)
    rows = performance_rows(MAJOR_100, months, nav, levels.filter(pl.col("month") >= "2025-03"), rates_at({}))
    april = rows.filter(pl.col("month") == "2025-04")
    assert "benchmark_return" in metrics(april, "1m")
    assert "benchmark_return" not in metrics(april, "3m")
    assert "return" in metrics(april, "since_inception")
    assert not metrics(april, "since_inception") & {"benchmark_return", "excess_return", "hit_rate", "benchmark_max_drawdown"}


def test_a_benchmark_that_stopped_is_not_taken_for_flat(history, rates_at):
    months, nav, levels = history("2025-01", [0.01] * 3, [0.02] * 3)
    rows = performance_rows(MAJOR_100, months, nav, levels.filter(pl.col("month") < "2025-03"), rates_at({}))
    assert "benchmark_return" not in metrics(rows.filter(pl.col("month") == "2025-03"), "1m")


def test_a_missing_session_of_the_benchmark_keeps_its_last_level(history):
    _, nav, levels = history("2025-01", [0.01], [0.02])
    gap = levels["session_date"][5]
    dated = same_dates(nav, levels.filter(pl.col("session_date") != gap))
    assert dated.height == nav.height
    assert dated.filter(pl.col("session_date") == gap)["level"].item() == 4000.0


def test_another_currency_is_refused_by_name_and_date(history, rates_at):
    months, nav, levels = history("2025-01", [0.01], [0.02])
    in_yen = levels.with_columns(pl.lit("JPY").alias("currency"))
    with pytest.raises(UnknownValue, match=r"sp500 is in JPY at 2025-01-02, the strategy in USD"):
        performance_rows(MAJOR_100, months, nav, in_yen, rates_at({}))


def test_under_twelve_months_nothing_is_annualised(history, rates_at):
    random = np.random.default_rng(1)
    months, nav, levels = history("2025-01", random.normal(0.01, 0.04, 12), random.normal(0.01, 0.04, 12))
    rows = performance_rows(MAJOR_100, months, nav, levels, rates_at({"us_bill": {date(2024, 12, 31): 0.04}}))
    annualised = {
        "annualised_return",
        "volatility",
        "downside_deviation",
        "sortino",
        "sharpe",
        "tracking_error",
        "information_ratio",
        "beta",
    }
    eleven, twelve = (rows.filter(pl.col("month") == month) for month in ("2025-11", "2025-12"))
    for window in ("since_inception", "ytd"):
        assert not metrics(eleven, window) & annualised
        assert metrics(twelve, window) >= annualised
    assert "1y" not in set(eleven["window"])
    assert metrics(eleven, "since_inception") >= {"return", "benchmark_return", "excess_return", "max_drawdown", "months"}


def test_windows_are_months_back_from_the_last_one(history, rates_at):
    own = np.arange(1, 15) / 1000
    months, nav, levels = history("2024-11", own, own / 2)
    rows = performance_rows(MAJOR_100, months, nav, levels, rates_at({})).filter(pl.col("month") == "2025-12")
    for window, count in {"1m": 1, "3m": 3, "6m": 6, "ytd": 12, "1y": 12, "since_inception": 14}.items():
        assert figure(rows, "return", window) == pytest.approx(np.prod(1 + own[-count:]) - 1, abs=1e-14)
        assert figure(rows, "months", window) == count
    assert not {"3y", "5y"} & set(rows["window"])


def test_risk_measures_come_from_monthly_returns(history, rates_at):
    random = np.random.default_rng(2)
    own, index = random.normal(0.01, 0.04, (2, 14))
    bills = {month_end("XNYS", month): 0.02 + 0.001 * k for k, month in enumerate(months_between("2024-12", "2026-01"))}
    months, nav, levels = history("2025-01", own, index)
    rows = performance_rows(MAJOR_100, months, nav, levels, rates_at({"us_bill": bills})).filter(pl.col("month") == "2026-02")
    of_year = own[-12:]
    risk_free = np.array([bills[month_end("XNYS", month)] for month in months_between("2025-02", "2026-01")]) / 12
    monthly = {"words": "monthly"}
    assert figure(rows, "sortino", "1y", **monthly) == pytest.approx(measures.sortino_ratio(of_year, periods_per_year=12), rel=1e-12)
    assert figure(rows, "volatility", "1y", **monthly) == pytest.approx(np.std(of_year, ddof=1) * np.sqrt(12), rel=1e-12)
    assert figure(rows, "tracking_error", "1y", **monthly) == pytest.approx(np.std(of_year - index[-12:], ddof=1) * np.sqrt(12), rel=1e-12)
    assert figure(rows, "beta", "1y", **monthly) == pytest.approx(np.polyfit(index[-12:], of_year, 1)[0], rel=1e-10)
    assert figure(rows, "hit_rate", "1y") == np.mean(of_year > index[-12:])
    assert figure(rows, "sortino_over_bills", "1y", words="us_bill") == pytest.approx(
        measures.sortino_ratio(of_year, periods_per_year=12, target=risk_free.mean()), rel=1e-12
    )
    by_hand = (of_year - risk_free).mean() / np.std(of_year - risk_free, ddof=1) * np.sqrt(12)
    assert figure(rows, "sharpe", "1y", words="monthly us_bill") == pytest.approx(by_hand, rel=1e-12)


def test_a_year_without_a_loss_has_a_sortino_of_null_not_infinity(history, rates_at):
    months, nav, levels = history("2025-01", [0.01] * 12, [0.02] * 12)
    rows = performance_rows(MAJOR_100, months, nav, levels, rates_at({}))
    last = rows.filter(pl.col("month") == "2025-12")
    assert figure(last, "sortino", "1y") is None
    assert figure(last, "sharpe", "1y") is None
    assert rows["value"].is_nan().sum() == 0
    assert rows["value"].is_infinite().sum() == 0


def test_a_proxy_and_a_price_index_are_named_in_the_basis_of_what_they_touch(history, rates_at):
    months, nav, levels = history("2025-01", [0.01], [0.02], is_proxy=True, is_total_return=False)
    rows = performance_rows(MAJOR_100, months, nav, levels, rates_at({}))
    basis = dict(rows.filter(pl.col("window") == "1m").select("metric", "basis").iter_rows())
    assert basis["return"] == "USD gross_of_fees net_of_costs simulated monthly"
    assert basis["excess_return"] == "USD gross_of_fees net_of_costs simulated monthly benchmark_proxy benchmark_price_return"


def test_a_series_that_was_a_proxy_once_is_named_one(history, rates_at):
    months, nav, levels = history("2025-01", [0.01, 0.01], [0.02, 0.02])
    in_january = pl.when(pl.col("month") == "2025-01").then(statement=True).otherwise("is_proxy").alias("is_proxy")
    rows = performance_rows(MAJOR_100, months, nav, levels.with_columns(in_january), rates_at({}))
    assert figure(rows, "benchmark_return", "since_inception", month="2025-02", words="benchmark_proxy") == pytest.approx(1.02**2 - 1)


def test_a_hit_rate_needs_three_months(history, rates_at):
    months, nav, levels = history("2025-01", [0.03, 0.01, 0.03], [0.02] * 3)
    rows = performance_rows(MAJOR_100, months, nav, levels, rates_at({})).filter(pl.col("metric") == "hit_rate")
    assert set(rows["month"]) == {"2025-03"}
    assert rows["value"].to_list() == pytest.approx([2 / 3] * rows.height)


def test_the_yen_return_is_local_times_exchange_rate(history, rates_at):
    """Local +10 %, the dollar from 150 to 153 yen: 1.10 x 1.02 - 1 = 12.2 % = 10 % + 2 % + 0.2 %."""
    months, nav, levels = history("2025-01", [0.0, 0.10], [0.0, 0.05])
    rates = rates_at({"usdjpy": {date(2025, 1, 31): 150.0, date(2025, 2, 28): 153.0, date(2025, 3, 3): 170.0}})
    rows = performance_rows(MAJOR_100, months, nav, levels, rates).filter(pl.col("month") == "2025-02")
    assert figure(rows, "return_jpy", "1m", words="JPY") == pytest.approx(0.122, abs=1e-14)
    assert figure(rows, "fx_return", "1m") == pytest.approx(0.02, abs=1e-15)
    assert figure(rows, "fx_cross_term", "1m") == pytest.approx(0.002, abs=1e-15)
    local = figure(rows, "return", "1m", words="USD")
    parts = local + figure(rows, "fx_return", "1m") + figure(rows, "fx_cross_term", "1m")
    assert figure(rows, "return_jpy", "1m") == pytest.approx(parts, abs=1e-12)
    difference = figure(rows, "return_jpy", "1m") - figure(rows, "benchmark_return_jpy", "1m")
    assert figure(rows, "excess_return_jpy", "1m") == pytest.approx(difference, abs=1e-12)


def test_a_yen_strategy_has_no_translation(history, rates_at):
    months, nav, levels = history("2025-01", [0.01], [0.02], benchmark_id="topix", calendar="XTKS", currency="JPY")
    rates = rates_at({"usdjpy": dict.fromkeys(month_sessions("XTKS", "2025-01"), 150.0)})
    rows = performance_rows(SAMURAI_25, months, nav, levels, rates)
    assert not {metric for metric in rows["metric"] if "jpy" in metric or "fx" in metric}
    assert figure(rows, "return", "1m", words="JPY") == pytest.approx(0.01, abs=1e-15)


def test_each_benchmark_has_rows_of_its_own(history, rates_at):
    months, nav, own = history("2025-01", [0.01], [0.02], benchmark_id="russell2000")
    _, _, second = history("2025-01", [0.01], [0.03])
    rows = performance_rows(NEXT_MAJOR_100, months, nav, pl.concat([own, second]), rates_at({}))
    gaps = rows.filter((pl.col("metric") == "excess_return") & (pl.col("window") == "1m")).sort("benchmark_id")
    assert gaps["benchmark_id"].to_list() == ["russell2000", "sp500"]
    assert gaps["value"].to_list() == pytest.approx([-0.01, -0.02], abs=1e-15)


def test_drawdowns_count_sessions_from_the_peak(history, rates_at):
    """Down 10 % on the last session of February, back above on the last of March, down again at the end of April."""
    months, nav, levels = history("2025-01", [0.02, -0.10, 0.20, -0.05], [0.0] * 4)
    rows = performance_rows(MAJOR_100, months, nav, levels, rates_at({}))
    february = len(month_sessions("XNYS", "2025-02"))
    april = rows.filter(pl.col("month") == "2025-04")
    assert figure(april, "max_drawdown", "since_inception") == pytest.approx(-0.10, abs=1e-14)
    assert figure(april, "max_drawdown_fall_sessions", "since_inception") == 1.0  # the level before the fall is also the peak
    assert figure(april, "max_drawdown_recovery_sessions", "since_inception") == len(month_sessions("XNYS", "2025-03"))
    assert figure(april, "longest_recovery_sessions", "since_inception") == 1 + len(month_sessions("XNYS", "2025-03"))
    assert figure(april, "drawdown_sessions", "since_inception") == 1.0
    in_february = rows.filter(pl.col("month") == "2025-02")
    assert figure(in_february, "max_drawdown_recovery_sessions", "since_inception") is None
    assert february > 1


def test_months_to_come_change_no_row(history, rates_at):
    random = np.random.default_rng(3)
    months, nav, levels = history("2025-01", random.normal(0.0, 0.05, 16), random.normal(0.0, 0.05, 16))
    rates = rates_at(
        {"us_bill": {date(2024, 12, 31): 0.04}, "usdjpy": {month_end("XNYS", month): 140.0 + k for k, month in enumerate(months)}}
    )
    together = performance_rows(MAJOR_100, months, nav, levels, rates)
    for month in months[::5]:
        known = pl.col("month") <= month
        alone = performance_rows(MAJOR_100, [month], nav.filter(known), levels.filter(known), rates.filter(known))
        assert alone.equals(together.filter(pl.col("month") == month))


def test_a_month_without_nav_has_no_rows(history, rates_at):
    _, nav, levels = history("2025-01", [0.01], [0.02])
    assert performance_rows(MAJOR_100, ["2024-12", "2025-02"], nav, levels, rates_at({})).is_empty()
    assert performance_rows(MAJOR_100, ["2025-01"], nav.clear(), levels, rates_at({})).is_empty()


def test_the_daily_measures_wait_for_a_year_of_sessions(rows_of, rates_at):
    months = months_between("2024-01", "2025-02")
    days = [(month, day) for month in months for day in month_sessions("XNYS", month)]
    random = np.random.default_rng(4)
    values = np.cumprod(1 + random.normal(0.0005, 0.01, len(days)))
    nav = rows_of("nav", [{"month": month, "session_date": day, "nav": value} for (month, day), value in zip(days, values, strict=True)])
    rows = performance_rows(replace(MAJOR_100, benchmarks=("sp500",)), months, nav, rows_of("benchmark_nav", []), rates_at({}))
    daily = rows.filter((pl.col("metric") == "volatility") & pl.col("basis").str.contains("daily"))
    assert daily["month"].to_list() == ["2025-01", "2025-02"]  # 2024 has 252 sessions, so 251 returns
    last = np.diff(values) / values[:-1]
    assert daily["value"][-1] == pytest.approx(np.std(last, ddof=1) * np.sqrt(252), rel=1e-12)


def test_every_metric_is_described_in_the_documentation(history, rates_at):
    random = np.random.default_rng(5)
    months, nav, levels = history("2024-01", random.normal(0.0, 0.05, 14), random.normal(0.0, 0.05, 14))
    rates = rates_at({"us_bill": {date(2023, 12, 29): 0.04}, "usdjpy": {month_end("XNYS", month): 140.0 for month in months}})
    page = (Path(__file__).parents[2] / "docs" / "performance.md").read_text()
    described = set(re.findall(r"`([a-z_]+)`", page))
    missing = set(performance_rows(MAJOR_100, months, nav, levels, rates)["metric"]) - described
    assert not {metric for metric in missing if metric.removeprefix("benchmark_") not in described}


def test_month_ends_start_at_inception(history):
    _, nav, levels = history("2025-01", [0.01, 0.02], [0.0, 0.0])
    assert month_ends(same_dates(nav, levels))["session_date"].to_list() == [date(2025, 1, 2), date(2025, 1, 31), date(2025, 2, 28)]


def test_the_drawdown_series_of_the_chart(rows_of, a_day):
    nav = rows_of("nav", [{"session_date": a_day.replace(day=k), "nav": value} for k, value in [(3, 0.9), (1, 1.0), (2, 1.2)]])
    assert drawdown_series(nav)["drawdown"].to_list() == pytest.approx([0.0, 0.0, -0.25], abs=1e-15)
    assert drawdown_series(nav.clear()).is_empty()
