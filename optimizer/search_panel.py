"""Scores and the returns that followed, month by month, checked before any of it is searched."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from optimizer.errors import BadPanel, TooFewReturns

FEWEST_MONTHS = 24
MOST_FACTORS = 16  # sums of ranks stay in 16 bits
MOST_NAMES = 1 << 24
MOST_INFORMATION = 0.25  # mean rank correlation with the month that follows; published factors stay below 0.1
_FINEST_RETURN = 2.0**-27  # sums over names of rank x return are then exact, whatever their order


@dataclass(frozen=True, eq=False)
class Month:
    """What was known when a month was decided, and what happened in it.

    Attributes
    ----------
    earned_in
        The month of the returns, YYYY-MM; the scores are those of the month before.
    columns : (n,)
        Columns of the panel that could be bought, ascending.
    ranks : (n, F)
        uint16 from 1 (worst) to 65535 // F (best); ties share their mean rank.
    growth : (n, days)
        Value of one unit of each name at the end of each day.
    benchmark : (days,)
        Returns.
    sector : (n,), optional
        Codes from 0.
    sector_limit : (sectors,), optional
        Most names per sector.
    """

    earned_in: str
    columns: np.ndarray
    ranks: np.ndarray
    growth: np.ndarray
    benchmark: np.ndarray
    sector: np.ndarray | None = None
    sector_limit: np.ndarray | None = None

    def premia(self) -> np.ndarray:
        """(F,) regression premia: return of the month per standard deviation of each rank, the others held fixed."""
        ranks, earned = self.ranks.astype(float), np.rint((self.growth[:, -1] - 1.0) / _FINEST_RETURN) * _FINEST_RETURN
        n, means = len(ranks), ranks.sum(axis=0) / len(ranks)
        gram, moments = ranks.T @ ranks, ranks.T @ earned  # whole numbers and multiples of 2^-27: exact for any number of threads
        covariance = gram / n - np.outer(means, means)
        spread = np.sqrt(np.diagonal(covariance))
        together = (moments / n - means * (earned.sum() / n)) / spread
        return np.linalg.lstsq(covariance / np.outer(spread, spread), together, rcond=1e-10)[0]

    def information(self) -> np.ndarray:
        """(F,) rank correlation of each score with the return of the month that follows."""
        earned = _doubled_ranks(self.growth[:, -1])
        if np.ptp(earned) == 0:
            return np.zeros(self.ranks.shape[1])
        return np.corrcoef(np.column_stack([earned, self.ranks]), rowvar=False)[0, 1:]


def read_panel(
    scores: np.ndarray,
    returns: Sequence[np.ndarray] | np.ndarray,
    *,
    factors: Sequence[str],
    decided_in: Sequence[str],
    earned_in: Sequence[str],
    signs: Sequence[int] | None,
    members: np.ndarray | None,
    benchmark: Sequence[np.ndarray] | np.ndarray | None,
    sectors: np.ndarray | None,
    sector_limit: np.ndarray | int | None,
    holdings: int,
    fewest_months: int = FEWEST_MONTHS,
) -> tuple[Month, ...]:
    """Check a panel and cut it into months; BadPanel or TooFewReturns say what is wrong, where, and what to do."""
    scores = np.asarray(scores)
    _check_months(list(decided_in), list(earned_in), fewest_months)
    _check_shapes(scores, factors, len(earned_in), members)
    if len(returns) != len(earned_in) or (benchmark is not None and len(benchmark) != len(earned_in)):
        raise BadPanel(f"misaligned months: {len(earned_in)} labels, {len(returns)} months of returns; pass one array a month")
    sign = np.ones(len(factors), int) if signs is None else np.asarray(signs)
    if sign.shape != (len(factors),) or not np.isin(sign, (-1, 1)).all():
        raise BadPanel(f"signs must be +1 or -1, one for each of the {len(factors)} factors; got {sign.tolist()}")
    if holdings < 1:
        raise BadPanel(f"holdings must be at least 1, the names of a portfolio; got {holdings}")
    months = []
    for t, label in enumerate(earned_in):
        columns = np.arange(scores.shape[1]) if members is None else np.flatnonzero(members[t])
        if len(columns) <= holdings:
            raise BadPanel(f"month {label}: {len(columns)} members, but {holdings} names are to be chosen among them; widen the universe")
        growth = _growth(returns[t], columns, label)
        days = None if benchmark is None else np.atleast_1d(np.asarray(benchmark[t], dtype=float))
        months.append(
            Month(
                label,
                columns.astype(np.int32),
                _ranks(scores[t][columns], sign, tuple(factors), label, columns),
                growth,
                _benchmark(days, growth, label),
                *_sectors(sectors, sector_limit, t, columns, label),
            )
        )
    return tuple(months)


def check_information(information: np.ndarray, factors: tuple[str, ...]) -> None:
    """BadPanel if a factor knows the month that follows too well to be true: (months, factors) rank correlations."""
    mean = information.mean(axis=0)
    worst = int(np.argmax(np.abs(mean)))
    if abs(mean[worst]) > MOST_INFORMATION:
        raise BadPanel(
            f"factor {factors[worst]!r} has a mean rank correlation of {mean[worst]:.2f} with the returns of the month that follows "
            f"(at most {MOST_INFORMATION} is plausible): it knows the future; check when its inputs were published"
        )


def _check_months(decided_in: list[str], earned_in: list[str], fewest: int) -> None:
    if len(decided_in) != len(earned_in):
        raise BadPanel(f"{len(decided_in)} months of scores, {len(earned_in)} months of returns; pass one pair for each month")
    if len(earned_in) < fewest:
        raise TooFewReturns(f"a search needs {fewest} months, got {len(earned_in)}; add history")
    decided, earned = [_month_number(label) for label in decided_in], [_month_number(label) for label in earned_in]
    for t, (before, after) in enumerate(zip(decided, earned, strict=True)):
        if after != before + 1:
            raise BadPanel(
                f"misaligned months: scores of {decided_in[t]} stand beside returns of {earned_in[t]}; "
                "scores decided in a month earn the returns of the next one"
            )
        if t and after != earned[t - 1] + 1:
            raise BadPanel(f"misaligned months: {earned_in[t]} follows {earned_in[t - 1]}; months must be in order and without gaps")


def _month_number(label: str) -> int:
    year, dash, month = str(label).partition("-")
    if not (dash and year.isdigit() and len(month) == 2 and month.isdigit() and 1 <= int(month) <= 12):
        raise BadPanel(f"month {label!r} is not of the form YYYY-MM")
    return int(year) * 12 + int(month)


def _check_shapes(scores: np.ndarray, factors: Sequence[str], months: int, members: np.ndarray | None) -> None:
    if scores.ndim != 3 or scores.shape[0] != months or scores.shape[2] != len(factors):
        raise BadPanel(f"scores must be (months, names, factors) = ({months}, names, {len(factors)}); got {scores.shape}")
    if not np.issubdtype(scores.dtype, np.number):
        raise BadPanel(f"scores must be numbers; got {scores.dtype}: convert them, and rank what is text")
    if not 1 <= len(factors) <= MOST_FACTORS or len(set(factors)) != len(factors):
        raise BadPanel(f"between 1 and {MOST_FACTORS} different factors can be searched; got {list(factors)}")
    if scores.shape[1] > MOST_NAMES:
        raise BadPanel(f"at most {MOST_NAMES} names can be searched; got {scores.shape[1]}")
    if members is not None and np.shape(members) != scores.shape[:2]:
        raise BadPanel(f"members must be (months, names) = {scores.shape[:2]}; got {np.shape(members)}")
    if members is not None and np.asarray(members).dtype != bool:
        raise BadPanel(f"members must be true or false for each month and name; got {np.asarray(members).dtype}")


def _growth(returns: np.ndarray, columns: np.ndarray, label: str) -> np.ndarray:
    days = np.atleast_2d(np.asarray(returns, dtype=float))
    if days.ndim != 2 or not len(days) or days.shape[1] <= columns[-1]:
        raise BadPanel(f"returns of {label} must be (days, names) or (names,), a day at least; got {np.shape(returns)}")
    own = days[:, columns]
    wrong = ~np.isfinite(own) | (own < -1.0)
    if wrong.any():
        day, name = (int(where[0]) for where in np.nonzero(wrong))
        raise BadPanel(
            f"returns of {label} hold {wrong.sum()} values that are missing, infinite or below -1, first on day {day + 1} for name "
            f"{columns[name]}; a name that left earns 0 from then on, one that never traded is no member"
        )
    return np.ascontiguousarray(np.cumprod(1.0 + own, axis=0).T)


def _ranks(scores: np.ndarray, sign: np.ndarray, factors: tuple[str, ...], label: str, columns: np.ndarray) -> np.ndarray:
    wrong = ~np.isfinite(scores)
    if wrong.any():
        name, factor = (int(where[0]) for where in np.nonzero(wrong))
        raise BadPanel(
            f"scores for {label} hold {wrong.sum()} values that are NaN or infinite, first {factors[factor]!r} of name {columns[name]}; "
            "fill what is unknown with a neutral score, or leave the name out of members"
        )
    constant = np.ptp(scores, axis=0) == 0
    if constant.any():
        raise BadPanel(
            f"factor {factors[int(np.argmax(constant))]!r} is constant over the {len(columns)} members for {label}: it ranks nobody; "
            "leave it out or start later"
        )
    best = 65535 // scores.shape[1]
    doubled = np.column_stack([_doubled_ranks(column) for column in (scores * sign).T])
    spread = 2 * (len(scores) - 1)
    return (1 + (doubled * (best - 1) + spread // 2) // spread).astype(np.uint16)


def _doubled_ranks(values: np.ndarray) -> np.ndarray:
    """(n,) twice the ranks from 0, so that the mean rank of ties is a whole number too."""
    order = np.argsort(values)
    ordered = values[order]
    starts = np.flatnonzero(np.r_[True, ordered[1:] != ordered[:-1]])
    ends = np.r_[starts[1:], len(values)]
    ranks = np.empty(len(values), dtype=np.int64)
    ranks[order] = np.repeat(starts + ends - 1, ends - starts)
    return ranks


def _benchmark(days: np.ndarray | None, growth: np.ndarray, label: str) -> np.ndarray:
    """The given returns, or those of all members bought with equal weight."""
    if days is None:
        value = np.concatenate([[1.0], growth.mean(axis=0)])
        return value[1:] / value[:-1] - 1.0
    if days.shape != growth.shape[1:] or not np.isfinite(days).all() or (days <= -1.0).any():
        raise BadPanel(f"benchmark of {label} must hold {growth.shape[1]} returns above -1 without gaps; got shape {days.shape}")
    return days


def _sectors(
    sectors: np.ndarray | None, limit: np.ndarray | int | None, t: int, columns: np.ndarray, label: str
) -> tuple[np.ndarray | None, np.ndarray | None]:
    if (sectors is None) != (limit is None):
        raise BadPanel("sectors and sector_limit come together: codes from 0, and the most names a sector may have")
    if sectors is None or limit is None:
        return None, None
    codes = np.asarray(sectors)[t] if np.ndim(sectors) == 2 else np.asarray(sectors)
    own = codes[columns]
    if not np.issubdtype(own.dtype, np.integer) or own.min() < 0:
        raise BadPanel(f"sectors for {label} must be whole numbers from 0, also for names whose sector is unknown")
    most = np.asarray(limit)[t] if np.ndim(limit) == 2 else np.asarray(limit)
    most = np.full(own.max() + 1, most) if most.ndim == 0 else most
    if len(most) <= own.max():
        raise BadPanel(f"sector_limit has {len(most)} sectors, the members for {label} have codes up to {own.max()}")
    return own.astype(np.int32), most.astype(np.int32)
