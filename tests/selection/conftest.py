"""Markets by hand and at random for the selection stations."""

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import polars as pl
import pytest

from wg_dagster.calendars import month_end, session_dates
from wg_dagster.schemas.columns import FACTORS
from wg_dagster.schemas.tables import FACTOR_COMPONENTS, TABLES
from wg_dagster.strategies import MAJOR_100, UniverseRule
from wg_dagster.warehouse import Warehouse

MONTH = "2020-01"
AS_OF = month_end("XNYS", MONTH)


def full(table, rows):
    """Rows with all columns of their table; what is not given is null."""
    schema = TABLES[table].schema
    return rows.select(
        pl.col(name).cast(dtype) if name in rows.columns else pl.lit(None, dtype).alias(name) for name, dtype in schema.items()
    )


def make_securities(names, month=MONTH, **columns):
    """One row of securities_clean a name; `columns` override the usual values, by name."""
    usual = {"market": "US", "sector": "Energy", "industry": "Oil", "is_financial": False, "is_eligible": True, "quality": ""}
    rows = [
        {"month": month, "as_of_date": AS_OF, "security_id": name, "issuer_id": name, **usual}
        | {column: values[name] for column, values in columns.items() if name in values}
        for name in names
    ]
    return full("securities_clean", pl.DataFrame(rows, infer_schema_length=None))


def make_prices(caps, *, traded=None, sessions=20, as_of=AS_OF, market="US"):
    """Rows of prices_clean over the last sessions: each name closes at 10 with the given market cap and daily traded value."""
    days = [day for day in session_dates("XNYS") if day <= as_of][-sessions:]
    rows = [
        {"month": day.strftime("%Y-%m"), "security_id": name, "session_date": day, "market": market, "close": 10.0, "market_cap": cap}
        | {"traded_value": (traded or {}).get(name, 1e9), "quality": "", "return_1e9": 0}
        for name, cap in caps.items()
        for day in days
    ]
    return full("prices_clean", pl.DataFrame(rows, infer_schema_length=None))


def make_members(benchmark_id, weights, month=MONTH):
    """Rows of benchmark_members from {security: weight or None}."""
    rows = [{"benchmark_id": benchmark_id, "month": month, "security_id": name, "weight": weight} for name, weight in weights.items()]
    schema = {"benchmark_id": pl.String, "month": pl.String, "security_id": pl.String, "weight": pl.Float64}
    return full("benchmark_members", pl.DataFrame(rows, schema=schema))


def make_components():
    """All components with direction 1 and weight 1, for both markets."""
    rows = [
        {"component": name, "factor": factor, "direction": 1, "weight": 1.0, "unit": "", "market": "both", "source": ""}
        for factor, names in FACTOR_COMPONENTS.items()
        for name in names.split()
    ]
    return pl.DataFrame(rows)


def make_factors(names, month=MONTH, seed=0):
    """The fourteen factor tables with random metrics for the names."""
    random = np.random.default_rng(seed)
    tables = {}
    for factor in FACTORS:
        metrics = {component: random.normal(size=len(names)) for component in FACTOR_COMPONENTS[factor].split()}
        keys = {"month": [month] * len(names), "as_of_date": [AS_OF] * len(names), "security_id": names, "market": ["US"] * len(names)}
        tables[factor] = full(
            f"factor_{factor}", pl.DataFrame({**keys, **metrics, "coverage": [1.0] * len(names), "quality": [""] * len(names)})
        )
    return tables


def make_random_market(count=120, sectors=6, sessions=260, seed=7):
    """A market with one common factor: `count` names of unit beta, sectors of about equal size, caps falling with the name's number."""
    random = np.random.default_rng(seed)
    names = [f"n{k:03d}" for k in range(count)]
    days = [day for day in session_dates("XNYS") if day <= AS_OF][-sessions:]
    common = 0.01 * random.standard_normal(sessions)
    returns = common + 0.012 * random.standard_normal((count, sessions))
    caps = {name: 1e11 * 0.98**k for k, name in enumerate(names)}
    prices = pl.DataFrame(
        {
            "month": np.tile([day.strftime("%Y-%m") for day in days], count),
            "security_id": np.repeat(names, sessions),
            "session_date": days * count,
            "market": "US",
            "close": 10.0,
            "market_cap": np.repeat(list(caps.values()), sessions),
            "traded_value": 1e9,
            "quality": "",
            "return_1e9": np.round(returns.ravel() * 1e9).astype(np.int64),
        }
    )
    sector = {name: f"S{k % sectors}" for k, name in enumerate(names)}
    return SimpleNamespace(
        names=names,
        securities=make_securities(names, sector=sector),
        prices=full("prices_clean", prices),
        members=make_members("sp500", dict.fromkeys(names[:60])),
        factors=make_factors(names),
        older=TABLES["risk_returns"].empty(),
        components=make_components(),
    )


@pytest.fixture
def hand():
    """Builders of small markets, and the month they are about."""
    return SimpleNamespace(
        month=MONTH,
        as_of=AS_OF,
        full=full,
        securities=make_securities,
        prices=make_prices,
        members=make_members,
        factors=make_factors,
        components=make_components,
    )


@pytest.fixture(scope="session")
def random_market():
    """120 names, 6 sectors, 260 sessions."""
    return make_random_market()


@pytest.fixture(scope="session")
def january(tmp_path_factory, random_market):
    """A lake with the random market of January 2020, decided up to the portfolio by the stations themselves."""
    from wg_dagster.selection.stations import STATIONS
    from wg_dagster.stations import Reader

    warehouse = Warehouse(tmp_path_factory.mktemp("january"))
    warehouse.write_months("prices_clean", random_market.prices, random_market.prices["month"].unique().to_list())
    warehouse.write_months("securities_clean", random_market.securities, [MONTH])
    warehouse.write_months("benchmark_members", random_market.members, [MONTH])
    for factor in FACTORS:
        warehouse.write_months(f"factor_{factor}", random_market.factors[factor], [MONTH])
    strategy = replace(MAJOR_100, universe=UniverseRule("US", 1, 1000))
    names = [station.name for station in STATIONS]
    for station in STATIONS[: names.index("portfolio") + 1]:
        for table, rows in station.build(Reader(warehouse, station, [MONTH], strategy), [MONTH], strategy).items():
            warehouse.write_months(table, rows, [MONTH], scope=strategy.strategy_id)
    return warehouse
