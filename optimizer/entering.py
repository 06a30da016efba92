"""What a name that is not held would have needed, proven from above by the certificate.

`proven_raise` is the expected return a year by which a name may be better without any portfolio that holds it being better than the one
chosen: the certificate's lines are drawn again with the name held and its return raised, and the largest raise is found at which the
bound over such portfolios stays at the ratio that was reached. Nothing is solved: each line's height is a formula.
"""

from dataclasses import dataclass, replace

import numpy as np

from optimizer.certificate import EMPTY, Certificate, Leaf, Line, fixed_names, mandate_rules, values_of_names
from optimizer.limits import Limits
from optimizer.mandate import Mandate
from optimizer.terms import Terms, terms
from optimizer.universe import Universe

MOST = 2.0  # a raise of 200 points a year is not looked beyond
HALVINGS = 24  # 2 / 2^24: a hundredth of a basis point
NEVER = -1e6  # what a name adds that may not be held; finite, so that sums without it are too


def proven_raise(
    certificate: Certificate, universe: Universe, mandate: Mandate, weights: np.ndarray, current: np.ndarray | None = None
) -> np.ndarray:
    """Raise (n,) of each name's expected return below which no portfolio that holds it beats `weights`.

    Zero where the certificate proves nothing (the gap leaves room for the name), `MOST` where not even that suffices, NaN for names that
    are held, and everywhere where the goal is not the ratio or the proof rests on how far better portfolios reach (a volatility floor): what
    was shown of their reach holds for the expected returns as they were.
    """
    found = np.full(len(universe), np.nan)
    if certificate.goal != "ratio" or certificate.reach:
        return found
    data = terms(universe, mandate, current, "ratio")
    ratio = data.net_return(weights) / np.sqrt(data.squared_downside(weights))
    case = _Case(universe, mandate, data, mandate_rules(universe, mandate))
    parts = [_Part(leaf, case) for leaf in certificate.leaves]
    low, high = np.zeros(len(universe)), np.full(len(universe), MOST)
    is_below = _bounds(parts, case, high) <= ratio
    for _ in range(HALVINGS):
        middle = (low + high) / 2
        fits = _bounds(parts, case, middle) <= ratio
        low, high = np.where(fits, middle, low), np.where(fits, high, middle)
    found[:] = np.where(is_below, MOST, low)
    found[weights > 0] = np.nan
    return found


@dataclass(frozen=True, eq=False)
class _Case:
    universe: Universe
    mandate: Mandate
    terms: Terms
    limits: Limits

    def raised(self, by: np.ndarray) -> tuple[Terms, Limits]:
        """Numbers of the same problem with every expected return raised; each name looks at its own alone."""
        better = replace(self.universe, mu=self.universe.mu + by)
        loadings = self.terms.loadings
        if self.terms.is_factor_downside:
            loadings = np.column_stack([loadings[:, :-1], better.mu / better.periods_per_year])
        rules = self.limits if self.mandate.return_floor is None else mandate_rules(better, self.mandate)
        return replace(self.terms, mu=better.mu, loadings=loadings), rules


class _Part:
    """The lines over one leaf, and of each line what all names but one add to it, that one being held."""

    def __init__(self, leaf: Leaf, case: _Case) -> None:
        position = {name: i for i, name in enumerate(case.universe.ids)}
        self.fixed = fixed_names(len(case.universe), [position[i] for i in leaf.inside], [position[i] for i in leaf.outside])
        self.lines: tuple[Line, ...] = leaf.lines
        self.others = [_others(values_of_names(line, case.terms, case.limits), case.limits, self.fixed) for line in leaf.lines]

    def bounds(self, raised: Terms, limits: Limits) -> np.ndarray:
        """Bound (n,) over the portfolios of this leaf that hold the name, its expected return raised."""
        tops = []
        for line, others in zip(self.lines, self.others, strict=True):
            _, zero, best = values_of_names(line, raised, limits)
            tops.append(others + best - zero)
        found = _bound_under(self.lines, np.array(tops), limits.volatility_cap)
        return np.where(self.fixed < 0, 0.0, found)


def _bounds(parts: list[_Part], case: _Case, by: np.ndarray) -> np.ndarray:
    raised, rules = case.raised(by)
    return np.max([part.bounds(raised, rules) for part in parts], axis=0)


def _others(values: tuple[float, np.ndarray, np.ndarray], limits: Limits, fixed: np.ndarray) -> np.ndarray:
    """Height of a line (n,) with a name held, less what that name adds: the others' best in the counts that are left."""
    constant, zero, best = values
    gains = np.maximum(best - zero, NEVER)
    must, may = np.flatnonzero(fixed > 0), np.flatnonzero(fixed == 0)
    order = may[np.argsort(-gains[may], kind="stable")]
    sums = np.r_[0.0, np.cumsum(gains[order])]
    rank = np.full(len(gains), len(order))  # a name that must be held anyway takes no place among those that may
    rank[order] = np.arange(len(order))
    is_may = fixed == 0
    left = np.where(is_may, len(order) - 1, len(order))
    base = constant + zero.sum() + gains[must].sum() - np.where(fixed > 0, gains, 0.0)
    held = len(must) + is_may
    found = np.full(len(gains), -np.inf)
    for count in range(limits.fewest, limits.most + 1):
        wanted = count - held
        possible = (wanted >= 0) & (wanted <= left)
        taken = np.clip(wanted, 0, len(order))
        skips_itself = is_may & (rank < taken)
        total = np.where(skips_itself, sums[np.minimum(taken + 1, len(order))] - gains, sums[taken])
        found = np.where(possible, np.maximum(found, total), found)
    return base + found


def _bound_under(lines: tuple[Line, ...], tops: np.ndarray, volatility_cap: float) -> np.ndarray:
    """`certificate.bound_under` of many sets of heights (L, n) at once: greatest ratio at a corner of the lines."""
    is_return = np.array([line.gain > 0 for line in lines])
    slopes = np.array([line.slope for line in lines])
    most = volatility_cap**2
    is_empty = ~is_return & (slopes <= 0)
    nobody = (tops[is_empty] < -EMPTY).any(axis=0)
    is_least = ~is_return & (slopes > 0)
    least = np.max([np.zeros(tops.shape[1]), *(-tops[is_least] / slopes[is_least, None])], axis=0)
    tops, slopes = tops[is_return], slopes[is_return]
    if not len(slopes):
        return np.where(nobody, 0.0, np.inf)
    with np.errstate(divide="ignore", invalid="ignore"):
        corners = ((tops[:, None] - tops[None]) / (slopes[None, :, None] - slopes[:, None, None])).reshape(-1, tops.shape[1])
        inside = np.where((corners > least) & (corners < most), corners, least)
        places = np.concatenate([least[None], np.full_like(least, most)[None], inside])
        ratios = np.min(tops[:, None] + slopes[:, None, None] * places, axis=0) / np.sqrt(places)
    found = np.maximum(np.max(ratios, axis=0), 0.0)
    return np.where(nobody | (least > most), 0.0, np.where(least == 0.0, np.inf, found))
