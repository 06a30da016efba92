"""What was expected: company forecasts and their revisions in Tokyo, announced against estimated earnings in New York."""

import numpy as np
import polars as pl

from wg_dagster.ingest.synthetic_market.business import ROW
from wg_dagster.ingest.synthetic_market.filings import firm_shares, standards, window_sums
from wg_dagster.ingest.synthetic_market.market import Simulated
from wg_dagster.ingest.synthetic_market.parameters import Parameters
from wg_dagster.ingest.synthetic_market.rows import days, finish, known, symbols_on
from wg_dagster.ingest.synthetic_market.schedule import account_months, instants

FORECAST_ITEMS = ("revenue", "operating_profit", "ordinary_profit", "net_income")
_UNSAID = 0.03  # part of announcements without a release time
_UNWATCHED = 0.10  # part of small names that no analyst follows
_REVISES = {3: 0.25, 6: 0.50, 9: 0.40}  # chance of a revision with the first three reports
_MUST_REVISE = 0.30  # profit deviations from here on have to be told


def announcements(p: Parameters, simulated: Simulated) -> pl.DataFrame:
    """Announced earnings a share against the last estimate, three months alone or the fiscal year's last quarter."""
    quarters, companies = simulated.quarters, simulated.companies
    alone = window_sums(simulated.accounts, quarters, np.full(len(quarters.end), 3))
    firm = firm_shares(simulated) / companies.ordinary_per_line()[quarters.slot]
    known_shock = np.where(quarters.end >= 3, simulated.margin_shock[quarters.end - 3, quarters.slot], 0.0)
    draws = np.stack([p.stream("estimates", k).standard_normal((3, len(companies.industry))) for k in range(len(simulated.accounts))])
    for first, second in companies.twins:
        draws[:, :, second] = draws[:, :, first]
    guess, silence, watched = draws[quarters.end, :, quarters.slot].T
    expected = alone[ROW["expected_income"]] * (1 + 0.15 * known_shock) + 0.06 * np.abs(alone[ROW["expected_income"]]) * guess
    covered = (companies.lives.size[quarters.company] > 0) | (watched > _normal_quantile(_UNWATCHED))
    release = np.select([quarters.announced_minute < 9 * 60 + 30, quarters.announced_minute > 16 * 60], ["pre", "post"], default="during")
    unsaid = silence < _normal_quantile(_UNSAID)
    frame = pl.DataFrame(
        {
            "vendor_symbol": symbols_on(companies, quarters.company, quarters.announced),
            "known_at": instants("US", quarters.announced, quarters.announced_minute),
            "period_end_date": days(quarters.period_end),
            "announcement_date": days(quarters.announced),
            "release_time": pl.Series(release).set(pl.Series(unsaid), None),
            "currency": np.full(len(firm), "USD"),
            "actual_eps": known(np.round(alone[ROW["net_income"]] / firm * np.where(alone[ROW["net_income"]] > 0, 0.985, 1.0), 2)),
            "estimate_eps": known(np.round(expected / firm, 2)),
        }
    )
    return finish("earnings_announcements", frame.filter(pl.Series(covered)), "announcements/us")


def forecasts(p: Parameters, simulated: Simulated) -> pl.DataFrame:
    """Company forecasts of the fiscal year: with last year's results, then revisions, and a late one before the year ends."""
    frames = [_initial(p, simulated), *(_revision(p, simulated, into_year) for into_year in _REVISES)]
    rows = pl.concat(frames)
    return finish("forecasts", rows.filter(pl.col("value").is_not_null()), "forecasts/jp")


def _initial(p: Parameters, simulated: Simulated) -> pl.DataFrame:
    """With the results of a year comes the forecast of the next: last year's pace, told with the company's usual optimism."""
    quarters = simulated.quarters
    chosen = np.flatnonzero(quarters.period == "FY")
    return _frame(p, simulated, chosen, _expected_year(simulated, chosen, np.zeros(len(chosen), dtype=int)), 12)


def _revision(p: Parameters, simulated: Simulated, into_year: int) -> pl.DataFrame:
    """Revisions with a report: all large deviations of profit from the last year's pace, and some of the others."""
    quarters = simulated.quarters
    chosen = np.flatnonzero(quarters.months_into_year == into_year)
    values = _expected_year(simulated, chosen, quarters.months_into_year[chosen])
    chance = _draws(p, simulated, "revisions")[quarters.end[chosen], 0, quarters.slot[chosen]]
    pace = simulated.margin_shock[quarters.end[chosen], quarters.slot[chosen]]
    speaks = (chance < _REVISES[into_year]) | (np.abs(0.32 * pace) > _MUST_REVISE)
    return _frame(p, simulated, chosen[speaks], values[:, speaks], 12 - into_year)


def _expected_year(simulated: Simulated, chosen: np.ndarray, reported: np.ndarray) -> np.ndarray:
    """Forecast of the fiscal year from what is reported and the present pace, (FORECAST_ITEMS, chosen)."""
    quarters, accounts = simulated.quarters, simulated.accounts
    subset = type(quarters)(**{name: values[chosen] for name, values in vars(quarters).items()})
    seen = np.where(reported > 0, reported, 12)
    so_far = window_sums(accounts, subset, seen)
    done = np.where(reported > 0, so_far, 0.0)
    year = so_far * 12 / seen
    margin = year[ROW["expected_income"]] / year[ROW["revenue"]]
    share = (12 - reported) / 12
    optimism = 1 + simulated.companies.habits["optimism"][subset.company] * share
    pace = year * share * optimism
    net = pace[ROW["revenue"]] * margin * (1 + 0.15 * simulated.margin_shock[subset.end, subset.slot])
    rest = {
        "revenue": pace[ROW["revenue"]],
        "net_income": net,
        "ordinary_profit": net / 0.7,
        "operating_profit": net / 0.7 + pace[ROW["interest_expense"]],
    }
    return np.stack([done[ROW[name]] + rest[name] for name in FORECAST_ITEMS])


def _frame(p: Parameters, simulated: Simulated, chosen: np.ndarray, values: np.ndarray, months_left: int) -> pl.DataFrame:
    """One row a forecast and item; some give a range."""
    quarters, companies = simulated.quarters, simulated.companies
    company, days_of = quarters.company[chosen], quarters.announced[chosen]
    year_end = (quarters.period_end[chosen].astype("datetime64[M]") + months_left + 1).astype("datetime64[D]") - 1
    gives_range = _draws(p, simulated, "ranges")[quarters.end[chosen], 1, quarters.slot[chosen]] < 0.05
    ifrs = standards(companies, company) == "ifrs"
    frames = []
    for k, item in enumerate(FORECAST_ITEMS):
        value = np.round(values[k], -7)  # told in tens of millions of yen
        value = np.where(ifrs & (item == "ordinary_profit"), np.nan, value)
        half_width = np.round(np.abs(value) * 0.05, -7)
        frames.append(
            pl.DataFrame(
                {
                    "vendor_symbol": symbols_on(companies, company, days_of),
                    "known_at": instants("JP", days_of, quarters.announced_minute[chosen]),
                    "fiscal_year_end_date": days(year_end),
                    "item": np.full(len(chosen), item),
                    "currency": np.full(len(chosen), "JPY"),
                    "value": known(value),
                    "value_low": known(np.where(gives_range, value - half_width, np.nan)),
                    "value_high": known(np.where(gives_range, value + half_width, np.nan)),
                    "issuer_of_forecast": np.full(len(chosen), "company"),
                    "scope": np.full(len(chosen), "consolidated"),
                }
            )
        )
    return pl.concat(frames)


def _draws(p: Parameters, simulated: Simulated, what: str) -> np.ndarray:
    n = len(simulated.companies.industry)
    return np.stack([p.stream(what, simulated.market, month).random((2, n)) for month in account_months(p)])


def _normal_quantile(share: float) -> float:
    from scipy.stats import norm

    return float(norm.ppf(share))
