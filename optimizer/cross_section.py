"""Factor returns by one weighted cross-sectional regression a period (Barra USE4 form).

    r = 1 f_market + S f_sector + X f_style + u,   weights v = sqrt(cap),   sum_s W_s f_s = 0

r (n,) returns of a period, S sector dummies, X styles known before the period, W_s cap share of sector s.
The restriction is solved by substitution: f = R g with g free. Literature: Menchero, Orr and Wang (2011).
"""

from dataclasses import dataclass

import numpy as np

from optimizer.errors import BadUniverse

CAP_QUANTILE = 0.95  # larger caps count as this one, so that a few giants are not the whole regression


@dataclass(frozen=True, eq=False)
class Design:
    """Exposures of a cross-section and how it is weighted.

    Attributes
    ----------
    columns : (K,)
        'market', then the sectors that have names, then the styles that vary.
    B : (n, K)
        Exposures.
    restriction : (K, K - 1)
        R in f = R g: the sector returns, weighted by cap, sum to zero.
    weights : (n,)
        v, positive, largest 1.
    sector : (n,)
        Position of each name's sector among the sector columns.
    """

    columns: tuple[str, ...]
    B: np.ndarray
    restriction: np.ndarray
    weights: np.ndarray
    sector: np.ndarray


@dataclass(frozen=True, eq=False)
class CrossSection:
    """Factor returns of T periods and what they leave unexplained.

    Attributes
    ----------
    factor_returns, t_stats : (K, T)
        NaN in periods with fewer returns than columns.
    specific : (n, T)
        r - B f exactly, NaN where the return is missing.
    r_squared : (T,)
        Weighted and centred.
    condition
        Condition number of the weighted design with all names present.
    """

    columns: tuple[str, ...]
    factor_returns: np.ndarray
    specific: np.ndarray
    t_stats: np.ndarray
    r_squared: np.ndarray
    condition: float


def design(
    sector: np.ndarray,
    styles: np.ndarray,
    caps: np.ndarray,
    sector_names: tuple[str, ...],
    style_names: tuple[str, ...],
) -> Design:
    """Build the regression of a cross-section from exposures known at its start.

    Parameters
    ----------
    sector : (n,)
        Codes into `sector_names`; sectors without names get no column.
    styles : (n, S)
        Any scale: each column is standardised to cap-weighted mean 0 (so that the cap-weighted market has no style)
        and standard deviation 1 over names; NaN then counts as 0. Columns that do not vary are left out.
    caps : (n,)
        Market caps, positive.
    """
    sector, styles, caps = np.asarray(sector), np.asarray(styles, dtype=float), np.asarray(caps, dtype=float)
    if not (np.isfinite(caps).all() and (caps > 0).all()):
        raise BadUniverse(f"market cap must be positive: {np.count_nonzero(~(caps > 0))} of {len(caps)} names have none")
    if len(sector) != len(caps) or styles.shape != (len(caps), len(style_names)):
        raise BadUniverse(f"{len(caps)} caps, {len(sector)} sectors, styles {styles.shape} for {len(style_names)} style names")
    if len(sector) and not (sector.min() >= 0 and sector.max() < len(sector_names)):
        raise BadUniverse(f"sector codes run from {sector.min()} to {sector.max()}, names are given for 0 to {len(sector_names) - 1}")
    present, position = np.unique(sector, return_inverse=True)
    dummies = (position[:, None] == np.arange(len(present))).astype(float)
    scaled = np.column_stack([_cap_centred(column, caps) for column in styles.T]) if style_names else np.empty((len(caps), 0))
    varies = np.abs(scaled).max(axis=0, initial=0.0) > 0
    columns = ("market", *(sector_names[code] for code in present), *np.asarray(style_names, dtype=object)[varies])
    exposures = np.column_stack([np.ones(len(caps)), dummies, scaled[:, varies]])
    weights = np.sqrt(np.minimum(caps, np.quantile(caps, CAP_QUANTILE)))
    return Design(columns, exposures, _restriction(dummies.T @ caps, len(columns)), weights / weights.max(), position)


def fit(returns: np.ndarray, design: Design) -> CrossSection:
    """Regress each column of (n, T) returns, NaN where missing, on the design.

    One Gram matrix serves all periods; where names are missing their part is taken off it, so a period is exactly
    the regression over the names it has. Returns are not winsorised: the identity r = B f + u is exact.
    """
    returns = np.asarray(returns, dtype=float)
    if len(returns) != len(design.B):
        raise BadUniverse(f"returns have {len(returns)} names, the design {len(design.B)}")
    X = design.B @ design.restriction
    known = ~np.isnan(returns)
    filled = np.where(known, returns, 0.0)
    whole = X.T @ (design.weights[:, None] * X)
    free = X.shape[1]
    enough = known.sum(axis=0) > free
    inverses = _inverses(_grams(whole, X, design.weights, known), np.sqrt(np.diagonal(whole)))
    moments = X.T @ (design.weights[:, None] * filled)
    g = np.einsum("tij,jt->it", inverses, moments)
    g[:, ~enough] = np.nan
    factor_returns = design.restriction @ g
    specific = returns - design.B @ factor_returns
    residual = np.where(known & enough, specific, 0.0)
    squares = design.weights @ residual**2
    variance = squares / np.maximum(known.sum(axis=0) - free, 1)
    diagonal = np.einsum("ki,tij,kj->kt", design.restriction, inverses, design.restriction, optimize=True)
    with np.errstate(divide="ignore", invalid="ignore"):
        t_stats = factor_returns / np.sqrt(variance * diagonal)
    return CrossSection(
        design.columns,
        factor_returns,
        specific,
        t_stats,
        _r_squared(filled, known, design.weights, squares, enough),
        float(np.linalg.cond(X * np.sqrt(design.weights)[:, None])),
    )


def _cap_centred(column: np.ndarray, caps: np.ndarray) -> np.ndarray:
    known = ~np.isnan(column)
    if not known.any():
        return np.zeros(len(column))
    centred = np.where(known, column - np.average(column[known], weights=caps[known]), 0.0)
    deviation = column[known].std()
    return centred / deviation if deviation > 1e-12 * max(1.0, np.abs(column[known]).max()) else np.zeros(len(column))


def _restriction(sector_caps: np.ndarray, columns: int) -> np.ndarray:
    """R (K, K - 1): the largest sector's return is minus the cap-weighted sum of the others, over its own share."""
    largest = int(np.argmax(sector_caps))
    restriction = np.eye(columns)
    restriction[1 + largest, 1 : 1 + len(sector_caps)] = -sector_caps / sector_caps[largest]
    return np.delete(restriction, 1 + largest, axis=1)


def _grams(whole: np.ndarray, X: np.ndarray, weights: np.ndarray, known: np.ndarray) -> np.ndarray:
    """X'VX over the names present in each period, (T, k, k): whole cross-section less the names that miss."""
    k = X.shape[1]
    grams = np.repeat(whole[None], known.shape[1], axis=0)
    gappy = ~known.all(axis=1)
    if gappy.any():
        rows, columns = np.triu_indices(k)
        products = X[gappy][:, rows] * X[gappy][:, columns] * weights[gappy, None]
        missing = (~known[gappy]).T.astype(float) @ products
        grams[:, rows, columns] -= missing
        grams[:, columns, rows] = grams[:, rows, columns]
    # Where most names miss, a difference of two large sums would lose digits.
    for period in np.flatnonzero(known.mean(axis=0) < 0.5):
        here = known[:, period]
        grams[period] = X[here].T @ (weights[here, None] * X[here])
    return grams


def _inverses(grams: np.ndarray, scale: np.ndarray) -> np.ndarray:
    """Inverse of each Gram matrix in units of `scale` (k,); where a sector has no name in a period, the pseudo-inverse.

    Fitted values and specific returns are unique also then; the split between market and sectors is the smallest one.
    """
    outer = np.outer(scale, scale)
    eigenvalues, vectors = np.linalg.eigh(grams / outer)
    is_certain = eigenvalues > 1e-11 * np.maximum(eigenvalues[:, -1:], 1e-3)
    inverse = np.where(is_certain, 1.0 / np.where(is_certain, eigenvalues, 1.0), 0.0)
    return (vectors * inverse[:, None, :]) @ vectors.transpose(0, 2, 1) / outer


def _r_squared(filled: np.ndarray, known: np.ndarray, weights: np.ndarray, squares: np.ndarray, enough: np.ndarray) -> np.ndarray:
    total_weight = np.maximum(weights @ known, 1e-300)
    mean = weights @ filled / total_weight
    total = weights @ np.where(known, filled - mean, 0.0) ** 2
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(enough & (total > 0), 1.0 - squares / total, np.nan)
