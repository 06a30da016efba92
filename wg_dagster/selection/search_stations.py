"""The stations of the factor search, apart from the month's run: the grid, the trials in the real construction, the evidence."""

from collections.abc import Sequence
from pathlib import Path

import polars as pl

import optimizer
from optimizer.errors import TooFewReturns
from wg_dagster import calendars, strategies
from wg_dagster.calendars import month_shift
from wg_dagster.quality.gate import verdict
from wg_dagster.schemas.tables import TABLES
from wg_dagster.selection import construction, evidence, evidence_panel, search_months, search_regimes, search_rules, trials
from wg_dagster.selection import stations as selection_stations
from wg_dagster.selection.evidence import evidence_table
from wg_dagster.selection.inputs import Inputs
from wg_dagster.selection.search_months import month_tables
from wg_dagster.selection.search_regimes import regime_cells, regime_splits
from wg_dagster.selection.search_rules import SHORT_FIT, rule_weights, searched_window, weight_rows, weights_of
from wg_dagster.selection.stations import RISK_MONTHS
from wg_dagster.selection.trials import TrialMonth, trial_tables
from wg_dagster.stations import HISTORY, Reader, Reads, Station
from wg_dagster.strategies import Strategy

GRID, TRIALS, EVIDENCE = "search", "trials", "evidence"
REFIT_IN = "12"  # the month of the year at whose end the rules choose again
_RETURNS = ["month", "session_date", "security_id", "return_1e9"]
_TRADED = ["month", "session_date", "market", "security_id", "close", "return_1e9"]
_TRIAL_TABLES = ("trial_portfolios", "trial_holdings", "trial_nav")
_BATCH = 12


def _build_grid(reader: Reader, months: Sequence[str], strategy: Strategy) -> dict[str, pl.DataFrame]:
    return month_tables(
        strategy,
        months,
        universe=reader.read("universe_members"),
        scores=reader.read("factor_scores"),
        prices=reader.read("prices_clean", columns=_RETURNS),
        benchmark_nav=reader.read("benchmark_nav"),
    )


def _build_trials(reader: Reader, months: Sequence[str], strategy: Strategy) -> dict[str, pl.DataFrame]:
    (month,) = months
    last = pl.col("month") == month_shift(month, -1)
    weights = reader.read("trial_weights").filter(last)
    if weights.is_empty() or month.endswith(f"-{REFIT_IN}"):
        weights = _chosen(reader, month, strategy)
    if weights.is_empty():
        return {}
    weights = weights.with_columns(pl.lit(month).alias("month"))
    inputs, members = Inputs.read(reader, strategy), reader.read("universe_members")
    fitted, no_risk = inputs.risk(month, members) if members.height else (None, "the universe has no members")
    shared = TrialMonth(
        strategy=strategy,
        month=month,
        universe=members,
        scores=reader.read("factor_scores"),
        prices=reader.read("prices_clean", columns=_TRADED).filter(pl.col("month") == month),
        securities=reader.read("securities_clean", columns=["month", "security_id", "listed_to"]),
        risk=fitted,
        no_risk=no_risk,
        risk_free=inputs.risk_free(month),
        before={table: reader.read(table).filter(last) for table in _TRIAL_TABLES},
    )
    chosen = {rule: weights_of(weights, rule) for rule in search_rules.RULES}
    return {"trial_weights": weights, **trial_tables(shared, chosen)}


def _chosen(reader: Reader, month: str, strategy: Strategy) -> pl.DataFrame:
    """What the rules choose from all months up to this one; no rows before there are enough."""
    results = reader.read("search_results", columns=["month", "subset", "sessions", "log_growth", "total", "squares", "downside"])
    try:
        window = searched_window(results)
    except TooFewReturns:
        return TABLES["trial_weights"].empty()
    if len(window.months) < SHORT_FIT:
        return TABLES["trial_weights"].empty()
    decided = [month_shift(earned, -1) for earned in window.months]
    splits = regime_splits(strategy, decided, benchmark_nav=reader.read("benchmark_nav"), rates_clean=reader.read("rates_clean"))
    chosen = rule_weights(strategy, window, results=results, premia=reader.read("search_premia"), cells=regime_cells(splits))
    return weight_rows(strategy, month, chosen)


def _build_evidence(reader: Reader, months: Sequence[str], strategy: Strategy) -> dict[str, pl.DataFrame]:
    (month,) = months
    try:
        rows = evidence_table(
            strategy,
            month,
            results=reader.read("search_results"),
            premia=reader.read("search_premia"),
            universe=reader.read("universe_members"),
            scores=reader.read("factor_scores"),
            prices=reader.read("prices_clean", columns=_RETURNS),
            benchmark_nav=reader.read("benchmark_nav"),
            rates_clean=reader.read("rates_clean"),
            trial_nav=reader.read("trial_nav"),
            securities=reader.read("securities_clean", columns=["market", "security_id", "listed_to"]),
        )
    except TooFewReturns as error:
        row = verdict(
            "evidence", month, "search_evidence", "enough_months", passed=False, severity="WARN", failed_rows=1, total_rows=1,
            strategy=strategy.strategy_id, details={"reason": str(error)},
        )  # fmt: skip
        return {"checks": pl.DataFrame([row], schema=TABLES["checks"].schema)}
    return {"search_evidence": rows}


_PANEL_READS = ("universe_members", "factor_scores")
_CODE = (
    Path(optimizer.__file__).parent,
    Path(__file__),
    *selection_stations.STATIONS[-1].code,
    *(Path(module.__file__) for module in (calendars, construction, evidence, evidence_panel, search_months)),
    *(Path(module.__file__) for module in (search_regimes, search_rules, strategies, trials)),
)

STATIONS = (
    Station(
        name=GRID,
        description="Every set of the fourteen factors: what its best names earned in the month, net of costs, and what each factor paid",
        group="search",
        reads=(
            *(Reads(table, back=2, own=False) for table in _PANEL_READS),
            Reads("prices_clean", back=1),
            Reads("benchmark_nav", back=1),
        ),
        writes=("search_results", "search_premia"),
        build=_build_grid,
        code=_CODE,
        by_strategy=True,
        batch=_BATCH,
    ),
    Station(
        name=TRIALS,
        description="Incumbent, challengers and all factors alike through the real portfolio construction, net of costs",
        group="search",
        reads=(
            Reads("search_results", back=HISTORY),
            Reads("search_premia", back=HISTORY),
            Reads("benchmark_nav", back=HISTORY),
            Reads("universe_members"),
            Reads("factor_scores"),
            Reads("securities_clean"),
            Reads("prices_clean", back=RISK_MONTHS),
            Reads("risk_returns", back=RISK_MONTHS),
            *(Reads(f"factor_{factor}") for factor in evidence_panel.FACTORS),
            Reads("benchmark_members"),
            Reads("rates_clean", back=HISTORY),
            *(Reads(table, back=1, own=False) for table in ("trial_weights", *_TRIAL_TABLES)),
        ),
        writes=("trial_weights", *_TRIAL_TABLES),
        build=_build_trials,
        code=_CODE,
        by_strategy=True,
    ),
    Station(
        name=EVIDENCE,
        description="What may be believed of the search: walk-forward, overfitting, superior ability, tests of factors, the real construction",
        group="search",
        reads=(
            Reads("search_results", back=HISTORY),
            Reads("search_premia", back=HISTORY),
            Reads("trial_nav", back=HISTORY),
            Reads("securities_clean", back=HISTORY),
            *(Reads(table, back=HISTORY) for table in _PANEL_READS),
            Reads("prices_clean", back=HISTORY),
            Reads("benchmark_nav", back=HISTORY),
            Reads("rates_clean", back=HISTORY),
        ),
        writes=("search_evidence",),
        build=_build_evidence,
        code=_CODE,
        by_strategy=True,
    ),
)
