"""Whether the risk model's forecasts came true: forecasts made with each portfolio, and a month later what became of them.

Besides the portfolio itself, its benchmark and the difference of both, portfolios that nobody chose are followed: each sector of the
universe by benchmark weight, and ten of 25 names drawn by the hash of their ids. A chosen portfolio sits where the model errs in its
favour; the others tell whether the model errs at all.
"""

import hashlib

import numpy as np
import polars as pl

from optimizer.bias import WINDOW, bias_statistic, realised, realised_over_forecast
from wg_dagster.schemas.tables import TABLES
from wg_dagster.selection.inputs import Question
from wg_dagster.selection.risk import SESSIONS_PER_YEAR, MarketRisk
from wg_dagster.strategies import Strategy

DRAWN = 10
NAMES_DRAWN = 25


def followed_portfolios(members: pl.DataFrame, targets: dict[str, float]) -> pl.DataFrame:
    """| item | security_id | weight | of the portfolios that are followed; `active` is the portfolio less the benchmark.

    Parameters
    ----------
    members
        | security_id | sector | benchmark_weight |, the universe of a month.
    targets
        The model portfolio of the month; empty = none, and then nothing is active.
    """
    ordered = members.sort("security_id")
    own = pl.DataFrame({"security_id": sorted(targets), "weight": [targets[name] for name in sorted(targets)]}, schema=_WEIGHTS)
    benchmark = ordered.select("security_id", pl.col("benchmark_weight").alias("weight"))
    parts = [own.with_columns(pl.lit("portfolio").alias("item")), benchmark.with_columns(pl.lit("benchmark").alias("item"))]
    if targets:
        active = pl.concat([own, benchmark.with_columns(-pl.col("weight"))]).group_by("security_id", maintain_order=True).sum()
        parts.append(active.with_columns(pl.lit("active").alias("item")))
    whole = pl.col("benchmark_weight").sum().over("sector")
    sectors = ordered.filter(whole > 0).select(
        "security_id", (pl.col("benchmark_weight") / whole).alias("weight"), (pl.lit("sector ") + pl.col("sector")).alias("item")
    )
    parts += [sectors, *(_drawn(ordered["security_id"], number) for number in range(DRAWN))]
    return pl.concat([part.select("item", "security_id", "weight") for part in parts]).filter(pl.col("weight") != 0)


def forecast_rows(question: Question, targets: dict[str, float]) -> pl.DataFrame:
    """Rows of `risk_forecasts`: volatility a year of each portfolio that is followed; none without a risk model."""
    risk = question.risk
    if risk is None:
        return TABLES["risk_forecasts"].empty()
    followed = followed_portfolios(question.scored, targets)
    rows = [
        {
            "strategy": question.strategy.strategy_id,
            "month": question.month,
            "as_of_date": question.as_of,
            "item": str(item),
            "forecast_volatility": risk.model.volatility(weights),
        }
        for (item,), held in followed.group_by("item", maintain_order=True)
        if (weights := _over_lines(held, risk)) is not None
    ]
    return pl.DataFrame(rows, schema=TABLES["risk_forecasts"].schema).sort("item")


def bias_rows(
    strategy: Strategy,
    month: str,
    *,
    forecasts: pl.DataFrame,
    members: pl.DataFrame,
    targets: dict[str, float],
    prices: pl.DataFrame,
    before: pl.DataFrame,
) -> pl.DataFrame:
    """Rows of `risk_bias` of a month.

    Parameters
    ----------
    forecasts, members, targets
        `risk_forecasts`, `universe_members` and the model portfolio of the month before.
    prices
        | security_id | session_date | return_1e9 | of the month; a missing return counts as none.
    before
        `risk_bias` of the 23 months before.
    """
    if forecasts.is_empty() or prices.is_empty():
        return TABLES["risk_bias"].empty()
    returns = (
        followed_portfolios(members, targets)
        .join(prices.drop_nulls("return_1e9"), on="security_id", how="inner", maintain_order="left_right")
        .group_by("item", "session_date", maintain_order=True)
        .agg((pl.col("weight") * pl.col("return_1e9") / 1e9).sum().alias("value"))
        .sort("item", "session_date")
    )
    by_item = {str(item): rows["value"].to_numpy() for (item,), rows in returns.group_by("item", maintain_order=True)}
    history = {str(item): rows for (item,), rows in before.sort("item", "month").group_by("item", maintain_order=True)}
    rows = [
        {"strategy": strategy.strategy_id, "month": month, "item": item, **_figures(forecast, by_item[item], history.get(item), strategy)}
        for item, forecast in forecasts.sort("item").select("item", "forecast_volatility").iter_rows()
        if item in by_item
    ]
    return pl.DataFrame(rows, schema=TABLES["risk_bias"].schema)


_WEIGHTS = {"security_id": pl.String, "weight": pl.Float64}


def _figures(forecast: float, returns: np.ndarray, before: pl.DataFrame | None, strategy: Strategy) -> dict[str, float | int]:
    found = realised([returns], np.array([forecast]), periods_per_year=SESSIONS_PER_YEAR[strategy.market])
    past = {
        name: before[name].to_numpy() if before is not None else np.empty(0) for name in ("forecast_volatility", "realised_volatility", "z")
    }
    forecasts = np.r_[past["forecast_volatility"], forecast][-WINDOW:]
    volatility, z = np.r_[past["realised_volatility"], found.volatility][-WINDOW:], np.r_[past["z"], found.z][-WINDOW:]
    return {
        "forecast_volatility": forecast,
        "realised_volatility": float(found.volatility[0]),
        "z": float(found.z[0]),
        "bias_24m": bias_statistic(z),
        "realised_over_forecast_24m": realised_over_forecast(volatility, forecasts),
        "months": len(z),
    }


def _over_lines(held: pl.DataFrame, risk: MarketRisk) -> np.ndarray | None:
    """Weights (n,) over the companies of the risk model; None where it does not cover a holding."""
    if not set(held["security_id"]) <= set(risk.lines["security_id"]):
        return None
    weights = np.zeros(risk.lines.height)
    weights[risk.places(held["security_id"])] = held["weight"].to_numpy()
    return weights


def _drawn(names: pl.Series, number: int) -> pl.DataFrame:
    """Equal weights in the names whose hash with the number is smallest: a draw that stays the same while the names do."""
    chosen = sorted(names, key=lambda name: hashlib.sha256(f"{number} {name}".encode()).digest())[:NAMES_DRAWN]
    weights = pl.DataFrame({"security_id": sorted(chosen), "weight": [1.0 / max(len(chosen), 1)] * len(chosen)}, schema=_WEIGHTS)
    return weights.with_columns(pl.lit(f"drawn {number}").alias("item"))
