"""Made-up panels whose premia are known: on them a search, or a rule, can be judged before it is believed."""

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True, eq=False)
class PlantedPanel:
    """Arguments of `search`: `search(panel.scores, panel.returns, **panel.labels)`; `premia` (F,) a month and standard deviation."""

    scores: np.ndarray
    returns: list[np.ndarray]
    premia: np.ndarray
    factors: tuple[str, ...]
    decided_in: tuple[str, ...]
    earned_in: tuple[str, ...]

    @property
    def labels(self) -> dict[str, tuple[str, ...]]:
        """Factors and months, as `search` takes them."""
        return {"factors": self.factors, "decided_in": self.decided_in, "earned_in": self.earned_in}


def planted_panel(
    seed: int,
    *,
    months: int,
    names: int,
    premia: np.ndarray,
    days: int = 1,
    persistence: float = 0.95,
    factor_volatility: float = 0.01,
    own_volatility: float = 0.10,
    market: tuple[float, float] = (0.006, 0.045),
) -> PlantedPanel:
    """Scores that last, and returns = market + sum over factors (premium + noise) x score + own noise.

    Parameters
    ----------
    premia : (F,)
        Return a month for a name one standard deviation above the mean; all zero = a null panel.
    days
        Returns a month.
    persistence
        Correlation of a score with that of the month before.
    factor_volatility, own_volatility
        Standard deviations a month: of each factor's return about its premium, and of each name.
    market
        Mean and standard deviation a month.
    """
    rng = np.random.default_rng(seed)
    premia = np.asarray(premia, dtype=float)
    scores = np.empty((months, names, len(premia)), dtype=np.float32)
    scores[0] = rng.standard_normal((names, len(premia)))
    returns = []
    for t in range(months):
        if t:
            scores[t] = persistence * scores[t - 1] + np.sqrt(1.0 - persistence**2) * rng.standard_normal((names, len(premia)))
        factor_returns = premia / days + factor_volatility / np.sqrt(days) * rng.standard_normal((days, len(premia)))
        moves = market[0] / days + market[1] / np.sqrt(days) * rng.standard_normal((days, 1))
        own = own_volatility / np.sqrt(days) * rng.standard_normal((days, names))
        returns.append(np.maximum(moves + factor_returns @ scores[t].T.astype(float) + own, -0.9).astype(np.float32))
    labels = [f"{2000 + month // 12}-{month % 12 + 1:02d}" for month in range(months + 1)]
    factors = tuple(f"factor_{i + 1:02d}" for i in range(len(premia)))
    return PlantedPanel(scores, returns, premia, factors, tuple(labels[:-1]), tuple(labels[1:]))
