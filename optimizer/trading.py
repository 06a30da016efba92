"""What a market of limited size means for the weights of a portfolio of a given size: capacities and impacts for a `Universe`."""

import numpy as np


def capacity(traded_value: np.ndarray, *, assets: float, days: float = 5.0, share_of_volume: float = 0.1) -> np.ndarray:
    """Largest weights (n,) that can be sold within so many days by being a share of each day's volume.

    Parameters
    ----------
    traded_value : (n,)
        Median traded value a day, in the currency of `assets`.
    assets
        Value of all accounts that follow the mandate.

    Examples
    --------
    Five days at a tenth of 20 million a day are 10 million, a twentieth of 200 million:

    >>> capacity(np.array([20e6]), assets=200e6).tolist()
    [0.05]
    """
    return days * share_of_volume * np.asarray(traded_value, dtype=float) / assets


def impact(
    traded_value: np.ndarray, daily_volatility: np.ndarray, *, assets: float, rebalances: float = 12.0, coefficient: float = 1.0
) -> np.ndarray:
    """Coefficients e (n,) with which a trade of weight x at each of so many rebalances a year costs e x^(3/2) a year.

    The square-root law: a trade moves the price by coefficient x daily volatility x sqrt(traded / day's volume).

    Examples
    --------
    One percent of 200 million is a tenth of 20 million a day; at 2 % a day it costs 0.02 sqrt(0.1) of itself, twelve times a year:

    >>> e = impact(np.array([20e6]), np.array([0.02]), assets=200e6)
    >>> round(float(e[0]) * 0.01**1.5, 8) == round(12 * 0.01 * 0.02 * 0.1**0.5, 8)
    True
    """
    share = assets / np.asarray(traded_value, dtype=float)
    return rebalances * coefficient * np.asarray(daily_volatility, dtype=float) * np.sqrt(share)
