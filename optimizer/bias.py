"""Do forecasts of risk come true? Realised over forecast, month by month and over the last months."""

from dataclasses import dataclass

import numpy as np

from optimizer.errors import BadPanel

WINDOW = 24  # months


@dataclass(frozen=True, eq=False)
class Realised:
    """What became of the forecasts of one portfolio, one entry a month.

    Attributes
    ----------
    volatility
        Root of the mean squared return a session, per year: over days the mean is too small to matter.
    z
        The month's return over what the forecast calls one standard deviation of it.
    """

    volatility: np.ndarray
    z: np.ndarray


def realised(returns: list[np.ndarray], forecast: np.ndarray, *, periods_per_year: int) -> Realised:
    """Compare returns with forecasts.

    Parameters
    ----------
    returns
        Of the sessions of each month (m,), simple; the forecast was made before the first of them.
    forecast : (M,)
        Volatility per year.
    """
    if len(returns) != len(forecast) or not all(len(month) for month in returns):
        raise BadPanel(f"{len(forecast)} forecasts need as many months of returns, none empty; got {[len(month) for month in returns]}")
    volatility = np.array([np.sqrt(periods_per_year * np.mean(month**2)) for month in returns])
    spread = np.array([value * np.sqrt(len(month) / periods_per_year) for value, month in zip(forecast, returns, strict=True)])
    return Realised(volatility, np.array([np.prod(1.0 + month) - 1.0 for month in returns]) / spread)


def bias_statistic(z: np.ndarray) -> float:
    """Standard deviation of z around zero: one where forecasts are right, above one where risk was underestimated."""
    return float(np.sqrt(np.mean(np.square(z)))) if len(z) else float("nan")


def tolerance(count: int) -> float:
    """Half-width of the interval around one in which the bias statistic of right forecasts lies in 19 of 20 cases: root of 2 / count."""
    return float(np.sqrt(2.0 / count))


def realised_over_forecast(volatility: np.ndarray, forecast: np.ndarray) -> float:
    """Realised over forecast volatility of several months together: root of the ratio of the summed variances."""
    return float(np.sqrt(np.sum(np.square(volatility)) / np.sum(np.square(forecast)))) if len(volatility) else float("nan")


def rolling(values: np.ndarray, window: int = WINDOW) -> list[np.ndarray]:
    """For each month the values of up to `window` months that end with it."""
    return [values[max(0, end - window) : end] for end in range(1, len(values) + 1)]
