"""The search as a whole: a market by hand, and the same bits from every executor."""

from concurrent.futures import Executor, Future, ProcessPoolExecutor, ThreadPoolExecutor
from multiprocessing import get_context

import numpy as np
import pytest

import optimizer
from optimizer.errors import BadPanel
from optimizer.measures import sortino_ratio
from optimizer.search_panel import read_panel
from optimizer.search_planted import planted_panel


@pytest.fixture(scope="module")
def panel():
    return planted_panel(5, months=30, names=60, premia=np.array([0.004, 0.0, 0.0]), days=3)


@pytest.fixture(scope="module")
def result(panel):
    return optimizer.search(panel.scores, panel.returns, **panel.labels, holdings=8, cost=0.002)


def labels(months):
    names = [f"{2001 + m // 12}-{m % 12 + 1:02d}" for m in range(months + 1)]
    return {"decided_in": names[:-1], "earned_in": names[1:]}


def by_hand(**options):
    """Three names, two held, 24 months: factor a prefers names 0 and 1, from the second month on names 1 and 2; prices do not move."""
    scores = np.tile(np.array([3.0, 2.0, 1.0])[None, :, None], (24, 1, 1))
    scores[1:] = np.array([1.0, 2.0, 3.0])[None, :, None]
    scores[::2] += np.array([0.0, 0.5, 0.0])[None, :, None]
    returns = np.zeros((24, 3))
    returns[0] = [0.10, -0.02, 0.30]
    return optimizer.search(scores, returns, factors=["a"], **labels(24), holdings=2, **options)


def test_a_portfolio_earns_the_mean_of_its_names():
    """(10 % - 2 %) / 2 = 4 %; the benchmark, all three alike, earns 38 % / 3."""
    result = by_hand()
    assert result.monthly[0, 0] == pytest.approx(0.04, abs=1e-11)
    assert result.benchmark[0] == pytest.approx(0.38 / 3, abs=1e-15)
    assert result.monthly_active[0, 0] == pytest.approx(0.04 - 0.38 / 3, abs=1e-11)


def test_trading_is_what_separates_drifted_from_equal_weights():
    """First month: all bought, 1. Then the weights have drifted to 1.10/2.08 and 0.98/2.08: the first name is sold (0.5288), the second
    brought to one half (0.0288), the third bought (0.5). In the third month nothing has moved: nothing to do.
    """
    traded = by_hand().traded[:3, 0]
    assert traded == pytest.approx([1.0, 1.10 / 2.08 + (0.5 - 0.98 / 2.08) + 0.5, 0.0], abs=1e-6)


def test_costs_are_paid_on_the_weight_that_is_traded():
    """1 % of everything in the first month: 1.04 x 0.99 - 1."""
    assert by_hand(cost=0.01).monthly[0, 0] == pytest.approx(1.04 * 0.99 - 1.0, abs=1e-11)
    assert by_hand(cost=0.01).monthly[2, 0] == 0.0


def test_names_drift_within_the_month():
    """Two days, one name doubles on the first and halves on the second: 1, 1.5, 1. Daily rebalancing would end at 1.125."""
    scores = np.tile(np.array([3.0, 2.0, 1.0])[None, :, None], (24, 1, 1))
    days = [np.array([[1.0, 0.0, 0.0], [-0.5, 0.0, 0.0]])] * 24
    result = optimizer.search(scores, days, factors=["a"], **labels(24), holdings=2)
    assert result.monthly[0, 0] == 0.0
    assert result.own.total[0, 0] == pytest.approx(0.5 - 1 / 3, abs=1e-12)
    assert result.own.downside[0, 0] == pytest.approx(1 / 9, abs=1e-12)


def test_a_low_score_is_preferred_where_the_sign_says_so(panel):
    turned = optimizer.search(-panel.scores, panel.returns, **panel.labels, signs=[-1, -1, -1], holdings=8, cost=0.002)
    plain = optimizer.search(panel.scores, panel.returns, **panel.labels, holdings=8, cost=0.002)
    assert turned.fingerprint() == plain.fingerprint()


def test_names_outside_the_universe_are_not_bought(panel):
    """Leaving out the last twenty names is the same as a panel without them, whatever their scores say."""
    members = np.ones(panel.scores.shape[:2], dtype=bool)
    members[:, 40:] = False
    scores = np.where(members[:, :, None], panel.scores, np.nan)
    masked = optimizer.search(scores, panel.returns, **panel.labels, holdings=8, members=members)
    cut = optimizer.search(panel.scores[:, :40], [days[:, :40] for days in panel.returns], **panel.labels, holdings=8)
    assert masked.fingerprint() == cut.fingerprint()


def test_the_sortino_ratio_of_a_window_is_that_of_its_daily_returns():
    """Of one name per portfolio the daily returns are those of the name: subset {1} holds the name with the highest first score."""
    panel = planted_panel(8, months=30, names=40, premia=np.array([0.004]), days=12)
    held = optimizer.search(panel.scores, panel.returns, **panel.labels, holdings=1)
    window = slice(3, 28)
    series = [days[:, int(np.argmax(panel.scores[t, :, 0]))] for t, days in enumerate(panel.returns)][window]
    assert held.own.sortino(window)[0] == pytest.approx(sortino_ratio(np.concatenate(series).astype(float), periods_per_year=252), rel=1e-8)


class OneAfterTheOther(Executor):
    """Does the work when it is handed in."""

    def submit(self, fn, /, *args, **kwargs):
        future = Future()
        future.set_result(fn(*args, **kwargs))
        return future


def test_every_executor_gives_the_same_bits(panel, result):
    executors = [OneAfterTheOther(), ThreadPoolExecutor(1), ThreadPoolExecutor(3)]
    for executor in executors:
        with executor:
            other = optimizer.search(panel.scores, panel.returns, **panel.labels, holdings=8, cost=0.002, executor=executor)
        assert other.fingerprint() == result.fingerprint()
        assert (other.active.downside == result.active.downside).all()
        assert (other.traded == result.traded).all()


def test_two_processes_give_the_same_bits(panel, result):
    with ProcessPoolExecutor(2, mp_context=get_context("spawn")) as executor:
        other = optimizer.search(panel.scores, panel.returns, **panel.labels, holdings=8, cost=0.002, executor=executor)
    assert other.fingerprint() == result.fingerprint()


def test_the_compiled_engine_gives_the_same_bits_with_any_number_of_threads(panel, result):
    for threads in (1, 3):
        with ThreadPoolExecutor(threads) as executor:
            options = {"holdings": 8, "cost": 0.002, "executor": executor, "engine": "numba"}
            other = optimizer.search(panel.scores, panel.returns, **panel.labels, **options)
        assert other.fingerprint() == result.fingerprint()
        assert (other.active.downside == result.active.downside).all()
        assert (other.traded == result.traded).all()


def test_an_engine_that_is_not_there_is_an_error_that_names_the_others(panel):
    with pytest.raises(BadPanel, match="engine 'fortran' is not known; numpy, or numba"):
        optimizer.search(panel.scores, panel.returns, **panel.labels, holdings=8, engine="fortran")


@pytest.mark.slow
@pytest.mark.parametrize("engine", ["numpy", "numba"])
def test_a_dask_cluster_of_two_worker_processes_gives_the_same_bits(panel, result, engine):
    from distributed import Client, LocalCluster

    with (
        LocalCluster(n_workers=2, threads_per_worker=1, processes=True, dashboard_address=None) as cluster,
        Client(cluster) as client,
        client.get_executor() as executor,
    ):
        assert len(client.scheduler_info()["workers"]) == 2
        other = optimizer.search(panel.scores, panel.returns, **panel.labels, holdings=8, cost=0.002, executor=executor, engine=engine)
    assert other.fingerprint() == result.fingerprint()
    assert (other.active.downside == result.active.downside).all()


def test_a_month_added_equals_the_whole_searched_again(panel, result):
    first = {name: (values if name == "factors" else values[:27]) for name, values in panel.labels.items()}
    shorter = optimizer.search(panel.scores[:27], panel.returns[:27], **first, holdings=8, cost=0.002)
    longer = optimizer.extend(
        shorter, panel.scores[27:], panel.returns[27:], decided_in=panel.decided_in[27:], earned_in=panel.earned_in[27:]
    )
    assert longer.fingerprint() == result.fingerprint()
    for name in ("growth", "total", "squares", "downside"):
        assert (getattr(longer.own, name) == getattr(result.own, name)).all()
        assert (getattr(longer.active, name) == getattr(result.active, name)).all()
    assert (longer.traded == result.traded).all()
    assert (longer.premia == result.premia).all()


def test_no_month_changes_when_later_ones_are_removed(panel, result):
    first = {name: (values if name == "factors" else values[:25]) for name, values in panel.labels.items()}
    shorter = optimizer.search(panel.scores[:25], panel.returns[:25], **first, holdings=8, cost=0.002)
    assert (shorter.monthly == result.monthly[:25]).all()


def test_a_search_can_only_be_continued_by_the_month_after(panel, result):
    with pytest.raises(BadPanel, match="the search ends with"):
        optimizer.extend(result, panel.scores[:1], panel.returns[:1], decided_in=panel.decided_in[:1], earned_in=panel.earned_in[:1])


def test_the_fingerprint_changes_with_one_return(panel, result):
    returns = [days.copy() for days in panel.returns]
    returns[7] += 1e-6
    other = optimizer.search(panel.scores, returns, **panel.labels, holdings=8, cost=0.002)
    assert other.fingerprint() != result.fingerprint()


def test_premia_are_those_of_a_regression_on_standardised_ranks(result):
    month = result.months[4]
    ranks = month.ranks.astype(float)
    design = np.column_stack([np.ones(len(ranks)), (ranks - ranks.mean(axis=0)) / ranks.std(axis=0)])
    expected = np.linalg.lstsq(design, month.growth[:, -1] - 1.0, rcond=None)[0][1:]
    assert result.premia[4] == pytest.approx(expected, abs=1e-8)


def test_ranks_run_from_one_to_the_highest_that_fits_in_sixteen_bits():
    """Fourteen factors: 65,535 // 14 = 4,681. Five names at even distance, two of them tied at rank 1.5 of 1 to 5."""
    scores = np.tile(np.array([0.0, 0.0, 1.0, 2.0, 3.0])[None, :, None], (24, 1, 14))
    months = read_panel(
        scores,
        np.zeros((24, 5)),
        factors=[str(i) for i in range(14)],
        **labels(24),
        signs=None,
        members=None,
        benchmark=None,
        sectors=None,
        sector_limit=None,
        holdings=2,
    )
    assert months[0].ranks[:, 0].tolist() == [1 + 4680 // 8, 1 + 4680 // 8, 1 + 4680 // 2, 1 + 3 * 4680 // 4, 4681]
    assert int(months[0].ranks[-1].astype(int).sum()) == 65_534
