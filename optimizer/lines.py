"""The best line at a price of downside; where volatility has a floor, also at the best price of the floor."""

import numpy as np

from optimizer.limits import Limits
from optimizer.tangents import Columns, Tangent, tangent
from optimizer.terms import Terms
from optimizer.volatility_floor import kept_form, kept_squares, spread_for

TRIES = 8
FIRST = 0.02  # a price of the floor to begin with, in units of the slope
BOLD = 2.5  # how much more is tried where a price was too low and nothing else is known
CAREFUL = 1.25  # the same where a price was good at another slope
NEAR = 0.3  # prices so near to each other, relative
ROOM = 1.02  # chords for a little more than the price, as the losses where the line touches move with it
_NO_SPREAD: np.ndarray = np.empty(0)


def best_line(terms: Terms, limits: Limits, fixed: np.ndarray, columns: Columns, *, gain: float, slope: float) -> Tangent | None:
    """The lowest line found, or None where no portfolio is found among the columns.

    The height is convex in the price of the floor; its slope there is how far the touched squared volatility lies over
    the squared floor. So the price is right where the line touches on the floor, or where chords cost more than that.
    """
    reach, best, tried = limits.reach, None, dict[float, float]()
    price, losses = (columns.floor, columns.losses) if reach is not None else (0.0, None)
    for _ in range(TRIES):
        spread = _NO_SPREAD
        if reach is not None and losses is not None and price > 0:
            spread = spread_for(kept_form(kept_squares(losses, reach.days), reach.white), price * ROOM)
        found = tangent(terms, limits, fixed, columns, gain=gain, slope=slope, floor=price * slope, spread=spread)
        if found is None:
            break
        tried[price], losses = found.height, found.line.losses
        if best is None or found.height < best.height:
            best, columns.floor, columns.losses = found, price, losses
        if reach is None or not terms.is_factor_downside or (price == 0 and found.variance >= limits.volatility_floor**2):
            break
        following = _lowest(tried)
        if following is None:
            break
        price = following
    return best


def _lowest(tried: dict[float, float]) -> float | None:
    """Where to look next for the least of a convex function; None when that is known well enough."""
    prices = sorted(tried)
    k = min(range(len(prices)), key=lambda i: tried[prices[i]])
    if k == len(prices) - 1:
        return max(prices[k] * (BOLD if prices[0] == 0 else CAREFUL), FIRST)
    if k == 0 and prices[0] > 0:
        return prices[0] / CAREFUL if prices[0] > FIRST / 5 else 0.0
    left, right = prices[max(k - 1, 0)], prices[k + 1]
    if right - left < NEAR * prices[k] + 1e-4:
        return None
    if k == 0:
        return right / BOLD if right > FIRST / 5 else None
    # The parabola through the three, kept away from what has been tried.
    a, b, c = left, prices[k], right
    fa, fb, fc = (tried[p] for p in (a, b, c))
    bend = (b - a) * (fb - fc) - (b - c) * (fb - fa)
    guess = b - 0.5 * ((b - a) ** 2 * (fb - fc) - (b - c) ** 2 * (fb - fa)) / bend if bend else (a + c) / 2
    apart = 0.1 * (c - a)
    guess = float(np.clip(guess, a + apart, c - apart))
    return guess if abs(guess - b) > apart / 2 else b + np.copysign(apart, (c - b) - (b - a))
