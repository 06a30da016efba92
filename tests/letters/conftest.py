"""A month of Next Major 100 by hand: 40 sessions, 22 names, every table that a letter reads; figures of the golden arithmetic.

The month fell 4.33 % while the index rose 5.83 %: an excess of -10.16 points, and -13.61 % since inception.
"""

import math
from datetime import date, timedelta

import polars as pl
import pytest

from wg_dagster.letters.facts import Sources, letter_facts
from wg_dagster.letters.issuer import DRAFT, Issuer
from wg_dagster.letters.words import Words
from wg_dagster.schemas.columns import FACTORS
from wg_dagster.schemas.tables import TABLES
from wg_dagster.strategies import NEXT_MAJOR_100

MONTH = "2026-01"
STRATEGY = NEXT_MAJOR_100.strategy_id
MONTHLY = "USD gross_of_fees net_of_costs simulated monthly"
DAILY = "USD gross_of_fees net_of_costs simulated daily"
SECTORS = ("Technology", "Health Care", "Industrials", "Consumer Discretionary", "Finance", "Energy")
NAMES = 22
HOSTILE = '<script>alert("x")</script>'


def frame(table: str, rows: list[dict[str, object]]) -> pl.DataFrame:
    """Rows with the columns of the contract; what is not given is null, `month` and `strategy` are the sample's."""
    spec = TABLES[table]
    usual = {"month": MONTH, "strategy": STRATEGY}
    filled = [{name: row.get(name, usual.get(name)) for name in spec.columns} for row in rows]
    return pl.DataFrame(filled, schema=spec.schema)


def sessions() -> list[date]:
    days = [date(2025, 2, 3) + timedelta(days=k) for k in range(365)]
    return [day for day in days if day.weekday() < 5 and day <= date(2026, 1, 30)]


def path(end: float, wave: float, dip: float) -> list[float]:
    """A level that starts at 1 and ends at 1 + end, with a rise and a fall between."""
    days = len(sessions())
    shares = [k / (days - 1) for k in range(days)]
    return [1 + end * x + wave * math.sin(3.1 * math.pi * x) * (1 - x) + dip * math.sin(math.pi * x) ** 2 for x in shares]


def nav() -> pl.DataFrame:
    values = path(-0.1361, 0.10, -0.05)
    return frame(
        "nav",
        [
            {"month": f"{day:%Y-%m}", "session_date": day, "currency": "USD", "nav": value, "cash_weight": 0.0004}
            for day, value in zip(sessions(), values, strict=True)
        ],
    )


def benchmark_nav() -> pl.DataFrame:
    rows = []
    for benchmark_id, end in (("russell2000", 0.1462), ("sp500", 0.1528)):
        rows += [
            {
                "month": f"{day:%Y-%m}",
                "benchmark_id": benchmark_id,
                "session_date": day,
                "currency": "USD",
                "level": 2000 * value,
                "is_total_return": True,
                "is_proxy": benchmark_id == "russell2000",
            }
            for day, value in zip(sessions(), path(end, 0.03, -0.09), strict=True)
        ]
    return frame("benchmark_nav", rows)


def performance() -> pl.DataFrame:
    drawdown = min(value / max(path(-0.1361, 0.10, -0.05)[: k + 1]) - 1 for k, value in enumerate(path(-0.1361, 0.10, -0.05)))
    current = path(-0.1361, 0.10, -0.05)[-1] / max(path(-0.1361, 0.10, -0.05)) - 1
    own = {
        "1m": (-0.0433, 0.0583),
        "3m": (-0.0712, 0.0431),
        "6m": (-0.0954, 0.0877),
        "ytd": (-0.0433, 0.0583),
        "1y": (-0.1361, 0.1462),
        "since_inception": (-0.1361, 0.1462),
    }
    rows = []
    for benchmark_id, scale in (("russell2000", 1.0), ("sp500", 0.7)):
        for window, (total, index) in own.items():
            index *= scale  # noqa: PLW2901
            rows += [
                measure(benchmark_id, "return", window, total),
                measure(benchmark_id, "benchmark_return", window, index, basis=f"{MONTHLY} benchmark_proxy"),
                measure(benchmark_id, "excess_return", window, total - index, basis=f"{MONTHLY} benchmark_proxy"),
                measure(benchmark_id, "months", window, 12.0),
                measure(benchmark_id, "fx_return", window, 0.0121),
                measure(benchmark_id, "fx_cross_term", window, total * 0.0121),
                measure(benchmark_id, "return_jpy", window, (1 + total) * 1.0121 - 1, basis=MONTHLY.replace("USD", "JPY")),
                measure(benchmark_id, "benchmark_return_jpy", window, (1 + index) * 1.0121 - 1, basis=MONTHLY.replace("USD", "JPY")),
                measure(benchmark_id, "excess_return_jpy", window, (total - index) * 1.0121, basis=MONTHLY.replace("USD", "JPY")),
            ]
            if window in ("1y", "since_inception"):
                for metric, value in (("volatility", 0.2612), ("downside_deviation", 0.1893), ("sharpe", -0.51), ("sortino", -0.72)):
                    rows.append(measure(benchmark_id, metric, window, value))
        for metric, value in (
            ("max_drawdown", drawdown),
            ("current_drawdown", current),
            ("gain_to_recover", 1 / (1 + current) - 1),
            ("drawdown_sessions", 181.0),
        ):
            rows.append(measure(benchmark_id, metric, "since_inception", value, basis=DAILY))
    others = {
        "major_100": ("sp500", -0.0071, 0.0137, 0.2048, 0.1762, -0.0121),
        "samurai_25": ("topix", 0.0433, 0.0462, 2.0795, 1.2962, 0.0),
    }
    for strategy, (benchmark_id, month, index, total, index_total, fall) in others.items():
        currency = "JPY" if strategy == "samurai_25" else "USD"
        for metric, window, value in (
            ("return", "1m", month),
            ("benchmark_return", "1m", index),
            ("excess_return", "1m", month - index),
            ("return", "since_inception", total),
            ("benchmark_return", "since_inception", index_total),
            ("current_drawdown", "since_inception", fall),
            ("gain_to_recover", "since_inception", 1 / (1 + fall) - 1),
        ):
            row = measure(benchmark_id, metric, window, value, basis=MONTHLY.replace("USD", currency))
            rows.append({**row, "strategy": strategy})
    return frame("performance", rows)


def measure(benchmark_id: str, metric: str, window: str, value: float, *, basis: str = MONTHLY) -> dict[str, object]:
    return {"benchmark_id": benchmark_id, "metric": metric, "window": window, "basis": basis, "value": value}


def security(k: int) -> str:
    return f"s{k:04d}"


def securities() -> pl.DataFrame:
    words = ("Arbor", "Beacon", "Cinder", "Delta Ridge", "Ember", "Fathom", "Granite", "Harbor", "Inlet", "Juniper", "Keystone", "Lumen")
    rows = [
        {
            "security_id": security(k),
            "name": f"{words[k % len(words)]} {('Systems', 'Holdings', 'Therapeutics')[k % 3]}",
            "market": "US",
            "sector": SECTORS[k % len(SECTORS)] if k != 5 else None,
        }
        for k in range(NAMES + 3)
    ]
    rows[3]["name"] = None
    return frame("securities_clean", rows)


def weights() -> list[float]:
    raw = [0.028 + 0.0016 * k for k in range(NAMES)]
    return [value / sum(raw) for value in raw]


def model_portfolios() -> pl.DataFrame:
    as_of = date(2026, 1, 30)
    return frame(
        "model_portfolios", [{"as_of_date": as_of, "security_id": security(k + 3), "weight": value} for k, value in enumerate(weights())]
    )


def holdings() -> pl.DataFrame:
    day = date(2026, 1, 30)
    rows = [
        {"session_date": day, "security_id": security(k), "units": 1.0, "price": 10.0, "weight": value * (1.03 if k % 2 else 0.97)}
        for k, value in enumerate(reversed(weights()))
    ]
    return frame("holdings", rows)


def trades() -> pl.DataFrame:
    rows = []
    for k in range(NAMES + 2):
        before, after = (0.0, 0.041) if k < 2 else (0.0432, 0.0) if k >= NAMES else (0.044, 0.0455)
        rows.append(
            {
                "trade_date": date(2026, 1, 1),
                "security_id": security(k),
                "currency": "USD",
                "weight_before": before,
                "weight_after": after,
                "price": 10.0,
                "cost": 0.00004 * abs(after - before) / 0.04,
            }
        )
    return frame("trades", rows)


def attribution() -> pl.DataFrame:
    """Lines that add up to -10.16 points: what the named effects leave is unexplained (0.01 points)."""
    rows = [{"effect": "market", "item": "market", "value": 0.0011}]
    rows += [{"effect": "factor", "item": factor, "value": 0.0008 * (k - 9.5)} for k, factor in enumerate(FACTORS)]
    rows += [{"effect": "sector", "item": sector, "value": 0.0021 * (k - 3.2)} for k, sector in enumerate(SECTORS)]
    rows += [{"effect": "specific", "item": security(k), "value": 0.0013 * (k - 12.4)} for k in range(NAMES)]
    rows += [{"effect": "trading", "item": "trading", "value": -0.0006}, {"effect": "cost", "item": "cost", "value": -0.0002}]
    rows += [
        {"effect": "cash", "item": "cash", "value": -0.0001},
        {"effect": "index_minus_proxy", "item": "index_minus_proxy", "value": 0.0031},
    ]
    rest = -0.1016 - sum(row["value"] for row in rows) - 0.0001
    rows[-5]["value"] += rest  # the last name
    rows.append({"effect": "unexplained", "item": "unexplained", "value": 0.0001})
    rows.append({"effect": "total", "item": "active", "value": -0.1016})
    return frame("attribution", [{"scheme": "factor", **row} for row in rows])


def exposures() -> pl.DataFrame:
    rows = [
        {"factor": factor, "portfolio": 0.9 - 0.11 * k, "benchmark": 0.012 * (k + 1), "active": 0.9 - 0.11 * k - 0.012 * (k + 1)}
        for k, factor in enumerate(FACTORS)
    ]
    own = (0.27, 0.19, 0.16, 0.13, 0.14, 0.11)
    market = (0.24, 0.17, 0.18, 0.125, 0.165, 0.12)
    rows += [
        {"factor": f"sector:{sector}", "portfolio": p, "benchmark": b, "active": p - b}
        for sector, p, b in zip(SECTORS, own, market, strict=True)
    ]
    return frame("exposures", [{"as_of_date": date(2026, 1, 30), **row} for row in rows])


def factor_returns() -> pl.DataFrame:
    months = [f"{2023 + (k // 12)}-{k % 12 + 1:02d}" for k in range(36)] + [MONTH]
    rows = []
    for factor_number, factor in enumerate(("market", *FACTORS)):
        for k, month in enumerate(months):
            value = 0.02 * math.sin(1.7 * k + factor_number)
            if month == MONTH and factor == "volatility":
                value = 0.0312
            if month == MONTH and factor == "growth":
                value = -0.0287
            rows.append({"month": month, "factor": factor, "value": value})
    rows += [{"factor": f"sector:{sector}", "value": 0.011 * (k - 2.3)} for k, sector in enumerate(SECTORS)]
    return frame("factor_returns", rows)


def solutions() -> pl.DataFrame:
    row = {
        "as_of_date": date(2026, 1, 30),
        "status": "solved",
        "names": NAMES,
        "risk_ratio": 1.0643,
        "risk_ratio_sp500": 1.4127,
        "beta": 1.0218,
        "max_weight": max(weights()),
        "turnover": 0.1874,
        "message": "",
    }
    return frame("portfolio_solutions", [row])


def sample_sources(**changed: pl.DataFrame) -> Sources:
    """All tables of the sample month, some of them replaced."""
    tables = {
        "performance": performance(),
        "nav": nav(),
        "benchmark_nav": benchmark_nav(),
        "holdings": holdings(),
        "attribution": attribution(),
        "exposures": exposures(),
        "factor_returns": factor_returns(),
        "trades": trades(),
        "model_portfolios": model_portfolios(),
        "portfolio_solutions": solutions(),
        "securities_clean": securities(),
    }
    return Sources(**(tables | changed))


def sample_issuer() -> Issuer:
    return Issuer(
        name=Words("見本投資運用株式会社", "Sample Asset Management"),
        registration=Words("金融商品取引業者（見本）", "Registered investment manager (sample)"),
        issue_dates=((MONTH, date(2026, 2, 13)),),
        fees=DRAFT.fees,
        risks=DRAFT.risks,
    )


@pytest.fixture
def make_sources():
    return sample_sources


@pytest.fixture
def rows_of():
    return frame


@pytest.fixture(scope="session")
def book():
    return letter_facts(sample_sources(), NEXT_MAJOR_100, MONTH)


@pytest.fixture(scope="session")
def facts(book):
    return book.rows(STRATEGY, MONTH)


@pytest.fixture
def issuer():
    return sample_issuer()
