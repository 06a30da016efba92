"""The factor search of a strategy: one row a month and subset, and the evidence of each month."""

from concurrent.futures import Executor

import numpy as np
import polars as pl

import optimizer
from optimizer.evidence import Evidence
from optimizer.evidence_factors import FactorTest
from optimizer.search import Search
from wg_dagster.schemas.columns import FACTORS
from wg_dagster.selection.evidence_panel import SearchPanel, regime_cells, regime_splits, search_panel
from wg_dagster.strategies import Strategy
from wg_dagster.trading.costs import cost_rate

# A subset is a number: bit i is the i-th of FACTORS, so it means the same whichever factors could be searched.
RESULT_SCHEMA = {
    "strategy": pl.String,
    "month": pl.String,
    "subset": pl.Int32,
    "sessions": pl.Int32,
    "log_growth": pl.Float64,
    "total": pl.Float64,
    "squares": pl.Float64,
    "downside": pl.Float64,
    "active_log_growth": pl.Float64,
    "active_total": pl.Float64,
    "active_squares": pl.Float64,
    "active_downside": pl.Float64,
    "traded": pl.Float64,
}
EVIDENCE_SCHEMA = {"strategy": pl.String, "month": pl.String, "statistic": pl.String, "value": pl.Float64, "note": pl.String}
_DIGITS = 12  # what lies beyond hangs on the order of additions


def search_tables(
    strategy: Strategy,
    *,
    universe: pl.DataFrame,
    scores: pl.DataFrame,
    prices: pl.DataFrame,
    benchmark_nav: pl.DataFrame,
    rates_clean: pl.DataFrame,
    executor: Executor | None = None,
) -> dict[str, pl.DataFrame]:
    """Search all subsets over all months that have later returns, and judge what was found.

    Parameters
    ----------
    universe, scores, prices, benchmark_nav, rates_clean
        All rows up to a month of `universe_members`, `factor_scores` (of the strategy), `prices_clean`, `benchmark_nav`, `rates_clean`.

    Returns
    -------
    `search_results`, one row a month of returns and subset: sums over the month's sessions after the fill, from which any window
    follows (`log_growth` and `total`, `squares`, `downside` of daily returns, own and less the benchmark's; `traded` weight).
    `search_evidence`, one row a statistic, of the last month of returns; `note` says what a number cannot.
    """
    panel = search_panel(strategy, universe=universe, scores=scores, prices=prices, benchmark_nav=benchmark_nav)
    found = optimizer.search(
        panel.scores,
        panel.returns,
        factors=panel.factors,
        decided_in=panel.decided_in,
        earned_in=panel.earned_in,
        signs=panel.signs,
        members=panel.members,
        benchmark=panel.benchmark,
        sectors=panel.sectors,
        sector_limit=panel.sector_limit,
        holdings=strategy.mandate.names[1],
        cost=cost_rate(strategy.costs),
        executor=executor,
    )
    cells = regime_cells(regime_splits(strategy, panel.decided_in, benchmark_nav=benchmark_nav, rates_clean=rates_clean))
    incumbent = tuple(factor for factor in strategy.factors if factor in panel.factors)
    evidence = optimizer.judge(found, incumbent=incumbent or None, cells=cells)
    return {"search_results": result_rows(strategy, found), "search_evidence": evidence_rows(strategy, panel, found, evidence)}


def result_rows(strategy: Strategy, found: Search) -> pl.DataFrame:
    """Rows of `search_results`, sorted by month and subset."""
    masks = _masks(found.factors)
    order = np.argsort(masks)
    sums = (found.own.growth, found.own.total, found.own.squares, found.own.downside)
    active = (found.active.growth, found.active.total, found.active.squares, found.active.downside)
    columns = (*sums, *active, found.traded)
    return pl.DataFrame(
        {
            "strategy": np.repeat(strategy.strategy_id, len(found.months) * len(masks)),
            "month": np.repeat(np.array(found.earned_in), len(masks)),
            "subset": np.tile(masks[order], len(found.months)),
            "sessions": np.repeat(found.own.periods, len(masks)),
            **{name: values[:, order].ravel() for name, values in zip(list(RESULT_SCHEMA)[4:], columns, strict=True)},
        },
        schema_overrides=RESULT_SCHEMA,
    )


def evidence_rows(strategy: Strategy, panel: SearchPanel, found: Search, evidence: Evidence) -> pl.DataFrame:
    """Rows of `search_evidence`, sorted by statistic."""
    rows: dict[str, tuple[float | None, str]] = {name: (value, "") for name, value in evidence.statistics.items()}
    for name in ("best_subset", "runner_up_subset"):
        subset = int(evidence.statistics[name])
        rows[name] = (float(_masks(found.factors)[subset]), "+".join(found.names(subset)))
    best, next_best = (set(found.names(int(evidence.statistics[name]))) for name in ("best_subset", "runner_up_subset"))
    rows["runner_up_distance"] = (float(len(best ^ next_best)), "factors in one of the two sets but not in both")
    incumbent = [factor for factor in found.factors if factor in strategy.factors]
    searched = "" if len(incumbent) == len(strategy.factors) else ", without the factors that are left out"
    rows["incumbent"] = (float(len(incumbent)), "+".join(incumbent) + searched)
    rows["matrix_sha256"] = (None, evidence.fingerprint)
    rows |= {f"missing_{name}": (None, reason) for name, reason in evidence.reasons.items()}
    rows |= {f"left_out_{factor}": (None, reason) for factor, reason in panel.left_out.items()}
    rows |= {f"may_replace_{rule}": (float(not why), "; ".join(why)) for rule, why in evidence.verdicts.items()}
    rows |= {f"inclusion_{factor}": (float(share), "") for factor, share in zip(found.factors, evidence.inclusion, strict=True)}
    rows |= _test_rows(evidence.tests, "")
    for name, tests in evidence.regime_tests.items():
        rows |= _test_rows(tests, f" | {name}")
    for regime in evidence.regimes:
        note = "" if regime.is_scored else "too few months to be scored"
        rows[f"regime_months | {regime.name}"] = (float(regime.months), note)
        best_subset = int(evidence.statistics["best_subset"])
        for which, ratios in (("own", regime.own), ("active", regime.active)):
            rows[f"regime_sortino_{which}_best | {regime.name}"] = (float(ratios[best_subset]), note)
            rows[f"regime_sortino_{which}_median | {regime.name}"] = (float(np.median(ratios)), note)
    values = [(strategy.strategy_id, found.earned_in[-1], name, _rounded(value), note) for name, (value, note) in sorted(rows.items())]
    return pl.DataFrame(values, schema=EVIDENCE_SCHEMA, orient="row")


def _test_rows(tests: tuple[FactorTest, ...], suffix: str) -> dict[str, tuple[float | None, str]]:
    parts = ("premium", "premium_t", "premium_q", "effect", "effect_t", "effect_q", "is_found")
    return {f"{part}_{test.factor}{suffix}": (float(getattr(test, part)), "") for test in tests for part in parts}


def _masks(factors: tuple[str, ...]) -> np.ndarray:
    """(S,) subset numbers over all of FACTORS, in the order of the searched grid."""
    bits = np.array([1 << FACTORS.index(factor) for factor in factors])
    grid = np.arange(1, 1 << len(factors))
    return ((grid[:, None] >> np.arange(len(factors)) & 1) * bits).sum(axis=1).astype(np.int32)


def _rounded(value: float | None) -> float | None:
    return None if value is None or not np.isfinite(value) else float(f"{value:.{_DIGITS}g}")
