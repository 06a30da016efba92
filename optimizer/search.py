"""Every subset of the factors, every month: what its best names earned, kept as sums from which any window follows.

    result = search(scores, returns, factors=names, decided_in=months, earned_in=months_after)

Each month stands alone, so months go to threads, processes or a cluster through any `concurrent.futures.Executor`, with the
same bits as a plain loop.
"""

from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import Executor, Future
from dataclasses import dataclass, fields, replace
from hashlib import sha256
from typing import Any

import numpy as np

from optimizer.errors import BadPanel
from optimizer.search_booking import Booked, exact
from optimizer.search_engines import find_engine
from optimizer.search_panel import Month, check_information, read_panel
from optimizer.search_subsets import names_of, subset_of
from optimizer.search_windows import Sums

DAYS_PER_YEAR, MONTHS_PER_YEAR = 252, 12
MOST_COST = 0.5  # two units of weight may be traded in a month


@dataclass(frozen=True, eq=False)
class Search:
    """Results of all subsets, T months by S = 2^F - 1 subsets.

    Attributes
    ----------
    own, active : Sums
        Of the portfolios, and of their difference to the benchmark.
    traded : (T, S)
        Weight bought plus weight sold.
    benchmark : (T,)
        Monthly returns.
    premia, information : (T, F)
        Regression premia and rank correlations of the month.
    months : (T,)
        The panel, for rules that weigh factors.
    last_chosen : (S, k)
        Names of the last month, from which the next one trades.
    """

    factors: tuple[str, ...]
    holdings: int
    cost: float
    own: Sums
    active: Sums
    traded: np.ndarray
    benchmark: np.ndarray
    premia: np.ndarray
    information: np.ndarray
    months: tuple[Month, ...]
    last_chosen: np.ndarray

    @property
    def earned_in(self) -> tuple[str, ...]:
        """Months of the returns, YYYY-MM."""
        return tuple(month.earned_in for month in self.months)

    @property
    def monthly(self) -> np.ndarray:
        """(T, S) net return of each month and subset, in multiples of 2^-40: the evidence itself."""
        return exact(np.expm1(self.own.growth))

    @property
    def monthly_active(self) -> np.ndarray:
        """(T, S) net return of each month and subset less the benchmark's, in multiples of 2^-40."""
        return exact(np.expm1(self.own.growth) - self.benchmark[:, None])

    def subset(self, *chosen: str) -> int:
        """Position of the subset with these factors."""
        return subset_of(chosen, self.factors)

    def names(self, subset: int) -> tuple[str, ...]:
        """Factors of a subset."""
        return names_of(subset, self.factors)

    def fingerprint(self) -> str:
        """sha256 over the matrix of returns, its months and factors."""
        head = "|".join((*self.factors, *self.earned_in, repr(self.holdings), repr(self.cost))).encode()
        return sha256(head + np.ascontiguousarray(self.monthly, dtype="<f8").tobytes()).hexdigest()


def search(
    scores: np.ndarray,
    returns: Sequence[np.ndarray] | np.ndarray,
    *,
    factors: Sequence[str],
    decided_in: Sequence[str],
    earned_in: Sequence[str],
    signs: Sequence[int] | None = None,
    members: np.ndarray | None = None,
    benchmark: Sequence[np.ndarray] | np.ndarray | None = None,
    sectors: np.ndarray | None = None,
    sector_limit: np.ndarray | int | None = None,
    holdings: int = 25,
    cost: float = 0.0,
    executor: Executor | None = None,
    engine: str = "numpy",
) -> Search:
    """Hold the best names of every subset of the factors in every month.

    Parameters
    ----------
    scores : (T, N, F)
        Score of each name at the end of each month of `decided_in`; larger is more of the factor. No NaN among members.
    returns
        T arrays: (days, N) daily or (N,) monthly returns of the month that follows. A name that leaves earns 0 from then on.
    decided_in, earned_in
        T labels YYYY-MM each; scores of one month meet the returns of the next.
    signs : (F,)
        +1 to prefer high scores (the default), -1 low ones; fixed before any return is seen.
    members : (T, N), optional
        Who could be bought; all names without it.
    benchmark
        T arrays of returns a day (or one a month); without it all members in equal weight.
    sectors : (N,) or (T, N), with `sector_limit` : int, (sectors,) or (T, sectors)
        Codes from 0, and the most names of one sector in a portfolio.
    holdings
        Names of a portfolio, equal weights on the first day: a cap on weights above 1 / holdings holds by itself.
    cost
        Per unit of weight bought or sold, paid on the month's first day.
    executor
        Threads, processes or a cluster. The result is the same bit by bit.
    engine
        `numpy`, or `numba` where it is installed: a third of the time for large panels, the same result bit by bit; `fastest` is
        `numba` if it is installed, else `numpy`.

    Raises
    ------
    BadPanel
        NaN, misaligned months, a constant factor, a factor that knows the future, too few names: where, and what to do.
    TooFewReturns
        Fewer than 24 months.
    """
    if not 0.0 <= cost < MOST_COST:
        raise BadPanel(f"cost must be from 0 to below {MOST_COST} per unit of weight, 0.001 being ten basis points; got {cost}")
    months = read_panel(
        scores,
        returns,
        factors=factors,
        decided_in=decided_in,
        earned_in=earned_in,
        signs=signs,
        members=members,
        benchmark=benchmark,
        sectors=sectors,
        sector_limit=sector_limit,
        holdings=holdings,
    )
    information = np.array([month.information() for month in months])
    check_information(information, tuple(factors))
    booked, last = _hold(months, None, holdings=holdings, cost=cost, executor=executor, engine=engine)
    daily = any(len(month.benchmark) > 1 for month in months)
    return _gather(
        months,
        booked,
        factors=tuple(factors),
        holdings=holdings,
        cost=cost,
        periods_per_year=DAYS_PER_YEAR if daily else MONTHS_PER_YEAR,
        information=information,
        last_chosen=last,
    )


def months_after(
    before: Search,
    scores: np.ndarray,
    returns: Sequence[np.ndarray] | np.ndarray,
    *,
    decided_in: Sequence[str],
    earned_in: Sequence[str],
    signs: Sequence[int] | None = None,
    members: np.ndarray | None = None,
    benchmark: Sequence[np.ndarray] | np.ndarray | None = None,
    sectors: np.ndarray | None = None,
    sector_limit: np.ndarray | int | None = None,
    executor: Executor | None = None,
    engine: str = "numpy",
) -> Search:
    """The months that follow a search, by themselves: all that has to be computed and stored for them. Arguments as in `search`."""
    months = read_panel(
        scores,
        returns,
        factors=before.factors,
        decided_in=decided_in,
        earned_in=earned_in,
        signs=signs,
        members=members,
        benchmark=benchmark,
        sectors=sectors,
        sector_limit=sector_limit,
        holdings=before.holdings,
        fewest_months=1,
    )
    if decided_in[0] != before.earned_in[-1]:
        raise BadPanel(f"misaligned months: the search ends with {before.earned_in[-1]}, the new scores were decided in {decided_in[0]}")
    information = np.array([month.information() for month in months])
    check_information(np.concatenate([before.information, information]), before.factors)
    booked, last = _hold(
        months,
        (before.months[-1], before.last_chosen),
        holdings=before.holdings,
        cost=before.cost,
        executor=executor,
        engine=engine,
    )
    return _gather(
        months,
        booked,
        factors=before.factors,
        holdings=before.holdings,
        cost=before.cost,
        periods_per_year=before.own.periods_per_year,
        information=information,
        last_chosen=last,
    )


def extend(before: Search, *panel: Any, **options: Any) -> Search:
    """Add the months after a search (`months_after`) to it; the result equals a search over all of them bit by bit."""
    new = months_after(before, *panel, **options)
    return replace(
        new,
        own=_joined(before.own, new.own),
        active=_joined(before.active, new.active),
        months=before.months + new.months,
        **{name: np.concatenate([getattr(before, name), getattr(new, name)]) for name in ("traded", "benchmark", "premia", "information")},
    )


def _hold(
    months: Sequence[Month],
    before: tuple[Month, np.ndarray] | None,
    *,
    holdings: int,
    cost: float,
    executor: Executor | None,
    engine: str,
) -> tuple[list[Booked], np.ndarray]:
    """Choose and book every month; booking of a month needs the names of the one before."""
    run: Callable[..., Iterable[np.ndarray]] = map if executor is None else executor.map
    top_names, book = find_engine(engine)
    waiting: list[Booked | Future[Booked]] = []
    for month, chosen in zip(months, run(top_names, months, [holdings] * len(months)), strict=True):
        waiting.append(book(month, chosen, before, cost) if executor is None else executor.submit(book, month, chosen, before, cost))
        before = (month, chosen)
    assert before is not None
    return [one.result() if isinstance(one, Future) else one for one in waiting], before[1]


def _gather(
    months: tuple[Month, ...],
    booked: list[Booked],
    *,
    factors: tuple[str, ...],
    holdings: int,
    cost: float,
    periods_per_year: int,
    information: np.ndarray,
    last_chosen: np.ndarray,
) -> Search:
    periods = np.array([len(month.benchmark) for month in months])
    column = {part.name: np.array([getattr(one, part.name) for one in booked]) for part in fields(Booked)}
    own = {name: column[name] for name in ("growth", "total", "squares", "downside")}
    active = {name: column[f"active_{name}"] for name in own}
    return Search(
        factors=factors,
        holdings=holdings,
        cost=cost,
        own=Sums(periods, **own, periods_per_year=periods_per_year),
        active=Sums(periods, **active, periods_per_year=periods_per_year),
        traded=column["traded"],
        benchmark=np.array([np.prod(1.0 + month.benchmark) - 1.0 for month in months]),
        premia=np.array([month.premia() for month in months]),
        information=information,
        months=months,
        last_chosen=last_chosen,
    )


def _joined(first: Sums, second: Sums) -> Sums:
    parts = {part.name: np.concatenate([getattr(first, part.name), getattr(second, part.name)]) for part in fields(Sums)[:-1]}
    return Sums(**parts, periods_per_year=first.periods_per_year)
