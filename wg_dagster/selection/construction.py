"""What the real construction says of the rules: Sortino ratios of the trials net of costs, and which rule is recommended.

A recommendation changes nothing by itself: the manager sets the strategy's `factor_rule`, or does not.
"""

from collections.abc import Mapping, Sequence

import numpy as np
import polars as pl

from optimizer.evidence import FEWEST_OUT_OF_SAMPLE, MOST_CHANCE_AGAINST_INCUMBENT
from optimizer.evidence_bootstrap import monthly_sortino, paired_p_value, sortino_interval
from optimizer.search_rules import CANDIDATES
from wg_dagster.selection.search_rules import INCUMBENT, RULES

_UNDECIDED = ("kept_previous", "no_portfolio", "not_runnable")
_SEED, _LEVEL = 0, MOST_CHANCE_AGAINST_INCUMBENT


def construction_rows(
    trial_nav: pl.DataFrame, objected: Mapping[str, bool], *, doubts: Sequence[str] = ()
) -> dict[str, tuple[float | None, str]]:
    """Statistics of the trials: statistic -> value and note.

    Parameters
    ----------
    trial_nav
        Of one strategy, up to the month. The first month, in which a trial is invested, is no full month and is left out.
    objected
        Candidate -> whether the evidence of the grid objects to it.
    doubts
        What speaks against every recommendation.
    """
    returns = trial_returns(trial_nav)
    months = len(next(iter(returns.values()), ()))
    rows: dict[str, tuple[float | None, str]] = {"construction_months": (float(months), "")}
    for rule, series in sorted(returns.items()):
        own = trial_nav.filter(pl.col("factor_rule") == rule)
        undecided = own.filter(pl.col("status").is_in(_UNDECIDED)).height
        rows |= {
            f"construction_turnover_{rule}": (_mean(own["turnover"]), "a month, half the sum of absolute weight changes"),
            f"construction_undecided_{rule}": (float(undecided), "months without a portfolio of their own"),
            f"construction_growth_{rule}": (float(np.prod(1.0 + series)), ""),
        }
        rows |= {f"construction_curve_{rule} | {month}": (nav, "") for month, nav in _curve(own)}
        if months >= FEWEST_OUT_OF_SAMPLE:
            low, high = sortino_interval(series, seed=_SEED)
            rows |= {
                f"construction_sortino_{rule}": (float(monthly_sortino(series)), ""),
                f"construction_sortino_{rule}_low": (low, ""),
                f"construction_sortino_{rule}_high": (high, ""),
            }
    for rule in CANDIDATES:
        against = np.nan
        if months >= FEWEST_OUT_OF_SAMPLE:
            against = paired_p_value(returns[rule], returns[INCUMBENT], seed=_SEED)
        rows[f"p_construction_{rule}_beats_incumbent"] = (against, "")
        why = _against(months=months, p=against, is_objected=objected.get(rule, True), doubts=doubts)
        rows[f"recommend_{rule}"] = (float(not why), "; ".join(why) or "the grid and the real construction agree")
    return rows


def trial_returns(trial_nav: pl.DataFrame) -> dict[str, np.ndarray]:
    """Rule -> monthly returns over the months that all rules have, oldest first."""
    wide = trial_nav.drop_nulls("nav").pivot(on="factor_rule", index="month", values="nav").sort("month").drop_nulls()
    if not set(RULES) <= set(wide.columns) or wide.height < 2:
        return {}
    return {rule: wide[rule].to_numpy()[1:] / wide[rule].to_numpy()[:-1] - 1.0 for rule in RULES}


def _against(*, months: int, p: float, is_objected: bool, doubts: Sequence[str]) -> list[str]:
    """Why the rule is not recommended."""
    why = ["the evidence of the grid objects (may_replace)"] if is_objected else []
    why += doubts
    if months < FEWEST_OUT_OF_SAMPLE:
        return [*why, f"the real construction has run {months} months, {FEWEST_OUT_OF_SAMPLE} are needed"]
    if not p < _LEVEL:
        why.append(f"in the real construction, net of costs, it is not ahead of the incumbent: p = {p:.2f}, wanted below {_LEVEL}")
    return why


def _curve(own: pl.DataFrame) -> list[tuple[str, float]]:
    rows = own.drop_nulls("nav").sort("month")
    return [(month, nav / rows["nav"][0]) for month, nav in rows.select("month", "nav").iter_rows()]


def _mean(values: pl.Series) -> float | None:
    mean = values.drop_nulls().mean()
    return float(mean) if isinstance(mean, int | float) else None
