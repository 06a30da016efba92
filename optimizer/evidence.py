"""All evidence of one search, and whether it is enough to replace the incumbent set of factors."""

from dataclasses import dataclass

import numpy as np

from optimizer.errors import BadPanel, TooFewReturns
from optimizer.evidence_bootstrap import monthly_sortino, paired_p_value, sortino_interval, superior_ability
from optimizer.evidence_factors import FactorTest, factor_tests, inclusion
from optimizer.evidence_overfitting import Overfitting, deflated_sharpe, effective_trials, overfitting, sharpe_of
from optimizer.regimes import FEWEST_MONTHS, RegimeRow, regime_table
from optimizer.search import Search
from optimizer.search_rules import BASELINES, CANDIDATES, NAIVE, best_first, top_count
from optimizer.search_validation import FIRST_FIT, REFIT_EVERY, WalkForward, cross_validated, walk_forward
from optimizer.search_windows import preferences

MOST_OVERFITTING = 0.5
MOST_CHANCE = 0.10  # p-value of superior ability
MOST_CHANCE_AGAINST_INCUMBENT = 0.05
FEWEST_OUT_OF_SAMPLE = 12


@dataclass(frozen=True, eq=False)
class Evidence:
    """What is published with a choice of factors.

    Attributes
    ----------
    statistics
        Name -> value; NaN where a figure cannot be had, `reasons` then says why.
    tests, regime_tests
        Of each factor, over all months and in each regime that has enough of them.
    inclusion : (F,)
        Share of the top 1 % of subsets that hold each factor.
    preference : (S,)
        By which subsets are ranked, from all months.
    verdicts
        Rule -> why it may not replace the incumbent; empty where it may.
    overfitting_ranks : (20,)
        Share of the splits by the rank, out of sample, of the winner in sample: a twentieth each, worst first.
    """

    statistics: dict[str, float]
    reasons: dict[str, str]
    tests: tuple[FactorTest, ...]
    regime_tests: dict[str, tuple[FactorTest, ...]]
    regimes: tuple[RegimeRow, ...]
    inclusion: np.ndarray
    preference: np.ndarray
    walk: WalkForward | None
    verdicts: dict[str, tuple[str, ...]]
    fingerprint: str
    overfitting_ranks: tuple[float, ...]


def judge(
    search: Search,
    *,
    incumbent: tuple[str, ...] | None = None,
    cells: dict[str, np.ndarray] | None = None,
    seed: int = 0,
    first: int = FIRST_FIT,
    every: int = REFIT_EVERY,
) -> Evidence:
    """Gather the evidence of a search.

    Parameters
    ----------
    incumbent
        Factors in use; the challengers must beat them out of sample.
    cells
        Regime -> (T,) months, from `regimes.marginal` or `regimes.crossed`; subsets are preferred by their worst regime.

    Raises
    ------
    BadPanel
        The incumbent is empty or holds a factor that was not searched.
    """
    strangers = [] if incumbent is None else [factor for factor in incumbent if factor not in search.factors]
    if strangers or incumbent == ():
        raise BadPanel(f"the incumbent must hold some of the factors {list(search.factors)}; got {list(incumbent or ())}")
    named = cells or {}
    masks = np.array(list(named.values())) if named else None
    (_, preferred), *_ = preferences(search.own, first=len(search.months), cells=masks)
    ranked = best_first(preferred)
    split = overfitting(search.monthly)
    statistics = _in_sample(search, ranked, split, seed)
    walk, reasons = _out_of_sample(search, statistics, incumbent, masks, seed=seed, first=first, every=every)
    return Evidence(
        statistics=statistics,
        reasons=reasons,
        tests=factor_tests(search),
        regime_tests={name: factor_tests(search, cell) for name, cell in named.items() if cell.sum() >= FEWEST_MONTHS},
        regimes=regime_table(search.own, search.active, named),
        inclusion=inclusion(ranked[: top_count(len(ranked))], len(search.factors)),
        preference=preferred,
        walk=walk,
        verdicts={rule: _objections(statistics, rule) for rule in CANDIDATES},
        fingerprint=search.fingerprint(),
        overfitting_ranks=split.ranks,
    )


def _in_sample(search: Search, ranked: np.ndarray, split: Overfitting, seed: int) -> dict[str, float]:
    monthly, active = search.monthly, search.monthly_active
    ability = superior_ability(active, seed=seed)
    trials, best = effective_trials(active), ranked[0]
    ratios = monthly_sortino(monthly.T)
    return {
        "months": float(len(monthly)),
        "trials": float(monthly.shape[1]),
        "effective_trials": trials,
        "best_subset": float(best),
        "runner_up_subset": float(ranked[min(1, len(ranked) - 1)]),
        "sortino_best": float(ratios[best]),
        "sortino_runner_up": float(ratios[ranked[min(1, len(ranked) - 1)]]),
        "sortino_median": float(np.median(ratios)),
        "sortino_benchmark": float(monthly_sortino(search.benchmark)),
        "pbo": split.probability,
        "pbo_splits": float(split.splits),
        "pbo_in_sample": split.in_sample,
        "pbo_out_of_sample": split.out_of_sample,
        "spa_statistic": ability.statistic,
        "spa_p_lower": ability.p_lower,
        "spa_p": ability.p_consistent,
        "spa_p_upper": ability.p_upper,
        "deflated_sharpe_best": deflated_sharpe(active[:, best], variance=float(sharpe_of(active).var()), trials=trials),
    }


def _out_of_sample(
    search: Search,
    statistics: dict[str, float],
    incumbent: tuple[str, ...] | None,
    cells: np.ndarray | None,
    *,
    seed: int,
    first: int,
    every: int,
) -> tuple[WalkForward | None, dict[str, str]]:
    """Add the figures of walk-forward and cross-validation to the statistics; say why some are missing."""
    reasons = {}
    rules = (*CANDIDATES, NAIVE, *(BASELINES if incumbent else BASELINES[:1]))
    walk = None
    if len(search.months) < first + FEWEST_OUT_OF_SAMPLE:
        reasons["walk_forward"] = f"{first + FEWEST_OUT_OF_SAMPLE} months are needed, {len(search.months)} are there"
    else:
        walk = walk_forward(search, incumbent=incumbent, cells=cells, first=first, every=every)
        statistics["walk_forward_months"] = float(len(walk.months))
        statistics["walk_forward_benchmark"] = float(monthly_sortino(search.benchmark[walk.months]))
    for rule in rules:
        out = np.full(3, np.nan) if walk is None else _with_interval(walk.returns[rule], seed)
        statistics |= {f"walk_forward_{rule}{part}": float(value) for part, value in zip(("", "_low", "_high"), out, strict=True)}
        if incumbent and rule in CANDIDATES:
            against = np.nan if walk is None else paired_p_value(walk.returns[rule], walk.returns["incumbent"], seed=seed)
            statistics[f"p_{rule}_beats_incumbent"] = against
    try:
        paths = cross_validated(search, incumbent=incumbent)
    except TooFewReturns as error:
        reasons["cross_validated"], paths = str(error), {}
    for rule in rules:
        ratios = monthly_sortino(paths[rule]) if rule in paths else np.array([np.nan])
        statistics |= {f"cross_validated_{rule}": float(ratios.mean()), f"cross_validated_{rule}_worst": float(ratios.min())}
    return walk, reasons


def _with_interval(returns: np.ndarray, seed: int) -> tuple[float, float, float]:
    return (float(monthly_sortino(returns)), *sortino_interval(returns, seed=seed))


def _objections(statistics: dict[str, float], rule: str) -> tuple[str, ...]:
    """Why a rule may not replace the incumbent; a figure that cannot be had is an objection too."""
    objections = []
    if not statistics["pbo"] <= MOST_OVERFITTING:
        objections.append(f"probability of overfitting {statistics['pbo']:.2f} is above {MOST_OVERFITTING}")
    if not statistics["spa_p"] <= MOST_CHANCE:
        objections.append(f"superior ability: p = {statistics['spa_p']:.2f} is above {MOST_CHANCE}")
    against = statistics.get(f"p_{rule}_beats_incumbent")
    if against is not None and np.isnan(against):
        objections.append("against the incumbent out of sample: not known, the history is too short")
    elif against is not None and not against < MOST_CHANCE_AGAINST_INCUMBENT:
        objections.append(f"against the incumbent out of sample: p = {against:.2f} is not below {MOST_CHANCE_AGAINST_INCUMBENT}")
    return tuple(objections)
