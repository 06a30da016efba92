"""Other libraries on the same random markets: time, ratio, and which rules of the mandate their answers break.

Not like for like, and said so in docs/benchmarks.md: they maximise the ratio over the scenarios of the names, may hold any number of names
(or at most 25 with SCIP), and know nothing of a least number of names, a beta floor or a volatility cap. Ours is solved for the
same scenarios with all rules on. Each run has a limit of processor seconds; one that ends there has no answer.
"""

import json
import subprocess
import tempfile
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np

from benchmarks.markets import market
from optimizer import Mandate, Universe, check, solve
from optimizer.certificate import mandate_rules
from optimizer.relaxation import relax
from optimizer.terms import terms

ROOT = Path(__file__).resolve().parents[1]
PYTHON = ROOT / ".venv-peers" / "bin" / "python"
PERIODS, SEED = 500, 1
LIMITS = {100: 40, 500: 60, 5000: 60}
MATERIAL = 1e-4  # of weight: less is a solver's tolerance, not a broken rule
LIBRARIES = ("skfolio", "skfolio with SCIP", "Riskfolio-Lib", "Riskfolio-Lib with SCIP", "PyPortfolioOpt")
TOO_LARGE = {"skfolio with SCIP", "Riskfolio-Lib with SCIP"}  # at 5,000 names no answer came at 500 either
CONTINUOUS = Mandate(names=(1, 10_000), weight=(1e-6, 0.0999), risk_band=(0.0, 9.0), risk_floor="none", downside="scenario")
OURS = {"ours, scenarios": Mandate(downside="scenario"), "ours, factors": Mandate()}


def with_scenarios(universe: Universe, seed: int) -> Universe:
    """Daily returns of each name: factors, and a specific part of normal shape; the mean is the expected return exactly."""
    rng = np.random.default_rng(20_000 + seed)
    own = rng.standard_normal((len(universe.factor_returns), len(universe))) * np.sqrt(universe.idio_var / universe.periods_per_year)
    returns = universe.factor_returns @ universe.exposures.T + own
    return replace(universe, scenarios=returns - returns.mean(axis=0) + universe.mu / universe.periods_per_year)


def lines(seeds: int = 1) -> Iterator[dict[str, object]]:
    """Rows of results: name, value, unit, goal, met; one seed, as each costs minutes."""
    del seeds
    for n, seconds in LIMITS.items():
        universe = with_scenarios(market(SEED, n, PERIODS), SEED)
        for name, mandate in OURS.items():
            if n == max(LIMITS) and mandate.downside == "scenario":
                continue
            start = time.process_time()
            found = solve(universe, mandate)
            yield from _lines(f"peers {n} names: {name}, gap {found.gap:.3%}", universe, found.weights, time.process_time() - start)
        if n < max(LIMITS):
            free = relax(terms(universe, CONTINUOUS, None, "ratio"), mandate_rules(universe, CONTINUOUS))
            yield _line(f"peers {n} names: ours, as loose as theirs (any number of names): ratio over scenarios", free.bound, "")
        for library in LIBRARIES:
            if n < max(LIMITS) or library not in TOO_LARGE:
                answer = _asked(library, universe, seconds)
                name = f"peers {n} names: {library}"
                if answer["weights"] is None:
                    yield _line(f"{name}: no answer ({answer['error'] or 'none given'}), CPU", answer["seconds"], "s")
                else:
                    yield from _lines(name, universe, np.array(answer["weights"]), answer["seconds"])


def _asked(library: str, universe: Universe, seconds: int) -> dict:
    with tempfile.TemporaryDirectory() as folder:
        instance = Path(folder) / "instance.npz"
        np.savez(instance, returns=universe.scenarios, sector=universe.sector, sector_weights=universe.sector_weights)
        script = str(ROOT / "benchmarks" / "optimizer_peers_run.py")
        command = [str(PYTHON), script, library, str(instance), str(seconds)]
        ran = subprocess.run(
            command, capture_output=True, text=True, check=False, env={"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
        )
    printed = [line for line in ran.stdout.splitlines() if line.startswith('{"weights"')]
    if not printed:
        return {"weights": None, "error": f"stopped at {seconds} CPU seconds", "seconds": float(seconds)}
    return json.loads(printed[-1])


def _lines(name: str, universe: Universe, weights: np.ndarray, seconds: float) -> Iterator[dict[str, object]]:
    kept = np.where(weights > 1e-6, weights, 0.0)  # dust of the solver is no position
    kept /= kept.sum()
    losses = np.minimum(universe.scenarios @ kept, 0.0)
    scenario_ratio = universe.mu @ kept / np.sqrt(universe.periods_per_year * np.mean(losses**2))
    broken = sorted({_kind(rule.rule) for rule in check(kept, universe, Mandate()) if abs(rule.value - rule.limit) > MATERIAL})
    yield _line(f"{name}: CPU", seconds, "s")
    yield _line(f"{name}: ratio over scenarios", scenario_ratio, "")
    yield _line(f"{name}: ratio over factors", universe.ratio(kept), "")
    yield _line(f"{name}: names", float((kept > 0).sum()), "")
    yield _line(f"{name}: broken rules ({', '.join(broken) or 'none'})", float(len(broken)), "")


def _kind(rule: str) -> str:
    return rule.split(",", maxsplit=1)[0].rstrip("0123456789 ") if rule.startswith("sector") else rule.split(",", maxsplit=1)[0]


def _line(name: str, value: float, unit: str) -> dict[str, object]:
    return {"name": name, "value": round(float(value), 6), "unit": unit, "goal": None, "met": None}
