"""The panel of the factor search from the tables of a strategy: neutral scores of its members, and what they earned afterwards."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl

from optimizer.regimes import FEWEST_MONTHS, Split, crossed, marginal, rates, trend, volatility, yen
from optimizer.scoring import neutralise
from optimizer.search_panel import FEWEST_MONTHS as FEWEST_SEARCHED
from wg_dagster.calendars import CALENDAR_OF_MARKET, cutoff, month_sessions, month_shift, months_between
from wg_dagster.errors import OutsideData
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
RATE_OF_MARKET = {"US": "us_bill", "JP": "jp_bill"}
_CHANGE = 12  # months over which rates and the yen rise or fall


@dataclass(frozen=True, eq=False)
class SearchPanel:
    """Arguments of `optimizer.search`, and what they are about.

    `left_out` says of each factor that is not searched why not.
    """

    factors: tuple[str, ...]
    signs: tuple[int, ...]
    security_ids: tuple[str, ...]
    decided_in: tuple[str, ...]
    earned_in: tuple[str, ...]
    scores: np.ndarray
    members: np.ndarray
    returns: list[np.ndarray]
    benchmark: list[np.ndarray] | None
    sectors: np.ndarray
    sector_limit: np.ndarray
    left_out: dict[str, str]


def search_panel(
    strategy: Strategy, *, universe: pl.DataFrame, scores: pl.DataFrame, prices: pl.DataFrame, benchmark_nav: pl.DataFrame | None = None
) -> SearchPanel:
    """Scores of a strategy's months and the returns from the fill on.

    A month's names are bought at the close of the first session of the next month, so that session is left out of its returns: it
    belongs to the names held before. Scores are neutral to sector (and size, where the strategy is) as in the composite; what is
    unknown is neutral. A name without a return on a session earns 0: it has left, or did not trade.

    Parameters
    ----------
    universe, scores
        `universe_members` and `factor_scores` of the strategy.
    prices
        | session_date | security_id | return_1e9 |, of `prices_clean`.
    benchmark_nav
        Rows of `benchmark_nav`; without it, or where a session is missing, the benchmark is all members in equal weight.

    Raises
    ------
    OutsideData
        If fewer than 24 months can be searched.
    """
    rows = universe.join(scores.select("month", "security_id", *FACTORS), on=["month", "security_id"], how="left", validate="1:1")
    months = _months(strategy, rows, prices)
    ids = rows.filter(pl.col("month").is_in(months))["security_id"].unique().sort()
    cube, sectors, limits = _cube(strategy, rows, months, ids)
    start, factors, left_out = _searchable(cube, months)
    if len(months) - start < FEWEST_SEARCHED:
        raise OutsideData(
            f"{strategy.strategy_id}: {len(months) - start} months have scores and later returns, a search needs {FEWEST_SEARCHED}; "
            f"run more months (left out: {left_out or 'no factor'})"
        )
    chosen = cube[start:, :, [FACTORS.index(factor) for factor in factors]]
    known = np.isfinite(chosen)
    sessions = [month_sessions(CALENDAR_OF_MARKET[strategy.market], month_shift(month, 1))[1:] for month in months[start:]]
    return SearchPanel(
        factors=factors,
        signs=tuple(strategy.factors.get(factor, LITERATURE_SIGNS[factor]) for factor in factors),
        security_ids=tuple(ids),
        decided_in=tuple(months[start:]),
        earned_in=tuple(month_shift(month, 1) for month in months[start:]),
        scores=np.where(known, chosen, 0.0),
        members=(sectors[start:] >= 0) & (known.mean(axis=2) >= KNOWN_SHARE - 1e-9),
        returns=_returns(prices, ids, sessions),
        benchmark=_benchmark(benchmark_nav, strategy.benchmarks[0], sessions),
        sectors=np.maximum(sectors[start:], 0),
        sector_limit=limits[start:],
        left_out=left_out,
    )


def regime_splits(strategy: Strategy, decided_in: Sequence[str], *, benchmark_nav: pl.DataFrame, rates_clean: pl.DataFrame) -> list[Split]:
    """Trend and volatility of the own benchmark, bill rate and yen, as known at each month's cut-off."""
    calendar = CALENDAR_OF_MARKET[strategy.market]
    cutoffs = [cutoff(calendar, month) for month in decided_in]
    levels = benchmark_nav.filter(pl.col("benchmark_id") == strategy.benchmarks[0]).drop_nulls("level").sort("session_date")
    ends = np.array([int((levels["known_at"] <= end).sum()) - 1 for end in cutoffs])
    splits = [trend(levels["level"].to_numpy(), ends), volatility(levels["level"].to_numpy(), ends)]
    earlier = months_between(month_shift(decided_in[0], -_CHANGE), decided_in[-1])
    for rate_id, split in ((RATE_OF_MARKET[strategy.market], rates), ("usdjpy", yen)):
        own = rates_clean.filter(pl.col("rate_id") == rate_id).drop_nulls("value").sort("date", "known_at")
        newest = [own.filter(pl.col("known_at") <= cutoff(calendar, month)).tail(1)["value"].to_list() for month in earlier]
        unknown = next((t for t, found in enumerate(newest) if found), len(newest))
        series = np.array([found[0] for found in newest[unknown:]], dtype=float)
        at = np.maximum(np.arange(_CHANGE, len(earlier)) - unknown, -1)
        splits.append(split(series if len(series) else np.zeros(1), at, back=_CHANGE))
    return splits


def regime_cells(splits: Sequence[Split]) -> dict[str, np.ndarray]:
    """Eight cells of trend, volatility and rates where each has 24 months, else each split by itself; the yen always by itself."""
    cells = crossed(splits[:3])
    if min(int(cell.sum()) for cell in cells.values()) >= FEWEST_MONTHS:
        return cells | marginal(splits[3:])
    return marginal(splits)


def _months(strategy: Strategy, rows: pl.DataFrame, prices: pl.DataFrame) -> list[str]:
    """Months with members whose next month has ended in the prices: the last unbroken run."""
    if rows.is_empty() or prices.is_empty():
        return []
    with_members, days = set(rows["month"]), set(prices["session_date"].unique())
    calendar = CALENDAR_OF_MARKET[strategy.market]
    run: list[str] = []
    for month in months_between(min(with_members), max(with_members)):
        after = month_sessions(calendar, month_shift(month, 1))
        if month not in with_members:
            run = []
        elif after and after[-1] in days:
            run.append(month)
    return run


def _cube(strategy: Strategy, rows: pl.DataFrame, months: list[str], ids: pl.Series) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
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


def _searchable(cube: np.ndarray, months: list[str]) -> tuple[int, tuple[str, ...], dict[str, str]]:
    """First month and factors: those known without a break over the last half of the months, and at least 24."""
    needed = max(FEWEST_SEARCHED, len(months) // 2)
    starts, left_out = {}, {}
    for k, factor in enumerate(FACTORS):
        begin = len(months)
        while begin and _ranks_members(cube[begin - 1, :, k], cube[begin - 1]):
            begin -= 1
        if len(months) - begin >= needed:
            starts[factor] = begin
        else:
            left_out[factor] = f"known for {len(months) - begin} months in a row, {needed} are needed"
    return max(starts.values(), default=len(months)), tuple(starts), left_out


def _ranks_members(score: np.ndarray, all_scores: np.ndarray) -> bool:
    """Enough of the members (names with any score) have the score, and it tells them apart."""
    members = np.isfinite(all_scores).any(axis=1).sum()
    known = score[np.isfinite(score)]
    return bool(len(known) >= max(2, KNOWN_SHARE * members) and np.ptp(known) > 0)


def _returns(prices: pl.DataFrame, ids: pl.Series, sessions: list[tuple]) -> list[np.ndarray]:
    days = [day for month in sessions for day in month]
    own = prices.filter(pl.col("session_date").is_in(days) & pl.col("security_id").is_in(ids.implode())).drop_nulls("return_1e9")
    column = own["security_id"].cast(pl.Enum(ids)).to_physical().to_numpy()
    row = np.searchsorted(np.array(days, dtype="datetime64[D]"), own["session_date"].to_numpy())
    table = np.zeros((len(days), len(ids)), dtype=np.float32)
    table[row, column] = own["return_1e9"].to_numpy() * 1e-9
    return np.split(table, np.cumsum([len(month) for month in sessions])[:-1])


def _benchmark(benchmark_nav: pl.DataFrame | None, benchmark_id: str, sessions: list[tuple]) -> list[np.ndarray] | None:
    if benchmark_nav is None:
        return None
    own = benchmark_nav.filter(pl.col("benchmark_id") == benchmark_id).drop_nulls("return_1e9")
    by_day = dict(own.select("session_date", "return_1e9").iter_rows())
    if any(day not in by_day for month in sessions for day in month):
        return None
    return [np.array([by_day[day] * 1e-9 for day in month]) for month in sessions]
