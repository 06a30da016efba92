"""Factor diagnostics against scipy, by hand, and blind to what comes after the month."""

import numpy as np
import polars as pl
import pytest
from scipy.stats import spearmanr, ttest_1samp

from wg_dagster.calendars import months_between
from wg_dagster.quality.gate import passes
from wg_dagster.schemas.columns import FACTORS
from wg_dagster.schemas.tables import TABLES
from wg_dagster.selection import diagnostics
from wg_dagster.selection.diagnostics import diagnostic_rows, diagnostics_page, fifth_returns, newey_west_t, rank_correlation
from wg_dagster.selection.diagnostics_station import month_returns
from wg_dagster.strategies import STRATEGIES

STRATEGY = STRATEGIES["next_major_100"]
MONTHS = months_between("2023-01", "2024-03")
LAST = MONTHS[-1]
NAMES = [f"US{k:03d}" for k in range(40)]


def scores_of(month, rng):
    """Forty names; one factor copies the month, the name US000 has no score, liquidity is unknown."""
    values = {factor: rng.normal(size=len(NAMES)).round(1) for factor in FACTORS}
    rows = pl.DataFrame({"strategy": STRATEGY.strategy_id, "month": month, "security_id": NAMES, **values})
    rows = rows.with_columns(growth=pl.when(pl.col("security_id") != "US000").then("growth"), liquidity=pl.lit(None, pl.Float64))
    return rows.sort("security_id")


@pytest.fixture(scope="module")
def market():
    rng = np.random.default_rng(3)
    scores = {month: scores_of(month, rng) for month in MONTHS}
    returns = {month: pl.DataFrame({"security_id": NAMES[1:], "return": rng.normal(0, 0.1, len(NAMES) - 1)}) for month in MONTHS}
    return scores, returns


@pytest.fixture(scope="module")
def history(market):
    scores, returns = market
    before = TABLES["factor_diagnostics"].empty()
    for month in MONTHS:
        before = pl.concat([before, diagnostic_rows(STRATEGY, month, scores=scores, returns=returns[month], before=before)])
    return before


def figure(rows, factor, statistic, month=LAST):
    return rows.filter(month=month, factor=factor, statistic=statistic)["value"].item()


def test_the_rank_ic_is_scipys_between_last_months_scores_and_this_months_returns(market, history):
    scores, returns = market
    for lag in (1, 2, 12):
        old = scores[MONTHS[-1 - lag]].join(returns[LAST], on="security_id")
        assert figure(history, "value", f"rank_ic_{lag}") == pytest.approx(spearmanr(old["value"], old["return"]).statistic, abs=1e-12)
    known = scores[MONTHS[-2]].join(returns[LAST], on="security_id").drop_nulls("growth")
    assert figure(history, "growth", "rank_ic_1") == pytest.approx(spearmanr(known["growth"], known["return"]).statistic, abs=1e-12)


def test_rank_autocorrelation_and_correlations_are_scipys(market, history):
    scores, _ = market
    assert figure(history, "size", "rank_autocorrelation") == pytest.approx(
        spearmanr(scores[MONTHS[-2]]["size"], scores[LAST]["size"]).statistic, abs=1e-12
    )
    assert figure(history, "size", "correlation|value") == pytest.approx(
        spearmanr(scores[LAST]["size"], scores[LAST]["value"]).statistic, abs=1e-12
    )
    assert figure(history, "size", "correlation|value") == figure(history, "value", "correlation|size")


def test_coverage_counts_the_unknown_and_what_cannot_be_computed_has_no_row(history):
    assert figure(history, "growth", "coverage") == 39 / 40
    assert figure(history, "liquidity", "coverage") == 0.0
    told = set(history.filter(month=LAST, factor="liquidity")["statistic"])
    assert told == {"coverage"}


def test_the_first_month_has_no_past_to_speak_of(history):
    told = set(history.filter(month=MONTHS[0], factor="size")["statistic"])
    assert not {name for name in told if name.startswith(("rank_", "return_", "top_"))}


def test_fifths_by_hand():
    """Ten names, two a fifth: scores 1..10 backwards, returns 0..9 per cent."""
    found = fifth_returns(np.arange(10.0, 0.0, -1.0), np.arange(10) / 100)
    assert found == pytest.approx([0.085, 0.065, 0.045, 0.025, 0.005])


def test_equal_scores_share_a_fifth():
    found = fifth_returns(np.array([0.0] * 10 + [1.0] * 10), np.array([0.1] * 10 + [0.3] * 10))
    assert found[[1, 3]] == pytest.approx([0.1, 0.3])
    assert np.isnan(found[[0, 2, 4]]).all()


def test_the_top_fifth_is_replaced_by_hand():
    """Of twenty names the four highest are 16..19; next month 18 and 19 fall to the end: two of four are new."""
    before = pl.DataFrame({"security_id": [f"US{k:03d}" for k in range(20)], "size": np.arange(20.0)})
    now = before.with_columns(size=pl.when(pl.col("size") >= 18).then(-1.0).otherwise("size"))
    assert diagnostics._shape(now, before, "size")["top_fifth_replaced"] == 0.5


def test_newey_west_by_hand():
    """T = 12: lags = floor(4 x 0.12^(2/9)) = 2. Series of ones and minus ones in blocks of three around a mean of 0.5.

    Centred c = +1 x3, -1 x3, +1 x3, -1 x3: products at lag 1 sum to 8 - 3 = 5, at lag 2 to 4 - 6 = -2; so the variance is
    12/12 + 2 (2/3 x 5/12 + 1/3 x -2/12) = 1 + 4/9 = 13/9, and t = 0.5 / sqrt(13 / 9 / 12).
    """
    values = 0.5 + np.repeat([1.0, -1.0, 1.0, -1.0], 3)
    assert newey_west_t(values) == pytest.approx(0.5 / np.sqrt(13 / 9 / 12))


def test_without_autocorrelation_newey_west_is_near_the_common_t():
    values = np.random.default_rng(1).normal(0.1, 1.0, 5000)
    assert newey_west_t(values) == pytest.approx(ttest_1samp(values, 0).statistic, rel=0.1)


def test_the_t_of_a_month_uses_all_months_so_far_and_none_after(history):
    past = history.filter(factor="size", statistic="rank_ic_1").sort("month")["value"].to_numpy()
    assert figure(history, "size", "rank_ic_t") == newey_west_t(past)
    assert figure(history, "size", "rank_ic_mean") == pytest.approx(past.mean())
    assert history.filter(month=MONTHS[11], statistic="rank_ic_t").is_empty()  # eleven months of returns


def test_nothing_of_a_month_changes_with_what_comes_after(market, history):
    """Later scores, returns and diagnostics are given and not looked at."""
    scores, returns = market
    for month in (MONTHS[2], MONTHS[-3]):
        again = diagnostic_rows(STRATEGY, month, scores=scores, returns=returns[month], before=history)
        known = {one: rows for one, rows in scores.items() if one <= month}
        alone = diagnostic_rows(STRATEGY, month, scores=known, returns=returns[month], before=history.filter(pl.col("month") < month))
        assert again.equals(alone)
        assert again.equals(history.filter(month=month))


def test_a_factor_that_knows_the_returns_of_its_own_month_has_no_ic_for_it(market):
    """Scores equal to the month's own returns: only the next month's returns count, and they are independent."""
    _, returns = market
    names = (
        returns[LAST]
        .select("security_id", size=pl.col("return"))
        .with_columns(*(pl.lit(0.0).alias(factor) for factor in FACTORS if factor != "size"))
    )
    found = diagnostic_rows(STRATEGY, LAST, scores={LAST: names}, returns=returns[LAST], before=TABLES["factor_diagnostics"].empty())
    assert found.filter(statistic="rank_ic_1").is_empty()
    shifted = {MONTHS[-2]: names}
    caught = diagnostic_rows(STRATEGY, LAST, scores=shifted, returns=returns[LAST], before=TABLES["factor_diagnostics"].empty())
    assert figure(caught, "size", "rank_ic_1") == pytest.approx(1.0)


def test_month_returns_compound_by_hand():
    """Log returns of 0.1 and 0.2 make exp(0.3) - 1; a session without a return counts as none; no returns, no row."""
    prices = pl.DataFrame({"security_id": ["a", "a", "a", "b"], "log_return_1e9": [100_000_000, None, 200_000_000, None]})
    rows = month_returns(prices.with_columns(market=pl.lit("US")))
    assert rows["security_id"].to_list() == ["a"]
    assert rows["return"].item() == pytest.approx(np.exp(0.3) - 1)


def test_constant_and_few_values_have_no_rank_correlation():
    assert np.isnan(rank_correlation(np.ones(20), np.arange(20.0)))
    assert np.isnan(rank_correlation(np.arange(9.0), np.arange(9.0)))


def test_the_rows_pass_the_gate(history):
    assert passes("factor_diagnostics", history)


def test_the_page_of_a_month_has_a_line_a_factor_and_dashes_for_what_is_unknown(history):
    lines = diagnostics_page(history.filter(month=LAST)).splitlines()
    assert len(lines) == 2 + len(FACTORS)
    assert f"{figure(history, 'size', 'rank_ic_1'):.3f}" in next(line for line in lines if line.startswith("| size |"))
    assert next(line for line in lines if line.startswith("| liquidity |")) == "| liquidity | 0% | - | - | - | - | - |"
