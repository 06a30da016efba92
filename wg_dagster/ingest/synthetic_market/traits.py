"""Latent traits of companies, and the listings that begin and end with them.

A market has `n` slots. A slot holds one company at a time: when one leaves, another of the same industry is listed some months later.
Traits move slowly and are never shown; they make returns, and with noise and lags the accounts.
"""

from dataclasses import dataclass

import numpy as np

from wg_dagster.ingest.synthetic_market.parameters import Parameters

TRAITS = ("quality", "growth", "leverage", "distress", "junk")
PERSISTENCE = np.array([0.985, 0.965, 0.985, 0.97, 0.985])  # per month: half-lives of 2 to 4 years
_YOUNGEST_TO_LEAVE = 9  # months
MERGER, BANKRUPTCY, PERFORMANCE, VOLUNTARY = 1, 2, 3, 4
REASONS = (None, "merger", "bankruptcy", "performance", "voluntary")
_MERGER_RATE, _VOLUNTARY_RATE, _DISTRESS_RATE = 0.0020, 0.0005, 0.0014  # a month: about 5 % of the names leave in a year


@dataclass
class Lives:
    """Who is listed when, and with which traits.

    `company` (months, slots) holds the company's number, -1 where the slot is empty; `traits` (months, traits, slots).
    The other arrays have one entry a company; months are positions in the span, -1 = never leaves.
    """

    company: np.ndarray
    traits: np.ndarray
    slot: np.ndarray
    born: np.ndarray
    died: np.ndarray
    reason: np.ndarray
    size: np.ndarray


def live(p: Parameters, market: str, size: np.ndarray, protected: np.ndarray) -> Lives:
    """Simulate traits, listings and delistings; `size` is each slot's standardised log cap, `protected` slots never change hands."""
    n, months = len(size), p.months
    start = p.stream("traits", market, "start")
    base = start.standard_normal((len(TRAITS), n))
    # Three in a hundred slots are still to be listed.
    wait = np.where((start.random(n) < 0.03) & ~protected, start.integers(3, max(4, min(36, len(months) - 3)), n), 0)
    slot_size = size.copy()
    book = _Book(n)
    book.list_now(np.flatnonzero(wait == 0), 0, slot_size)
    company, traits = np.empty((len(months), n), dtype=np.int64), np.empty((len(months), len(TRAITS), n))
    for m, month in enumerate(months):
        rng = p.stream("traits", market, month)
        shocks, chance, kind, pause = rng.standard_normal((len(TRAITS), n)), rng.random(n), rng.random(n), rng.integers(1, 7, n)
        fresh, resized = rng.standard_normal((len(TRAITS), n)), rng.standard_normal(n)
        if m:
            base = PERSISTENCE[:, None] * base + np.sqrt(1 - PERSISTENCE**2)[:, None] * shocks
            arriving = (book.current < 0) & (wait == 0)
            base[:, arriving] = fresh[:, arriving]
            slot_size = np.where(arriving, 0.6 * size - 0.3 + 0.4 * resized, slot_size)
            book.list_now(np.flatnonzero(arriving), m, slot_size)
        wait = np.maximum(wait - 1, 0)
        traits[m] = _mix(base, slot_size)
        company[m] = book.current
        rates = _leaving_rates(traits[m][TRAITS.index("distress")], slot_size)
        leaves = (chance < sum(rates)) & (book.current >= 0) & ~protected & (m - book.born_of_current() >= _YOUNGEST_TO_LEAVE)
        if m < len(months) - 1:
            book.delist(leaves, m, _reason(kind, *rates))
            wait = np.where(leaves, pause, wait)
    return book.close(company, traits)


class _Book:
    """The register of companies while the months pass."""

    def __init__(self, n: int) -> None:
        self.current = np.full(n, -1)
        self.slot: list[int] = []
        self.born: list[int] = []
        self.died: list[int] = []
        self.reason: list[int] = []
        self.size: list[float] = []

    def list_now(self, slots: np.ndarray, month: int, size: np.ndarray) -> None:
        for slot in slots:
            self.current[slot] = len(self.slot)
            self.slot.append(int(slot))
            self.born.append(month)
            self.died.append(-1)
            self.reason.append(0)
            self.size.append(float(size[slot]))

    def born_of_current(self) -> np.ndarray:
        return np.where(self.current >= 0, np.array(self.born)[self.current], 10**6)

    def delist(self, leaves: np.ndarray, month: int, reason: np.ndarray) -> None:
        for slot in np.flatnonzero(leaves):
            self.died[self.current[slot]] = month
            self.reason[self.current[slot]] = int(reason[slot])
        self.current[leaves] = -1

    def close(self, company: np.ndarray, traits: np.ndarray) -> Lives:
        columns = (self.slot, self.born, self.died, self.reason)
        return Lives(company, traits, *(np.array(column, dtype=np.int64) for column in columns), size=np.array(self.size))


def _mix(base: np.ndarray, size: np.ndarray) -> np.ndarray:
    """Correlated traits of unit variance from independent ones: weak firms are indebted, small and unsteady."""
    quality, growth, leverage, distress, junk = base
    return np.stack(
        [
            quality,
            0.2 * quality + 0.98 * growth,
            leverage,
            -0.35 * quality + 0.35 * leverage + 0.87 * distress,
            -0.30 * quality + 0.20 * growth - 0.70 * np.tanh(1.5 * (size - 0.25)) + 0.75 * junk,
        ]
    )


def _leaving_rates(distress: np.ndarray, size: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    failure = _DISTRESS_RATE * np.exp(1.1 * distress - 0.6 - 0.2 * size)
    return np.full(len(size), _MERGER_RATE), np.full(len(size), _VOLUNTARY_RATE), np.minimum(failure, 0.05)


def _reason(kind: np.ndarray, merger: np.ndarray, voluntary: np.ndarray, failure: np.ndarray) -> np.ndarray:
    """Split those who leave by the rates; three in ten failures are bankruptcies."""
    total = merger + voluntary + failure
    edge = (total - failure) / total
    return np.select(
        [kind < merger / total, kind < edge, kind < edge + 0.3 * (1 - edge)],
        [MERGER, VOLUNTARY, BANKRUPTCY],
        default=PERFORMANCE,
    )
