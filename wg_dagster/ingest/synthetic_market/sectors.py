"""Sectors and industries: how many names they have and what their accounts normally look like."""

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Industry:
    """Shares of the US and the Japanese market in percent, then normal net margin, asset turnover and liabilities / assets."""

    sector: str
    name: str
    us: float
    jp: float
    margin: float
    asset_turnover: float
    liabilities: float


INDUSTRIES = (
    Industry("Information Technology", "Software", 9, 4, 0.14, 0.60, 0.42),
    Industry("Information Technology", "Hardware", 5, 7, 0.08, 0.95, 0.48),
    Industry("Information Technology", "Semiconductors", 4, 4, 0.14, 0.65, 0.40),
    Industry("Communication Services", "Media", 3, 3, 0.08, 0.60, 0.50),
    Industry("Communication Services", "Telecommunication", 2, 2, 0.09, 0.50, 0.62),
    Industry("Consumer Discretionary", "Retailing", 6, 7, 0.04, 1.60, 0.58),
    Industry("Consumer Discretionary", "Automobiles", 3, 7, 0.05, 1.00, 0.60),
    Industry("Consumer Discretionary", "Hotels and Leisure", 4, 3, 0.07, 0.80, 0.60),
    Industry("Consumer Staples", "Food and Beverages", 4, 7, 0.06, 1.15, 0.54),
    Industry("Consumer Staples", "Household Products", 2, 2, 0.09, 0.95, 0.52),
    Industry("Health Care", "Biotechnology", 6, 1, 0.10, 0.45, 0.40),
    Industry("Health Care", "Pharmaceuticals", 3, 5, 0.13, 0.55, 0.46),
    Industry("Health Care", "Health Care Equipment", 5, 3, 0.09, 0.85, 0.46),
    Industry("Financials", "Banks", 8, 6, 0.22, 0.055, 0.90),
    Industry("Financials", "Insurance", 4, 2, 0.09, 0.28, 0.84),
    Industry("Financials", "Capital Markets", 4, 2, 0.18, 0.22, 0.74),
    Industry("Industrials", "Machinery", 6, 11, 0.07, 0.95, 0.52),
    Industry("Industrials", "Transportation", 3, 4, 0.06, 0.90, 0.60),
    Industry("Industrials", "Business Services", 5, 6, 0.06, 1.25, 0.54),
    Industry("Materials", "Chemicals", 3, 6, 0.07, 0.85, 0.52),
    Industry("Materials", "Metals and Mining", 2, 3, 0.07, 0.75, 0.50),
    Industry("Energy", "Oil and Gas", 4, 1, 0.08, 0.65, 0.50),
    Industry("Energy", "Energy Services", 1, 1, 0.05, 0.85, 0.52),
    Industry("Utilities", "Electric Utilities", 3, 2, 0.10, 0.33, 0.70),
    Industry("Real Estate", "Real Estate Management", 4, 3, 0.16, 0.20, 0.58),
)
SECTORS = tuple(dict.fromkeys(industry.sector for industry in INDUSTRIES))
SECTOR_OF = np.array([SECTORS.index(industry.sector) for industry in INDUSTRIES])
FINANCIALS = SECTORS.index("Financials")
SOFTWARE, HARDWARE = 0, 1


def quotas(n: int, market: str) -> np.ndarray:
    """Number of names of each industry among `n`: every sector has one, and software and hardware do."""
    shares = np.array([industry.us if market == "US" else industry.jp for industry in INDUSTRIES], dtype=float)
    wanted = shares / shares.sum() * n
    counts = np.floor(wanted).astype(int)
    order = np.argsort(-(wanted - counts), kind="stable")
    counts[order[: n - counts.sum()]] += 1
    largest = [int(np.argmax(np.where(np.equal(SECTOR_OF, sector), shares, -1))) for sector in range(1, len(SECTORS))]
    needed = [SOFTWARE, HARDWARE, *largest]
    for industry in needed:
        sector = np.equal(SECTOR_OF, SECTOR_OF[industry])
        if counts[industry] == 0 and (industry in (SOFTWARE, HARDWARE) or counts[sector].sum() == 0):
            spare = _largest_spare(counts, needed)
            counts[spare] -= 1
            counts[industry] = 1
    return counts


def deal(market: str, rng: np.random.Generator, halves: tuple[int, ...]) -> np.ndarray:
    """Industry of each name, names in order of size; the quotas hold in every half of the market."""
    return np.concatenate([rng.permutation(np.repeat(np.arange(len(INDUSTRIES)), quotas(size, market))) for size in halves])


def _largest_spare(counts: np.ndarray, needed: list[int]) -> int:
    """The fullest industry that can give a name away."""
    spare = counts - np.isin(np.arange(len(counts)), needed) * 1
    return int(np.argmax(np.where(spare > 0, counts, -1)))
