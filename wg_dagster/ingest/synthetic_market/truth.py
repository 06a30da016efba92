"""What really happened, for tests and examples: traits, premia, events, planted faults, and who was who."""

from collections.abc import Callable, Sequence
from datetime import timedelta

import numpy as np
import polars as pl

from wg_dagster.ingest.synthetic_market.events import IN_JAPAN, SHOCK, event_sizes
from wg_dagster.ingest.synthetic_market.market import Month, Simulated
from wg_dagster.ingest.synthetic_market.parameters import Parameters
from wg_dagster.ingest.synthetic_market.returns import beta
from wg_dagster.ingest.synthetic_market.rows import days, symbols_on
from wg_dagster.ingest.synthetic_market.traits import REASONS
from wg_dagster.ingest.synthetic_market.weather import STYLES, peril


def traits(p: Parameters, simulated: Simulated) -> pl.DataFrame:
    """| month | market | vendor_symbol | first_session | trait | value |: one row a listed line, month and trait, known before the month."""
    return _long(p, simulated, STYLES, lambda month, slots: month.styles[:, slots])


def betas(p: Parameters, simulated: Simulated) -> pl.DataFrame:
    """| month | market | vendor_symbol | first_session | trait | value |: slopes on the own market and on New York's part of it (Tokyo)."""
    names = ("beta",) if simulated.market == "US" else ("beta", "new_york_beta")
    habits = simulated.companies.habits

    def slopes(month: Month, slots: np.ndarray) -> np.ndarray:
        own = {name: values[month.company[slots]] for name, values in habits.items()}
        slope = beta(month.styles[:, slots], own)
        return np.stack([slope, slope * own["new_york"]][: len(names)])

    return _long(p, simulated, names, slopes)


def _long(p: Parameters, simulated: Simulated, names: Sequence[str], values: Callable[[Month, np.ndarray], np.ndarray]) -> pl.DataFrame:
    """Values (names, slots) of each month's listed slots as rows."""
    frames = []
    companies = simulated.companies
    for label, month in zip(p.months, simulated.months, strict=True):
        slots = np.flatnonzero(~np.isnan(month.close).all(axis=0))
        company = month.company[slots]
        end = np.full(len(slots), np.datetime64(month.dates[-1]))
        wide = pl.DataFrame(
            {
                "month": np.full(len(slots), label),
                "market": np.full(len(slots), simulated.market),
                "vendor_symbol": symbols_on(companies, company, end),
                "first_session": days(companies.first_session[company]),
                **dict(zip(names, values(month, slots), strict=True)),
            }
        )
        frames.append(wide.unpivot(names, index=wide.columns[:4], variable_name="trait", value_name="value"))
    return pl.concat(frames)


def shares(p: Parameters, simulated: Simulated) -> pl.DataFrame:
    """| month | market | vendor_symbol | shares |: shares of each line listed at the month's end, splits of the month done."""
    frames = []
    for label, month in zip(p.months, simulated.months, strict=True):
        slots = np.flatnonzero(~np.isnan(month.close).all(axis=0))
        for day in (month.dates[0], month.dates[-1]):  # a line that is renamed meanwhile has a row under both symbols
            symbol = symbols_on(simulated.companies, month.company[slots], np.full(len(slots), np.datetime64(day)))
            frames.append(
                pl.DataFrame({"month": label, "market": simulated.market, "vendor_symbol": symbol, "shares": month.shares[slots]})
            )
    return pl.concat(frames).unique(maintain_order=True)


def premia(p: Parameters, simulated: Simulated) -> pl.DataFrame:
    """| month | market | trait | value | realised |: premium per year to one unit of the trait, and what the month brought in fact.

    `value` is what the trait earns on average, crashes of the news trade included; `realised` is the log return of the month: the premium,
    luck, and a crash if there was one. Event draws are in neither.
    """
    values = np.stack([sky.premia + peril(turbulent=sky.turbulent) for sky in simulated.weather])
    realised = np.stack([sky.styles.sum(axis=0) for sky in simulated.weather])
    count = len(STYLES)
    return pl.DataFrame(
        {
            "month": np.repeat(p.months, count),
            "market": np.full(values.size, simulated.market),
            "trait": np.tile(STYLES, len(p.months)),
            "value": values.ravel(),
            "realised": realised.ravel(),
        }
    )


def events(p: Parameters) -> pl.DataFrame:
    """| month | market | effect | size | value |: log return of the month per unit of what the draw moves."""
    rows = [
        {"month": month, "market": market, "effect": effect, "size": float(size), "value": float(size) * scale * value}
        for month, size in zip(p.months, event_sizes(p), strict=True)
        if size
        for market, scale in (("US", 1.0), ("JP", IN_JAPAN))
        for effect, value in vars(SHOCK).items()
        if effect != "junk_floor"
    ]
    schema = {"month": pl.String, "market": pl.String, "effect": pl.String, "size": pl.Float64, "value": pl.Float64}
    return pl.DataFrame(rows, schema=schema)


def identity(simulated: Simulated) -> pl.DataFrame:
    """| market | vendor_symbol | valid_from | valid_to | company | issuer | first_session | last_session | delisting_reason |: symbol spells."""
    companies, rows = simulated.companies, []
    for company, spells in enumerate(companies.symbols):
        ends = [since - timedelta(days=1) for _, since in spells[1:]]
        for (symbol, since), end in zip(spells, [*ends, companies.last_day(company)], strict=True):
            rows.append(
                {
                    "market": simulated.market,
                    "vendor_symbol": symbol,
                    "valid_from": since,
                    "valid_to": end,
                    "company": company,
                    "issuer": companies.issuer(company),
                    "first_session": companies.first_day(company),
                    "last_session": companies.last_day(company),
                    "delisting_reason": REASONS[int(companies.lives.reason[company])],
                }
            )
    return pl.DataFrame(rows, infer_schema_length=None)
