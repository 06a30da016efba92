"""Do the planted premia come back? Cross-sections of the chain's own clean returns on the true traits, market by market, month by month.

Three statements of growing reach, each an estimate, its standard error and what was planted:
the month's realised return to a trait (error: what the names do by themselves), the month's premium, and the premium of the whole span
(error of both: what the trait's own return does from session to session, after Fama and MacBeth).
"""

from collections.abc import Iterator

import numpy as np
import polars as pl
from scipy.stats import t as student

from optimizer.cross_section import CrossSection, Design, design, fit
from wg_dagster.calendars import month_shift
from wg_dagster.ingest.synthetic_market.weather import STYLES, YEAR

WIDTH = 1.96  # standard errors on either side: 95 % of a normal distribution; for errors from a month's sessions, of Student's t
_SMALLEST_INDUSTRY = 3  # names; below, an industry's own return leaves nothing to judge its names by


def recovered(prices: pl.DataFrame, securities: pl.DataFrame, truth: dict[str, pl.DataFrame]) -> pl.DataFrame:
    """One row a market, month and trait; a month with an event draw has none, nor has one in which a trait does not vary yet.

    `| market | month | trait | names | sessions | realised | monthly | residual_error | premium | daily_sum | daily_error | daily_width |`,
    all per month and unit of the trait; `monthly` estimates `realised`, `daily_sum` estimates `premium`.

    Parameters
    ----------
    prices, securities
        `prices_clean` and `securities_clean`.
    truth
        What `SyntheticMarket.truth` says.
    """
    exposures = pl.concat([truth["traits"], truth["betas"]]).pivot("trait", index=["market", "month", "vendor_symbol"], values="value")
    named = securities.select("market", "month", "security_id", "vendor_symbol", "issuer_id", "industry")
    traded = named.join(prices, on=["month", "security_id"], how="semi")  # a symbol may have belonged to a company that is gone
    lines = traded.join(exposures, on=["market", "month", "vendor_symbol"], how="inner", validate="1:1")
    lines = lines.sort("security_id").unique(["market", "month", "issuer_id"], keep="first", maintain_order=True)
    drawn = set(truth["events"]["month"])
    frames = []
    for (market, month), here in lines.partition_by("market", "month", as_dict=True).items():
        if month not in drawn:
            of_market = prices.filter(pl.col("market") == market)
            planted = truth["premia"].filter(pl.col("month") == month, pl.col("market") == market)
            frames += list(_month(here, *(of_market.filter(month=each) for each in (month, month_shift(month, -1))), planted))
    return pl.concat(frames).sort("market", "month", "trait")


def _month(lines: pl.DataFrame, prices: pl.DataFrame, before: pl.DataFrame, planted: pl.DataFrame) -> Iterator[pl.DataFrame]:
    """The month of one market, over the names with a return on every session, a market cap before it, and an industry of some size."""
    grid = prices.select("security_id", "session_date", pl.col("return_1e9") / 1e9).pivot(
        "session_date", index="security_id", values="return_1e9", sort_columns=True
    )
    sessions = [name for name in grid.columns if name != "security_id"]
    caps = before.sort("session_date").group_by("security_id", maintain_order=True).agg(pl.col("market_cap").last())
    whole = lines.join(grid.drop_nulls(), on="security_id", how="inner").join(caps.drop_nulls(), on="security_id", how="inner")
    whole = whole.filter(pl.len().over("industry") >= _SMALLEST_INDUSTRY).sort("security_id")
    traits = [name for name in (*STYLES, "beta", "new_york_beta") if whole[name].null_count() == 0]
    if whole.is_empty() or 0.0 in whole.select(pl.col(STYLES).std()).row(0):
        return
    industries = tuple(whole["industry"].unique().sort())
    exposure = design(
        np.array([industries.index(name) for name in whole["industry"]]),
        whole.select(traits).to_numpy(),
        whole["market_cap"].to_numpy(),
        industries,
        tuple(traits),
    )
    daily = whole.select(sessions).to_numpy()
    places = [exposure.columns.index(name) for name in STYLES]
    unit = whole.select(STYLES).to_numpy().std(axis=0)  # the design is in standard deviations, the truth in units of the trait
    of_days, of_month = fit(daily, exposure), fit(daily.sum(axis=1, keepdims=True), exposure)
    by_day = of_days.factor_returns[places] / unit[:, None]
    truth = pl.DataFrame({"trait": STYLES}).join(planted, on="trait", how="left", maintain_order="left", validate="1:1")
    yield truth.select(
        "market",
        "month",
        "trait",
        names=whole.height,
        sessions=len(sessions),
        realised="realised",
        monthly=of_month.factor_returns[places, 0] / unit,
        residual_error=robust_errors(exposure, of_month)[places] / unit,
        premium=pl.col("value") * len(sessions) / YEAR,
        daily_sum=by_day.sum(axis=1),
        daily_error=by_day.std(axis=1, ddof=1) * np.sqrt(len(sessions)),
        daily_width=float(student.ppf(0.975, len(sessions) - 1)),
    )


def robust_errors(exposure: Design, fitted: CrossSection) -> np.ndarray:
    """Standard errors (K,) of one period that hold where names differ in variance: HC3 (MacKinnon and White, 1985).

    Small and unsteady companies move more than the weights of the regression suppose, so the textbook formula would be too narrow.
    """
    X = exposure.B @ exposure.restriction
    bread = np.linalg.inv(X.T @ (exposure.weights[:, None] * X))
    leverage = exposure.weights * ((X @ bread) * X).sum(axis=1)
    scores = exposure.weights * fitted.specific[:, 0] / (1 - leverage)
    half = exposure.restriction @ bread @ (X.T * scores)
    return np.sqrt((half**2).sum(axis=1))


def covered(rows: pl.DataFrame, estimate: str, error: str, planted: str, *, width: pl.Expr | float = WIDTH) -> float:
    """Share of the rows whose planted value lies within `width` standard errors of the estimate."""
    inside = (pl.col(estimate) - pl.col(planted)).abs() <= pl.col(error) * width
    return rows.select(inside.mean()).item()


def spans(rows: pl.DataFrame) -> pl.DataFrame:
    """`| market | trait | premium | estimate | error |`: means over all months, and the standard error of the mean."""
    return rows.group_by("market", "trait", maintain_order=True).agg(
        pl.col("premium").mean(),
        estimate=pl.col("daily_sum").mean(),
        error=(pl.col("daily_error") ** 2).sum().sqrt() / pl.len(),
    )


def correlation(factor_returns: pl.DataFrame, premia: pl.DataFrame, factor: str, trait: str) -> float:
    """Correlation over months of a factor's estimated return with the realised return to a trait."""
    estimated = factor_returns.filter(pl.col("factor") == factor).select("month", "value")
    realised = premia.filter(pl.col("trait") == trait).select("month", "realised")
    return estimated.join(realised, on="month", how="inner", validate="1:1").select(pl.corr("value", "realised")).item()
