"""Relaxed portfolios where trades may not be small: which trade is the farthest from any that is allowed, and how to make all whole."""

import numpy as np

from optimizer.certificate import FIRST_TRADE, TRADES
from optimizer.limits import Limits
from optimizer.tangents import Tangent
from optimizer.terms import Terms

DOUBT = 1e-3  # under this a share, or a trade in units of the smallest one, is whole


def half_traded(fixed: np.ndarray, found: Tangent, terms: Terms, limits: Limits) -> tuple[float, int, tuple[int, ...]] | None:
    """How much in doubt, which name, and the ways that it may be traded."""
    before, least = terms.current, limits.smallest_trade
    if least == 0 or not terms.has_history:
        return None
    trade = np.abs(found.weights / np.maximum(found.shares, DOUBT) - before) / least
    open_ = (before > 0) & (fixed >= 0) & (fixed < FIRST_TRADE)
    doubt = np.where(open_ & (trade < 1), np.minimum(trade, 1 - trade) * found.shares, 0.0)
    if doubt.max() <= DOUBT:
        return None
    name = int(np.argmax(doubt))
    return float(doubt[name]), name, (*TRADES.values(), *((-1,) if fixed[name] == 0 else ()))


def whole_trades(found: Tangent, terms: Terms, limits: Limits) -> np.ndarray | None:
    """Weights (n,) of names held whole as a line touches them, or as they were where the trade would be less than half of the smallest."""
    if limits.smallest_trade == 0 or not terms.has_history:
        return None
    weights = found.weights / np.maximum(found.shares, DOUBT)
    return np.where(np.abs(weights - terms.current) < limits.smallest_trade / 2, terms.current, weights)
