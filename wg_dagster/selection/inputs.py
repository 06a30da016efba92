"""What the decision of a month is made from, read from the tables: risk model, expected returns, what is held."""

from dataclasses import dataclass
from datetime import date, datetime

import polars as pl

from optimizer.errors import BadUniverse, TooFewReturns
from wg_dagster.calendars import CALENDAR_OF_MARKET, cutoff, month_end, month_sessions, month_shift
from wg_dagster.factor_components import components
from wg_dagster.schemas.columns import FACTORS
from wg_dagster.selection.candidates import composites, with_expected_return
from wg_dagster.selection.factor_weights import covered, weighed
from wg_dagster.selection.portfolio import Decision, decide, drifted, keep_previous, not_runnable
from wg_dagster.selection.risk import MarketPanel, MarketRisk, market_panel, market_risk
from wg_dagster.stations import Reader
from wg_dagster.strategies import Strategy

BILL_OF_MARKET = {"US": "us_bill", "JP": "jp_bill"}
SECURITIES = ["month", "market", "security_id", "issuer_id", "sector", "industry", "is_financial", "is_eligible", "listed_to"]
_PRICES = ["session_date", "market", "security_id", "close", "traded_value", "return_1e9", "market_cap"]


@dataclass(frozen=True, eq=False)
class Inputs:
    """What the risk model and the expected returns of some months are made from."""

    strategy: Strategy
    securities: pl.DataFrame
    prices: pl.DataFrame
    older_returns: pl.DataFrame
    factors: dict[str, pl.DataFrame]
    benchmark_members: pl.DataFrame
    rates: pl.DataFrame

    @classmethod
    def read(cls, reader: Reader, strategy: Strategy) -> "Inputs":
        """Read the tables that a station declares."""
        return cls(
            strategy,
            reader.read("securities_clean", columns=SECURITIES),
            reader.read("prices_clean", columns=_PRICES).filter(pl.col("market") == strategy.market),
            reader.read("risk_returns", columns=["session_date", "market", "security_id", "return_1e9"]),
            read_factors(reader),
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
                factors=of_month(self.factors, month),
                components=components(),
                benchmark_members=self.benchmark_members,
            )
        except (BadUniverse, TooFewReturns) as error:
            return None, f"no risk model: {error}"
        return fitted, ""

    def panel(self, month: str) -> MarketPanel:
        """Returns and exposures that the risk model of a month is fitted to."""
        return market_panel(
            self.strategy,
            month,
            securities=self.securities,
            prices=self.prices,
            older_returns=self.older_returns,
            factors=of_month(self.factors, month),
            components=components(),
        )

    def risk_free(self, month: str) -> float:
        """Bill rate per year as known at the month's cut-off; 0 where there is none in the last months."""
        return bill_rate(self.rates, BILL_OF_MARKET[self.strategy.market], cutoff(CALENDAR_OF_MARKET[self.strategy.market], month))


@dataclass(frozen=True, eq=False)
class Question:
    """The decision of a month as it is put: members with expected returns, the ranked 100, risk, and what is held.

    `risk` is None where nothing can be decided; `reason` says why. `scored` are all members, `candidates` the ranked 100. `previous` are
    last month's targets, `listed` the securities still listed, `current` the targets as they have drifted by the cut-off.
    """

    strategy: Strategy
    month: str
    as_of: date
    reason: str
    scored: pl.DataFrame
    candidates: pl.DataFrame
    risk: MarketRisk | None
    previous: dict[str, float]
    listed: set[str]
    current: dict[str, float]


def asked(reader: Reader, month: str, strategy: Strategy) -> Question:
    """Put the question of a month from the tables alone; the same tables put the same question."""
    as_of = month_end(CALENDAR_OF_MARKET[strategy.market], month)
    used, weights = weighed(strategy, reader.read("factor_weights").filter(pl.col("month") == month))
    members, listed = reader.read("universe_members"), reader.read("candidates")
    scores = covered(used, reader.read("factor_scores"))
    reason, fitted = not_runnable(used, scores), None
    if not reason:
        inputs = Inputs.read(reader, strategy)
        fitted, reason = inputs.risk(month, members)
    if fitted is None:
        return Question(strategy, month, as_of, reason, members, listed, None, {}, set(), {})
    ranked = composites(used, universe=members, scores=scores, weights=weights)
    expected = with_expected_return(strategy, ranked, fitted, risk_free=inputs.risk_free(month))
    return Question(strategy, month, as_of, "", expected, listed, fitted, *_held(reader, month, inputs))


def answer(question: Question) -> Decision:
    """Decide; where nothing can be decided, keep what can be kept."""
    if question.risk is None:
        return Decision("not_runnable", {}, question.reason)
    decision = decide(
        question.strategy, scored=question.scored, candidates=question.candidates, risk=question.risk, current=question.current
    )
    if decision.status == "no_portfolio":
        return keep_previous(question.strategy, decision, question.previous, question.listed)
    return decision


def bill_rate(rates: pl.DataFrame, rate_id: str, known_by: datetime) -> float:
    """Newest value of a rate that was known by an instant; 0 where there is none."""
    known = rates.filter((pl.col("rate_id") == rate_id) & (pl.col("known_at") <= known_by)).drop_nulls("value")
    return float(known.sort("date", "known_at")["value"][-1]) if known.height else 0.0


def read_factors(reader: Reader) -> dict[str, pl.DataFrame]:
    """The fourteen factor tables of the declared months."""
    return {factor: reader.read(f"factor_{factor}") for factor in FACTORS}


def of_month(factors: dict[str, pl.DataFrame], month: str) -> dict[str, pl.DataFrame]:
    """Their rows of one month."""
    return {factor: rows.filter(pl.col("month") == month) for factor, rows in factors.items()}


def _held(reader: Reader, month: str, inputs: Inputs) -> tuple[dict[str, float], set[str], dict[str, float]]:
    """Last month's targets, the securities still listed, and the weights to which the targets have drifted by the cut-off."""
    calendar = CALENDAR_OF_MARKET[inputs.strategy.market]
    first, as_of = month_sessions(calendar, month)[0], month_end(calendar, month)
    before = reader.read("model_portfolios").filter(pl.col("month") == month_shift(month, -1))
    previous = dict(before.select("security_id", "weight").iter_rows())
    still_listed = (pl.col("month") == month) & (pl.col("listed_to").is_null() | (pl.col("listed_to") > as_of))
    listed = set(inputs.securities.filter(still_listed)["security_id"])
    return previous, listed, drifted(previous, inputs.prices, first, as_of, listed) if previous else {}
