"""A certificate survives being written and read; what is no certificate is refused."""

import json
from dataclasses import replace

import numpy as np
import pytest

from optimizer import Mandate, replay, solve
from optimizer.errors import BadUniverse
from optimizer.proof_text import as_text, from_text
from optimizer.room import rooms, weight_limit

SMALL = Mandate(names=(8, 10), weight=(0.02, 0.2), sector_band=0.10)
TINY = Mandate(names=(3, 4), weight=(0.1, 0.5), sector_band=0.25, risk_band=(0.85, 1.2))


@pytest.mark.parametrize(
    ("mandate", "n", "periods"),
    [(SMALL, 60, 250), (replace(SMALL, objective="min_downside"), 60, 250), (replace(SMALL, risk_floor="vol"), 60, 250), (TINY, 10, 120)],
)
def test_a_written_certificate_proves_the_same_bound_to_the_bit(random_universe, mandate, n, periods):
    universe = random_universe(0, n, sectors=6 if n > 10 else 3, periods=periods)
    found = solve(universe, mandate, target_gap=1e-3, nodes=4)
    text = as_text(found.certificate)
    assert replay(from_text(text), universe, mandate) == replay(found, universe, mandate)
    assert as_text(from_text(text)) == text


def test_lines_that_leaves_share_are_written_once(random_universe):
    found = solve(random_universe(0, 10, sectors=3, periods=120), TINY, target_gap=1e-6, nodes=30)
    written = json.loads(as_text(found.certificate))
    assert len(written["certificate"]["leaves"]) > 1
    different = {id(line) for leaf in found.certificate.leaves for line in leaf.lines}
    assert len(written["lines"]) == len(different)


@pytest.mark.parametrize(
    "text", ["", "[]", "{}", '{"goal": "ratio", "lines": [], "leaves": [{"inside": [], "outside": [], "lines": [0]}]}']
)
def test_what_is_no_certificate_is_refused(text):
    with pytest.raises(BadUniverse, match="this is no certificate"):
        from_text(text)


def test_rooms_are_distances_to_the_limits(random_universe):
    """Eight names of 12.5 %: 0 over the fewest, 2 under the most; sectors by adding up."""
    universe = random_universe(1, 12)
    weights = np.zeros(12)
    weights[:8] = 0.125
    found = {room.rule: room for room in rooms(weights, universe, SMALL)}
    assert (found["names, at least"].room, found["names, at most"].room) == (0.0, 2.0)
    assert found["names, at least"].binds
    sector = universe.sector_weights[2]  # names 2 and 8 are of sector 2; one of them is held
    assert found["sector 2, at most"].room == pytest.approx(sector + 0.10 - 0.125)
    assert found["sector 2, at most"].concerns.tolist() == [i % 6 == 2 for i in range(12)]
    assert found["beta, at least"].room == pytest.approx(universe.beta[:8].mean() - 0.9)
    assert weight_limit(np.array([0.02, 0.2, 0.1, *[0.0] * 9]), universe, SMALL)[:4] == ["smallest weight", "largest weight", "", ""]
