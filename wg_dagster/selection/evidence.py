"""The evidence of a strategy's factor search at a month's end: what was found, how much of it is luck, and what the real construction says."""

import numpy as np
import polars as pl

import optimizer
from optimizer.errors import BadPanel
from optimizer.evidence import Evidence
from optimizer.evidence_factors import FactorTest
from optimizer.search import Search
from optimizer.search_engine import top_names
from optimizer.search_panel import check_information
from optimizer.search_validation import FIRST_FIT
from wg_dagster.calendars import month_shift
from wg_dagster.errors import OutsideData
from wg_dagster.quality.thresholds import SURVIVOR_NAMES
from wg_dagster.schemas.tables import TABLES
from wg_dagster.selection.construction import construction_rows
from wg_dagster.selection.evidence_panel import SearchPanel
from wg_dagster.selection.search_months import masks_of
from wg_dagster.selection.search_regimes import regime_cells, regime_splits
from wg_dagster.selection.search_rules import Window, by_factor, first_fit, searched_window, sums_of
from wg_dagster.strategies import Strategy
from wg_dagster.trading.costs import cost_rate

_DIGITS = 12  # what lies beyond hangs on the order of additions
Rows = dict[str, tuple[float | None, str]]


def evidence_table(
    strategy: Strategy,
    month: str,
    *,
    results: pl.DataFrame,
    premia: pl.DataFrame,
    universe: pl.DataFrame,
    scores: pl.DataFrame,
    prices: pl.DataFrame,
    benchmark_nav: pl.DataFrame,
    rates_clean: pl.DataFrame,
    trial_nav: pl.DataFrame,
    securities: pl.DataFrame,
) -> pl.DataFrame:
    """Rows of `search_evidence` of a month: one statistic each, `note` says what a number cannot.

    Parameters
    ----------
    results, premia, trial_nav
        `search_results`, `search_premia`, `trial_nav` of the strategy, up to the month.
    universe, scores, prices, benchmark_nav, rates_clean, securities
        All rows up to the month of `universe_members`, `factor_scores` (of the strategy), `prices_clean`, `benchmark_nav`, `rates_clean`,
        `securities_clean`.

    Raises
    ------
    TooFewReturns
        If fewer than 24 months in a row have been searched.
    OutsideData
        If a factor knows the returns that follow too well to be true.
    """
    window = searched_window(results)
    panel = SearchPanel(strategy, window.months, universe=universe, scores=scores, prices=prices, benchmark_nav=benchmark_nav)
    found = assembled(strategy, window, panel, results=results, premia=premia)
    try:
        check_information(found.information, found.factors)
    except BadPanel as error:
        raise OutsideData(f"{strategy.strategy_id} {month}: {error}") from error
    decided = [month_shift(earned, -1) for earned in window.months]
    cells = regime_cells(regime_splits(strategy, decided, benchmark_nav=benchmark_nav, rates_clean=rates_clean))
    incumbent = tuple(factor for factor in found.factors if factor in strategy.factors)
    first = first_fit(len(window.months))
    evidence = optimizer.judge(found, incumbent=incumbent or None, cells=cells, first=first)
    rows = evidence_rows(strategy, window, found, evidence)
    rows["walk_forward_first"] = (float(first), "months before the first choice")
    objected = {rule: bool(why) for rule, why in evidence.verdicts.items()}
    rows |= construction_rows(trial_nav, objected, doubts=_doubts(strategy, first, securities))
    values = [(strategy.strategy_id, month, name, _rounded(value), note) for name, (value, note) in sorted(rows.items())]
    columns = TABLES["search_evidence"].schema
    return pl.DataFrame(values, schema=["strategy", "month", "statistic", "value", "note"], orient="row", infer_schema_length=None).select(
        pl.col(name).cast(dtype) for name, dtype in columns.items()
    )


def _doubts(strategy: Strategy, first: int, securities: pl.DataFrame) -> list[str]:
    """What speaks against every recommendation, whatever the figures are."""
    listed = securities.filter(pl.col("market") == strategy.market)
    doubts = ["the grid has fewer than 72 months: shown, not enough to go by"] if first < FIRST_FIT else []
    if listed["security_id"].n_unique() >= SURVIVOR_NAMES and listed["listed_to"].is_null().all():
        doubts.append("nobody ever leaves this market: it was chosen with hindsight")
    return doubts


def assembled(strategy: Strategy, window: Window, panel: SearchPanel, *, results: pl.DataFrame, premia: pl.DataFrame) -> Search:
    """The stored months put together again, as `optimizer.search` would return them."""
    months = tuple(panel.read(month, window.factors) for month in window.months)
    own, active = sums_of(results, window), sums_of(results, window, active=True)
    outside = ~int(sum(1 << k for k in window.factors))
    inside = results.filter(pl.col("month").is_in(list(window.months)) & ((pl.col("subset") & outside) == 0)).sort("month", "subset")
    return Search(
        factors=window.names,
        holdings=strategy.mandate.names[1],
        cost=cost_rate(strategy.costs),
        own=own,
        active=active,
        traded=inside["traded"].to_numpy().reshape(own.growth.shape),
        benchmark=np.array([np.prod(1.0 + month.benchmark) - 1.0 for month in months]),
        premia=by_factor(premia, window, "premium"),
        information=by_factor(premia, window, "information"),
        months=months,
        last_chosen=top_names(months[-1], strategy.mandate.names[1]),
    )


def evidence_rows(strategy: Strategy, window: Window, found: Search, evidence: Evidence) -> Rows:
    """Statistic -> value and note."""
    rows: Rows = {name: (value, "") for name, value in evidence.statistics.items()}
    masks = masks_of(window.factors)
    for name in ("best_subset", "runner_up_subset"):
        subset = int(evidence.statistics[name])
        rows[name] = (float(masks[subset]), "+".join(found.names(subset)))
    best, next_best = (set(found.names(int(evidence.statistics[name]))) for name in ("best_subset", "runner_up_subset"))
    rows["runner_up_distance"] = (float(len(best ^ next_best)), "factors in one of the two sets but not in both")
    incumbent = [factor for factor in found.factors if factor in strategy.factors]
    searched = "" if len(incumbent) == len(strategy.factors) else ", without the factors that are left out"
    rows["incumbent"] = (float(len(incumbent)), "+".join(incumbent) + searched)
    rows["matrix_sha256"] = (None, evidence.fingerprint)
    rows |= {f"missing_{name}": (None, reason) for name, reason in evidence.reasons.items()}
    rows |= {f"left_out_{factor}": (None, reason) for factor, reason in window.left_out.items()}
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
    rows["first_month"], rows["last_month"] = (None, window.months[0]), (None, window.months[-1])
    rows |= {f"overfitting_rank | {k + 1:02d}": (share, "") for k, share in enumerate(evidence.overfitting_ranks)}
    if evidence.walk is not None:
        rows |= _curves(found, evidence.walk.months, evidence.walk.returns)
    return rows


def _curves(found: Search, months: np.ndarray, returns: dict[str, np.ndarray]) -> Rows:
    """Growth of one unit in each rule and in the benchmark, month by month out of sample."""
    series = {**returns, "benchmark": found.benchmark[months]}
    labels = [found.earned_in[t] for t in months]
    grown = {rule: np.cumprod(1.0 + values) for rule, values in series.items()}
    return {
        f"walk_forward_growth_{rule} | {label}": (float(value), "")
        for rule in grown
        for label, value in zip(labels, grown[rule], strict=True)
    }


def _test_rows(tests: tuple[FactorTest, ...], suffix: str) -> Rows:
    parts = ("premium", "premium_t", "premium_q", "effect", "effect_t", "effect_q", "is_found")
    return {f"{part}_{test.factor}{suffix}": (float(getattr(test, part)), "") for test in tests for part in parts}


def _rounded(value: float | None) -> float | None:
    return None if value is None or not np.isfinite(value) else float(f"{value:.{_DIGITS}g}")
