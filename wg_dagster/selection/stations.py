"""The stations of selection: universe, scores, candidates, portfolio. Each strategy and month is decided at the month's cut-off."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import polars as pl

import optimizer
from optimizer.errors import BadUniverse, TooFewReturns
from wg_dagster import calendars, factor_components, strategies
from wg_dagster.calendars import CALENDAR_OF_MARKET, cutoff, month_end, month_sessions, month_shift
from wg_dagster.factor_components import components
from wg_dagster.factor_run import PROJECT
from wg_dagster.schemas.columns import FACTORS
from wg_dagster.schemas.tables import TABLES
from wg_dagster.selection import candidates, portfolio, risk, scores, universe
from wg_dagster.selection.candidates import candidate_rows, composites, shortlist, with_expected_return
from wg_dagster.selection.portfolio import Decision, decide, drifted, keep_previous, not_runnable, portfolio_rows, solution_row
from wg_dagster.selection.risk import MarketRisk, market_risk
from wg_dagster.selection.scores import factor_scores
from wg_dagster.selection.universe import universe_members
from wg_dagster.stations import Reader, Reads, Station
from wg_dagster.strategies import Strategy

RISK_MONTHS = 26  # hold 500 sessions
RATE_MONTHS = 3  # a bill rate older than this is not today's
BILL_OF_MARKET = {"US": "us_bill", "JP": "jp_bill"}
_BATCH = 12
_PRICES = ["session_date", "market", "security_id", "close", "traded_value", "return_1e9", "market_cap"]
_SECURITIES = ["month", "market", "security_id", "issuer_id", "sector", "industry", "is_financial", "is_eligible", "listed_to"]


@dataclass(frozen=True, eq=False)
class _Inputs:
    """What the risk model and the expected returns of some months are made from."""

    strategy: Strategy
    securities: pl.DataFrame
    prices: pl.DataFrame
    older_returns: pl.DataFrame
    factors: dict[str, pl.DataFrame]
    benchmark_members: pl.DataFrame
    rates: pl.DataFrame

    @classmethod
    def read(cls, reader: Reader, strategy: Strategy) -> "_Inputs":
        return cls(
            strategy,
            reader.read("securities_clean", columns=_SECURITIES),
            reader.read("prices_clean", columns=_PRICES).filter(pl.col("market") == strategy.market),
            reader.read("risk_returns", columns=["session_date", "market", "security_id", "return_1e9"]),
            _read_factors(reader),
            reader.read("benchmark_members"),
            reader.read("rates_clean"),
        )

    def risk(self, month: str, members: pl.DataFrame) -> tuple[MarketRisk | None, str]:
        """The risk model of a month, or None and why there is none."""
        try:
            fitted = market_risk(
                self.strategy,
                month,
                universe=members,
                securities=self.securities,
                prices=self.prices,
                older_returns=self.older_returns,
                factors=_of_month(self.factors, month),
                components=components(),
                benchmark_members=self.benchmark_members,
            )
        except (BadUniverse, TooFewReturns) as error:
            return None, f"no risk model: {error}"
        return fitted, ""

    def risk_free(self, month: str) -> float:
        """Bill rate per year as known at the month's cut-off; 0 where there is none in the last months."""
        return bill_rate(self.rates, BILL_OF_MARKET[self.strategy.market], cutoff(CALENDAR_OF_MARKET[self.strategy.market], month))


def bill_rate(rates: pl.DataFrame, rate_id: str, known_by: datetime) -> float:
    """Newest value of a rate that was known by an instant; 0 where there is none."""
    known = rates.filter((pl.col("rate_id") == rate_id) & (pl.col("known_at") <= known_by)).drop_nulls("value")
    return float(known.sort("date", "known_at")["value"][-1]) if known.height else 0.0


def _build_universe(reader: Reader, months: Sequence[str], strategy: Strategy) -> dict[str, pl.DataFrame]:
    securities = reader.read("securities_clean", columns=_SECURITIES)
    prices = reader.read("prices_clean", columns=["session_date", "market", "security_id", "close", "traded_value", "market_cap"])
    members = reader.read("benchmark_members")
    rows = [universe_members(strategy, month, securities=securities, prices=prices, benchmark_members=members) for month in months]
    return {"universe_members": pl.concat(rows)}


def _build_scores(reader: Reader, months: Sequence[str], strategy: Strategy) -> dict[str, pl.DataFrame]:
    members, factors, defined = reader.read("universe_members"), _read_factors(reader), components()
    rows = [factor_scores(strategy, month, universe=members, factors=_of_month(factors, month), components=defined) for month in months]
    return {"factor_scores": pl.concat(rows).select(TABLES["factor_scores"].columns)}


def _build_candidates(reader: Reader, months: Sequence[str], strategy: Strategy) -> dict[str, pl.DataFrame]:
    inputs, members, scored = _Inputs.read(reader, strategy), reader.read("universe_members"), reader.read("factor_scores")
    rows = [TABLES["candidates"].empty()]
    for month in months:
        own = members.filter(pl.col("month") == month)
        if own.is_empty():
            continue
        ranked = composites(strategy, universe=own, scores=scored.filter(pl.col("month") == month))
        fitted, _ = inputs.risk(month, own)
        listed = shortlist(strategy, with_expected_return(strategy, ranked, fitted, risk_free=inputs.risk_free(month)))
        rows.append(candidate_rows(strategy, month, own, listed))
    return {"candidates": pl.concat(rows)}


def _build_portfolio(reader: Reader, months: Sequence[str], strategy: Strategy) -> dict[str, pl.DataFrame]:
    (month,) = months
    members, scored = reader.read("universe_members"), reader.read("factor_scores")
    current: dict[str, float] = {}
    fitted, reason = None, not_runnable(strategy, scored)
    if not reason:
        inputs = _Inputs.read(reader, strategy)
        fitted, reason = inputs.risk(month, members)
    if fitted is None:
        decision = Decision("not_runnable", {}, reason)
    else:
        previous, listed, current = _held(reader, month, inputs)
        ranked = composites(strategy, universe=members, scores=scored)
        expected = with_expected_return(strategy, ranked, fitted, risk_free=inputs.risk_free(month))
        decision = decide(strategy, scored=expected, candidates=reader.read("candidates"), risk=fitted, current=current)
        if decision.status == "no_portfolio":
            decision = keep_previous(strategy, decision, previous, listed)
    as_of = month_end(CALENDAR_OF_MARKET[strategy.market], month)
    return {
        "model_portfolios": portfolio_rows(strategy, month, as_of, decision),
        "portfolio_solutions": solution_row(strategy, month, as_of, decision, risk=fitted, current=current),
    }


def _held(reader: Reader, month: str, inputs: _Inputs) -> tuple[dict[str, float], set[str], dict[str, float]]:
    """Last month's targets, the securities still listed, and the weights to which the targets have drifted by the cut-off."""
    calendar = CALENDAR_OF_MARKET[inputs.strategy.market]
    first, as_of = month_sessions(calendar, month)[0], month_end(calendar, month)
    before = reader.read("model_portfolios").filter(pl.col("month") == month_shift(month, -1))
    previous = dict(before.select("security_id", "weight").iter_rows())
    still_listed = (pl.col("month") == month) & (pl.col("listed_to").is_null() | (pl.col("listed_to") > as_of))
    listed = set(inputs.securities.filter(still_listed)["security_id"])
    return previous, listed, drifted(previous, inputs.prices, first, as_of, listed) if previous else {}


def _read_factors(reader: Reader) -> dict[str, pl.DataFrame]:
    return {factor: reader.read(f"factor_{factor}") for factor in FACTORS}


def _of_month(factors: dict[str, pl.DataFrame], month: str) -> dict[str, pl.DataFrame]:
    return {factor: rows.filter(pl.col("month") == month) for factor, rows in factors.items()}


_FACTOR_READS = tuple(Reads(f"factor_{factor}") for factor in FACTORS)
_RISK_READS = (
    Reads("securities_clean"),
    Reads("prices_clean", back=RISK_MONTHS),
    Reads("risk_returns", back=RISK_MONTHS),
    *_FACTOR_READS,
    Reads("benchmark_members"),
    Reads("rates_clean", back=RATE_MONTHS),
)
_CODE = (
    Path(optimizer.__file__).parent,
    Path(factor_components.__file__),
    PROJECT / "seeds" / "factor_components.csv",
    Path(__file__),
    *(Path(module.__file__) for module in (calendars, candidates, portfolio, risk, scores, strategies, universe)),
)

STATIONS = (
    Station(
        name="universe",
        description="Who may be bought: the strategy's ranks by market cap, one line a company, above the floor on traded value",
        group="selection",
        reads=(Reads("securities_clean"), Reads("prices_clean", back=1), Reads("benchmark_members")),
        writes=("universe_members",),
        build=_build_universe,
        code=(calendars, strategies, universe, Path(__file__)),
        by_strategy=True,
        batch=_BATCH,
    ),
    Station(
        name="scores",
        description="Fourteen scores a member, standardised over the strategy's members alone",
        group="selection",
        reads=(Reads("universe_members"), *_FACTOR_READS),
        writes=("factor_scores",),
        build=_build_scores,
        code=_CODE,
        by_strategy=True,
        batch=_BATCH,
    ),
    Station(
        name="candidates",
        description="The ranked 100 with expected returns",
        group="selection",
        reads=(Reads("universe_members"), Reads("factor_scores"), *_RISK_READS),
        writes=("candidates",),
        build=_build_candidates,
        code=_CODE,
        by_strategy=True,
        batch=_BATCH,
    ),
    Station(
        name="portfolio",
        description="Twenty to twenty-five names with the best forecast Sortino ratio that the mandate admits",
        group="selection",
        reads=(
            Reads("universe_members"),
            Reads("factor_scores"),
            Reads("candidates"),
            Reads("model_portfolios", back=1, own=False),
            *_RISK_READS,
        ),
        writes=("portfolio_solutions", "model_portfolios"),  # how it was found first: the checks of a portfolio look it up
        build=_build_portfolio,
        code=_CODE,
        by_strategy=True,
    ),
)
