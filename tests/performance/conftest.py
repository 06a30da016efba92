"""A month of a small market as the frames that the stations read, with an account kept by hand (not by our own trading code)."""

from dataclasses import dataclass, field
from datetime import date

import numpy as np
import polars as pl
import pytest

from wg_dagster.calendars import month_sessions
from wg_dagster.schemas.columns import FACTORS
from wg_dagster.schemas.tables import TABLES

BEFORE, MONTH = "2024-01", "2024-02"


@dataclass
class Month:
    """Inputs of one month: names, what each returned (names, sessions), what was held before, what is traded on the first session."""

    sectors: list[str]
    returns: np.ndarray
    held: list[float] | None  # weights at the end of the month before; None = inception
    index: list[float]
    benchmark: list[float]
    targets: list[float] | None = None
    cost_rate: float = 0.0
    caps: list[float] | None = None
    scores: np.ndarray | None = None
    outside: list[int] = field(default_factory=list)  # names that are no members of the universe
    fills: list[float] | None = None  # return from the last close to the fill; None = filled at the close
    nav_before: float = 1.25

    def __post_init__(self):
        self.returns = np.round(np.asarray(self.returns, dtype=float), 9)
        self.names = [f"name{k}" for k in range(len(self.sectors))]
        self.sessions = list(month_sessions("XNYS", MONTH))[: self.returns.shape[1]]
        self.last_session_before = month_sessions("XNYS", BEFORE)[-1]

    def frames(self) -> dict[str, pl.DataFrame]:
        """Tables by name, with the columns of their contracts."""
        kept = {"nav": [], "holdings": [], "trades": []}
        self._keep_account(kept)
        tables = {
            "universe_members": self._universe(),
            "factor_scores": self._scores(),
            "prices_clean": self._prices(),
            "benchmark_nav": self._index(),
            **kept,
        }
        return {name: conform(name, rows) for name, rows in tables.items()}

    def _keep_account(self, kept):
        closes = self._closes()
        if self.held is None:
            units, cash = np.zeros(len(self.names)), self.nav_before
        else:
            values = np.array(self.held) * self.nav_before
            units, cash = values / closes[:, 0], self.nav_before - values.sum()
            self._write(kept, BEFORE, self.last_session_before, units, closes[:, 0], cash)
        for k, day in enumerate(self.sessions):
            if k == 0 and self.targets is not None:
                units, cash = self._trade(kept, day, units, cash, closes)
            self._write(kept, MONTH, day, units, closes[:, k + 1], cash)

    def _trade(self, kept, day, units, cash, closes):
        fill = closes[:, 1] if self.fills is None else closes[:, 0] * (1 + np.array(self.fills))
        wealth = units @ fill + cash
        after = np.array(self.targets) * wealth / fill
        paid = self.cost_rate * np.abs(after - units) * fill
        after = after * (1 - paid.sum() / wealth)
        for name, before, now, price, cost in zip(self.names, units, after, fill, paid, strict=True):
            kept["trades"].append(
                {"month": MONTH, "trade_date": day, "security_id": name, "units_before": before, "units_after": now, "price": price}
                | {"cost": cost / wealth, "currency": "USD"}
            )
        return after, wealth - paid.sum() - after @ fill

    def _write(self, kept, month, day, units, prices, cash):
        nav = units @ prices + cash
        kept["nav"].append({"month": month, "session_date": day, "currency": "USD", "nav": nav, "cash_weight": cash / nav})
        kept["holdings"] += [
            {"month": month, "session_date": day, "security_id": name, "units": held, "price": price, "weight": held * price / nav}
            for name, held, price in zip(self.names, units, prices, strict=True)
            if held > 0
        ]

    def _closes(self):
        growth = np.cumprod(1 + np.nan_to_num(self.returns), axis=1)
        return 50.0 * np.column_stack([np.ones(len(self.names)), growth])

    def _universe(self):
        caps = self.caps or [1e9] * len(self.names)
        return [
            {"month": BEFORE, "as_of_date": self.last_session_before, "security_id": name, "issuer_id": name, "sector": sector}
            | {
                "industry": f"{sector} {name}",
                "is_financial": False,
                "market_cap": cap,
                "traded_value_20d": 1e8,
                "benchmark_weight": weight,
            }
            for k, (name, sector, cap, weight) in enumerate(zip(self.names, self.sectors, caps, self.benchmark, strict=True))
            if k not in self.outside
        ]

    def _scores(self):
        scores = self.scores if self.scores is not None else np.full((len(self.names), len(FACTORS)), np.nan)
        return [
            {"month": BEFORE, "as_of_date": self.last_session_before, "security_id": name, "coverage": 1.0}
            | {factor: None if np.isnan(score) else score for factor, score in zip(FACTORS, row, strict=True)}
            for k, (name, row) in enumerate(zip(self.names, scores, strict=True))
            if k not in self.outside
        ]

    def _prices(self):
        closes = self._closes()
        return [
            {"month": MONTH, "security_id": name, "session_date": day, "market": "US", "currency": "USD", "close": closes[i, k + 1]}
            | {"return_1e9": round(self.returns[i, k] * 1e9)}
            for i, name in enumerate(self.names)
            for k, day in enumerate(self.sessions)
            if not np.isnan(self.returns[i, k])
        ]

    def _index(self):
        days = [self.last_session_before, *self.sessions]
        levels = 4000.0 * np.cumprod([1.0, *(1 + np.array(self.index))])
        return [
            {"month": f"{day:%Y-%m}", "benchmark_id": "sp500", "session_date": day, "currency": "USD", "level": level}
            | {"is_total_return": True, "is_proxy": False}
            for day, level in zip(days, levels, strict=True)
        ]


def conform(table: str, rows: list[dict[str, object]]) -> pl.DataFrame:
    """Rows as a frame with the columns of the contract; what is not given is null, the strategy is major_100."""
    spec = TABLES[table]
    given = [{"strategy": "major_100"} | row if "strategy" in spec.columns else row for row in rows]
    return pl.DataFrame([{name: row.get(name) for name in spec.columns} for row in given], schema=spec.schema)


@pytest.fixture
def a_month():
    """The class `Month`, for tests that make their own market."""
    return Month


@pytest.fixture
def rows_of():
    """`conform`, for tests that write their own rows."""
    return conform


@pytest.fixture
def a_day():
    """A session of the month, for rows by hand."""
    return date(2024, 2, 1)
