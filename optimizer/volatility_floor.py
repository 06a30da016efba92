"""A floor on volatility itself, which is not convex, inside of a bound that is.

With a multiplier nu of the floor a line gains nu (w'Cw - floor^2), and its factor part is no longer bent one way only:

    slope P/T sum_t min(x_t, 0)^2 - nu |risk|^2.

But losses bend more than the floor unbends. Where no portfolio gains more than X_t in scenario t, for any v > 0

    min(x, 0)^2 >= -2 v x - v^2 + b (x + v)^2,   b = 1 - (X / (X + v))^2   (one where X <= 0),

with equality at x = -v; so scenarios that lose where the line touches keep a share b of their square. As long as these
squares outweigh nu |risk|^2 in every direction, the difference is convex and lies above its tangent, as anything convex.
Along axes where they do not, a share d of the square is replaced by its chord over what portfolios reach there,
-d e^2 >= -d ((low + high) e - low high).
"""

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from optimizer.certificate import Line
    from optimizer.limits import Limits
    from optimizer.terms import Terms

SINGULAR = 1e-9
MOST = 0.5 - SINGULAR  # of the slope: beyond it the specific variances would be rewarded
SPREADING = 60


@dataclass(frozen=True, eq=False)
class Reach:
    """What portfolios can reach in the factors.

    Attributes
    ----------
    days : (T,)
        None gains more in each scenario.
    axes : (r, K), low, high : (r,)
        Along the axes e = axes @ exposures, of which the squares sum to sum_t (f_t'exposures)^2, each is from `low` to
        `high`.
    """

    days: np.ndarray
    axes: np.ndarray
    low: np.ndarray
    high: np.ndarray
    white: np.ndarray = field(init=False)  # (T, r): scenarios in terms of the axes

    def __post_init__(self) -> None:
        object.__setattr__(self, "white", np.empty((len(self.days), 0)))

    def seen_by(self, factors: np.ndarray) -> "Reach":
        """With the scenarios (T, K) written along the axes."""
        object.__setattr__(self, "white", factors @ np.linalg.pinv(self.axes))
        return self


def main_axes(factors: np.ndarray) -> np.ndarray:
    """(r, K) axes along which the scenarios (T, K) spread."""
    _, sizes, axes = np.linalg.svd(factors, full_matrices=False)
    is_real = sizes > SINGULAR * sizes.max(initial=0.0)
    return sizes[is_real, None] * axes[is_real]


def most_gained(values: np.ndarray, limits: "Limits") -> np.ndarray:
    """(M,) the most that any weights gain for each row of (M, n) values per unit of weight, counts and sizes alone heeded."""
    values = values[:, limits.caps > 0]
    fewest = min(limits.fewest, values.shape[1])
    if fewest == 0:
        return np.zeros(len(values))
    highest = -np.sort(-np.partition(values, values.shape[1] - fewest, axis=1)[:, values.shape[1] - fewest :], axis=1)
    width, ends = limits.largest - limits.smallest, []
    for budget in (limits.budget - limits.cash_room, limits.budget):
        more = np.clip(budget - fewest * limits.smallest - np.arange(fewest) * width, 0.0, width)
        ends.append(highest @ (limits.smallest + more))
    return np.maximum(*ends)


def kept_squares(losses: np.ndarray, highest: np.ndarray) -> np.ndarray:
    """(T,) b: the share of its square that a scenario keeps where its loss v is touched; none without a loss."""
    gain = np.maximum(highest, 0.0)
    return np.where(losses > 0, 1.0 - (gain / np.maximum(gain + losses, 1e-300)) ** 2, 0.0)


def kept_form(kept: np.ndarray, white: np.ndarray) -> np.ndarray:
    """(r, r) of sum_t b_t (f_t'a + c)^2 along the axes, whatever the expected return c of all scenarios."""
    mean, weight = kept @ white, max(kept.sum(), 1e-300)
    return (white * kept[:, None]).T @ white - np.outer(mean, mean) / weight


def most_unbent(form: np.ndarray) -> float:
    """The greatest nu, in units of the slope, that a form along the axes outweighs; without axes nothing is to be outweighed."""
    return max(float(np.linalg.eigvalsh(form)[0]) - SINGULAR, 0.0) if len(form) else MOST


def spread_for(form: np.ndarray, share: float) -> np.ndarray:
    """(r,) d along the axes that make the form outweigh a share of the slope."""
    spread = np.maximum(share - np.diag(form), 0.0)
    if not len(form):
        return spread
    for _ in range(SPREADING):
        sizes, directions = np.linalg.eigh(form + np.diag(spread))
        lacking = share - sizes[0]
        if lacking <= 0:
            return spread
        spread = spread + 1.2 * lacking * directions[:, 0] ** 2 / (directions[:, 0] ** 4).sum()
    return spread + max(share - float(np.linalg.eigvalsh(form + np.diag(spread))[0]), 0.0)


def floor_tangent(line: "Line", terms: "Terms", limits: "Limits") -> tuple[float, float, np.ndarray]:
    """Multiplier of the floor as far as the difference stays convex, and the tangent: constant, slopes (H,) of exposures.

    To be added to what a line gains: nu |risk|^2 - slope P/T sum_t b_t (x_t + v_t)^2, as little as its tangent and
    chords allow, less nu floor^2.
    """
    reach = limits.reach
    if reach is None or line.floor <= 0 or line.slope <= 0 or not terms.is_factor_downside:
        return 0.0, 0.0, np.zeros(terms.loadings.shape[1])
    v, a = np.maximum(line.losses, 0.0), line.exposures
    spread = np.maximum(line.spread, 0.0) if len(line.spread) else np.zeros(len(reach.axes))
    kept = kept_squares(v, reach.days)
    share = min(line.floor / line.slope, MOST, most_unbent(kept_form(kept, reach.white) + np.diag(spread)))
    x, e, unit = terms.factors @ a + v, reach.axes @ a[:-1], line.slope * terms.per_period
    push = 2 * np.r_[((share - spread) * e) @ reach.axes, 0.0] - 2 * terms.factors.T @ (kept * x)
    value = share * e @ e - kept @ x**2 - spread @ e**2
    chords = np.r_[(spread * (reach.low + reach.high)) @ reach.axes, 0.0]
    constant = value - push @ a - spread @ (reach.low * reach.high)
    return share * line.slope, float(unit * constant - share * line.slope * limits.volatility_floor**2), unit * (push + chords)
