"""The test of superior ability against that of the package arch, on the same losses."""

import numpy as np
import pytest
from arch.bootstrap import SPA

from optimizer.evidence_bootstrap import MEAN_BLOCK, superior_ability

PERIODS, SETS, DRAWS = 1200, 12, 1500


def losses(seed, best):
    """Twelve series of 1,200 periods: the first has a mean of `best` standard errors, the second is hopeless, the others are near zero."""
    rng = np.random.default_rng(seed)
    active = rng.standard_normal((PERIODS, SETS)) * rng.uniform(0.01, 0.05, SETS)
    active -= active.mean(axis=0)
    wanted = np.r_[best, -8.0, rng.uniform(-1.0, 0.2, SETS - 2)]  # studentised means
    return active + wanted * active.std(axis=0) / np.sqrt(PERIODS - 1)


@pytest.mark.parametrize(("seed", "best"), [(1, 0.8), (2, 1.8), (3, 2.6), (4, 4.5)])
def test_arch_finds_the_same_statistic_and_the_same_p_values(seed, best):
    """arch takes the largest mean as it stands, ours is divided by its standard error: so arch is given series of unit deviation.

    Ours divides every draw by its own error too and widens it for the blocks: over 1,200 periods both are below half a percent, and the
    p-values differ by chance alone. Each has the standard error sqrt(p (1 - p) / 1500); allowed are four of their difference.
    """
    active = losses(seed, best)
    ours = superior_ability(active, seed=seed, draws=DRAWS)
    unit = active / active.std(axis=0)
    oracle = SPA(np.zeros(PERIODS), -unit, block_size=int(MEAN_BLOCK), reps=DRAWS, bootstrap="stationary", seed=seed)
    oracle.compute()
    assert ours.statistic == pytest.approx(unit.mean(axis=0).max() * np.sqrt(PERIODS - 1), rel=1e-12)
    assert ours.statistic == pytest.approx(best, rel=1e-12)
    for mine, theirs in zip((ours.p_lower, ours.p_consistent, ours.p_upper), oracle.pvalues, strict=True):
        error = np.sqrt(2.0 * max(theirs, 1.0 / DRAWS) * (1.0 - theirs) / DRAWS)
        assert mine == pytest.approx(theirs, abs=4.0 * error + 1.0 / DRAWS)
