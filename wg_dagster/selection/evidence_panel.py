"""What a factor search sees of a strategy's tables: neutral scores of its members, and what they earned after the fill."""

from collections.abc import Sequence
from datetime import date

import numpy as np
import polars as pl

from optimizer.scoring import neutralise
from optimizer.search_panel import Month, read_panel
from wg_dagster.calendars import CALENDAR_OF_MARKET, month_sessions, month_shift
from wg_dagster.schemas.columns import FACTORS
from wg_dagster.strategies import Strategy

# What the literature prefers where a strategy has no sign of its own; fixed before any return is seen (docs/search.md has the sources).
LITERATURE_SIGNS = {
    "profitability": 1,
    "growth": -1,  # Lakonishok, Shleifer, Vishny 1994
    "activity": 1,
    "safety": 1,
    "value": 1,
    "shareholder_return": 1,
    "surprise": 1,
    "eps_stability": 1,
    "us_beta": -1,  # Frazzini, Pedersen 2014
    "size": -1,  # Banz 1981
    "price_level": -1,  # Blume, Husic 1973
    "momentum": 1,
    "volatility": -1,  # Ang et al. 2006
    "liquidity": -1,  # Brennan, Chordia, Subrahmanyam 1998
}
KNOWN_SHARE = 0.6  # of the members must have a factor, and a member this share of the factors


class SearchPanel:
    """The scores and returns of a few months, of which one after the other is searched."""

    def __init__(
        self,
        strategy: Strategy,
        months: Sequence[str],
        *,
        universe: pl.DataFrame,
        scores: pl.DataFrame,
        prices: pl.DataFrame,
        benchmark_nav: pl.DataFrame,
    ) -> None:
        self.strategy, self.benchmark_nav = strategy, benchmark_nav
        self.prices = {str(key[0]): rows for key, rows in prices.partition_by("month", as_dict=True).items()}
        decided = sorted({month_shift(month, -back) for month in months for back in (1, 2)} & set(universe["month"]))
        rows = with_scores(universe.filter(pl.col("month").is_in(decided)), scores)
        self.ids = rows["security_id"].unique().sort()
        cube, self.sectors, self.limits = score_cube(strategy, rows, decided, self.ids)
        self.scores = dict(zip(decided, cube, strict=True))
        self.place = {month: t for t, month in enumerate(decided)}
        self.ends = set(prices["session_date"].unique())

    def factors(self, month: str) -> tuple[int, ...]:
        """Positions of the factors that ranked the members when the month was decided."""
        scores = self.scores.get(month_shift(month, -1))
        return () if scores is None else tuple(k for k in range(len(FACTORS)) if ranks_members(scores[:, k], scores))

    def is_over(self, month: str) -> bool:
        """Its last session is in the prices."""
        sessions = self._sessions(month)
        return bool(sessions) and sessions[-1] in self.ends

    def read(self, month: str, factors: tuple[int, ...]) -> Month:
        """The month as the search sees it; BadPanel where it cannot be searched."""
        decided = month_shift(month, -1)
        chosen = self.scores[decided][:, factors]
        known = np.isfinite(chosen)
        t = self.place[decided]
        sessions = self._sessions(month)[1:]
        benchmark = benchmark_returns(self.benchmark_nav, self.strategy.benchmarks[0], [sessions])
        (found,) = read_panel(
            np.where(known, chosen, 0.0)[None],
            wide_returns(self.prices[month], self.ids, [sessions]),
            factors=[FACTORS[k] for k in factors],
            decided_in=[decided],
            earned_in=[month],
            signs=[sign_of(self.strategy, FACTORS[k]) for k in factors],
            members=((self.sectors[t] >= 0) & (known.mean(axis=1) >= KNOWN_SHARE - 1e-9))[None],
            benchmark=benchmark,
            sectors=np.maximum(self.sectors[t], 0),
            sector_limit=self.limits[t],
            holdings=self.strategy.mandate.names[1],
            fewest_months=1,
        )
        return found

    def _sessions(self, month: str) -> tuple[date, ...]:
        return month_sessions(CALENDAR_OF_MARKET[self.strategy.market], month)


def sign_of(strategy: Strategy, factor: str) -> int:
    """The strategy's own sign of a factor, else that of the literature."""
    return strategy.factors.get(factor, LITERATURE_SIGNS[factor])


def with_scores(universe: pl.DataFrame, scores: pl.DataFrame) -> pl.DataFrame:
    """Members with their fourteen scores."""
    return universe.join(scores.select("month", "security_id", *FACTORS), on=["month", "security_id"], how="left", validate="1:1")


def score_cube(strategy: Strategy, rows: pl.DataFrame, months: Sequence[str], ids: pl.Series) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """(T, N, 14) neutral scores with NaN for unknown, (T, N) sector codes with -1 for no member, (T, sectors) most names."""
    names = rows["sector"].unique().sort()
    cube = np.full((len(months), len(ids), len(FACTORS)), np.nan)
    sectors = np.full((len(months), len(ids)), -1)
    limits = np.ones((len(months), max(len(names), 1)), dtype=int)
    most = strategy.mandate.names[1]
    for t, month in enumerate(months):
        own = rows.filter(pl.col("month") == month).sort("security_id")
        place = own["security_id"].cast(pl.Enum(ids)).to_physical().to_numpy()
        code = own["sector"].cast(pl.Enum(names)).to_physical().to_numpy().astype(int)
        weight = np.bincount(code, own["benchmark_weight"].fill_null(0.0).to_numpy(), minlength=len(names))
        log_cap = np.log(own["market_cap"].to_numpy())
        for k, factor in enumerate(FACTORS):
            raw = own[factor].fill_null(np.nan).to_numpy()
            # Size without size is nothing: it alone keeps it.
            cube[t, place, k] = neutralise(raw, code, log_cap if strategy.is_size_neutral and factor != "size" else None)
        sectors[t, place] = code
        limits[t] = np.maximum(np.floor((weight + strategy.mandate.sector_band) * most + 1e-9), 1).astype(int)
    return cube, sectors, limits


def ranks_members(score: np.ndarray, all_scores: np.ndarray) -> bool:
    """Whether enough of the members (names with any score) have the score, and it tells them apart."""
    members = np.isfinite(all_scores).any(axis=1).sum()
    known = score[np.isfinite(score)]
    return bool(len(known) >= max(2, KNOWN_SHARE * members) and np.ptp(known) > 0)


def wide_returns(prices: pl.DataFrame, ids: pl.Series, sessions: Sequence[Sequence[date]]) -> list[np.ndarray]:
    """A month's (days, names) returns for each list of sessions; 0 where a name has none."""
    days = [day for month in sessions for day in month]
    own = prices.filter(pl.col("session_date").is_in(days) & pl.col("security_id").is_in(ids.implode())).drop_nulls("return_1e9")
    column = own["security_id"].cast(pl.Enum(ids)).to_physical().to_numpy()
    row = np.searchsorted(np.array(days, dtype="datetime64[D]"), own["session_date"].to_numpy())
    table = np.zeros((len(days), len(ids)), dtype=np.float32)
    table[row, column] = own["return_1e9"].to_numpy() * 1e-9
    return np.split(table, np.cumsum([len(month) for month in sessions])[:-1])


def benchmark_returns(benchmark_nav: pl.DataFrame | None, benchmark_id: str, sessions: Sequence[Sequence[date]]) -> list[np.ndarray] | None:
    """A month's returns of a benchmark for each list of sessions; None where one of them is missing."""
    if benchmark_nav is None:
        return None
    own = benchmark_nav.filter(pl.col("benchmark_id") == benchmark_id).drop_nulls("return_1e9")
    by_day = dict(own.select("session_date", "return_1e9").iter_rows())
    if any(day not in by_day for month in sessions for day in month):
        return None
    return [np.array([by_day[day] * 1e-9 for day in month]) for month in sessions]
