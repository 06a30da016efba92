"""What the optimiser promises, on many problems: the best of all supports, an answer or a named refusal, and laws of scale and order."""

import itertools
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from optimizer import BadUniverse, Infeasible, Mandate, check, replay, solve
from optimizer.certificate import mandate_rules
from optimizer.polish import polish
from optimizer.relaxation import relax
from optimizer.terms import terms

FEW = Mandate(names=(3, 4), weight=(0.1, 0.5), sector_band=0.25, risk_band=(0.85, 1.2))
SMALL = Mandate(names=(6, 8), weight=(0.02, 0.25), sector_band=0.12)


def best_of_all_supports(universe, mandate, current):
    """Greatest ratio over every support that the count allows, or None where no support can keep the rules."""
    data, rules = terms(universe, mandate, current, "ratio"), mandate_rules(universe, mandate)
    fewest, most = mandate.names
    supports = (np.array(s) for m in range(fewest, most + 1) for s in itertools.combinations(range(len(universe)), m))
    return max((p.goodness for s in supports if (p := polish(data, rules, s, is_trial=True)) is not None), default=None)


def small_instance(random_universe, seed):
    """8 to 13 names, the large ones rarely; every third with holdings, costs and a turnover limit."""
    n = (8, 9, 8, 10, 8, 9, 11, 8, 9, 13)[seed % 10]
    universe = random_universe(seed, n, sectors=2 + seed % 2, styles=2, periods=60 + 20 * (seed % 4))
    if seed % 3:
        return universe, FEW, None
    current = np.zeros(n)
    current[np.random.default_rng(seed).choice(n, 4, replace=False)] = 0.24
    return universe, replace(FEW, trading_cost=0.01, turnover=0.7), current


def assert_the_best(universe, mandate, current):
    best = best_of_all_supports(universe, mandate, current)
    if best is None:
        with pytest.raises(Infeasible):
            solve(universe, mandate, current)
        return
    found = solve(universe, mandate, current, target_gap=1e-6, nodes=400)
    assert check(found.weights, universe, mandate, current) == []
    assert found.bound >= best * (1 - 1e-7)
    assert found.ratio == pytest.approx(best, rel=1e-5)


@pytest.mark.parametrize("seed", range(2))
def test_branching_finds_the_best_of_all_supports(random_universe, seed):
    assert_the_best(*small_instance(random_universe, seed))


@pytest.mark.slow
@pytest.mark.parametrize("tens", range(21))
def test_branching_finds_the_best_of_all_supports_210_times(random_universe, tens):
    for seed in range(10 * tens, 10 * tens + 10):
        assert_the_best(*small_instance(random_universe, seed))


def twisted(universe, kind, rng):
    """The universe with something wrong or odd about it."""
    n = len(universe)
    if kind == "nan":
        field = str(rng.choice(["mu", "idio_var", "beta", "exposures", "factor_returns", "sector_weights"]))
        broken = np.array(getattr(universe, field), dtype=float)
        broken.flat[rng.integers(broken.size)] = rng.choice([np.nan, np.inf])
        return {field: broken}
    if kind == "duplicates":
        half = np.arange(n) % (n // 2)
        return {name: getattr(universe, name)[half] for name in ("mu", "exposures", "idio_var", "sector", "beta")}
    return {
        "plain": {},
        "constant": {"mu": np.full(n, 0.05), "idio_var": np.full(n, 0.04)},
        "tiny": {"mu": 0.02 * universe.mu, "factor_returns": 0.02 * universe.factor_returns, "idio_var": 0.0004 * universe.idio_var}
        | {"benchmark_vol": 0.02 * universe.benchmark_vol},
        "wrong unit": {"benchmark_vol": 1e-4 * universe.benchmark_vol},
        "calm": {"factor_returns": 0 * universe.factor_returns},
        "losing": {"mu": -np.abs(universe.mu)},
        "zero": {"mu": 0 * universe.mu},
        "one factor": {"exposures": np.repeat(universe.exposures[:, :1], universe.exposures.shape[1], axis=1)},
        "no beta": {"beta": 0 * universe.beta},
        "wild": {"idio_var": 100 * universe.idio_var},
        "no capacity": {"capacity": rng.choice([0.0, 0.03, 1.0], n)},
        "extreme": {"mu": universe.mu * np.exp(3 * rng.standard_normal(n))},
    }[kind]


KINDS = (
    "plain",
    "nan",
    "duplicates",
    "constant",
    "tiny",
    "calm",
    "losing",
    "zero",
    "one factor",
    "no beta",
    "wild",
    "no capacity",
    "extreme",
)


def random_problem(random_universe, seed):
    rng = np.random.default_rng(seed)
    n = int(rng.integers(6, 26))
    base = random_universe(seed, n, sectors=int(rng.integers(1, 5)), styles=2, periods=int(rng.integers(2, 60)))
    most = int(rng.integers(3, 9))
    mandate = Mandate(
        names=(int(rng.integers(1, most + 1)), most),
        weight=(float(rng.choice([0.001, 0.02, 0.1])), float(rng.choice([0.12, 0.3, 1.0]))),
        sector_band=float(rng.choice([0.02, 0.1, 1.0])),
        risk_band=((0.0, 3.0), (0.8, 1.2), (0.95, 1.0))[rng.integers(3)],
        risk_floor=str(rng.choice(["beta", "beta", "none", "vol"])),
        trading_cost=float(rng.choice([0.0, 0.02])),
        turnover=rng.choice([None, 0.1, 0.6]),
        smallest_trade=float(rng.choice([0.0, 0.0, 0.02])),
        objective=str(rng.choice(["ratio", "ratio", "min_downside"])),
    )
    current = None
    if rng.random() < 0.5:
        current = np.zeros(n)
        current[rng.choice(n, min(n, most), replace=False)] = 0.98 / min(n, most)
    return base, KINDS[seed % len(KINDS)], mandate, current, rng


def answered(ask, refusal):
    """What is answered, and the refusal if nothing is."""
    try:
        return ask(), None
    except refusal as refused:
        return None, refused


def assert_an_answer_or_a_named_refusal(random_universe, seed):
    base, kind, mandate, current, rng = random_problem(random_universe, seed)
    universe, refused = answered(lambda: replace(base, **twisted(base, kind, rng)), BadUniverse)
    assert (universe is None) == (kind in {"nan", "wrong unit"}), (seed, kind, refused)
    if universe is None:
        assert any(words in str(refused) for words in ("NaN or infinite", "sum to 1", "check the units"))
        return
    found, refused = answered(lambda: solve(universe, mandate, current, nodes=4), Infeasible)
    if found is None:
        assert refused.shortfalls, (seed, kind, refused)
        assert all(amount > 0 for _, amount in refused.shortfalls)
        assert refused.shortfalls[0][0] in str(refused)
        return
    assert check(found.weights, universe, mandate, current) == [], (seed, kind)
    assert found.gap >= 0, (seed, kind)
    if found.certificate is not None:
        assert replay(found, universe, mandate, current) == pytest.approx(found.bound, rel=1e-6), (seed, kind)


@pytest.mark.parametrize("kind", range(len(KINDS)))
def test_each_odd_problem_ends_in_a_portfolio_or_a_named_refusal(random_universe, kind):
    assert_an_answer_or_a_named_refusal(random_universe, kind)


@pytest.mark.slow
@pytest.mark.parametrize("hundred", range(10))
def test_a_thousand_odd_problems_end_in_a_portfolio_or_a_named_refusal(random_universe, hundred):
    for seed in range(100 * hundred, 100 * hundred + 100):
        assert_an_answer_or_a_named_refusal(random_universe, seed)


few_examples = settings(max_examples=3, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.function_scoped_fixture])


@few_examples
@given(seed=st.integers(0, 1000), unit=st.sampled_from([0.5, 4.0]))
def test_the_unit_of_returns_does_not_matter(random_universe, seed, unit):
    """All returns and deviations in another unit (of money or of time): the same ratio and the same bound."""
    universe = random_universe(seed, 30)
    other = replace(
        universe,
        mu=unit * universe.mu,
        factor_returns=unit * universe.factor_returns,
        idio_var=unit**2 * universe.idio_var,
        benchmark_vol=unit * universe.benchmark_vol,
    )
    first, second = solve(universe, SMALL, nodes=0), solve(other, SMALL, nodes=0)
    assert second.ratio <= first.bound * (1 + 1e-6)
    assert first.ratio <= second.bound * (1 + 1e-6)
    assert second.ratio == pytest.approx(first.ratio, rel=1e-2)


@few_examples
@given(seed=st.integers(0, 1000))
def test_any_order_of_the_names_gives_the_same_bits(random_universe, seed):
    universe = random_universe(seed, 30)
    order = np.random.default_rng(seed).permutation(30)
    found, shuffled = solve(universe, SMALL, nodes=0), solve(universe.take(order), SMALL, nodes=0)
    assert shuffled.weights.tobytes() == found.weights[order].tobytes()
    assert (shuffled.ratio, shuffled.bound) == (found.ratio, found.bound)


@few_examples
@given(seed=st.integers(0, 1000))
def test_a_dominated_name_changes_nothing_that_is_proved(random_universe, seed):
    """A copy of a name with less return and more specific risk: no portfolio gets better by more than the gap allows."""
    wider = random_universe(seed, 31)
    worst = int(np.argmin(wider.mu[:30]))
    wider = replace(
        wider,
        **{name: np.r_[getattr(wider, name)[:30], getattr(wider, name)[[worst]]] for name in ("exposures", "sector", "beta")},
        mu=np.r_[wider.mu[:30], wider.mu[worst] - 0.1],
        idio_var=np.r_[wider.idio_var[:30], 2 * wider.idio_var[worst]],
    )
    universe = wider.take(np.arange(30))
    found, with_it = solve(universe, SMALL, nodes=0), solve(wider, SMALL, nodes=0)
    assert with_it.weights[30] == 0
    assert with_it.ratio <= found.bound * (1 + 1e-9)
    assert found.ratio <= with_it.bound * (1 + 1e-9)


@pytest.mark.parametrize("seed", [0, pytest.param(1, marks=pytest.mark.slow), pytest.param(2, marks=pytest.mark.slow)])
def test_the_continuous_optimum_is_that_of_skfolio(random_universe, seed):
    """Sortino ratio with a minimum acceptable return of 0 on the names' own scenarios, weights up to 20 %, sectors within 10 points."""
    import pandas as pd
    from skfolio.measures import RiskMeasure
    from skfolio.optimization import MeanRisk, ObjectiveFunction

    universe = random_universe(seed, 25, sectors=3, periods=200)
    own = np.random.default_rng(seed).standard_normal((200, 25)) * np.sqrt(universe.idio_var / 252)
    returns = universe.factor_returns @ universe.exposures.T + own
    universe = replace(universe, scenarios=returns - returns.mean(axis=0) + universe.mu / 252)
    free = Mandate(names=(1, 25), weight=(1e-6, 0.2), sector_band=0.1, risk_band=(0.0, 9.0), risk_floor="none", downside="scenario")
    ours = relax(terms(universe, free, None, "ratio"), mandate_rules(universe, free))
    rows = [f"s{k} <= {w + 0.1}" for k, w in enumerate(universe.sector_weights)]
    rows += [f"s{k} >= {w - 0.1}" for k, w in enumerate(universe.sector_weights) if w > 0.1]
    theirs = MeanRisk(
        objective_function=ObjectiveFunction.MAXIMIZE_RATIO,
        risk_measure=RiskMeasure.SEMI_DEVIATION,
        min_acceptable_return=0.0,
        max_weights=0.2,
        groups={name: [f"s{k}"] for name, k in zip(universe.ids, universe.sector, strict=True)},
        linear_constraints=rows,
        solver="CLARABEL",
        solver_params={"tol_gap_abs": 1e-10, "tol_gap_rel": 1e-10, "tol_feas": 1e-10},
    )
    weights = theirs.fit(pd.DataFrame(universe.scenarios, columns=list(universe.ids))).weights_
    losses = np.minimum(universe.scenarios @ weights, 0.0)
    ratio = universe.mu @ weights / np.sqrt(252 * np.mean(losses**2))
    assert ours.bound == pytest.approx(ratio, rel=1e-5)
