"""From raw metrics to scores, composite and expected returns; rows are names, NaN is missing.

Order matters and is fixed: winsorise, rank, standardise, combine components, neutralise, combine factors.
Every statistic is over the names passed in: pass eligible names only, of one date.
"""

from functools import lru_cache

import numpy as np
from scipy.special import ndtri
from scipy.stats import rankdata

from optimizer.errors import BadUniverse

SMALL_CROSS_SECTION = 200  # under this many values the 1 % tails hold fewer than two names, so 5 % are clipped
SMALL_SECTOR = 5  # a sector mean of fewer names is mostly the name itself


def winsorise(values: np.ndarray, *, lower: float = 0.01, upper: float = 0.99) -> np.ndarray:
    """Clip (n,) values at their own quantiles (linear interpolation); NaN stays NaN."""
    values = _finite_or_missing(values)
    if np.isnan(values).all():
        return values
    return np.clip(values, np.nanquantile(values, lower), np.nanquantile(values, upper))


def inverse_normal_rank(values: np.ndarray) -> np.ndarray:
    """Normal scores of (n,) values by Blom's (r - 3/8) / (n + 1/4); ties share their average rank, NaN stays NaN.

    Examples
    --------
    >>> inverse_normal_rank(np.array([10.0, np.nan, 30.0, 20.0])).round(3).tolist()
    [-0.869, nan, 0.869, 0.0]
    """
    values = _finite_or_missing(values)
    scores = np.full(values.shape, np.nan)
    known = ~np.isnan(values)
    if known.any():
        scores[known] = ndtri((rankdata(values[known]) - 0.375) / (known.sum() + 0.25))
    return scores


def standardise(values: np.ndarray, weights: np.ndarray | None = None) -> np.ndarray:
    """Shift and scale (n,) known values to mean 0 and standard deviation 1 (division by n, or by the weights' sum).

    All values equal: zeros, since none stands out.
    """
    known = ~np.isnan(values)
    if not known.any():
        return values.astype(float)
    return _spread(_standardised(values[known], None if weights is None else weights[known]), known)


def score_component(values: np.ndarray) -> np.ndarray:
    """Winsorise at 1 % and 99 % (5 % and 95 % under 200 known values), rank to normal scores, standardise.

    The same as the three functions one after the other, with one sort instead of three.
    """
    values = _finite_or_missing(values)
    known = ~np.isnan(values)
    given = values[known]
    if not given.size:
        return values
    tail = 0.01 if given.size >= SMALL_CROSS_SECTION else 0.05
    order = np.argsort(given)
    ordered = given[order]
    clipped = np.clip(ordered, _quantile(ordered, tail), _quantile(ordered, 1 - tail))
    scores = np.empty(given.size)
    scores[order] = _normal_scores(clipped)
    return _spread(_standardised(scores, None), known)


def factor_score(components: np.ndarray, directions: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Combine the component scores of one factor into one score a name.

    Parameters
    ----------
    components : (n, c)
        Results of `score_component`, one column each.
    directions : (c,)
        +1 where more of the component is more of the factor, -1 where it is less.
    weights : (c,)
        Relative weights, positive.

    Returns
    -------
    (n,), standardised again (a mean of fewer components has another variance); NaN where fewer than half of the
    components are known (1 of 1, 1 of 2, 2 of 3 suffice).
    """
    components = np.asarray(components, dtype=float)
    if components.shape[1] == 1:
        return standardise(components[:, 0] * directions[0] * weights[0] / weights[0])
    known = ~np.isnan(components)
    weight = known * np.asarray(weights, dtype=float)
    enough = 2 * _row_sums(known.astype(int)) >= components.shape[1]
    total = np.where(enough, _row_sums(weight), np.nan)
    return standardise(_row_sums(np.where(known, components, 0.0) * np.asarray(directions) * weight) / total)


def neutralise(
    score: np.ndarray,
    sector: np.ndarray,
    log_cap: np.ndarray | None = None,
    weights: np.ndarray | None = None,
) -> np.ndarray:
    """Keep what sector (and size) do not explain: residual of one weighted regression, standardised again.

    Parameters
    ----------
    score : (n,)
        NaN where unknown; such names take no part and stay NaN.
    sector : (n,)
        Any integer codes. Sectors with fewer than five scored names are merged into one.
    log_cap : (n,), optional
        Ln of market cap, taken out too when given; an unknown cap counts as the mean.
    weights : (n,), optional
        Regression weights, positive; equal when not given.
    """
    score = _finite_or_missing(score)
    known = ~np.isnan(score)
    if not known.any():
        return score
    weight = np.ones(known.sum()) if weights is None else np.asarray(weights, dtype=float)[known]
    groups = _merge_small_sectors(np.asarray(sector)[known])
    columns = [(groups == group).astype(float) for group in np.unique(groups)]
    if log_cap is not None:
        cap = np.asarray(log_cap, dtype=float)[known]
        if not np.isnan(cap).all():
            cap = cap - np.nanmean(cap)
            columns.append(np.where(np.isnan(cap), 0.0, cap))
    design = np.column_stack(columns)
    root = np.sqrt(weight)
    coefficients = np.linalg.lstsq(design * root[:, None], score[known] * root, rcond=None)[0]
    residual = np.full(score.shape, np.nan)
    left = score[known] - design @ coefficients
    # What remains of a score that the regression explains wholly is rounding, not information.
    residual[known] = np.where(np.abs(left) < 1e-12, 0.0, left)
    full_weight = np.zeros(score.shape)
    full_weight[known] = weight
    return standardise(residual, full_weight)


def composite(scores: np.ndarray, signs: np.ndarray, *, minimum_share: float) -> tuple[np.ndarray, np.ndarray]:
    """Mean of the chosen factor scores times their preferred signs, and the share of them that is known.

    Parameters
    ----------
    scores : (n, F)
        NaN where a factor is unknown: neutral (0) in the mean, counted in the coverage.
    signs : (F,)
        +1 or -1.
    minimum_share
        Names with a smaller coverage get NaN.

    Returns
    -------
    values (n,) standardised over the covered names, coverage (n,) from 0 to 1
    """
    scores = np.asarray(scores, dtype=float)
    coverage = (~np.isnan(scores)).mean(axis=1)
    values = (np.where(np.isnan(scores), 0.0, scores) * np.asarray(signs)).mean(axis=1)
    # 3 of 5 is 0.6 also in binary fractions.
    return standardise(np.where(coverage >= minimum_share - 1e-9, values, np.nan)), coverage


def expected_returns(
    score: np.ndarray,
    beta: np.ndarray,
    volatility_monthly: np.ndarray,
    *,
    risk_free: float,
    equity_premium: float,
    information_coefficient: float,
) -> np.ndarray:
    """Expected total return a year: what the bill pays, what beta earns, and what the score adds (Grinold).

    mu = risk_free + beta x equity premium + 12 x IC x monthly volatility x score. `risk_free` and `equity_premium`
    are per year, the information coefficient is monthly. NaN where any part is unknown.

    Examples
    --------
    >>> round(float(expected_returns(np.array([1.0]), np.array([1.2]), np.array([0.08]), risk_free=0.02,
    ...     equity_premium=0.05, information_coefficient=0.03)[0]), 4)  # 0.02 + 0.06 + 12 x 0.03 x 0.08
    0.1088
    """
    return risk_free + np.asarray(beta) * equity_premium + 12 * information_coefficient * np.asarray(volatility_monthly) * np.asarray(score)


def _merge_small_sectors(sector: np.ndarray) -> np.ndarray:
    """Sector codes as 0..S-1 by size, with all small sectors in one group (joined by the next when still small)."""
    codes, names = np.unique(sector, return_counts=True)
    smallest_first = np.lexsort((codes, names))
    group = np.empty(len(codes), dtype=int)
    merged = 0
    for rank, position in enumerate(smallest_first):
        is_small = names[position] < SMALL_SECTOR or 0 < merged < SMALL_SECTOR
        group[position] = 0 if is_small else rank + 1
        merged += names[position] if is_small else 0
    return group[np.searchsorted(codes, sector)]


def _standardised(values: np.ndarray, weights: np.ndarray | None) -> np.ndarray:
    """`standardise` of values that are all known."""
    share = np.ones(values.size) if weights is None else weights
    share = share / share.sum()
    centred = values - share @ values
    deviation = np.sqrt(share @ centred**2)
    if deviation <= 1e-12 * max(1.0, np.abs(values).max()):
        return np.zeros(values.size)
    return centred / deviation


def _row_sums(columns: np.ndarray) -> np.ndarray:
    """Sums over the columns, of which there are mostly two: numpy's loop over so few costs more than the sums."""
    return columns[:, 0] + columns[:, 1] if columns.shape[1] == 2 else columns.sum(axis=1)


def _spread(values: np.ndarray, known: np.ndarray) -> np.ndarray:
    """The known values in their places, NaN in the others."""
    if values.size == known.size:
        return values
    whole = np.full(known.shape, np.nan)
    whole[known] = values
    return whole


def _quantile(ordered: np.ndarray, share: float) -> float:
    """Quantile of sorted values by linear interpolation, to the last bit that of numpy."""
    place = (ordered.size - 1) * share
    below = int(place)
    if below >= ordered.size - 1:
        return ordered[-1]
    part, step = place - below, ordered[below + 1] - ordered[below]
    return ordered[below] + step * part if part < 0.5 else ordered[below + 1] - step * (1 - part)


def _normal_scores(ordered: np.ndarray) -> np.ndarray:
    """Blom's scores of sorted values."""
    begins = np.flatnonzero(np.concatenate(([True], ordered[1:] != ordered[:-1])))
    counts = np.diff(begins, append=ordered.size)
    scores = _scores_of_ranks(ordered.size)[begins]
    tied = counts > 1
    average = begins[tied] + (counts[tied] + 1) / 2
    scores[tied] = ndtri((average - 0.375) / (ordered.size + 0.25))
    return np.repeat(scores, counts)


@lru_cache(maxsize=128)
def _scores_of_ranks(count: int) -> np.ndarray:
    """Blom's scores of the ranks 1 to `count`, which all columns of as many values share."""
    scores = ndtri((np.arange(1.0, count + 1) - 0.375) / (count + 0.25))
    scores.flags.writeable = False
    return scores


def _finite_or_missing(values: np.ndarray) -> np.ndarray:
    """Floats, refusing infinities: a ratio over zero is missing, and saying so is the caller's task."""
    values = np.array(values, dtype=float)
    if np.isinf(values).any():
        raise BadUniverse(
            f"values hold {np.isinf(values).sum()} infinities, first at row {int(np.argmax(np.isinf(values)))}; pass NaN for missing"
        )
    return values
