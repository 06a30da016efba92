"""Which code searches: plain numpy, or compiled by numba where that is installed. The results are the same bit by bit."""

from collections.abc import Callable
from importlib.util import find_spec
from typing import NamedTuple

import numpy as np

from optimizer import search_booking, search_engine
from optimizer.errors import BadPanel
from optimizer.search_booking import Booked
from optimizer.search_panel import Month


class Engine(NamedTuple):
    """The two heavy steps of a month: choose the best names of every subset, and book what they earned."""

    top_names: Callable[[Month, int], np.ndarray]
    book: Callable[[Month, np.ndarray, tuple[Month, np.ndarray] | None, float], Booked]


def find_engine(name: str) -> Engine:
    """The engine of a name; `fastest` is `numba` where it is installed, else `numpy`. BadPanel if there is none."""
    if name == "numpy" or (name == "fastest" and find_spec("numba") is None):
        return Engine(search_engine.top_names, search_booking.book)
    if name not in {"numba", "fastest"}:
        raise BadPanel(f"engine {name!r} is not known; numpy, or numba where it is installed, or fastest")
    try:
        from optimizer import search_numba, search_numba_booking
    except ImportError as error:
        raise BadPanel("engine 'numba' needs numba: pip install numba, or use engine='numpy', which gives the same result") from error
    return Engine(search_numba.top_names, search_numba_booking.book)
