import numpy as np
import polars as pl
import pytest

from wg_dagster.performance.exposures import exposure_rows


@pytest.fixture
def tables(a_month, rows_of):
    """Two names in A, one in B, growth scores 1, unknown and -2; half in name0, half in a name of no universe."""
    scores = np.full((3, 14), np.nan)
    scores[:, 1] = [1.0, np.nan, -2.0]
    frames = a_month(
        sectors=["A", "A", "B"], returns=[[0.0]] * 3, held=[1, 0, 0], index=[0.0], benchmark=[0.5, 0.3, 0.2], scores=scores
    ).frames()
    portfolio = [{"month": "2024-01", "security_id": name, "weight": 0.5} for name in ("name0", "name9")]
    return rows_of("model_portfolios", portfolio), frames["universe_members"], frames["factor_scores"]


def test_exposures_are_weighted_scores_and_an_unknown_score_is_neutral(tables):
    rows = {row["factor"]: row for row in exposure_rows(*tables).to_dicts()}
    assert rows["growth"]["portfolio"] == pytest.approx(0.5 * 1.0)
    assert rows["growth"]["benchmark"] == pytest.approx(0.5 * 1.0 + 0.2 * -2.0)
    assert rows["growth"]["active"] == pytest.approx(0.5 - 0.1)
    assert rows["safety"]["portfolio"] == 0.0


def test_sector_weights_of_both_sides_sum_to_one(tables):
    rows = exposure_rows(*tables)
    sectors = {row["factor"]: (row["portfolio"], row["benchmark"]) for row in rows.to_dicts() if row["factor"].startswith("sector:")}
    assert sectors == {
        "sector:A": pytest.approx((0.5, 0.8)),
        "sector:B": pytest.approx((0.0, 0.2)),
        "sector:outside_universe": pytest.approx((0.5, 0.0)),
    }
    assert rows.filter(pl.col("factor").str.starts_with("sector:"))["active"].sum() == pytest.approx(0.0, abs=1e-15)


def test_no_portfolio_has_no_exposures(tables):
    portfolio, universe, scores = tables
    assert exposure_rows(portfolio.clear(), universe, scores).is_empty()


def test_a_member_without_a_sector_counts_as_unknown(tables):
    portfolio, universe, scores = tables
    rows = exposure_rows(portfolio, universe.with_columns(pl.lit(None, dtype=pl.String).alias("sector")), scores)
    assert dict(rows.select("factor", "benchmark").iter_rows())["sector:Unknown"] == pytest.approx(1.0)
